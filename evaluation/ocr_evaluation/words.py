"""How texts are compared: two written normalisations, and scripts by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ocr_rollout.core.texts import NORMALISATION, SECOND, lenient, plain

from .labels import DatasetError


@dataclasses.dataclass(frozen=True)
class Wording:
    """ignore_case: categories whose labels do not say what case the paper has.

    table: traditional character -> simplified, for the second normalisation.
    """

    ignore_case: frozenset[str] = frozenset()
    table: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def first(self, text: str, category: str) -> str:
        kept = plain(text)
        return kept.upper() if category in self.ignore_case else kept

    def second(self, text: str) -> str:
        return lenient(text, self.table)

    @property
    def name(self) -> str:
        """The first one, in words that stand beside every figure."""
        ignored = ", ".join(sorted(self.ignore_case))
        return f"{NORMALISATION} ({ignored}: case ignored)" if ignored else NORMALISATION

    def to_json(self) -> dict[str, Any]:
        known = "" if self.table else " (no table given)"
        return {"normalisation": self.name, "second_normalisation": f"{SECOND}{known}"}


def table(content: bytes, name: str) -> dict[str, str]:
    """Of a JSON document with an object `simplified`. Raises DatasetError."""
    try:
        found = json.loads(content)["simplified"]
        if all(isinstance(one, str) and len(one) == 1 for pair in found.items() for one in pair):
            return dict(found)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise DatasetError(f"{name}: needs an object `simplified` of characters by characters")


def script(text: str) -> str:
    """What a text is written in, as far as its letters say."""
    han = any("\u3400" <= c <= "\u9fff" or "\U00020000" <= c <= "\U0003ffff" for c in text)
    latin = any(c.isalpha() and c < "\u0250" for c in plain(text))
    if han or latin:
        return "Chinese and Latin" if han and latin else "Chinese" if han else "Latin"
    return "other letters" if any(c.isalpha() for c in text) else "digits and signs"
