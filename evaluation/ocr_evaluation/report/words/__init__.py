"""Every sentence of a report, in the languages that there are, and how figures are written.

What the judge, a person or the audit log said stays as it was said: people search for it.
"""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Mapping
from typing import Any, Final

from ocr_rollout.core.intervals import Estimate

from . import en, zh

LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"en": en.TEXTS, "zh": zh.TEXTS}
NOTHING: Final = "–"
_FIRM: Final = "\u00a0"  # a space at which no line is broken


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        """`{share:.1%}` -> `5.0 %`, as everywhere else."""
        said = str(format(value, format_spec))
        return f"{said[:-1]} %" if format_spec.endswith("%") else said


_FORMATTER: Final = _Formatter()


@dataclasses.dataclass(frozen=True)
class Words:
    """language: one of LANGUAGES."""

    language: str = "en"

    def __call__(self, key: str, **values: Any) -> str:
        said = _FORMATTER.vformat(LANGUAGES[self.language][key], (), values)
        return said.replace(" %", f"{_FIRM}%")

    def rule(self, name: str) -> str:
        return self._named("rule", name)

    def role(self, name: str) -> str:
        return self._named("line", name)

    def kind(self, name: str) -> str:
        """Kinds are configured words, a few of which have names."""
        return self._named("kind", name)

    def _named(self, sort: str, name: str) -> str:
        """As it is where the language has no word for it."""
        key = f"{sort}.{name}"
        return self(key) if key in LANGUAGES[self.language] else name


def percent(share: float | None, digits: int = 1) -> str:
    return NOTHING if share is None else f"{share * 100:.{digits}f}{_FIRM}%"


def weight(basis_points: int) -> str:
    return f"{basis_points / 100:g}{_FIRM}%"


def interval(found: Estimate | None, *, n: bool = True) -> str:
    """`68.7 % (62.2..74.5), n 217`."""
    if found is None:
        return NOTHING
    shown = f"{percent(found.value)} ({found.low * 100:.1f}..{found.high * 100:.1f})"
    return f"{shown}, n {found.n:,}" if n else shown


def points(value: float, low: float | None, high: float | None, digits: int = 1) -> str:
    """A difference of shares: `+11.3 % (+2.2..+20.1)`."""
    shown = f"{value * 100:+.{digits}f}{_FIRM}%"
    if low is None or high is None:
        return shown
    return f"{shown} ({low * 100:+.{digits}f}..{high * 100:+.{digits}f})"


def milliseconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f} ms"


def number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4g}"
