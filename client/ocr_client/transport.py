"""The seam to Triton, and the only module that imports `tritonclient`.

A transport answers two questions about one arm: what it is (`describe`) and what it reads
(`infer`). It owns connections, one retry, and the table that turns the faults of the libraries
below into ours. What to do about a fault is decided above.
"""

from __future__ import annotations

import dataclasses
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import gevent
import numpy as np
import numpy.typing as npt
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from ocr_rollout.core.routing import Arm

from .errors import (
    AccessError,
    ArmBusyError,
    ArmFailedError,
    ArmRefusedError,
    ArmTimeoutError,
    BadAnswerError,
    ConfigError,
    ConnectionLostError,
    DrainingError,
    ModelMissingError,
    OCRError,
    UnexpectedStatusError,
    UnreachableError,
)
from .sections import is_address

T = TypeVar("T")
Tensor = npt.NDArray[Any]

OUTPUTS = ("codepoints", "confidence")
LEAST_S = 0.02  # too little to connect anywhere
HOW_TO_START = "start one with: ocrctl server up --detach"


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What Triton's model configuration says about a model.

    max_batch_size: lines in one request, 1 or more.
    parameters: the string pairs of `parameters` in config.pbtxt.
    """

    max_batch_size: int
    parameters: Mapping[str, str]


class Transport(Protocol):
    """Raises OCRError only. Safe to call from several threads at a time.

    last_resort: nobody answers in this arm's place, so it is asked even where its breakers are
        open. False: ArmBrokenError at once, for the caller has somebody else to ask.
    """

    def infer(
        self,
        arm: Arm,
        image: npt.NDArray[np.uint8],
        *,
        timeout_s: float,
        request_id: str,
        last_resort: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Lines (N, 1, height, W) -> `codepoints` and `confidence`, (N, T) each, unchecked."""

    def describe(self, arm: Arm, *, timeout_s: float, last_resort: bool = True) -> ModelFacts:
        """The model's configuration."""

    def close(self, *, thread_ends: bool = False) -> None:
        """Closes the connection of the calling thread; the next call opens another one.

        thread_ends: nothing more happens in this thread, so whatever was kept for it goes, too.
        """


# Faults of the libraries below -> ours; the first line that matches counts. An HTTP status has a
# table of its own. `TimeoutError` is a connection that did not open: once it is open, only our
# deadline ends the waiting, and that is a gevent.Timeout.
FAULTS: tuple[tuple[type[BaseException], type[OCRError]], ...] = (
    (gevent.Timeout, ArmTimeoutError),
    (HTTPParseError, ConnectionLostError),  # HTTPConnectionClosed is one
    (ssl.SSLError, UnreachableError),
    (ConnectionRefusedError, UnreachableError),
    (ConnectionError, ConnectionLostError),
    (OSError, UnreachableError),  # no route, no such host, TimeoutError
    (RuntimeError, UnreachableError),  # geventhttpclient: "Cannot resolve HOST:PORT"
    (gevent.exceptions.LoopExit, ConnectionLostError),
    (ValueError, BadAnswerError),  # a body that is not the JSON it says it is
    (LookupError, BadAnswerError),
    (TypeError, BadAnswerError),
    (AttributeError, BadAnswerError),
)

# The connection broke before the first byte of an answer, most likely one that was kept alive
# too long. Later faults are never repeated: the request may be what breaks the server.
BEFORE_FIRST_BYTE = (HTTPConnectionClosed, BrokenPipeError)

# Triton's words come before its status, because older servers answer 400 for most things; but for
# 500, whose words are the model's.
PHRASES: tuple[tuple[str, type[OCRError]], ...] = (
    ("is not at ready state", DrainingError),  # "... unknown model" may stand before it
    ("is not ready", DrainingError),
    ("unknown model", ModelMissingError),
    ("is not found", ModelMissingError),
    ("exceeds maximum queue size", ArmBusyError),
    ("request timeout expired", ArmBusyError),
    ("onnx runtime error", ArmFailedError),
)
# For these the text says which arms the server does have.
ABSENT: Mapping[type[OCRError], str] = {
    ModelMissingError: "not on",
    DrainingError: "not ready (loading, unloaded or shutting down) on",
}
STATUSES: Mapping[str, type[OCRError]] = {
    "400": ArmRefusedError,
    "401": AccessError,
    "403": AccessError,
    "404": ModelMissingError,
    "500": ArmFailedError,
    "503": DrainingError,
}


