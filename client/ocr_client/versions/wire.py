"""Protocol Buffers on the wire, as far as reading an ONNX file needs it. Standard library only.

The base install has neither onnx nor protobuf, and a file must be judged before any server sees
it. Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes end too early or are no message."""


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value): a varint as int, everything else as its bytes. Raises WireError."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise WireError(f"no field has number 0 (byte {at})")
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"wire type {kind} of field {number} is unknown (byte {at})")
        if at + size > end:
            raise WireError(f"field {number} ends {at + size - end} bytes after the data")
        yield number, message[at : at + size]
        at += size


def numbers(value: int | memoryview) -> list[int]:
    """A repeated integer field's value, packed or not, as signed 64-bit integers."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(signed(number))
    return found


def signed(value: int) -> int:
    """A varint read as int64."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(value: int | memoryview) -> str:
    """Raises WireError when it is no UTF-8, or a number."""
    try:
        return str(inside(value), "utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"a name is not UTF-8: {error.reason}") from None


def inside(value: int | memoryview) -> memoryview:
    """The bytes of a nested message or a string. Raises WireError for a number."""
    if isinstance(value, int):
        raise WireError("a number stands where a message should")
    return value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise WireError("it ends in the middle of a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise WireError(f"a number of more than 64 bits (byte {at})")
