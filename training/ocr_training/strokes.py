"""Handwriting drawn from the stroke medians of `hanzi-writer-data`, each time a little different."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training.glyphs import EM, Glyph

_SHIFT = 3  # fractional bits of OpenCV's drawing coordinates
_POINTS = 9  # a stroke
ASCENT = 900 / 1024  # ems from the top of a character to its baseline


class Strokes:
    """Medians of each character as arrays (strokes, 9, 2) in ems, y down from the ascender."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError saying what to run."""
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing; run `make fonts`")
        self._raw: dict[str, list[list[list[float]]]] = json.loads(path.read_text("utf-8"))
        self._medians: dict[str, npt.NDArray[np.float32]] = {}

    def __contains__(self, character: str) -> bool:
        return character in self._raw

    def draw(self, character: str, hand: Hand, rng: np.random.Generator) -> Glyph:
        """One writing of the character in this hand."""
        strokes = self._of(character)
        count = len(strokes)
        points = strokes.copy()
        points += rng.normal(0, 0.022 * hand.wildness, (count, 1, 2)).astype(np.float32)
        centre = points.mean(axis=1, keepdims=True)
        scale = 1 + rng.normal(0, 0.06 * hand.wildness, (count, 1, 1)).astype(np.float32)
        points = centre + (points - centre) * scale
        wobble = rng.normal(0, 0.012 * hand.wildness, (count, 3, 2)).astype(np.float32)
        points += np.einsum("pk,skd->spd", _SMOOTH, wobble)
        if hand.running:
            points = _apart(points, rng)
        points = _warp(points, hand, rng)
        runs = _join(points, hand, rng)
        advance = EM * hand.advance
        if hand.running:
            runs = _hurried(runs, count, hand, rng)
            advance *= 1 + rng.normal(0, 0.1)
        pad = 0.15
        size = int(EM * (1 + 2 * pad))
        canvas = np.zeros((size, size), np.uint8)
        for run in runs:
            pixels = np.rint((run + pad) * EM * (1 << _SHIFT)).astype(np.int32)
            cv2.polylines(
                canvas, [pixels.reshape(-1, 1, 2)], False, 255, hand.pen, cv2.LINE_AA, _SHIFT
            )
        return Glyph(canvas, -int(pad * EM), -int((pad + ASCENT) * EM), advance)

    def _of(self, character: str) -> npt.NDArray[np.float32]:
        """Resampled when first drawn: doing it for all of them takes seconds."""
        if character not in self._medians:
            strokes = [np.asarray(stroke, np.float32) for stroke in self._raw[character]]
            self._medians[character] = np.stack([_resample(stroke) for stroke in strokes])
        return self._medians[character]


class Hand:
    """What stays the same along a line of one writer.

    running: the hand is in a hurry. Most strokes are joined, corners go, dots become one, parts of
    a character drift, what has few strokes is written smaller.
    """

    def __init__(self, rng: np.random.Generator, *, running: bool = False) -> None:
        self.wildness = float(rng.uniform(0.5, 2.2))
        self.pen = int(rng.integers(1, 5))
        self.slant = float(rng.normal(0, 0.12))
        self.tilt = float(rng.normal(0.05, 0.06))  # horizontals rise to the right
        self.joining = float(rng.choice([0.0, 0.15, 0.4, 0.7], p=[0.35, 0.25, 0.25, 0.15]))
        self.rounding = float(rng.uniform(0, 0.6))
        self.advance = float(rng.uniform(0.82, 1.15))
        self.squeeze = float(rng.uniform(0.78, 1.1))
        self.reach = 0.5  # ems that the pen is dragged over paper at most
        self.running = running
        if running:
            self.joining = float(rng.uniform(0.35, 0.95))
            self.reach = float(rng.uniform(0.4, 0.85))
            self.rounding = float(rng.uniform(0.2, 0.8))
            self.passes = int(rng.integers(1, 5))  # of rounding
            self.advance *= float(rng.uniform(0.8, 1.0))
            self.evenness = float(rng.uniform(0, 1))  # 0: few strokes, small character
            self.pen = int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25]))


