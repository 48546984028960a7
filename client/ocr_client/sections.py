"""The values of a configuration: each parser takes one or says what is accepted."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import TypeVar, cast, get_args

from ocr_rollout.core.routing import SEPARATOR, Arm, RoutingError, Sticky, basis_points

from .errors import ConfigError

T = TypeVar("T")


class Section:
    """One mapping of the document, which knows the keys that were asked for."""

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name or 'the document'}: {value!r} is not a mapping of keys")
        self._prefix = f"{name}." if name else ""
        self._values = cast("Mapping[object, object]", value)
        self._known: list[str] = []

    def raw(self, key: str) -> object:
        """The value of a section; an empty mapping where it is absent or all commented out."""
        self._known.append(key)
        value = self._values.get(key)
        return {} if value is None else value

    def read(self, key: str, default: T, parse: Callable[[object], T]) -> T:
        self._known.append(key)
        if key not in self._values:
            return default
        value = self._values[key]
        try:
            return parse(value)
        except ValueError as error:
            raise ConfigError(
                f"{self._prefix}{key}: {value!r} is not accepted; accepted: {error}"
            ) from None

    def close(self) -> None:
        """Raises ConfigError when the document has a key that nothing asked for."""
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(str(key), self._known, n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise ConfigError(
                    f"{self._prefix}{key}: unknown key{hint}; accepted: {', '.join(self._known)}"
                )


# Each parser raises ValueError saying what is accepted.


def switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def number(*, above: float, most: float, most_is: str | None = None) -> Callable[[object], float]:
    accepted = f"a number above {above:g} and at most {most:g}"
    accepted += f" ({most_is})" if most_is else ""

    def parse(value: object) -> float:
        if type(value) not in {int, float} or not above < cast("float", value) <= most:
            raise ValueError(accepted)
        return float(cast("float", value))

    return parse


def whole(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if type(value) is not int or not least <= value <= most:  # True is an int, too
            raise ValueError(f"a whole number {least}..{most}")
        return value

    return parse


def weight(value: object) -> int:
    accepted = "a share 0..1 in steps of 0.0001, e.g. 0.1 for 10 %"
    try:
        return basis_points(number(above=-1, most=1)(value))
    except ValueError:  # a RoutingError is one
        raise ValueError(accepted) from None


def arm(value: object) -> Arm:
    try:
        return Arm.parse(value if isinstance(value, str) else "")
    except RoutingError:
        raise ValueError("MODEL:VERSION in quotes, e.g. 'crnn:1'") from None


def sticky(value: object) -> Sticky:
    if value in get_args(Sticky):
        return cast("Sticky", value)
    raise ValueError(", ".join(get_args(Sticky)))


def salt(value: object) -> str:
    if isinstance(value, str) and value and SEPARATOR not in value:
        return value
    raise ValueError("a text that is not empty and holds no U+001F")


def urls(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(map(is_address, value)):
        return tuple(value)
    raise ValueError("a list of HOST:PORT without http://, e.g. ['127.0.0.1:8000']")


def is_address(value: object) -> bool:
    """Whether it is HOST:PORT, with an IPv6 host in brackets."""
    if not isinstance(value, str) or "/" in value or "@" in value or value.split() != [value]:
        return False
    host, colon, port = value.rpartition(":")
    plain = ":" not in host or (host.startswith("[") and host.endswith("]"))
    return bool(host and colon and plain and port.isascii() and port.isdigit()) and (
        0 < int(port) < 65_536
    )
