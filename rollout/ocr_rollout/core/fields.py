"""The keys of a configuration, read one by one: what is not accepted is refused, never mended."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast

from .routing import Arm, RoutingError, basis_points

T = TypeVar("T")
_UNITS_S: Final[Mapping[str, float]] = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"(?P<number>\d{1,9}(\.\d{1,9})?)(?P<unit>[smhd]?)", re.ASCII)


# redis://user:password@host, https://host/path/token. A file's place is no secret.
_ADDRESS: Final = re.compile(r"\b((?!sqlite)[A-Za-z][A-Za-z0-9+.-]*://)[^\s'\"]+")


class FieldError(ValueError):
    """A mistake in a configuration. One line: the key, its value, and what is accepted."""


def quoted(value: object) -> str:
    """For an error: on one line, and nothing of an address but how it begins: it may hold a secret."""
    return without_addresses(repr(value))


def without_addresses(text: str) -> str:
    return _ADDRESS.sub(r"\1...", text)


class Fields:
    """One mapping, which knows the keys that were asked for.

    name: where it stands in the document; empty for the document itself.
    """

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, Mapping):
            where = name or "the document"
            raise FieldError(f"{where}: {quoted(value)} is not a mapping of keys")
        self._prefix = f"{name}." if name else ""
        self._values = cast("Mapping[object, object]", value)
        self._known: list[str] = []

    def has(self, key: str) -> bool:
        return key in self._values

    def raw(self, key: str, default: object) -> object:
        self._known.append(key)
        value = self._values.get(key)
        return default if value is None else value

    def read(self, key: str, default: T, parse: Callable[[object], T]) -> T:
        """Raises FieldError where `parse`, a ValueError in words, does not accept the value."""
        self._known.append(key)
        if key not in self._values:
            return default
        value = self._values[key]
        try:
            return parse(value)
        except ValueError as error:
            raise FieldError(
                f"{self._prefix}{key}: {quoted(value)} is not accepted; accepted: {error}"
            ) from None

    def required(self, key: str, parse: Callable[[object], T]) -> T:
        """Raises FieldError also where the key is missing."""
        if key not in self._values:
            raise FieldError(f"{self._prefix}{key}: is missing")
        return self.read(key, cast("T", None), parse)

    def close(self) -> None:
        """Raises FieldError on a key that nothing asked for."""
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(str(key), self._known, n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                name = without_addresses(f"{self._prefix}{key}")  # where a colon is missing
                raise FieldError(f"{name}: unknown key{hint}; accepted: {', '.join(self._known)}")


# Each parser raises ValueError saying what is accepted.


def share(value: object) -> int:
    """Basis points."""
    try:
        return basis_points(number(-1, 1)(value))
    except ValueError:
        raise ValueError("a share 0..1 in steps of 0.0001, e.g. 0.1 for 10 %") from None


def number(above: float, most: float, *, most_is: str | None = None) -> Callable[[object], float]:
    """most_is: the key that sets the upper limit, where another one does."""
    accepted = f"a number above {above:g} and at most {most:g}"
    accepted += f" ({most_is})" if most_is else ""

    def parse(value: object) -> float:
        if type(value) not in {int, float} or not above < cast("float", value) <= most:
            raise ValueError(accepted)
        return float(cast("float", value))

    return parse


def optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    def parse_or_none(value: object) -> T | None:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise ValueError(f"{error}, or null for none") from None

    return parse_or_none


def whole(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if type(value) is not int or not least <= value <= most:  # True is an int, too
            raise ValueError(f"a whole number {least}..{most}")
        return value

    return parse


def word(*accepted: T) -> Callable[[object], T]:
    def parse(value: object) -> T:
        if isinstance(value, str) and value in accepted:
            return value
        raise ValueError(", ".join(map(str, accepted)))

    return parse


def duration(value: object) -> float:
    """Seconds."""
    match = _DURATION.fullmatch(str(value)) if type(value) in {int, float, str} else None
    if match is None:
        raise ValueError("seconds, or a number with s, m, h or d, e.g. 12h")
    return float(match["number"]) * _UNITS_S[match["unit"]]


def lasting(seconds: float) -> str:
    """Seconds in words: `1 d 3 h`, `12 min`, `40 s`: the two largest units."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def arm(value: object) -> Arm:
    try:
        return Arm.parse(value if isinstance(value, str) else "")
    except RoutingError:
        raise ValueError("MODEL:VERSION in quotes, e.g. 'crnn:1'") from None


def name(value: object) -> str:
    """What is shown, logged and hashed: one line, no blanks."""
    if isinstance(value, str) and re.fullmatch(r"[!-~]{1,80}", value):
        return value
    raise ValueError("1 to 80 ASCII characters without blanks")


def line(value: object) -> str:
    if isinstance(value, str) and len(value) <= 200 and value.isprintable():
        return value
    raise ValueError("one line of at most 200 characters")


def switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")