class TritonTransport:
    """Triton over HTTP: one connection per thread, and a deadline for every call.

    urls: HOST:PORT each. A thread stays with the first that it can connect to.
    connect_timeout_s: for opening a connection, seconds.

    Create it after a fork: sockets and gevent's event loop must not be shared by processes.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        connect_timeout_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError on an address that is not HOST:PORT."""
        for url in urls:
            if not is_address(url):
                raise ConfigError(f"urls: {url!r} is not accepted; accepted: HOST:PORT")
        self._urls = tuple(urls)
        self._connect_timeout_s = connect_timeout_s
        self._clock = clock
        self._local = threading.local()
        self._outputs = [InferRequestedOutput(name, binary_data=True) for name in OUTPUTS]

    def infer(
        self,
        arm: Arm,
        image: npt.NDArray[np.uint8],
        *,
        timeout_s: float,
        request_id: str,
        last_resort: bool = True,  # noqa: ARG002  # used by the breakers of the next commit
    ) -> tuple[Tensor, Tensor]:
        tensor = InferInput("image", list(image.shape), "UINT8")
        tensor.set_data_from_numpy(image, binary_data=True)

        def ask(client: InferenceServerClient, left_s: float) -> tuple[Tensor, Tensor]:
            result = client.infer(
                arm.model,
                [tensor],
                model_version=str(arm.version),
                outputs=self._outputs,
                request_id=request_id,
                timeout=max(1, int(left_s * 1e6)),  # microseconds, for a queue policy
                headers={},  # a fresh one: tritonclient writes into it
            )
            return tuple(_output(result, name) for name in OUTPUTS)  # type: ignore[return-value]  # two

        return self._call(arm, ask, timeout_s)

    def describe(
        self,
        arm: Arm,
        *,
        timeout_s: float,
        last_resort: bool = True,  # noqa: ARG002  # as above
    ) -> ModelFacts:
        def ask(client: InferenceServerClient, _left_s: float) -> ModelFacts:
            config = client.get_model_config(arm.model, str(arm.version), headers={})
            parameters = config.get("parameters", {})
            return ModelFacts(
                max_batch_size=max(1, int(config.get("max_batch_size", 0))),
                parameters={key: str(value["string_value"]) for key, value in parameters.items()},
            )

        return self._call(arm, ask, timeout_s)

    def close(self, *, thread_ends: bool = False) -> None:
        client: InferenceServerClient | None = self._local.__dict__.pop("client", None)
        if client is not None:
            client.close()
        if thread_ends:  # gevent's event loop outlives its thread otherwise, with two open files
            gevent.get_hub().destroy(destroy_loop=True)

    def _call(
        self, arm: Arm, ask: Callable[[InferenceServerClient, float], T], timeout_s: float
    ) -> T:
        end = self._clock() + timeout_s
        refused: list[str] = []
        repeated = False
        while True:
            left_s = max(0.001, end - self._clock())
            client, url = self._connection(left_s)
            timer = gevent.Timeout(left_s)
            try:
                with timer:
                    return ask(client, left_s)
            except InferenceServerException as fault:
                raise self._explained(fault, arm, url, end) from fault
            except BaseException as fault:
                self.close()  # it may hold half an answer
                kind = fault_kind(fault)
                if kind is None or (isinstance(fault, gevent.Timeout) and fault is not timer):
                    raise  # the caller's own Ctrl-C or timeout
                if kind is UnreachableError:
                    refused.append(f"{url} ({_one_line(fault)})")
                    if len(refused) < len(self._urls) and end - self._clock() > LEAST_S:
                        self._local.turn = self._turn() + 1  # nothing was sent: ask the next one
                        continue
                    url = ", ".join(refused)
                elif isinstance(fault, BEFORE_FIRST_BYTE) and not repeated:
                    repeated = True
                    continue
                raise _told(kind, arm, url, fault, timeout_s) from fault

    def _turn(self) -> int:
        return int(getattr(self._local, "turn", 0))

    def _connection(self, left_s: float) -> tuple[InferenceServerClient, str]:
        """The thread's own: tritonclient's objects are not safe to share."""
        url = self._urls[self._turn() % len(self._urls)]
        client = getattr(self._local, "client", None)
        if client is None:
            client = InferenceServerClient(
                url,
                concurrency=1,
                # Before the deadline: what cannot be reached must not look like a slow model.
                connection_timeout=min(self._connect_timeout_s, left_s / 2),
                network_timeout=None,  # per socket operation; the deadline is ours
            )
            # The one retry is ours. geventhttpclient before 2.6 (the newest for Python 3.10)
            # repeats a POST `size + 1` times by itself, and reads this size for nothing else.
            client._client_stub._connection_pool.size = -1  # noqa: SLF001  # no public setting
            self._local.client = client
        return client, url

    def _explained(
        self, fault: InferenceServerException, arm: Arm, url: str, end: float
    ) -> OCRError:
        kind = answer_kind(fault)
        text = _one_line(fault.message() or "no reason given")
        if kind in ABSENT:
            there = self._there(max(0.001, end - self._clock()))
            return kind(f"{arm} is {ABSENT[kind]} the server at {url}; {there}")
        status = f" (HTTP {fault.status()})" if fault.status() else ""
        return kind(f"{arm} at {url}: {text}{status}")

    def _there(self, timeout_s: float) -> str:
        """Which arms the server has; from its statistics, because the index is restricted."""
        client, _ = self._connection(timeout_s)
        timer = gevent.Timeout(timeout_s)
        try:
            with timer:
                found = client.get_inference_statistics(headers={})["model_stats"]
                names = sorted(f"{model['name']}:{model['version']}" for model in found)
        except BaseException as fault:
            self.close()
            if isinstance(fault, Exception) or fault is timer:  # the first error is the one to tell
                return "and it does not say what is"
            raise
        return f"there is: {', '.join(names)}" if names else "no model is loaded there"


