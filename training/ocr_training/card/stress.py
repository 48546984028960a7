"""One difficulty at a time, on otherwise ordinary made print: what a recogniser cannot take.

The lines of every set have the same texts, faces and places, so sets differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray
from ocr_training import overlays
from ocr_training.lines import LineMaker
from ocr_training.overlays import Pixels

Change = Callable[[Pixels, np.random.Generator], Pixels]
SEED = 4_111


def stress_lines(maker: LineMaker, count: int) -> Iterator[tuple[str, int, Gray, str]]:
    """`count` lines of each set: (set, number, gray image, text). A function of the maker."""
    watermark = maker.ink("仅供办理业务使用")
    for number in range(count):
        _, line = maker.raw(SEED, number, "print", length=10)
        image, line = maker.raw(SEED, number, "print", text=maker.traditional(line.text))
        yield "traditional characters", number, image, line.text
    for name, change in (*CHANGES.items(), ("watermark", _watermark(watermark))):
        for number in range(count):
            image, line = maker.raw(SEED, number, "print", length=10)
            rng = np.random.default_rng((SEED, number, 1))
            changed = change(image.astype(np.float32), rng)
            yield name, number, np.clip(changed, 0, 255).astype(np.uint8), line.text


def _same(image: Pixels, _rng: np.random.Generator) -> Pixels:
    return image


def _ink_of(image: Pixels) -> float:
    """Gray level of the text: the extreme that fewer pixels are near to."""
    low, middle, high = np.percentile(image, [2, 50, 98])
    return float(low if high - middle < middle - low else high)


def _struck(image: Pixels, rng: np.random.Generator) -> Pixels:
    overlays.strike_through(image, _ink_of(image), rng)
    return image


def _underlined(image: Pixels, rng: np.random.Generator) -> Pixels:
    overlays.underline(image, _ink_of(image), rng)
    return image


def _shadow(image: Pixels, rng: np.random.Generator) -> Pixels:
    overlays.shadow(image, rng.uniform(0.4, 0.75), rng)
    return image


def _occluded(image: Pixels, rng: np.random.Generator) -> Pixels:
    level = float(np.median(image))
    for _ in range(max(1, image.shape[1] // (3 * image.shape[0]))):
        overlays.stain(image, level, rng)
    return image


def _low(image: Pixels, _rng: np.random.Generator) -> Pixels:
    width = max(4, round(image.shape[1] * 10 / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, 10), interpolation=cv2.INTER_AREA), np.float32)


def _faint(image: Pixels, rng: np.random.Generator) -> Pixels:
    level = float(np.median(image))
    grain = rng.standard_normal(image.shape, dtype=np.float32) * 2
    return np.asarray(level + (image - level) * np.float32(0.12) + grain, np.float32)


def _inverse(image: Pixels, _rng: np.random.Generator) -> Pixels:
    return 255 - image


def _blurred(image: Pixels, _rng: np.random.Generator) -> Pixels:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), image.shape[0] * 0.05), np.float32)


def _noisy(image: Pixels, rng: np.random.Generator) -> Pixels:
    return image + rng.standard_normal(image.shape, dtype=np.float32) * 25


def _skewed(image: Pixels, _rng: np.random.Generator) -> Pixels:
    """By three degrees, as a page that was laid on the glass carelessly."""
    rows, columns = image.shape
    rise = int(np.ceil(columns * np.tan(np.radians(3))))
    matrix = np.array([[1, 0, 0], [np.tan(np.radians(3)), 1, 0]], np.float32)
    size = (columns, rows + rise)
    return np.asarray(
        cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _watermark(text: Gray) -> Change:
    def change(image: Pixels, rng: np.random.Generator) -> Pixels:
        depth = rng.uniform(30, 80) * (1 if np.median(image) > 100 else -1)
        overlays.watermark(image, text, depth, rng)
        return image

    return change


CHANGES: dict[str, Change] = {
    "nothing": _same,
    "struck through": _struck,
    "underlined": _underlined,
    "shadow across": _shadow,
    "strokes hidden": _occluded,
    "10 px high": _low,
    "contrast of 12 %": _faint,
    "inverted": _inverse,
    "blur of 5 % of the height": _blurred,
    "noise of 25 levels": _noisy,
    "skewed by 3 degrees": _skewed,
}
