"""What is compared with the truth, and which characters are traditional ones."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from ocr_rollout.core.texts import plain

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
    kept = plain(text)
    return kept.upper() if upper else kept


def has_traditional(text: str, table: dict[str, str]) -> bool:
    return any(c in table for c in text)