_EVENLY = np.arange(_POINTS)
_basis = np.linspace(0, 1, _POINTS)
_SMOOTH = np.stack([np.sin(np.pi * k * _basis) for k in (1, 2, 3)], axis=1).astype(np.float32)


def _resample(stroke: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Evenly spaced points; the source has y up from -124 to 900."""
    steps = stroke[1:] - stroke[:-1]
    along = np.zeros(len(stroke))
    along[1:] = np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))
    at = _EVENLY * (along[-1] / (_POINTS - 1))
    points = np.empty((_POINTS, 2), np.float32)
    points[:, 0] = np.interp(at, along, stroke[:, 0]) / 1024
    points[:, 1] = (900 - np.interp(at, along, stroke[:, 1])) / 1024
    return points


def _warp(
    points: npt.NDArray[np.float32], hand: Hand, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Slant, tilt, width and a smooth bend of the whole character."""
    x, y = points[..., 0] - 0.5, points[..., 1] - 0.5
    bend = rng.normal(0, 0.05 * hand.wildness, 4)
    new_x = hand.squeeze * x - hand.slant * y + bend[0] * np.sin(3 * y) + bend[1] * x * y
    new_y = y - hand.tilt * x + bend[2] * np.sin(3 * x) + bend[3] * x * y
    size = 1 + rng.normal(0, 0.05 * hand.wildness)
    return np.stack([new_x * size + 0.5, new_y * size + 0.5], axis=-1).astype(np.float32)


def _join(
    points: npt.NDArray[np.float32], hand: Hand, rng: np.random.Generator
) -> list[npt.NDArray[np.float32]]:
    """Strokes as pen runs: fast hands join consecutive strokes and round their corners."""
    runs: list[npt.NDArray[np.float32]] = []
    joins = rng.random(len(points)) < hand.joining
    for stroke, joined in zip(points, joins, strict=True):
        if runs and joined and np.hypot(*(stroke[0] - runs[-1][-1])) < hand.reach:
            runs[-1] = np.concatenate([runs[-1], stroke])
        else:
            runs.append(stroke)
    if hand.rounding > 0.2:
        runs = [_round(run, hand.rounding) for run in runs]
    return runs


def _round(run: npt.NDArray[np.float32], amount: float) -> npt.NDArray[np.float32]:
    """Pulls inner points towards the mean of their neighbours."""
    result = np.array(run)
    result[1:-1] += amount * ((run[:-2] + run[2:]) / 2 - run[1:-1])
    return result


def _apart(points: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The first strokes and the others, as parts of a character mostly are, each of a size and a
    place of their own.
    """
    count = len(points)
    if count < 4:
        return points
    first = int(rng.integers(2, count - 1))
    parts = []
    for part in (points[:first], points[first:]):
        centre = part.mean(axis=(0, 1))
        size, shift = 1 + rng.normal(0, 0.12, 2), rng.normal(0, 0.035, 2)
        parts.append((part - centre) * size + centre + shift)
    return np.concatenate(parts).astype(np.float32)


def _hurried(
    runs: list[npt.NDArray[np.float32]], strokes: int, hand: Hand, rng: np.random.Generator
) -> list[npt.NDArray[np.float32]]:
    """Runs cut short at their ends and rounded again; the whole of another size and height."""
    size = 1 + rng.normal(0, 0.09)
    size *= 1 - (1 - hand.evenness) * 0.3 * max(0.0, 1 - strokes / 8)
    shift = np.array((0.0, rng.normal(0, 0.05)), np.float32)

    def hurried(run: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        for _ in range(hand.passes):
            run = _round(run, hand.rounding)
        first, last = rng.integers(0, 2, 2)  # a point is an eighth of a stroke
        kept = (run[first : len(run) - last] - 0.5) * size + 0.5 + shift
        return np.asarray(kept, np.float32)

    return [hurried(run) for run in runs]
