"""Whether an answer can be what stands on paper: nothing, nonsense, or a text.

| check | says | not said of |
|---|---|---|
| `empty` | no visible character | - |
| `control` | U+FFFD, control, private or unassigned characters | tabs and line ends |
| `repeats` | a unit with a letter over and over, or hardly any different pair of letters | `------`, `00000`, `XXXX`, laughter |
| `mojibake` | UTF-8 or GBK read as something else | accented words |
| `scripts` | three scripts mixed within words | signs in three languages |
| `rare` | mostly characters that hardly any text uses | names, idioms, traditional script |
| `symbols` | a heap of different symbols | rules and frames of tables |
| `confidence` | less than half of what 99 % of the arm's answers reach | - |

Meant for lines and short pages in Chinese and Latin script; what a person would have to look up
(random digits, a made-up word) is not called garbled. False positives count against a candidate,
so each check leaves out what ordinary paper holds; `tests/rollout/test_garbled.py` measures both.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

Kind = Literal["ok", "empty", "garbled"]

_CONTROL: Final = frozenset({"Cc", "Cn", "Co", "Cs"})
_VISIBLE_WHITE: Final = "\t\n\r\x0b\x0c"
# A unit of up to six characters, again and again; how often is too often depends on its length.
_UNIT: Final = re.compile(r"(.{1,6}?)\1{3,}", re.DOTALL)
_TOO_OFTEN: Final = {1: 8, 2: 5}  # longer units: 4 times
_PAIRS_OF: Final = 40  # letters looked at together; longer texts repeat pairs anyway
_FEWEST_PAIRS: Final = 0.4
# Letters that stand for others on forms, and signs that Latin-1 has and paper, too.
_MASKS: Final = frozenset("xX")
_LATIN_SIGNS: Final = frozenset("°±²³·×÷§©®µ£¥«»¡¿¼½¾\xa0")
_SEPARATE: Final = frozenset({"GREEK"})  # in formulas beside any other script


@dataclasses.dataclass(frozen=True, slots=True)
class Norm:
    """What an arm's confidences are like. n: how many; low: what 99 % of them reach."""

    n: int
    low: float

    LEAST = 500  # answers before a norm is one

    @classmethod
    def of(cls, confidences: Sequence[float]) -> Norm:
        """Of a sample of an arm's confidences, 0..1."""
        ordered = sorted(confidences)
        return cls(len(ordered), ordered[len(ordered) // 100] if ordered else 0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """check: which one spoke, empty for `ok`. observed, limit: what it compared."""

    kind: Kind
    check: str = ""
    observed: float = 0.0
    limit: float = 0.0


OK: Final = Finding("ok")


def examine(text: str, confidence: float | None = None, norm: Norm | None = None) -> Finding:
    """The first check that speaks. A line takes some 20 microseconds."""
    visible = [c for c in text if not c.isspace() and unicodedata.category(c) != "Cf"]
    if not visible:
        return Finding("empty", "empty", 0, 1)
    bad = sum(c == "\ufffd" or _is_control(c) for c in text)
    if bad:
        return Finding("garbled", "control", bad, 0)
    if norm is not None and confidence is not None and norm.n >= Norm.LEAST:
        limit = norm.low / 2
        if confidence < limit:
            return Finding("garbled", "confidence", confidence, limit)
    checks = (_repeats, _mojibake, _scripts, _rare, _symbols)
    return next((found for check in checks if (found := check(visible)) is not None), OK)


def _is_control(c: str) -> bool:
    return c not in _VISIBLE_WHITE and unicodedata.category(c) in _CONTROL


def _repeats(visible: list[str]) -> Finding | None:
    text = "".join(visible)
    for match in _UNIT.finditer(text):
        unit, times = match[1], len(match[0]) // len(match[1])
        limit = _TOO_OFTEN.get(len(unit), 4)
        telling = any(c.isalpha() and c not in _MASKS for c in unit)
        if telling and times >= limit and 2 * len(match[0]) >= len(text):
            return Finding("garbled", "repeats", times, limit)
    letters = [c for c in visible if c.isalpha() and c not in _MASKS]
    if len(letters) < 16:
        return None
    shares = []
    for start in range(0, len(letters) - 15, _PAIRS_OF):
        pairs = list(itertools.pairwise(letters[start : start + _PAIRS_OF]))
        shares.append(len(set(pairs)) / len(pairs))
    share = sum(shares) / len(shares)
    return Finding("garbled", "repeats", share, _FEWEST_PAIRS) if share < _FEWEST_PAIRS else None


def _mojibake(visible: list[str]) -> Finding | None:
    if "锟斤拷" in "".join(visible):
        return Finding("garbled", "mojibake", 1, 0)
    odd = sum("\x80" <= c <= "\xff" and c not in _LATIN_SIGNS for c in visible)
    share = odd / len(visible)
    return Finding("garbled", "mojibake", share, 0.4) if odd >= 4 and share >= 0.4 else None


def _scripts(visible: list[str]) -> Finding | None:
    """Three scripts, and changes from one to another inside what is written together."""
    scripts = [_script(c) for c in visible]
    if len(set(scripts) - _SEPARATE - {""}) < 3:
        return None
    changes = sum(bool(a and b) and a != b for a, b in itertools.pairwise(scripts))
    return Finding("garbled", "scripts", changes, 3) if changes >= 3 else None


def _rare(visible: list[str]) -> Finding | None:
    han = [c for c in visible if _script(c) == "CJK" and c >= "\u3400"]
    rare = sum(map(_is_rare, han))
    if len(han) < 5 or rare < 4:
        return None
    share = rare / len(han)
    return Finding("garbled", "rare", share, 0.3) if share >= 0.3 else None


def _symbols(visible: list[str]) -> Finding | None:
    if len(visible) < 8 or any(c.isalnum() for c in visible):
        return None
    different = {c for c in visible if not "\u2500" <= c <= "\u257f" and c not in "+-|=_*.·"}
    return Finding("garbled", "symbols", len(different), 6) if len(different) >= 6 else None


@functools.lru_cache(maxsize=20_000)
def _script(c: str) -> str:
    """The script of a letter, "" of anything else. Han and kana are one: Japanese mixes them."""
    if not c.isalpha():
        return ""
    word = unicodedata.name(c, "").partition(" ")[0]
    return "CJK" if word in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO"} else word


@functools.lru_cache(maxsize=20_000)
def _is_rare(c: str) -> bool:
    """Neither in the frequent half of GB 2312 (rows 16-55) nor in that of Big5 (to C67E)."""
    try:
        return c.encode("gb2312") >= b"\xd8\xa1"
    except UnicodeEncodeError:
        pass
    try:
        return c.encode("big5") > b"\xc6\x7e"
    except UnicodeEncodeError:
        return True
