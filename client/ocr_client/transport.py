"""The seam to Triton, and the only module that imports `tritonclient`.

It owns connections, deadlines and the table that turns the faults of the libraries below into ours.
Which endpoint is asked is decided in `endpoints`, what follows a fault in `attempts`, and whether
another arm answers instead above.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gevent
import numpy as np
import numpy.typing as npt
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from ocr_preprocessing.finder_spec import INPUT as MAPS_INPUT
from ocr_preprocessing.finder_spec import OUTPUTS as MAPS
from ocr_rollout.core.routing import Arm

from .answers import STATUSES, answer_kind
from .attempts import Attempts, Ended
from .breaker import BreakerSettings
from .endpoints import Endpoints, EndpointState, Lease
from .errors import (
    ArmBrokenError,
    ArmTimeoutError,
    BadAnswerError,
    ConfigError,
    ConnectionLostError,
    OCRError,
    UnreachableError,
)
from .seam import ModelFacts, Tensor, Transport
from .sections import is_address
from .statistics import ArmStatistics, collect

__all__ = [
    "STATUSES",
    "ModelFacts",
    "Tensor",
    "Transport",
    "TritonTransport",
    "answer_kind",
    "fault_kind",
]

T = TypeVar("T")

OUTPUTS = ("codepoints", "confidence")
DEFAULT_BREAKER = BreakerSettings()
LEAST_S = 0.02  # too little to connect anywhere
PROBE_S = 1.0  # what a probe may cost its request, where another endpoint can answer it


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


class TritonTransport:
    """Triton over HTTP: a connection per thread and endpoint, and a deadline for every call.

    urls: HOST:PORT each. Every request goes to a healthy one that has few in flight; where nothing
        answers, or the arm is missing, the next one is asked within the same call.
    connect_timeout_s: for opening a connection, seconds.
    breaker: when an arm is no longer asked at an endpoint, see `breaker`.

    A request is sent a second time only if its connection broke before the first byte of an
    answer, or if it was the probe of an endpoint that did not answer; never a third time, for it
    may be what breaks the servers.

    Create it after a fork: sockets and gevent's event loop must not be shared by processes.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        connect_timeout_s: float = 1.0,
        breaker: BreakerSettings = DEFAULT_BREAKER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError on an address that is not HOST:PORT, and without any."""
        for url in urls or ("",):
            if not is_address(url):
                raise ConfigError(f"urls: {url!r} is not accepted; accepted: HOST:PORT")
        self._urls = tuple(urls)
        self._connect_timeout_s = connect_timeout_s
        self._clock = clock
        self._endpoints = Endpoints(self._urls, breaker, clock=clock)
        self._local = threading.local()
        self._outputs = {
            names: [InferRequestedOutput(name, binary_data=True) for name in names]
            for names in (OUTPUTS, MAPS)
        }

    def infer(
        self,
        arm: Arm,
        image: npt.NDArray[np.uint8],
        *,
        timeout_s: float,
        request_id: str,
        last_resort: bool = True,
    ) -> tuple[Tensor, Tensor]:
        return self._infer(
            arm, "image", image, OUTPUTS, timeout_s, request_id, last_resort=last_resort
        )

    def maps(
        self, arm: Arm, page: npt.NDArray[np.uint8], *, timeout_s: float, request_id: str
    ) -> tuple[Tensor, Tensor]:
        return self._infer(arm, MAPS_INPUT, page, MAPS, timeout_s, request_id, last_resort=False)

    def describe(self, arm: Arm, *, timeout_s: float, last_resort: bool = True) -> ModelFacts:
        def ask(client: InferenceServerClient, _left_s: float) -> ModelFacts:
            config = client.get_model_config(arm.model, str(arm.version), headers={})
            parameters = config.get("parameters", {})
            return ModelFacts(
                max_batch_size=max(1, int(config.get("max_batch_size", 0))),
                parameters={key: str(value["string_value"]) for key, value in parameters.items()},
            )

        return self._call(arm, ask, timeout_s, last_resort=last_resort)

    def endpoints(self) -> tuple[EndpointState, ...]:
        return self._endpoints.states()

    def statistics(self, *, timeout_s: float) -> tuple[ArmStatistics, ...]:
        """What each endpoint has counted for each arm; see `statistics.collect`."""
        return collect(self._urls, timeout_s=timeout_s, clock=self._clock)

    def close(self, *, thread_ends: bool = False) -> None:
        for url in list(self._clients()):
            self._drop(url)
        if thread_ends:  # gevent's event loop outlives its thread otherwise, with two open files
            gevent.get_hub().destroy(destroy_loop=True)

    def _infer(
        self,
        arm: Arm,
        name: str,
        pixels: npt.NDArray[np.uint8],
        outputs: tuple[str, str],
        timeout_s: float,
        request_id: str,
        *,
        last_resort: bool,
    ) -> tuple[Tensor, Tensor]:
        tensor = InferInput(name, list(pixels.shape), "UINT8")
        tensor.set_data_from_numpy(pixels, binary_data=True)
        wanted = self._outputs[outputs]

        def ask(client: InferenceServerClient, left_s: float) -> tuple[Tensor, Tensor]:
            result = client.infer(
                arm.model,
                [tensor],
                model_version=str(arm.version),
                outputs=wanted,
                request_id=request_id,
                timeout=max(1, int(left_s * 1e6)),  # microseconds, for a queue policy
                headers={},  # a fresh one: tritonclient writes into it
            )
            return _output(result, outputs[0]), _output(result, outputs[1])

        return self._call(arm, ask, timeout_s, last_resort=last_resort)

    def _call(
        self,
        arm: Arm,
        ask: Callable[[InferenceServerClient, float], T],
        timeout_s: float,
        *,
        last_resort: bool,
    ) -> T:
        end = self._clock() + timeout_s
        past = Attempts(arm, len(self._urls))
        cause: BaseException | None = None
        while True:
            lease = self._next(past, end, cause, last_resort=last_resort)
            left_s = max(0.001, end - self._clock())
            # A probe must not cost its request the deadline, if another endpoint can answer it.
            spared = lease.ticket.probe and lease.alternative and not past.sent_again
            if spared:
                left_s = min(PROBE_S, left_s / 2)
            timer = gevent.Timeout(left_s)
            ended = Ended("dropped", "")
            try:
                with timer:
                    result = ask(self._connection(lease.url, left_s), left_s)
            except InferenceServerException as fault:
                cause, ended = fault, past.answered(lease, fault)
            except BaseException as fault:
                self._drop(lease.url)  # it may hold half an answer
                kind = fault_kind(fault)
                if kind is None or (isinstance(fault, gevent.Timeout) and fault is not timer):
                    raise  # the caller's own Ctrl-C or timeout
                first = isinstance(fault, BEFORE_FIRST_BYTE)
                cause = fault
                ended = past.broke(
                    lease, kind, fault, left_s, spared=spared, before_first_byte=first
                )
            else:
                ended = Ended("answered", "")
                return result
            finally:
                self._endpoints.give_back(lease, ended.ending, ended.reason)
            if ended.error is not None:
                raise ended.error from cause

    def _next(
        self, past: Attempts, end: float, cause: BaseException | None, *, last_resort: bool
    ) -> Lease:
        """Raises what is to be told of the call when there is no endpoint left to ask."""
        refusal = None
        while not past.tried or end - self._clock() > LEAST_S:
            try:
                lease = self._endpoints.take(past.arm, last_resort=last_resort, tried=past.tried)
            except ArmBrokenError as error:
                lease, refusal = None, error
            if lease is not None:
                return lease
            if not past.once_more():
                break
        raise past.verdict(refusal, self._there(past.absent, end)) from cause

    def _clients(self) -> dict[str, InferenceServerClient]:
        """The thread's own: tritonclient's objects are not safe to share."""
        clients: dict[str, InferenceServerClient] | None = getattr(self._local, "clients", None)
        if clients is None:
            clients = self._local.clients = {}
        return clients

    def _connection(self, url: str, left_s: float) -> InferenceServerClient:
        clients = self._clients()
        client = clients.get(url)
        if client is None:
            client = clients[url] = InferenceServerClient(
                url,
                concurrency=1,
                # Before the deadline: what cannot be reached must not look like a slow model.
                connection_timeout=min(self._connect_timeout_s, left_s / 2),
                network_timeout=None,  # per socket operation; the deadline is ours
            )
            # The one retry is ours. geventhttpclient before 2.6 (the newest for Python 3.10)
            # repeats a POST `size + 1` times by itself, and reads this size for nothing else.
            client._client_stub._connection_pool.size = -1  # noqa: SLF001  # no public setting
        return client

    def _drop(self, url: str) -> None:
        client = self._clients().pop(url, None)
        if client is not None:
            client.close()

    def _there(self, urls: Sequence[str], end: float) -> str:
        """Which arms these have; from their statistics, because the index is restricted."""
        names: set[str] = set()
        for url in urls:
            timer = gevent.Timeout(max(0.001, end - self._clock()))
            try:
                with timer:
                    client = self._connection(url, PROBE_S)
                    found = client.get_inference_statistics(headers={})["model_stats"]
                    names |= {f"{model['name']}:{model['version']}" for model in found}
            except BaseException as fault:
                self._drop(url)
                if isinstance(fault, Exception) or fault is timer:  # the first error is to be told
                    return "and it does not say what is"
                raise
        return f"there is: {', '.join(sorted(names))}" if names else "no model is loaded there"


def fault_kind(fault: BaseException) -> type[OCRError] | None:
    """Our class for a fault of the libraries below; None for what is none, such as Ctrl-C."""
    return next((ours for lower, ours in FAULTS if isinstance(fault, lower)), None)


def _output(result: Any, name: str) -> Tensor:
    output = result.as_numpy(name)
    if output is None:
        raise ValueError(f"the output {name} is missing")
    return np.asarray(output)
