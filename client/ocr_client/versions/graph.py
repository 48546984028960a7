"""What an ONNX file says about itself, read without onnx and without running it.

Field numbers and types: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from .wire import WireError, fields, inside, numbers, signed, text

CODEPOINTS = "codepoints"
DEEPEST = 20  # of graphs within graphs; ours have none

# TensorProto.DataType -> the name by which ONNX Runtime calls the tensor
TYPES: Final[Mapping[int, str]] = {
    1: "tensor(float)",
    2: "tensor(uint8)",
    3: "tensor(int8)",
    4: "tensor(uint16)",
    5: "tensor(int16)",
    6: "tensor(int32)",
    7: "tensor(int64)",
    8: "tensor(string)",
    9: "tensor(bool)",
    10: "tensor(float16)",
    11: "tensor(double)",
    12: "tensor(uint32)",
    13: "tensor(uint64)",
    16: "tensor(bfloat16)",
}
_NUMPY: Final = {1: np.float32, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}
_HALF: Final = 10
_FLOATS: Final = {1: 4, _HALF: 5, 11: 10}  # data type -> field of the values that are not raw
_INTEGERS: Final = {6: 5, 7: 7}  # data type -> field of the values that are not raw
_EXTERNAL: Final = 1
_BFLOAT16: Final = 16


class GraphError(ValueError):
    """Not a whole ONNX file. One line."""


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or output as ONNX Runtime names it. shape: -1 where dynamic."""

    name: str
    type: str
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Node:
    """One operator. domain: `` is ONNX's own."""

    kind: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Graph:
    """opsets: domain -> version. external: tensors that lie in other files.

    not_a_number: weights that hold NaN. alphabet: the code point of every class, when the graph
    ends in a table of them as ours do; the first is 0, the blank.
    """

    ir_version: int
    opsets: Mapping[str, int]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    domains: frozenset[str]
    external: tuple[str, ...]
    not_a_number: tuple[str, ...]
    alphabet: tuple[int, ...] | None


def read_graph(content: bytes) -> Graph:
    """Raises GraphError when the bytes are no whole ONNX model."""
    try:
        return _model(memoryview(content))
    except WireError as error:
        raise GraphError(f"not a whole ONNX file: {error}") from None


def alphabet_digest(alphabet: tuple[int, ...]) -> str:
    """SHA-256 of the characters, one a line: what meta.json calls alphabet_sha256."""
    lines = "".join(f"{chr(code)}\n" for code in alphabet[1:])
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def _model(message: memoryview) -> Graph:
    ir_version, opsets, graph = 0, {}, None
    for number, value in fields(message):
        if number == 1 and isinstance(value, int):
            ir_version = signed(value)
        elif number == 7:
            graph = inside(value)
        elif number == 8:
            domain, version = "", 0
            for part, held in fields(inside(value)):
                if part == 1:
                    domain = text(held)
                elif part == 2 and isinstance(held, int):
                    version = signed(held)
            opsets[domain] = version
    if graph is None or not opsets:
        raise GraphError("not an ONNX file: it holds no graph or no opset")
    found = _Contents()
    found.read(graph, depth=0)
    return Graph(
        ir_version,
        opsets,
        tuple(port for port in found.inputs if port.name not in found.weights),
        tuple(found.outputs),
        frozenset(node.domain for node in found.nodes),
        tuple(found.external),
        tuple(found.not_a_number),
        _alphabet(found),
    )


class _Contents:
    """Of a graph and the graphs within it; inputs and outputs are the outermost one's."""

    def __init__(self) -> None:
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.nodes: list[Node] = []
        self.external: list[str] = []
        self.not_a_number: list[str] = []
        self.weights: dict[str, npt.NDArray[np.int64] | None] = {}

    def read(self, graph: memoryview, *, depth: int) -> None:
        if depth > DEEPEST:
            raise GraphError(f"graphs lie within graphs more than {DEEPEST} deep")
        for number, value in fields(graph):
            if number == 1:
                self._node(inside(value), depth)
            elif number == 5:
                self._tensor(inside(value))
            elif number == 15:  # sparse: values and indices are tensors
                for _, part in fields(inside(value)):
                    if not isinstance(part, int):
                        self._tensor(part)
            elif number in (11, 12) and depth == 0:
                (self.inputs if number == 11 else self.outputs).append(_port(inside(value)))

    def _node(self, message: memoryview, depth: int) -> None:
        inputs, outputs, kind, domain = [], [], "", ""
        for number, value in fields(message):
            if number == 1:
                inputs.append(text(value))
            elif number == 2:
                outputs.append(text(value))
            elif number == 4:
                kind = text(value)
            elif number == 7:
                domain = text(value)
            elif number == 5:
                self._attribute(inside(value), depth)
        self.nodes.append(Node(kind, domain, tuple(inputs), tuple(outputs)))

    def _attribute(self, message: memoryview, depth: int) -> None:
        for number, value in fields(message):
            if number in (5, 10):
                self._tensor(inside(value))
            elif number in (6, 11):
                self.read(inside(value), depth=depth + 1)

    def _tensor(self, message: memoryview) -> None:
        tensor = _Tensor.read(message)
        name = tensor.name or "a constant"
        if tensor.location == _EXTERNAL:
            self.external.append(name)
            return
        if tensor.raw is not None and tensor.kind in _NUMPY and len(tensor.raw) != tensor.bytes:
            raise GraphError(f"not a whole ONNX file: weight {name} lacks values")
        if tensor.holds_nan():
            self.not_a_number.append(name)
        self.weights[name] = tensor.integers() if len(tensor.dims) == 1 else None


