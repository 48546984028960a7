"""All endpoints as one: a step is done when it is done, and seen to be done, on every one."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ocr_client.control import Control, Endpoint, GrpcControl, VersionState
from ocr_client.sections import is_address
from ocr_rollout.core.routing import Arm

from . import rules
from .errors import (
    BadNameError,
    ControlError,
    EndpointDownError,
    LoadFailedError,
    RepositoryError,
    UnknownOutcomeError,
)

KEY_VARIABLE = "OCR_CONTROL_KEY"  # as docker-compose.yml has it
LOAD_TIMEOUT_S = 120.0
POLL_S = 0.05


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Endpoints that serve one repository. Methods raise ControlError naming the endpoint.

    timeout_s: for one load or unload on one endpoint.
    """

    endpoints: tuple[Endpoint, ...]
    control: Control = dataclasses.field(default_factory=GrpcControl)
    timeout_s: float = LOAD_TIMEOUT_S
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def index(self, endpoint: Endpoint, model: str) -> dict[int, VersionState]:
        """By version, of one model; without the line of a model that never loaded."""
        return {
            int(state.version): state
            for state in self.control.index(endpoint)
            if state.model == model and state.version.isdigit()
        }

    def check(self) -> None:
        """Every endpoint answers and takes the key; before anything is changed."""
        for endpoint in self.endpoints:
            self.control.index(endpoint)

    def load(self, model: str, config: str | None = None) -> None:
        """One endpoint after the other, so that one of them always has its cores for traffic.

        An answer that does not come leaves the outcome open: who calls looks at the index.
        """
        for endpoint in self.endpoints:
            try:
                self.control.load(endpoint, model, config, self.timeout_s)
            except UnknownOutcomeError:  # noqa: PERF203  # a few endpoints, a second each
                self.control.index(endpoint)  # raises where it is the endpoint that is gone

    def wait_ready(self, arm: Arm) -> None:
        """Returns when exactly this version answers on every endpoint."""
        for endpoint in self.endpoints:
            self._wait_ready(endpoint, arm)

    def _wait_ready(self, endpoint: Endpoint, arm: Arm) -> None:
        end = self.clock() + self.timeout_s
        while True:
            state = self.index(endpoint, arm.model).get(arm.version)
            if state is not None and state.ready:
                if self.control.ready(endpoint, arm.model, arm.version):
                    return
            elif state is None or state.state == "UNAVAILABLE":
                reason = state.reason if state else "it does not see the version"
                raise LoadFailedError(f"{arm} did not load at {endpoint}: {reason}")
            if self.clock() >= end:
                raise UnknownOutcomeError(
                    f"{arm} at {endpoint}: not ready after {self.timeout_s:g} s"
                )
            self.sleep(POLL_S)

    def wait_gone(self, arm: Arm) -> None:
        """Returns when no endpoint has it any more: unloaded, its last requests answered."""
        for endpoint in self.endpoints:
            end = self.clock() + self.timeout_s
            while (state := self.index(endpoint, arm.model).get(arm.version)) is not None:
                if state.state in {"", "UNAVAILABLE"}:
                    break
                if self.clock() >= end:
                    raise UnknownOutcomeError(
                        f"{arm} at {endpoint}: still {state.state} after {self.timeout_s:g} s; "
                        "do the clocks of this machine and of the server's disk agree?"
                    )
                self.sleep(POLL_S)

    def up(self) -> tuple[Fleet, tuple[ControlError, ...]]:
        """The endpoints that answer, as a fleet; and why the others do not."""
        there, faults = [], []
        for endpoint in self.endpoints:
            try:
                self.control.index(endpoint)
            except (EndpointDownError, UnknownOutcomeError) as error:  # noqa: PERF203  # see above
                faults.append(error)
            else:
                there.append(endpoint)
        return dataclasses.replace(self, endpoints=tuple(there)), tuple(faults)


def endpoints_of(
    root: Path,
    *,
    named: Sequence[str] = (),
    key_file: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> tuple[Endpoint, ...]:
    """The endpoints that were named, else the embedded servers that serve this repository now.

    named: `HTTP,GRPC`, each HOST:PORT. The key of named ones: key_file, else OCR_CONTROL_KEY.
    Embedded servers keep address and key in the state folder of whoever started them.

    Raises BadNameError for an address that is none, RepositoryError for a key file that cannot
    be read. Empty when nothing serves it.
    """
    if not named:
        return tuple(
            Endpoint(server.http_url, server.grpc_url, server.control_key)
            for server in servers_of(root)
        )
    found = (variables if variables is not None else os.environ).get(KEY_VARIABLE, "")
    if key_file is not None:
        try:
            found = key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RepositoryError(f"--key-file {key_file}: cannot be read: {error}") from None
    return tuple(_endpoint(text, found) for text in named)


def servers_of(root: Path) -> tuple[rules.RunningServer, ...]:
    """The embedded servers of this user over a repository."""
    return tuple(
        server for server in rules.running() if Path(server.repository).resolve() == root.resolve()
    )


def _endpoint(text: str, key: str) -> Endpoint:
    http, comma, grpc = text.partition(",")
    if not comma or not is_address(http) or not is_address(grpc):
        raise BadNameError(
            f"--endpoint {text!r}: its HTTP and its gRPC address are needed, "
            "e.g. 127.0.0.1:8000,127.0.0.1:8001"
        )
    return Endpoint(http, grpc, key)
