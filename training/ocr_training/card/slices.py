"""Parts of a set that are expected to be harder, by what the text and the pixels say."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from ocr_preprocessing.fast import Gray
from ocr_rollout.core.texts import BANDS, band, plain
from ocr_training.card.samples import Sample
from ocr_training.card.words import has_traditional

LOW_ROWS = 16  # pixels of source height
FAINT_RANGE = 80  # gray levels between the 2nd and the 98th percentile


def slices(table: Mapping[str, str]) -> dict[str, Callable[[Sample], bool]]:
    """Name -> membership. table: traditional -> simplified; without it that slice is left out."""
    parts: dict[str, Callable[[Sample], bool]] = {
        **{name: functools.partial(_is_of_band, name) for name in BANDS},
        "half or more digits": lambda s: _digits(s.truth) * 2 >= _length(s),
        "Latin and Chinese mixed": lambda s: _mixed(s.truth),
        f"lower than {LOW_ROWS} px": lambda s: s.image.shape[0] < LOW_ROWS,
        "light on dark (by pixels)": lambda s: light_on_dark(s.image),
        f"contrast below {FAINT_RANGE} levels": lambda s: _range(s.image) < FAINT_RANGE,
    }
    if table:
        known = dict(table)
        parts["traditional characters"] = lambda s: has_traditional(s.truth, known)
    return parts


def light_on_dark(image: Gray) -> bool:
    """More of the pixels lie nearer to the darkest than to the brightest (2 % cut at each end)."""
    low, middle, high = np.percentile(image, [2, 50, 98])
    return bool(middle - low < high - middle)


def _length(sample: Sample) -> int:
    return len(plain(sample.truth))


def _is_of_band(name: str, sample: Sample) -> bool:
    return band(_length(sample)) == name


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _mixed(text: str) -> bool:
    return any(c.isascii() and c.isalpha() for c in text) and any(
        "\u4e00" <= c <= "\u9fff" for c in text
    )


def _range(image: Gray) -> float:
    low, high = np.percentile(image, [2, 98])
    return float(high - low)
