"""The few HTTP calls that the launcher and the watchdog need, on the standard library alone.

Inference for users goes through `ocr_client`; this only asks how a server of ours is doing.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import select
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from .flags import CONTROL_HEADER

LOOK_S = 0.3  # between two thoughts about whether an answer may still come


class UnreachableError(Exception):
    """No HTTP answer came: refused, reset, or not within the time."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """status: HTTP status. body: parsed JSON, or None when the body holds none."""

    status: int
    body: Any

    @property
    def error(self) -> str:
        """Triton's own error text, or the status when it gave none."""
        if isinstance(self.body, dict) and "error" in self.body:
            return str(self.body["error"])
        return f"HTTP status {self.status}"


@dataclasses.dataclass(frozen=True)
class VersionState:
    """One line of the repository index. version is empty for a model that never loaded."""

    model: str
    version: str
    state: str
    reason: str


@dataclasses.dataclass(frozen=True)
class TritonAPI:
    """host:port of the HTTP endpoint, and the control key where control APIs are called."""

    address: str
    control_key: str = ""

    def live(self, *, timeout_s: float = 1.0) -> bool:
        """Never raises: False when there is no answer."""
        try:
            return self._call("GET", "/v2/health/live", timeout_s=timeout_s).status == 200
        except UnreachableError:
            return False

    def index(self, *, timeout_s: float = 10.0) -> list[VersionState]:
        """Every model in the repository. Raises UnreachableError, also on a refusal."""
        answer = self._call("POST", "/v2/repository/index", {}, timeout_s=timeout_s)
        if answer.status != 200:
            raise UnreachableError(answer.error)
        return [
            VersionState(
                entry["name"],
                entry.get("version", ""),
                entry.get("state", ""),
                entry.get("reason", ""),
            )
            for entry in answer.body
        ]

    def config(self, model: str, version: str, *, timeout_s: float = 5.0) -> Answer:
        """The model configuration as Triton understood it. Raises UnreachableError."""
        return self._call(
            "GET", f"/v2/models/{model}/versions/{version}/config", timeout_s=timeout_s
        )

    def infer(
        self,
        model: str,
        version: str,
        body: Mapping[str, Any],
        *,
        timeout_s: float,
        hopeless: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """One inference. Raises UnreachableError.

        hopeless: asked several times a second; true ends the waiting for an answer.
        """
        path = f"/v2/models/{model}/versions/{version}/infer"
        return self._call("POST", path, body, timeout_s=timeout_s, hopeless=hopeless)

    def _call(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        timeout_s: float,
        hopeless: Callable[[], bool] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=timeout_s)
        headers = {CONTROL_HEADER: self.control_key} if self.control_key else {}
        try:
            text = None if body is None else json.dumps(body)
            connection.request(verb, path, body=text, headers=headers)
            if hopeless is not None:
                _wait(connection.sock, timeout_s, hopeless)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        try:
            return Answer(response.status, json.loads(raw) if raw else None)
        except ValueError:
            return Answer(response.status, None)


def _wait(connection: socket.socket, timeout_s: float, hopeless: Callable[[], bool]) -> None:
    """Until an answer begins. Raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while not select.select([connection], [], [], LOOK_S)[0]:
        if hopeless():
            raise TimeoutError("given up")
        if time.monotonic() > end:
            raise TimeoutError("timed out")
