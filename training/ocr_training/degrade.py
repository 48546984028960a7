"""What paper, light, lenses and compression do to a line, before it is scaled down."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]

CLEAN = {"print": 0.45, "scan": 0.5}  # of lines with black ink on white paper

_NORMAL: Pixels = np.random.default_rng(1).standard_normal(1 << 18, dtype=np.float32)
_UNIFORM: Pixels = np.random.default_rng(2).random(1 << 18, dtype=np.float32)


def paper(shape: tuple[int, int], kind: str, rng: np.random.Generator, harm: float = 1.0) -> Pixels:
    """Background (rows, columns) in gray levels. harm: how often it is uneven, 1 as in training."""
    if kind in {"sign", "photo"} and rng.random() < 0.6:
        level = rng.uniform(90, 245)
    elif kind in CLEAN and rng.random() < CLEAN[kind]:
        level = rng.uniform(238, 255)
    else:
        level = rng.uniform(185, 255)
    page = np.full(shape, level, np.float32)
    if rng.random() < {"print": 0.1, "scan": 0.3}.get(kind, 0.6) * harm:
        page += _clouds(shape, rng, rng.uniform(3, 25))
    if kind in {"photo", "sign"} and rng.random() < 0.35 * harm:
        page *= _shadow(shape, rng)
    return page


def _clouds(shape: tuple[int, int], rng: np.random.Generator, amount: float) -> Pixels:
    """Slow brightness changes: few random values, scaled up smoothly."""
    cells = (int(rng.integers(2, 5)), int(rng.integers(2, 2 + max(1, shape[1] // 40))))
    small = rng.normal(0, amount, cells).astype(np.float32)
    return np.asarray(cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _shadow(shape: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A straight soft edge, darker on one side."""
    rows, columns = shape
    angle = rng.uniform(0, 2 * np.pi)
    x = np.arange(columns, dtype=np.float32)[None] - rng.uniform(0, columns)
    y = np.arange(rows, dtype=np.float32)[:, None] - rng.uniform(0, rows)
    side = np.cos(angle) * x + np.sin(angle) * y
    edge = 1 / (1 + np.exp(-np.clip(side / rng.uniform(2, 30), -30, 30)))
    return np.asarray(1 - rng.uniform(0.1, 0.55) * edge, np.float32)


def write(
    page: Pixels,
    ink: npt.NDArray[np.uint8],
    kind: str,
    rng: np.random.Generator,
    harm: float = 1.0,
) -> tuple[Pixels, float]:
    """Ink 0..255 over the page: dark on light, or light on dark where signs do so.

    Returns the image and the gray level of the ink.
    """
    level = float(page.mean())
    inverse = rng.random() < {"sign": 0.45, "photo": 0.12, "print": 0.08}.get(kind, 0.03)
    contrast = _contrast(kind, rng)
    if inverse:
        page = page * rng.uniform(0.1, 0.6)
        level = float(page.mean())
        colour = level + contrast * (255 - level)
    else:
        colour = level * (1 - contrast)
    cover = ink * np.float32(1 / 255)
    if kind == "photo" and rng.random() < 0.3 * harm:  # thermal print fades in patches
        cover *= np.clip(1 - np.abs(_clouds(ink.shape, rng, 0.35)), 0.25, 1)
    if rng.random() < 0.12 * harm and kind != "handwriting":  # dots missing, as of a dry ribbon
        cover *= _sample(_UNIFORM, ink.shape, rng) > rng.uniform(0.02, 0.25)
    cover *= np.float32(colour) - page
    cover += page
    return cover, float(colour)


def _contrast(kind: str, rng: np.random.Generator) -> float:
    """Of ink to paper, 0..1. Red on green has hardly any in gray."""
    if kind in {"photo", "sign"}:
        return rng.uniform(0.1, 0.25) if rng.random() < 0.08 else rng.uniform(0.25, 1.0)
    if rng.random() < CLEAN.get(kind, 0):
        return rng.uniform(0.85, 1.0)
    return rng.uniform(0.45, 1.0)


def outline(ink: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Hollow letters, as on posters."""
    size = int(rng.integers(3, 6))
    return np.asarray(cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, np.ones((size, size), np.uint8)))


def rules(page: Pixels, rng: np.random.Generator) -> None:
    """Ruled or squared paper, table lines and underlines, drawn in place."""
    rows, columns = page.shape
    colour = float(page.mean()) * rng.uniform(0.3, 0.85)
    thickness = int(rng.integers(1, 3))
    for y in rng.integers(0, rows, size=rng.integers(1, 3)):
        cv2.line(page, (0, int(y)), (columns, int(y + rng.integers(-2, 3))), colour, thickness)
    if rng.random() < 0.3:
        step = int(rng.integers(rows // 2, 3 * rows))
        for x in range(int(rng.integers(0, step)), columns, step):
            cv2.line(page, (x, 0), (x, rows), colour, thickness)


def bleed_through(page: Pixels, ink: npt.NDArray[np.uint8], rng: np.random.Generator) -> Pixels:
    """The other side of the sheet: the ink mirrored, blurred and faint."""
    ghost = cv2.GaussianBlur(ink[:, ::-1], (0, 0), rng.uniform(1, 3)).astype(np.float32) / 255
    return np.asarray(page - ghost * rng.uniform(10, 50), np.float32)


def blur(image: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Out of focus, or moved. strength: sigma in pixels."""
    if rng.random() < 0.7:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.1, strength)), np.float32)
    length = max(2, int(2.5 * strength))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    centre, reach = (length - 1) / 2, (length - 1) / 2
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    start = (round(centre - dx), round(centre - dy))
    cv2.line(kernel, start, (round(centre + dx), round(centre + dy)), 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)


def noise(image: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of `sigma` gray levels."""
    grain = _sample(_NORMAL, image.shape, rng)
    return np.asarray(image + grain * np.float32(sigma), np.float32)


def _sample(pool: Pixels, shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    """A stretch of a fixed pool from a random place: noise at a tenth of its price."""
    count = shape[0] * shape[1]
    if count > len(pool) // 2:
        return np.asarray(np.resize(np.roll(pool, int(rng.integers(len(pool)))), shape), np.float32)
    start = int(rng.integers(len(pool) - count))
    return np.asarray(pool[start : start + count].reshape(shape), np.float32)


def moire(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Waves as of a photographed screen."""
    rows, columns = image.shape
    fx, fy = rng.uniform(-0.5, 0.5, 2)
    x = np.arange(columns, dtype=np.float32)[None]
    y = np.arange(rows, dtype=np.float32)[:, None]
    waves = rng.uniform(2, 14) * np.sin(2 * np.pi * (fx * x + fy * y))
    return np.asarray(image + waves, np.float32)


def jpeg(image: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
