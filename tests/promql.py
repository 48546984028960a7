"""Which metrics and labels a PromQL expression names: a reader of tokens, no parser."""

from __future__ import annotations

import dataclasses
import re

TOKEN = re.compile(
    r"""\s+ | \#[^\n]* | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+|(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)?)
    | \[[^\]]*\]
    | (?P<variable>\$\w+)
    | (?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])""",
    re.VERBOSE,
)
WORDS = set("and or unless bool offset inf nan start end".split())
GROUPING = set("by without on ignoring group_left group_right".split())


@dataclasses.dataclass(frozen=True)
class Named:
    """A selector: matchers are (label, operator, value)."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...] = ()


def tokens(expression: str) -> list[tuple[str, str]]:
    """(kind, text). Raises ValueError where something is no token."""
    found, at = [], 0
    while at < len(expression):
        match = TOKEN.match(expression, at)
        if match is None:
            raise ValueError(f"{expression[at : at + 20]!r} in {expression!r}")
        if match.lastgroup:
            found.append((match.lastgroup, match.group()))
        at = match.end()
    return found


def selectors(expression: str) -> list[Named]:
    """Of all metrics; neither functions nor labels."""
    found: list[Named] = []
    rest = tokens(expression)
    while rest:
        kind, text = rest.pop(0)
        following = rest[0][1] if rest else ""
        if kind != "word":
            assert text != "{", f"a selector without a name: {expression}"
        elif text.lower() in GROUPING:
            if following == "(":
                del rest[: _until(")", rest) + 1]
        elif text.lower() not in WORDS and following not in ("(", "by", "without"):
            inside: list[tuple[str, str]] = []
            if following == "{":
                end = _until("}", rest)
                inside = rest[1:end]
                del rest[: end + 1]
            found.append(Named(text, _matchers(inside)))
    return found


def _until(sign: str, rest: list[tuple[str, str]]) -> int:
    return next(place for place, (_, text) in enumerate(rest) if text == sign)


def _matchers(inside: list[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    words = [text for _, text in inside if text != ","]
    assert len(words) % 3 == 0, words
    return tuple((words[i], words[i + 1], words[i + 2][1:-1]) for i in range(0, len(words), 3))
