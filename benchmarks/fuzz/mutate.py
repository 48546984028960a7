"""A spoilt input: a function of the corpus, the seed and the input's number alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence

LONGEST = 256 * 1024  # bytes of an input
CHANGES_AT_A_TIME = (
    1,
    1,
    1,
    1,
    2,
    2,
    3,
    8,
)  # mostly few: what is spoilt all over is refused at once
# Sizes, counts and offsets at which code goes wrong: little and big end first, 1 to 8 bytes.
EDGES = tuple(
    value.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for order in ("little", "big")
    for value in (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
)
NUMBERS = (b"-1", b"0", b"1e999", b"NaN", b"65536", b"2147483648", b"9" * 40, b"0x10", b"1_0")

WORDS = ("", "schema", "status", "weight_bp", "\x00", "a" * 1000)
VALUES = (
    None,
    True,
    0,
    -1,
    1e308,
    2**63,
    0.5,
    float("nan"),
    "",
    "x" * 5000,
    "\ud800",
    [],
    [[]],
    {},
)

Change = Callable[[bytearray, random.Random, Sequence[bytes], Sequence[bytes]], None]


def spoilt(
    corpus: Sequence[bytes], tokens: Sequence[bytes], *, seed: int, target: str, number: int
) -> bytes:
    """Input `number` of a target. Those below len(corpus) are the corpus itself.

    tokens: words that mean something to what reads the input.
    """
    if number < len(corpus):
        return corpus[number]
    rng = random.Random(f"{seed} {target} {number}")
    whole = rng.choice(corpus)
    if whole[:1] == b"{" and rng.random() < 0.7:
        whole = _other_value(whole, rng)
        if rng.random() < 0.7:
            return whole
    data = bytearray(whole)
    for _ in range(rng.choice(CHANGES_AT_A_TIME)):
        rng.choice(CHANGES)(data, rng, corpus, tokens)
    return bytes(data[:LONGEST])


def _other_value(document: bytes, rng: random.Random) -> bytes:
    """A JSON object with one value, or one key, in another's place."""
    held = json.loads(document)
    key = rng.choice(list(held))
    if isinstance(held[key], dict) and held[key] and rng.random() < 0.8:
        held[key] = json.loads(_other_value(json.dumps(held[key]).encode(), rng))
    elif rng.random() < 0.2:
        held[rng.choice(WORDS)] = held.pop(key)
    else:
        held[key] = rng.choice((*VALUES, *held.values()))
    return json.dumps(held).encode()


def _flip(data: bytearray, rng: random.Random, *_: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random, *_: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _edge(data: bytearray, rng: random.Random, *_: Sequence[bytes]) -> None:
    value = rng.choice(EDGES)
    at = rng.randrange(len(data) + 1)
    data[at : at + len(value)] = value


def _cut(data: bytearray, rng: random.Random, *_: Sequence[bytes]) -> None:
    start, end = _span(data, rng)
    del data[start:end]


def _end(data: bytearray, rng: random.Random, *_: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _again(data: bytearray, rng: random.Random, *_: Sequence[bytes]) -> None:
    start, end = _span(data, rng)
    times = rng.choice((1, 1, 2, 8, 64))
    data[start:start] = bytes(data[start:end])[:4096] * times


def _other(
    data: bytearray, rng: random.Random, corpus: Sequence[bytes], _: Sequence[bytes]
) -> None:
    other = rng.choice(corpus)
    start, end = _span(other, rng)
    at = rng.randrange(len(data) + 1)
    data[at : at + rng.choice((0, end - start))] = other[start:end]


def _token(
    data: bytearray, rng: random.Random, _: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    word = rng.choice((*tokens, *NUMBERS))
    at = rng.randrange(len(data) + 1)
    data[at : at + rng.choice((0, len(word)))] = word


def _span(data: bytes | bytearray, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 2, 4, 16, 64, 512)))


CHANGES: tuple[Change, ...] = (_flip, _byte, _edge, _cut, _end, _again, _other, _token)
