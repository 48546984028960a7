"""Finds the line in Triton's log that says what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable

# E1122 14:11:49.719336 7356 server.cc:241] "text"
_ERROR = re.compile(r'^[EF]\d{4} \S+ \d+ [^\]]*\] "?(.*?)"?$')
_STUB = re.compile(r"triton_python_backend_stub: (.*)|^(\w*(?:Error|Exception): .*)")
_NOISE = ("CudaDriverHelper",)  # said on every machine without a GPU
PORT_TAKEN = "already in use"
PAUSED = "was paused in a request"  # of a stub that ends itself, see `backends/onnxruntime/stalls`
LONGEST = 400


def telling_line(log: str) -> str:
    """The first error in the log; else its last line; one line, at most 400 characters."""
    lines = [line for line in log.splitlines() if line.strip()]
    found = (_stub_error(lines) or _server_error(lines)) or (lines[-1] if lines else "an empty log")
    return one_line(found)


def one_line(text: str) -> str:
    """Triton's reason without the stack of the Python backend behind it."""
    return " ".join(text.split("\n\nAt:", maxsplit=1)[0].split())[:LONGEST]


def _server_error(lines: Iterable[str]) -> str | None:
    for line in lines:
        match = _ERROR.match(line)
        if match and not any(word in line for word in _NOISE):
            return match[1]
    return None


def _stub_error(lines: Iterable[str]) -> str | None:
    for line in lines:
        if match := _STUB.search(line):
            return f"stub process: {match[1]}" if match[1] else match[2]
    return None
