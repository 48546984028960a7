"""Handwriting drawn from the stroke medians of `hanzi-writer-data`, each time a little different.

All characters of a line at once: one by one, most of the time went into calling NumPy.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training.glyphs import EM, Glyph

Points = npt.NDArray[np.float32]

_SHIFT = 3  # fractional bits of OpenCV's drawing coordinates
_POINTS = 9  # a stroke
_PAD = 0.15  # ems of room around a character
_SIZE = int(EM * (1 + 2 * _PAD))
ASCENT = 900 / 1024  # ems from the top of a character to its baseline


class Strokes:
    """Medians of each character as arrays (strokes, 9, 2) in ems, y down from the ascender."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError saying what to run."""
        self._raw = _packed(path)
        self._medians: dict[str, Points] = {}

    def __contains__(self, character: str) -> bool:
        return character in self._raw

    def draw(self, characters: Sequence[str], hand: Hand, rng: np.random.Generator) -> list[Glyph]:
        """One writing of each, in this hand; raises KeyError for one that has no strokes."""
        if not characters:
            return []
        medians = [self._of(character) for character in characters]
        rolls = _Rolls.of([len(strokes) for strokes in medians], rng)
        points = _wild(np.concatenate(medians), rolls, hand)
        if hand.running:
            points = _apart(points, rolls, rng)
        points = _warp(points, rolls, hand)
        starts = _lifted(points, rolls, hand)
        points = points.reshape(-1, 2)
        bounds = np.append(np.flatnonzero(starts), len(starts)) * _POINTS
        _round(points, bounds, hand)
        first, last = bounds[:-1], bounds[1:]
        advances = np.full(len(medians), EM * hand.advance)
        if hand.running:
            points = _resized(points, rolls, hand, rng)
            cut = rng.integers(0, 2, (2, len(first)))  # a point is an eighth of a stroke
            first, last = first + cut[0], last - cut[1]
            advances *= 1 + rng.normal(0, 0.1, len(medians))
        pixels = np.rint((points + _PAD) * EM * (1 << _SHIFT)).astype(np.int32)
        runs = [pixels[one:end] for one, end in zip(first.tolist(), last.tolist(), strict=True)]
        canvases = _inked(runs, np.bincount(rolls.character[starts]), hand.pen)
        left, top = -int(_PAD * EM), -int((_PAD + ASCENT) * EM)
        return [
            Glyph(canvas, left, top, advance)
            for canvas, advance in zip(canvases, advances.tolist(), strict=True)
        ]

    def _of(self, character: str) -> Points:
        """Resampled when first drawn: doing it for all of them takes seconds."""
        if character not in self._medians:
            strokes = [np.asarray(stroke, np.float32) for stroke in self._raw[character]]
            self._medians[character] = np.stack([_resample(stroke) for stroke in strokes])
        return self._medians[character]


