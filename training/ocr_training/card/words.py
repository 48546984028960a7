"""The two written normalisations under which readings are compared with the truth."""

from __future__ import annotations

import functools
import json
import unicodedata
from pathlib import Path

from ocr_training.scoring import normalise

VARIANTS = "variants.json"  # in the folder of `make fonts`


@functools.cache
def simplified(fonts: Path) -> dict[str, str]:
    """Traditional character -> simplified; empty where `make fonts` has not brought the table."""
    path = fonts / VARIANTS
    if not path.exists():
        return {}
    table: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["simplified"]
    return table


def strict(text: str, *, upper: bool = False) -> str:
    """First scoring: NFKC, spaces removed, case kept; upper: both sides in upper case."""
    plain = normalise(text)
    return plain.upper() if upper else plain


def lenient(text: str, table: dict[str, str]) -> str:
    """Second scoring: also case-folded, traditional to simplified, punctuation dropped."""
    folded = normalise(text).casefold()
    kept = (c for c in folded if not unicodedata.category(c).startswith("P"))
    return "".join(table.get(c, c) for c in kept)


def has_traditional(text: str, table: dict[str, str]) -> bool:
    return any(c in table for c in text)
