"""Lines that climb, run away or stand on an arc, as words of signs do in an upright crop."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

SPREAD = 14.0  # degrees, standard deviation
STEEPEST = 38.0  # degrees
HIGHEST = 1.4  # line heights that a line climbs at most: more leaves too few rows to read


def steep(mask: Mask, rng: np.random.Generator, *, neighbours: bool = False) -> Mask:
    """The crop around a line seen from the side: grown as it climbs, columns where they were.

    A slope, an arc and a taper together; upright strokes stay upright, as in perspective.
    neighbours: lines above and below reach into the corners that the climbing line leaves.
    """
    rows, columns = mask.shape
    angle = np.radians(np.clip(rng.normal(0, SPREAD), -STEEPEST, STEEPEST))
    rise = float(np.clip(np.tan(angle) * columns, -HIGHEST * rows, HIGHEST * rows))
    arch = rows * (rng.normal(0, 0.28) if rng.random() < 0.35 else 0.0)
    small = rng.uniform(0.5, 1.0)  # height of the far end
    ends = (1.0, small) if rng.random() < 0.5 else (small, 1.0)
    along = np.linspace(0, 1, columns, dtype=np.float32)
    middle = rise * (along - 0.5) + arch * (4 * along * (1 - along) - 0.5)
    height = ends[0] + (ends[1] - ends[0]) * along
    top = float((middle - height * rows / 2).min())
    bottom = float((middle + height * rows / 2).max())
    grown = np.arange(round(bottom - top), dtype=np.float32)[:, None] + np.float32(top)
    source_y = ((grown - middle) / height + np.float32(rows / 2)).astype(np.float32)
    source_x = np.broadcast_to(np.arange(columns, dtype=np.float32)[None], source_y.shape)
    if neighbours:
        mask = np.vstack([_other(mask, rng), mask, _other(mask, rng)])
        source_y += np.float32(rows)
    return np.asarray(
        cv2.remap(mask, source_x.copy(), source_y, cv2.INTER_LINEAR, borderValue=0), np.uint8
    )


def _other(mask: Mask, rng: np.random.Generator) -> Mask:
    """Something of the same make that says nothing: mirrored, from another place on."""
    return np.roll(mask[:, ::-1], int(rng.integers(mask.shape[1])), axis=1)