def fault_kind(fault: BaseException) -> type[OCRError] | None:
    """Our class for a fault of the libraries below; None for what is none, such as Ctrl-C."""
    return next((ours for lower, ours in FAULTS if isinstance(fault, lower)), None)


def answer_kind(fault: InferenceServerException) -> type[OCRError]:
    """Our class for an answer that reports an error, by its words and its HTTP status."""
    status, text = fault.status(), str(fault.message() or "").lower()
    if not status:
        return BadAnswerError  # tritonclient itself could not read the answer
    if status != "500":
        for phrase, kind in PHRASES:
            if phrase in text:
                return kind
    return STATUSES.get(str(status), UnexpectedStatusError)


def _told(
    kind: type[OCRError], arm: Arm, url: str, fault: BaseException, timeout_s: float
) -> OCRError:
    if kind is UnreachableError:
        return kind(f"no Triton at {url}; {HOW_TO_START}")
    if kind is ArmTimeoutError:
        return kind(f"{arm} at {url}: no answer within {timeout_s:.3g} s")
    if kind is ConnectionLostError:
        return kind(f"{url}: the connection broke while {arm} was asked: {_one_line(fault)}")
    return kind(f"{arm} at {url}: an answer that cannot be read: {_one_line(fault)}")


def _output(result: Any, name: str) -> Tensor:
    output = result.as_numpy(name)
    if output is None:
        raise ValueError(f"the output {name} is missing")
    return np.asarray(output)


def _one_line(fault: object) -> str:
    text = " ".join(str(fault).split())
    return text[:300] or type(fault).__name__
