"""The values that only the client's configuration has: each parser says what is accepted."""

from __future__ import annotations

from ocr_rollout.core.routing import SEPARATOR

# Each parser raises ValueError saying what is accepted.


def switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


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
