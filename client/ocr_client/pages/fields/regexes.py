"""Patterns of people's own that cannot run away: what they may cost is bounded beforehand.

Python's matcher goes back and tries again; how often at most follows from how a pattern is built.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

if sys.version_info >= (3, 11):
    from re import _parser as parser  # type: ignore[attr-defined]  # no public one tells how a pattern is built
else:  # pragma: no cover
    import sre_parse as parser

LONGEST: Final = 400  # characters of a pattern
TEXT: Final = 200  # characters that a pattern is matched with at most
WAYS: Final = 200_000  # ways to match from one place, at most
_REPEATS: Final = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def compiled(pattern: str) -> re.Pattern[str]:
    """Raises ValueError, in words."""
    if len(pattern) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    try:
        found = re.compile(pattern)
        ways = _ways(parser.parse(pattern))
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"no regular expression ({error})") from None
    if ways > WAYS:
        raise ValueError(
            "takes too long on some texts; write {0,20} in place of * and +, and no repeat in another"
        )
    return found


def _ways(tree: Any) -> float:
    """How many ways there are at most to match it from one place of a text."""
    ways = 1.0
    for operation, of in tree:
        name = str(operation)
        if name in _REPEATS:
            ways *= _repeated(*of)
        elif name == "BRANCH":
            ways *= sum(map(_ways, of[1]))
        elif name == "SUBPATTERN":
            ways *= _ways(of[-1])
        elif name in {"ASSERT", "ASSERT_NOT"}:
            ways *= _ways(of[1])
        elif name == "ATOMIC_GROUP":
            ways *= _ways(of)
        elif name == "GROUPREF_EXISTS":
            ways *= _ways(of[1]) + _ways(of[2] or ())
        ways = min(ways, 1e18)
    return ways


def _repeated(least: int, most: int, body: Any) -> float:
    each = _ways(body)
    most = min(int(most), TEXT)
    if each <= 1:
        return max(1, most - int(least) + 1)
    return min(1e18, sum(min(1e18, each ** min(n, 60)) for n in range(int(least), most + 1)))
