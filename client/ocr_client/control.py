"""Model control over gRPC: load, unload, index, readiness. Needs the extra [control].

A load over HTTP runs on one of the threads that answer inference and stalls it for as long as it
takes, so this goes over gRPC while inference goes over HTTP (`transport`). An answer to `load`
proves nothing; who calls asks the index and the version itself afterwards.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .versions.errors import (
    ControlError,
    EndpointDownError,
    KeyRefusedError,
    LoadFailedError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    from tritonclient.grpc import InferenceServerClient

T = TypeVar("T")

# Where Triton looks for the key of its restricted protocols; as in docker-compose.yml.
KEY_HEADER = "triton-grpc-protocol-x-ocr-control"
CALL_TIMEOUT_S = 10.0
CHANNEL = [
    ("grpc.use_local_subchannel_pool", 1),  # no back-off inherited from an earlier call
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", -1),
]
# Said by gRPC when it never had a connection, so that nothing was asked.
NEVER_SENT = ("failed to connect", "connection refused", "name resolution", "dns resolution")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One Triton. http, grpc: HOST:PORT. key: of its restricted APIs, empty where it has none."""

    http: str
    grpc: str
    key: str = dataclasses.field(default="", repr=False)

    def __str__(self) -> str:
        return self.http


@dataclasses.dataclass(frozen=True)
class VersionState:
    """A line of the repository index. version: empty for a model that never loaded.

    state: READY, LOADING, UNLOADING, UNAVAILABLE or empty. reason: Triton's, one line.
    """

    model: str
    version: str
    state: str
    reason: str

    @property
    def ready(self) -> bool:
        return self.state == "READY"


class Control(Protocol):
    """What the transactions ask of an endpoint. Every method raises ControlError."""

    def load(self, endpoint: Endpoint, model: str, config: str | None, timeout_s: float) -> None:
        """config: a configuration as JSON to load it with, in place of config.pbtxt."""

    def unload(self, endpoint: Endpoint, model: str, timeout_s: float) -> None:
        """Answers before the versions are gone."""

    def index(self, endpoint: Endpoint) -> tuple[VersionState, ...]:
        """Everything in the repository and everything loaded."""

    def ready(self, endpoint: Endpoint, model: str, version: int) -> bool:
        """Whether exactly this version answers."""


class GrpcControl:
    """The real one. Raises ModuleNotFoundError (of `grpc`) without the extra [control]."""

    def __init__(self) -> None:
        import grpc  # type: ignore[import-untyped, unused-ignore]  # noqa: F401, PLC0415  # in an extra; tritonclient's own error hides the name
        import tritonclient.grpc  # noqa: F401, PLC0415  # slow to import, and not for --help

    def load(self, endpoint: Endpoint, model: str, config: str | None, timeout_s: float) -> None:
        def ask(client: InferenceServerClient, headers: dict[str, str]) -> None:
            client.load_model(model, headers=headers, config=config, client_timeout=timeout_s)

        _call(endpoint, f"loading {model}", ask)

    def unload(self, endpoint: Endpoint, model: str, timeout_s: float) -> None:
        def ask(client: InferenceServerClient, headers: dict[str, str]) -> None:
            client.unload_model(model, headers=headers, client_timeout=timeout_s)

        _call(endpoint, f"unloading {model}", ask)

    def index(self, endpoint: Endpoint) -> tuple[VersionState, ...]:
        def ask(client: InferenceServerClient, headers: dict[str, str]) -> tuple[VersionState, ...]:
            answer = client.get_model_repository_index(
                headers=headers, client_timeout=CALL_TIMEOUT_S
            )
            return tuple(
                VersionState(entry.name, entry.version, entry.state, _one_line(entry.reason))
                for entry in answer.models
            )

        return _call(endpoint, "reading the index", ask)

    def ready(self, endpoint: Endpoint, model: str, version: int) -> bool:
        def ask(client: InferenceServerClient, headers: dict[str, str]) -> bool:
            return bool(
                client.is_model_ready(
                    model, str(version), headers=headers, client_timeout=CALL_TIMEOUT_S
                )
            )

        return _call(endpoint, f"asking whether {model}:{version} is ready", ask)


def _call(
    endpoint: Endpoint, what: str, ask: Callable[[InferenceServerClient, dict[str, str]], T]
) -> T:
    from tritonclient.utils import InferenceServerException  # noqa: PLC0415  # see GrpcControl

    headers = {KEY_HEADER: endpoint.key} if endpoint.key else {}
    with _connected(endpoint) as client:
        try:
            return ask(client, headers)
        except InferenceServerException as error:
            raise explained(endpoint, what, str(error.status()), error.message() or "") from error


@contextlib.contextmanager
def _connected(endpoint: Endpoint) -> Iterator[InferenceServerClient]:
    """A connection for one call: control is rare, and a kept one remembers a dead server."""
    from tritonclient.grpc import InferenceServerClient  # noqa: PLC0415  # see GrpcControl

    client = InferenceServerClient(endpoint.grpc, channel_args=CHANNEL)
    try:
        yield client
    finally:
        client.close()


def explained(endpoint: Endpoint, what: str, status: str, message: str) -> ControlError:
    """GRPC's status and words -> ours. status: e.g. `StatusCode.UNAVAILABLE`."""
    text = _one_line(message)
    code = status.rpartition(".")[2]
    if "protocol is restricted" in text:
        return KeyRefusedError(
            f"{endpoint.grpc}: it restricts model control and does not take this key; give its "
            "own: --key-file FILE, or OCR_CONTROL_KEY"
        )
    if code == "UNAVAILABLE" and any(words in text.lower() for words in NEVER_SENT):
        return EndpointDownError(
            f"{endpoint.grpc}: no Triton answers there (gRPC); start it, or name another: "
            "--endpoint HTTP,GRPC"
        )
    if code in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN"}:
        return UnknownOutcomeError(f"{endpoint.grpc}: no answer while {what}: {text}")
    return LoadFailedError(f"{endpoint.grpc}: {what} failed: {text}")


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())[:500]
