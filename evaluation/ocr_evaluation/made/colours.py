"""Paper and ink by kind: BGR, 0..255, before light falls on them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from .kinds import Kind

Colour = npt.NDArray[np.float32]

# Dark and light of a sign: roads, shops, notices, brass, wood, stone.
_SIGNS: Final = (
    ((70, 110, 20), (250, 250, 250)),
    ((150, 75, 10), (250, 250, 250)),
    ((30, 20, 180), (250, 250, 250)),
    ((25, 25, 25), (20, 200, 250)),
    ((25, 25, 25), (245, 245, 245)),
    ((30, 60, 110), (215, 235, 245)),
    ((20, 20, 120), (70, 195, 240)),
    ((80, 80, 80), (235, 235, 235)),
    ((80, 40, 20), (200, 200, 205)),
    ((35, 55, 85), (235, 240, 240)),
    ((70, 70, 75), (160, 165, 170)),
)
# Told apart by hue rather than by light.
_FAINT: Final = (
    ((60, 60, 200), (105, 150, 95)),
    ((170, 110, 60), (90, 150, 200)),
    ((95, 105, 110), (140, 145, 150)),
)
_PENS: Final = ((150, 60, 30), (35, 30, 30), (110, 45, 25), (90, 90, 95), (50, 40, 190))
_FORMS: Final = ((40, 40, 40), (120, 60, 40), (45, 75, 130), (70, 50, 45))
_TINTS: Final = ((225, 245, 255), (255, 240, 225), (235, 235, 255), (225, 250, 230))


def paper_and_ink(
    kind: Kind, rng: np.random.Generator, *, inverse: bool, thermal: bool
) -> tuple[Colour, Colour]:
    """inverse: the letters are the lighter ones."""
    if kind == "sign":
        pairs = _FAINT if rng.random() < 0.06 else _SIGNS
        dark, light = (_near(one, 14, rng) for one in pairs[rng.integers(len(pairs))])
    else:
        light, dark = _paper(kind, rng), _ink(kind, rng, thermal=thermal)
    return (dark, light) if inverse else (light, dark)


def _paper(kind: Kind, rng: np.random.Generator) -> Colour:
    if kind == "scan":
        gray = rng.uniform(238, 255) if rng.random() < 0.55 else rng.uniform(205, 240)
        yellow = rng.uniform(8, 28) if rng.random() < 0.25 else 0.0
        return np.array([gray - yellow, gray - yellow / 4, gray], np.float32)
    if rng.random() < {"print": 0.15, "invoice": 0.2, "handwriting": 0.3}[kind]:
        return _near(_TINTS[rng.integers(len(_TINTS))], 8, rng)
    low = {"print": 244, "invoice": 225, "handwriting": 228}[kind]
    return np.full(3, rng.uniform(low, 255), np.float32)


def _ink(kind: Kind, rng: np.random.Generator, *, thermal: bool) -> Colour:
    if thermal:
        return np.asarray(rng.uniform(35, 110) + np.array([8, 0, 2]), np.float32)
    if kind == "handwriting":
        return _near(_PENS[rng.integers(len(_PENS))], 20, rng)
    if kind == "invoice":
        return _near(_FORMS[rng.integers(len(_FORMS))], 15, rng)
    if kind == "print" and rng.random() < 0.2:  # headings and links
        return _near(((150, 60, 20), (30, 30, 170), (110, 110, 110))[rng.integers(3)], 20, rng)
    return np.full(3, rng.uniform(0, 60), np.float32)


def _near(colour: tuple[int, int, int], spread: float, rng: np.random.Generator) -> Colour:
    near = np.asarray(colour, np.float32) + rng.uniform(-spread, spread, 3).astype(np.float32)
    return np.asarray(np.clip(near, 0, 255), np.float32)
