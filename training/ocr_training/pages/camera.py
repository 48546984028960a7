"""From a sheet to its picture: turned, seen aslant, lit, blurred, noisy; quads follow."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training import degrade

from .sheet import Pixels, TrueLine

MOST_SKEW = 15.0  # degrees that scans are turned by at most


def cleanly(
    pixels: Pixels, lines: list[TrueLine], rng: np.random.Generator
) -> tuple[Pixels, list[TrueLine]]:
    """As it was made: a file that never was on paper, or a screenshot."""
    del rng
    return pixels, lines


def scanned(
    pixels: Pixels, lines: list[TrueLine], rng: np.random.Generator
) -> tuple[Pixels, list[TrueLine]]:
    """On a flatbed: turned, its edges seen, specks, noise, the other side shining through."""
    rows, columns = pixels.shape
    angle = float(rng.normal(0, 1.5) if rng.random() < 0.8 else rng.uniform(-MOST_SKEW, MOST_SKEW))
    if rng.random() < 0.25:
        ghost = cv2.GaussianBlur(pixels[:, ::-1], (0, 0), 2.5)
        pixels = pixels - (np.float32(pixels.max()) - ghost) * np.float32(rng.uniform(0.03, 0.12))
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]]) @ matrix[:, :2].T
    corners += matrix[:, 2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    matrix[:, 2] -= low
    size = (int(np.ceil(high[0] - low[0])), int(np.ceil(high[1] - low[1])))
    ground = float(rng.choice((255.0, 250.0, 20.0), p=(0.6, 0.25, 0.15)))
    full = np.vstack([matrix, [0, 0, 1]])
    picture, moved = _seen(pixels, lines, full, size, ground)
    if rng.random() < 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 0.9)).astype(np.float32)
    if rng.random() < 0.5:
        _specks(picture, rng)
    return degrade.noise(picture, float(rng.uniform(0.5, 8)), rng), moved


def photographed(
    pixels: Pixels, lines: list[TrueLine], rng: np.random.Generator
) -> tuple[Pixels, list[TrueLine]]:
    """On a desk, from the hand: perspective, shadow, uneven light, blur, noise."""
    rows, columns = pixels.shape
    flat = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    angle = np.radians(rng.normal(0, 3))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    seen = (flat - flat.mean(axis=0)) @ turn.T
    seen += rng.normal(0, 0.02, (4, 2)) * (columns, rows)
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = (high - low) * rng.uniform(0.01, 0.08, 2)
    seen += room - low
    width, height = (high - low + 2 * room).astype(int).tolist()
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), seen.astype(np.float32))
    desk = float(rng.uniform(20, 140))
    picture, moved = _seen(pixels, lines, np.asarray(matrix, np.float64), (width, height), desk)
    picture *= _light((height, width), rng)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 1.2)).astype(np.float32)
    return degrade.noise(picture, float(rng.uniform(2, 9)), rng), moved


def _seen(
    pixels: Pixels,
    lines: list[TrueLine],
    matrix: npt.NDArray[np.float64],
    size: tuple[int, int],
    ground: float,
) -> tuple[Pixels, list[TrueLine]]:
    picture = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=ground)
    moved = []
    for line in lines:
        corners = np.array([line.quad], np.float64)
        quad = cv2.perspectiveTransform(corners, matrix)[0].tolist()
        moved.append(dataclasses.replace(line, quad=tuple((x, y) for x, y in quad)))
    return np.asarray(picture, np.float32), moved


def _light(shape: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Factors of brightness: a slope, soft clouds, and now and then the shadow of a hand."""
    clouds = rng.uniform(0.75, 1.05, (3, 3)).astype(np.float32)
    light = cv2.resize(clouds, shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.5:
        x = np.arange(shape[1], dtype=np.float32)[None] - rng.uniform(0, shape[1])
        y = np.arange(shape[0], dtype=np.float32)[:, None] - rng.uniform(0, shape[0])
        angle = rng.uniform(0, 2 * np.pi)
        side = (np.cos(angle) * x + np.sin(angle) * y) / rng.uniform(5, 60)
        light *= 1 - rng.uniform(0.15, 0.5) / (1 + np.exp(-np.clip(side, -30, 30)))
    return np.asarray(light, np.float32)


def _specks(picture: Pixels, rng: np.random.Generator) -> None:
    """Dust: dark dots of one to four pixels."""
    rows, columns = picture.shape
    for _ in range(int(rng.integers(5, 120))):
        x, y = int(rng.integers(columns)), int(rng.integers(rows))
        size = int(rng.integers(1, 4))
        picture[y : y + size, x : x + size] = rng.uniform(0, 120)