@dataclasses.dataclass
class _Tensor:
    """listed: the values that are not raw, by the number of their field."""

    kind: int = 0
    name: str = ""
    location: int = 0
    raw: memoryview | None = None
    dims: list[int] = dataclasses.field(default_factory=list)
    listed: dict[int, list[int | memoryview]] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, message: memoryview) -> _Tensor:
        found = cls()
        for number, value in fields(message):
            if number == 1:
                found.dims += numbers(value)
            elif number == 2 and isinstance(value, int):
                found.kind = value
            elif number == 8:
                found.name = text(value)
            elif number == 9:
                found.raw = inside(value)
            elif number == 14 and isinstance(value, int):
                found.location = value
            elif number in (4, 5, 7, 10):
                found.listed.setdefault(number, []).append(value)
        return found

    @property
    def bytes(self) -> int:
        """Of the raw values, by type and dimensions."""
        itemsize = np.dtype(_NUMPY[self.kind]).itemsize
        return int(np.prod(self.dims, dtype=np.int64)) * itemsize

    def holds_nan(self) -> bool:
        """Floats only. Infinities are let through: attention masks are made of them."""
        if self.kind == _BFLOAT16 and self.raw is not None:
            bits = np.frombuffer(self.raw, np.uint16)  # NaN: exponent all ones, fraction not zero
            return bool(((bits & 0x7F80 == 0x7F80) & (bits & 0x7F != 0)).any())
        if self.kind not in _FLOATS:
            return False
        if self.raw is not None:
            return bool(np.isnan(np.frombuffer(self.raw, _NUMPY[self.kind])).any())
        if self.kind == _HALF:  # as bits, in int32_data
            bits = np.array([n for part in self.listed.get(5, []) for n in numbers(part)])
            return bool(np.isnan(bits.astype(np.uint16).view(np.float16)).any())
        return any(
            bool(np.isnan(np.frombuffer(part, _NUMPY[self.kind])).any())
            for part in self.listed.get(_FLOATS[self.kind], [])
            if not isinstance(part, int)
        )

    def integers(self) -> npt.NDArray[np.int64] | None:
        if self.kind not in _INTEGERS:
            return None
        if self.raw is not None:
            return np.frombuffer(self.raw, _NUMPY[self.kind]).astype(np.int64)
        listed = self.listed.get(_INTEGERS[self.kind], [])
        return np.array([n for part in listed for n in numbers(part)], np.int64)


def _port(message: memoryview) -> Port:
    name, kind = "", 0
    shape: tuple[int, ...] = ()
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number == 2:
            for part, tensor in fields(inside(value)):
                if part == 1:
                    kind, shape = _tensor_type(inside(tensor))
    return Port(name, TYPES.get(kind, f"type {kind}"), shape)


def _tensor_type(message: memoryview) -> tuple[int, tuple[int, ...]]:
    kind, shape = 0, []
    for number, value in fields(message):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2:
            for part, dim in fields(inside(value)):
                if part == 1:
                    sizes = [
                        signed(v) for n, v in fields(inside(dim)) if n == 1 and isinstance(v, int)
                    ]
                    shape.append(sizes[0] if sizes else -1)
    return kind, tuple(shape)


def _alphabet(found: _Contents) -> tuple[int, ...] | None:
    """The table that the output `codepoints` is gathered from, through casts if need be."""
    for node in _back_from(CODEPOINTS, found.nodes):
        if node.kind == "Gather" and node.inputs:
            table = found.weights.get(node.inputs[0])
            return None if table is None else tuple(table.tolist())
    return None


def _back_from(output: str, nodes: list[Node]) -> Iterator[Node]:
    makers = {name: node for node in nodes for name in node.outputs}
    for _ in nodes:
        node = makers.get(output)
        if node is None or not node.inputs:
            return
        yield node
        if node.kind not in {"Cast", "Identity", "Reshape", "Squeeze"}:
            return
        output = node.inputs[0]
