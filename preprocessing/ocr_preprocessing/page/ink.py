"""Which pixels are ink: darker, or lighter, than the paper around them.

A closing with a window wider than any stroke is the paper without its ink, however uneven the
light; what the page lies below it is ink. Done at a quarter of the size, where it costs little.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.fast import Gray, noise_level

CELL = 4  # pixels of the page to one of the small picture
WINDOW = 17  # cells: 68 pixels, more than the strokes and about the pitch of lines of text
SQUARE: Gray = np.ones((WINDOW, WINDOW), np.uint8)
HALO = 2 * WINDOW * CELL  # rows around a strip that its ink depends on
SHARE = 0.4  # of the depth of the ink nearby: edges of strokes are half as deep
LEAST_DEPTH = 16  # gray levels; JPEG blocks and the other side of the sheet stay below it
MOST_DEPTH = 56  # so that faint writing is found beside a black picture, too
LEAST_PAPER = 0.4  # of the window; heavy type on a light ground leaves that much of it
DARK_PAPER = 0.55  # of the window; the paper of light letters covers more than they do
DARKER = 48  # gray levels; light letters differ from their ground by more
GROUND = 50  # cells: a word of four letters, 14 pixels high
NOISES = 4.0  # standard deviations of the page's noise that ink must be deeper than
SMOOTHED = 3.0  # gray levels of noise from which on the page is smoothed first


def noise_of(gray: Gray) -> float:
    """Standard deviation of the noise in gray levels, from every eighth pair of rows."""
    rows = gray.shape[0] & ~15
    sample = gray[:rows].reshape(-1, 16, gray.shape[1])[:, :2].reshape(-1, gray.shape[1])
    return noise_level(sample if len(sample) else gray)


def smoothed(gray: Gray, noise: float) -> tuple[Gray, float]:
    """The page with less noise, and the standard deviation of what is left."""
    if noise < SMOOTHED:
        return gray, noise
    size = 3 if noise < 4 * SMOOTHED else 5
    # What is left of white noise after OpenCV's binomial kernels of 3 and of 5.
    return np.asarray(cv2.GaussianBlur(gray, (size, size), 0), np.uint8), noise * (
        0.375 if size == 3 else 0.273
    )


def ink(gray: Gray, noise: float) -> tuple[Gray, Gray]:
    """Dark ink of a page (H, W) UINT8, H and W multiples of CELL: 255 where there is some.

    Also how much darker than its paper each pixel is, in gray levels.
    """
    rows, columns = gray.shape
    small = _shrunk(gray)
    paper = _paper(small)
    depth = cv2.subtract(cv2.resize(paper, (columns, rows), interpolation=cv2.INTER_LINEAR), gray)
    deepest = cv2.dilate(depth, np.ones((CELL, CELL), np.uint8))[::CELL, ::CELL]
    nearby = cv2.dilate(deepest, SQUARE)
    least = max(LEAST_DEPTH, NOISES * noise)
    limits = np.clip(SHARE * np.arange(256), least, max(least, MOST_DEPTH)).astype(np.uint8)
    low = np.asarray(np.where(_is_paper(small, paper), limits[nearby], 255), np.uint8)
    limit = cv2.resize(low, (columns, rows), interpolation=cv2.INTER_LINEAR)
    found = cv2.compare(depth, limit, cv2.CMP_GT)
    return np.asarray(found, np.uint8), np.asarray(depth, np.uint8)


def has_dark_ground(gray: Gray) -> bool:
    """Whether there is a place as large as a word where the paper itself may be dark."""
    small = _shrunk(gray)
    negative = np.asarray(cv2.bitwise_not(small), np.uint8)
    paper, ground = _paper(small), _paper(negative)
    dark = _is_paper(negative, ground, least=DARK_PAPER)
    contrast = cv2.subtract(paper, cv2.bitwise_not(ground))
    return int(np.count_nonzero(dark & (contrast > DARKER))) > GROUND


def _shrunk(gray: Gray) -> Gray:
    size = tuple(max(1, side // CELL) for side in gray.shape[::-1])
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _paper(small: Gray) -> Gray:
    """The picture without what is darker and smaller than the window."""
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, SQUARE, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(closed, np.uint8)


def _is_paper(small: Gray, paper: Gray, *, least: float = LEAST_PAPER) -> npt.NDArray[np.bool_]:
    """Where enough of the window is nearer to the paper than to the ink, were it dark ink.

    Else the paper between dark letters would be light ink, and the other way round.
    """
    lowest = cv2.morphologyEx(small, cv2.MORPH_OPEN, SQUARE, borderType=cv2.BORDER_REPLICATE)
    mean = cv2.blur(small, SQUARE.shape, borderType=cv2.BORDER_REPLICATE)
    above = cv2.subtract(mean, lowest).astype(np.float32)
    return np.asarray(above >= least * cv2.subtract(paper, lowest), np.bool_)
