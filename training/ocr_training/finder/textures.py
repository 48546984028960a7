"""Grounds without text that text stands on: leaves, bricks, slats, windows, clouds, cracks.

Each gives gray levels 0..255 as float32 of the shape asked for. What is left without text teaches
what text is not.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
Shape = tuple[int, int]


def texture(shape: Shape, rng: np.random.Generator) -> Pixels:
    """One of them, or one over another."""
    drawn = _KINDS[rng.integers(len(_KINDS))](shape, rng)
    if rng.random() < 0.3:
        over = _KINDS[rng.integers(len(_KINDS))](shape, rng)
        share = np.float32(rng.uniform(0.2, 0.6))
        drawn = (1 - share) * drawn + share * over
    if rng.random() < 0.3:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.7, 4)), np.float32)
    drawn = np.clip(drawn, 0, 255)
    return np.asarray(drawn, np.float32)


def clouds(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Noise at several scales, coarse ones stronger: plaster, stone, sky, skin."""
    rows, columns = shape
    page = np.full(shape, rng.uniform(40, 220), np.float32)
    cell, depth = rng.uniform(0.2, 0.6) * max(shape), rng.uniform(15, 60)
    fade = rng.uniform(0.4, 0.9)
    while cell > 1.5 and depth > 2:
        size = (max(2, round(columns / cell)), max(2, round(rows / cell)))
        coarse = rng.standard_normal(size[::-1], dtype=np.float32) * np.float32(depth)
        page += cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
        cell, depth = cell / 2.5, depth * fade
    return page


def leaves(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Shapes of all sizes over each other, small ones most: foliage, gravel, goods, crowds."""
    rows, columns = shape
    page = np.full(shape, rng.uniform(30, 200), np.float32)
    middle, spread = rng.uniform(50, 190), rng.uniform(10, 70)
    least, most = rng.uniform(2, 14), rng.uniform(0.05, 0.4) * max(shape)
    count = int(min(1500, rng.uniform(0.5, 2.5) * rows * columns / (least * most)))
    sizes = least * (most / least) ** (rng.random(count) ** 2)
    sizes[::-1].sort()
    corners = int(rng.choice((0, 3, 4, 6)))
    for size in sizes.tolist():
        x, y = int(rng.uniform(0, columns)), int(rng.uniform(0, rows))
        level = float(np.clip(rng.normal(middle, spread), 0, 255))
        if corners:
            angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
            ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * size
            points = np.rint(ring * (1, rng.uniform(0.3, 1)) + (x, y)).astype(np.int32)
            cv2.fillPoly(page, [points], level, cv2.LINE_AA)
        else:
            axes = (max(1, round(size)), max(1, round(size * rng.uniform(0.25, 1))))
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(page, (x, y), axes, turn, 0, 360, level, -1, cv2.LINE_AA)
    return page


def bricks(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Bricks or tiles with joints, each a little different."""
    rows, columns = shape
    page = np.full(shape, rng.uniform(60, 210), np.float32)
    wall, spread = rng.uniform(50, 220), rng.uniform(2, 20)
    high = rng.uniform(10, 70)
    wide, joint = high * rng.uniform(1, 4), rng.uniform(1, 0.25 * high)
    shift = rng.uniform(0.3, 0.5) * wide if rng.random() < 0.7 else 0.0
    for i, y in enumerate(np.arange(-high, rows, high).tolist()):
        for x in np.arange(-wide - (i % 2) * shift, columns, wide).tolist():
            start, end = (round(x), round(y)), (round(x + wide - joint), round(y + high - joint))
            cv2.rectangle(page, start, end, float(rng.normal(wall, spread)), -1)
    return np.asarray(page + clouds(shape, rng) * np.float32(rng.uniform(0, 0.2)), np.float32)


def slats(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Bars of a fence, stairs, blinds, corrugated sheet."""
    rows, columns = shape
    angle = (0.0, np.pi / 2, rng.uniform(0, np.pi))[rng.integers(3)]
    x = np.arange(columns, dtype=np.float32)[None] * np.float32(np.cos(angle))
    y = np.arange(rows, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    period, level, depth = rng.uniform(4, 60), rng.uniform(50, 200), rng.uniform(15, 90)
    phase = ((x + y) / np.float32(period)) % 1
    if rng.random() < 0.5:
        wave = np.cos(2 * np.pi * phase) * np.float32(depth)
    else:
        wave = np.where(phase < rng.uniform(0.1, 0.6), np.float32(-depth), np.float32(depth))
    return np.asarray(level + wave + clouds(shape, rng) * np.float32(0.2), np.float32)


def windows(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A front of windows, shelves, keys: small boxes in rows, some of them missing."""
    rows, columns = shape
    page = np.asarray(0.4 * clouds(shape, rng) + rng.uniform(20, 150), np.float32)
    high = rng.uniform(6, 50)
    wide, pitch_x, pitch_y = high * rng.uniform(0.4, 2), rng.uniform(1.2, 2.5), rng.uniform(1.3, 3)
    level, spread, kept = rng.uniform(0, 255), rng.uniform(3, 40), rng.uniform(0.5, 1)
    for y in np.arange(rng.uniform(0, high), rows, pitch_y * high).tolist():
        for x in np.arange(rng.uniform(0, wide), columns, pitch_x * wide).tolist():
            if rng.random() < kept:
                start, end = (round(x), round(y)), (round(x + wide), round(y + high))
                shade = float(np.clip(rng.normal(level, spread), 0, 255))
                cv2.rectangle(page, start, end, shade, -1 if rng.random() < 0.9 else 1)
    return page


def cracks(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Twigs, wires, scratches, folds: lines bent by chance, over clouds."""
    page = clouds(shape, rng)
    thickest = int(rng.integers(2, 6))
    for _ in range(int(rng.integers(10, 150))):
        steps = rng.normal(0, rng.uniform(3, 40), (int(rng.integers(2, 9)), 2))
        path = np.cumsum(steps, axis=0) + rng.uniform(0, 1, 2) * shape[::-1]
        points = np.rint(path).astype(np.int32).reshape(-1, 1, 2)
        level = float(rng.uniform(0, 255))
        cv2.polylines(page, [points], False, level, int(rng.integers(1, thickest)), cv2.LINE_AA)
    return page


def slopes(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A slope of brightness with a few large shapes: walls, packages, slides."""
    rows, columns = shape
    corner = rng.uniform(30, 230, (2, 2)).astype(np.float32)
    page = np.asarray(cv2.resize(corner, (columns, rows), interpolation=cv2.INTER_LINEAR))
    for _ in range(int(rng.integers(0, 8))):
        points = rng.uniform(-0.2, 1.2, (int(rng.integers(3, 6)), 2)) * shape[::-1]
        cv2.fillPoly(page, [points.astype(np.int32)], float(rng.uniform(20, 240)), cv2.LINE_AA)
    return np.asarray(page, np.float32)


# Small boxes in rows are what looks most like text.
_KINDS = (clouds, leaves, leaves, bricks, slats, windows, windows, windows, cracks, slopes, slopes)
