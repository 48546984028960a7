"""Reads config.pbtxt (protobuf text format) without protobuf, into the JSON form Triton uses.

Only what model configurations need: scalars, strings, enums, messages, lists. Fields that are
repeated in `model_config.proto` become lists, maps become dicts, also when written once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

REPEATED = frozenset(
    {
        "input",
        "output",
        "dims",
        "shape",
        "versions",
        "instance_group",
        "preferred_batch_size",
        "model_warmup",
        "batch_input",
        "batch_output",
        "gpus",
        "profile",
        "secondary_devices",
        "rate_limiter",
        "resources",
        "op_library_filename",
        "agents",
        "step",
        "control_input",
        "control",
        "state",
        "execution_accelerator",
        "gpu_execution_accelerator",
        "cpu_execution_accelerator",
    }
)
# map<string, ...> fields: written as { key: ... value: ... }
MAPS = frozenset(
    {
        "parameters",
        "cc_model_filenames",
        "metric_tags",
        "priority_queue_policy",
        "inputs",
        "input_map",
        "output_map",
    }
)

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?f?(?![\w.]))
      | (?P<word>[A-Za-z_][\w.]*)
      | (?P<mark>[{}\[\]:,;<>])""",
    re.VERBOSE,
)
_OPEN = {"{": "}", "<": ">"}
DEEPEST = 100  # messages and lists within each other; protobuf's own limit


class PbtxtError(ValueError):
    """The text is not protobuf text format. Names the line."""


def parse(text: str) -> dict[str, Any]:
    """Raises PbtxtError naming the line where the text stops making sense."""
    return _Reader(text).message(until=None)


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_split(text))
        self._at = 0
        self._depth = 0

    def message(self, until: str | None) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        while True:
            kind, text, line = self._next()
            if (until is None and kind == "end") or (until is not None and text == until):
                return fields
            if kind != "word":
                raise PbtxtError(f"line {line}: expected a field name, found {text!r}")
            if self._peek() == ":":
                self._next()
            _put(fields, text, self._value(), line)
            if self._peek() in (",", ";"):
                self._next()

    def _value(self) -> Any:
        kind, text, line = self._next()
        if kind == "mark" and (text in _OPEN or text == "["):
            if self._depth == DEEPEST:
                raise PbtxtError(f"line {line}: nested more than {DEEPEST} deep")
            self._depth += 1
            inner = self._list() if text == "[" else self.message(until=_OPEN[text])
            self._depth -= 1
            return inner
        if kind == "string":
            joined = _string(text, line)
            while self._tokens[self._at][0] == "string":  # adjacent strings are one
                joined += _string(*self._next()[1:])
            return joined
        if kind == "number":
            return _number(text, line)
        if kind == "word":
            return {"true": True, "false": False}.get(text, text)
        raise PbtxtError(f"line {line}: expected a value, found {text!r}")

    def _list(self) -> list[Any]:
        values: list[Any] = []
        while self._peek() != "]":
            values.append(self._value())
            if self._peek() == ",":
                self._next()
            elif self._peek() != "]":
                _, text, line = self._next()
                raise PbtxtError(f"line {line}: expected , or ] in a list, found {text!r}")
        self._next()
        return values

    def _peek(self) -> str:
        return self._tokens[self._at][1]

    def _next(self) -> tuple[str, str, int]:
        token = self._tokens[self._at]
        if token[0] == "end" and self._at == len(self._tokens) - 1:
            return token  # stays, so that an unclosed message is reported and not read past
        self._at += 1
        return token


def _string(text: str, line: int) -> str:
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):  # an escape or a character that no string holds
        raise PbtxtError(f"line {line}: no string that can be read: {text[:20]}") from None


def _number(text: str, line: int) -> int | float:
    bare = text.rstrip("f")
    try:
        return int(bare) if re.fullmatch(r"[-+]?\d+", bare) else float(bare)
    except ValueError:  # Python reads no whole numbers of more than 4,300 digits
        raise PbtxtError(f"line {line}: no number that can be read: {text[:20]}") from None


def _split(text: str) -> Iterator[tuple[str, str, int]]:
    """(kind, text, line), and at the end the kind `end`."""
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise PbtxtError(f"line {line}: cannot read {text[at : at + 20]!r}")
        if match.lastgroup != "space":
            yield match.lastgroup, match[0], line
        line += match[0].count("\n")
        at = match.end()
    yield "end", "the end of the file", line


def _put(fields: dict[str, Any], name: str, value: Any, line: int) -> None:
    if name in MAPS and _is_entry(value):
        held = fields.setdefault(name, {})
        if not isinstance(held, dict):
            raise PbtxtError(f"line {line}: {name} is given twice, once without keys")
        held.update(_entries(value))
    elif name in REPEATED:
        fields.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    elif name in fields:
        raise PbtxtError(f"line {line}: {name} is given twice")
    else:
        fields[name] = value


def _is_entry(value: Any) -> bool:
    entries = value if isinstance(value, list) else [value]
    return all(isinstance(entry, dict) and "key" in entry for entry in entries)


def _entries(value: Any) -> dict[str, Any]:
    entries = value if isinstance(value, list) else [value]
    return {str(entry["key"]): entry.get("value", {}) for entry in entries}
