"""How an order is refused, and what may stand in one."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 1_000  # characters of a note or a reason
LONGEST_NAME: Final = 80
# What no line of a person's may hold, as the class of a regular expression: control characters,
# line breaks, and what hides or turns round other characters. All else may, full-width spaces too.
HIDDEN: Final = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
)
_STRANGE: Final = re.compile(f"[{HIDDEN}\ud800-\udfff]")  # and halves of a character
# Who acts by itself signs with these, so no person may.
RESERVED: Final = frozenset({"judge", "controller", "config", "notifier"})


class RefusedError(Exception):
    """An order that is not carried out, in one line; whatever is stored stays as it was."""


class StaleError(RefusedError):
    """The rollout moved on since who orders has looked at it."""


class NoRolloutError(RefusedError):
    """The configuration names no rollout that anybody shares."""


def is_line(text: str) -> bool:
    return _STRANGE.search(text) is None


def one_line(text: str) -> str:
    """A note or a reason. Raises ValueError saying what is accepted."""
    if len(text) > LONGEST or not is_line(text):
        raise ValueError(f"one line of at most {LONGEST} characters, please")
    return text


def person(name: str) -> str:
    """Who acts, for the audit log. Raises ValueError saying what is accepted."""
    if len(name) > LONGEST_NAME or not is_line(name):
        raise ValueError(f"a name on one line, at most {LONGEST_NAME} characters, please")
    if name.strip() in RESERVED:
        raise ValueError(f"{name.strip()!r} is what the program calls itself")
    return name
