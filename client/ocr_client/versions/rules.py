"""What the embedded server knows and this package must not know twice.

`ocr_client` imports no package above or beside it, and the load rules of Triton's ONNX Runtime
backend live where they are enforced, in `ocr_server`. So they are found as `ocrctl` finds its
verbs: by the entry-point group `ocr_client.server`, which the package that has them fills.

| name | what it is |
|---|---|
| `graph_problems` | (configuration, inputs, outputs) -> why Triton would refuse the pair |
| `parse_config` | text of config.pbtxt -> Triton's JSON form; raises ValueError naming the line |
| `running` | () -> the embedded servers that are up: addresses, control key, repository |
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from .errors import RepositoryError

GROUP = "ocr_client.server"

Config = Mapping[str, Any]


class Port(Protocol):
    """An input or output of a graph. type: as ONNX Runtime names it, e.g. `tensor(uint8)`.

    shape: -1 where it is dynamic, batch included.
    """

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


class RunningServer(Protocol):
    """One embedded server. *_url: HOST:PORT. models: its start list."""

    @property
    def repository(self) -> str: ...
    @property
    def models(self) -> tuple[str, ...]: ...
    @property
    def http_url(self) -> str: ...
    @property
    def grpc_url(self) -> str: ...
    @property
    def control_key(self) -> str: ...


def graph_problems(config: Config, inputs: Sequence[Port], outputs: Sequence[Port]) -> list[str]:
    """Why Triton's native backend would refuse to load the pair; empty when it would load."""
    call = cast(
        "Callable[[Config, Sequence[Port], Sequence[Port]], list[str]]", _found("graph_problems")
    )
    return call(config, inputs, outputs)


def parse_config(text: str) -> dict[str, Any]:
    """Raises ValueError naming the line where the text stops making sense."""
    return cast("Callable[[str], dict[str, Any]]", _found("parse_config"))(text)


def running() -> Sequence[RunningServer]:
    """The embedded servers of this user that are up."""
    return cast("Callable[[], Sequence[RunningServer]]", _found("running"))()


@functools.cache
def _found(name: str) -> object:
    for entry in importlib.metadata.entry_points(group=GROUP, name=name):
        return entry.load()
    raise RepositoryError(
        f"this installation has no {name} in the entry points {GROUP}; install ocr-rollout again"
    )