@functools.cache
def _packed(path: Path) -> Mapping[str, list[list[list[float]]]]:
    """Of a million numbers, for makers of training and of evaluation alike."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; run `make fonts`")
    packed: dict[str, list[list[list[float]]]] = json.loads(path.read_text("utf-8"))
    return packed


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
        self.passes = int(self.rounding > 0.2)  # of rounding
        self.running = running
        if running:
            self.joining = float(rng.uniform(0.35, 0.95))
            self.reach = float(rng.uniform(0.4, 0.85))
            self.rounding = float(rng.uniform(0.2, 0.8))
            self.passes = int(rng.integers(1, 5)) + int(self.rounding > 0.2)
            self.advance *= float(rng.uniform(0.8, 1.0))
            self.evenness = float(rng.uniform(0, 1))  # 0: few strokes, small character
            self.pen = int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25]))


@dataclasses.dataclass(frozen=True)
class _Rolls:
    """What is drawn by chance for the characters of a line, one character after the other, which
    the lines of evaluation depend on.

    counts: strokes of each character. character: of each stroke. shift (strokes, 1, 2), size
    (strokes, 1, 1), wobble (strokes, 3, 2), bend (characters, 5): normal. join (strokes,): uniform.
    """

    counts: npt.NDArray[np.int64]
    character: npt.NDArray[np.int64]
    shift: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    wobble: npt.NDArray[np.float64]
    bend: npt.NDArray[np.float64]
    join: npt.NDArray[np.float64]

    @classmethod
    def of(cls, counts: list[int], rng: np.random.Generator) -> _Rolls:
        normal, join = [], []
        for count in counts:
            normal.append(rng.standard_normal(9 * count + 5))
            join.append(rng.random(count))
        each = list(zip(counts, normal, strict=True))
        return cls(
            counts=np.array(counts),
            character=np.repeat(np.arange(len(counts)), counts),
            shift=np.concatenate([rolls[: 2 * n] for n, rolls in each]).reshape(-1, 1, 2),
            size=np.concatenate([rolls[2 * n : 3 * n] for n, rolls in each]).reshape(-1, 1, 1),
            wobble=np.concatenate([rolls[3 * n : 9 * n] for n, rolls in each]).reshape(-1, 3, 2),
            bend=np.stack([rolls[9 * n :] for n, rolls in each]),
            join=np.concatenate(join),
        )


_EVENLY = np.arange(_POINTS)
_basis = np.linspace(0, 1, _POINTS)
_SMOOTH = np.stack([np.sin(np.pi * k * _basis) for k in (1, 2, 3)], axis=1).astype(np.float32)


def _resample(stroke: Points) -> Points:
    """Evenly spaced points; the source has y up from -124 to 900."""
    steps = stroke[1:] - stroke[:-1]
    along = np.zeros(len(stroke))
    along[1:] = np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))
    at = _EVENLY * (along[-1] / (_POINTS - 1))
    points = np.empty((_POINTS, 2), np.float32)
    points[:, 0] = np.interp(at, along, stroke[:, 0]) / 1024
    points[:, 1] = (900 - np.interp(at, along, stroke[:, 1])) / 1024
    return points


def _wild(points: Points, rolls: _Rolls, hand: Hand) -> Points:
    """Each stroke (strokes, 9, 2) moved, of another size, bent; changes `points`."""
    points += (0.022 * hand.wildness * rolls.shift).astype(np.float32)
    centre = points.mean(axis=1, keepdims=True)
    points = centre + (points - centre) * (
        1 + (0.06 * hand.wildness * rolls.size).astype(np.float32)
    )
    wobble = (0.012 * hand.wildness * rolls.wobble).astype(np.float32)
    points += np.einsum("pk,skd->spd", _SMOOTH, wobble)
    return points


def _apart(points: Points, rolls: _Rolls, rng: np.random.Generator) -> Points:
    """The first strokes of a character and the others, as its parts mostly are, each of a size and
    a place of their own; of four strokes at least.
    """
    firsts = np.cumsum(rolls.counts) - rolls.counts
    many = rolls.counts >= 4
    starts = np.zeros(len(points), bool)
    starts[firsts] = True
    starts[firsts[many] + rng.integers(2, rolls.counts[many] - 1)] = True
    at = np.flatnonzero(starts)
    part = np.cumsum(starts) - 1
    own = many[rolls.character[at]][:, None]
    size = 1 + 0.12 * own * rng.standard_normal((len(at), 2))
    shift = 0.035 * own * rng.standard_normal((len(at), 2))
    centre = np.add.reduceat(points.mean(axis=1), at) / np.bincount(part)[:, None]
    moved = centre + shift - centre * size
    apart = points * size[part][:, None] + moved[part][:, None]
    return np.asarray(apart, np.float32)


def _warp(points: Points, rolls: _Rolls, hand: Hand) -> Points:
    """Slant, tilt, width and a smooth bend of each whole character."""
    x, y = points[..., 0] - 0.5, points[..., 1] - 0.5
    bend = (0.05 * hand.wildness * rolls.bend)[rolls.character][..., None]
    new_x = hand.squeeze * x - hand.slant * y + bend[:, 0] * np.sin(3 * y) + bend[:, 1] * x * y
    new_y = y - hand.tilt * x + bend[:, 2] * np.sin(3 * x) + bend[:, 3] * x * y
    size = 1 + bend[:, 4]
    return np.stack([new_x * size + 0.5, new_y * size + 0.5], axis=-1).astype(np.float32)


def _lifted(points: Points, rolls: _Rolls, hand: Hand) -> npt.NDArray[np.bool_]:
    """Before which strokes the pen is lifted: fast hands join some to the stroke before."""
    gaps = np.hypot(*(points[1:, 0] - points[:-1, -1]).T)
    lifted = np.ones(len(points), bool)
    lifted[1:] = (rolls.join[1:] >= hand.joining) | (gaps >= hand.reach)
    lifted[1:] |= rolls.character[1:] != rolls.character[:-1]
    return lifted


def _round(points: Points, bounds: npt.NDArray[np.int64], hand: Hand) -> None:
    """Pulls points (points, 2) towards the mean of their neighbours, but for the ends of runs, in
    place. bounds: (runs + 1,) where each run begins and the last ends.
    """
    inner = np.ones((len(points), 1), bool)
    inner[bounds[:-1]] = inner[bounds[1:] - 1] = False
    for _ in range(hand.passes):
        pull = hand.rounding * ((points[:-2] + points[2:]) / 2 - points[1:-1])
        points[1:-1] += pull * inner[1:-1]


def _resized(points: Points, rolls: _Rolls, hand: Hand, rng: np.random.Generator) -> Points:
    """Each character (its points in a row of (points, 2)) of another size and height."""
    few = np.maximum(0.0, 1 - rolls.counts / 8)
    size = 1 + rng.normal(0, 0.09, len(few))
    size *= 1 - (1 - hand.evenness) * 0.3 * few
    moved = np.stack([np.zeros(len(few)), rng.normal(0, 0.05, len(few))], axis=1) + 0.5
    of = np.repeat(np.arange(len(few)), rolls.counts * _POINTS)
    return ((points - 0.5) * size[of][:, None] + moved[of]).astype(np.float32)


def _inked(
    runs: list[npt.NDArray[np.int32]], counts: npt.NDArray[np.int64], pen: int
) -> npt.NDArray[np.uint8]:
    """A canvas for each character. counts: of the runs that are its own, in their order."""
    canvases = np.zeros((len(counts), _SIZE, _SIZE), np.uint8)
    ends = np.cumsum(counts).tolist()
    for canvas, first, end in zip(canvases, [0, *ends[:-1]], ends, strict=True):
        cv2.polylines(canvas, runs[first:end], False, 255, pen, cv2.LINE_AA, _SHIFT)
    return canvases
