"""What Triton itself has counted: per arm from its statistics, per server from its metrics.

The counters add up since the model was loaded. Two samples, subtracted, say what happened
between: `means(before, after)`. Nothing here needs `tritonclient`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ocr_rollout.core.routing import Arm

from .answers import one_line
from .errors import ConnectionLostError, NetworkError, UnexpectedStatusError, UnreachableError

MOST_BYTES = 8 << 20  # some hundred kB at a thousand versions
NS_PER_MS = 1e6


@dataclasses.dataclass(frozen=True)
class ArmStatistics:
    """Triton's counters of one arm on one endpoint, since it was loaded there.

    requests: that were answered; failures: that Triton counted as failed. A model of the embedded
        server that raises counts as answered, requests that never reach a model (HTTP 4xx, a full
        queue) count nowhere, so this is no error rate: judge arms by outcomes.
    inferences: lines, a request of 8 counts 8. executions: runs of the model, a run of a batch
        of several requests counts 1.
    total_ns: of answered requests, from arrival to answer. queue_ns, input_ns, infer_ns,
        output_ns: the parts of it, cumulated over requests.
    """

    url: str
    arm: Arm
    requests: int
    failures: int
    inferences: int
    executions: int
    total_ns: int
    queue_ns: int
    input_ns: int
    infer_ns: int
    output_ns: int


@dataclasses.dataclass(frozen=True)
class ArmMeans:
    """Between two samples, over all endpoints. Mean milliseconds of an answered request."""

    arm: Arm
    requests: int
    failures: int
    inferences: int
    executions: int
    total_ms: float
    queue_ms: float
    input_ms: float
    infer_ms: float
    output_ms: float

    @property
    def compute_ms(self) -> float:
        return self.input_ms + self.infer_ms + self.output_ms


@dataclasses.dataclass(frozen=True)
class ServerLoad:
    """One server's machine as Triton sees it; None: it does not say, or has not measured yet.

    cpu_utilisation: 0..1 of all cores of the machine (in a container: of the host), over Triton's
        last metrics interval, 2 s. memory_used_bytes, memory_total_bytes: of the machine as well.
    """

    url: str
    cpu_utilisation: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None


COUNTERS = tuple(
    field.name for field in dataclasses.fields(ArmStatistics) if field.name not in ("url", "arm")
)


def collect(
    urls: Iterable[str], *, timeout_s: float, clock: Callable[[], float] = time.monotonic
) -> tuple[ArmStatistics, ...]:
    """Of every endpoint that answers within the time, in order of addresses and arms.

    Raises the first one's error (NetworkError, UnexpectedStatusError) when none does. An endpoint
    that is missing in the result could not be measured, which is not the same as idle.
    """
    end = clock() + timeout_s
    found: list[ArmStatistics] = []
    errors: list[NetworkError | UnexpectedStatusError] = []
    distinct = list(dict.fromkeys(urls))
    for number, url in enumerate(distinct):
        # A share for each that is still to come, so that one that hangs leaves some to the rest.
        share_s = max(0.001, (end - clock()) / (len(distinct) - number))
        try:
            found += read_statistics(url, fetch(url, "/v2/models/stats", timeout_s=share_s))
        except (NetworkError, UnexpectedStatusError) as error:
            errors.append(error)
    if len(errors) == len(distinct):
        raise errors[0]
    return tuple(found)


def read_statistics(url: str, body: bytes) -> list[ArmStatistics]:
    """Triton's answer of /v2/models/stats. Raises UnexpectedStatusError if it is none."""
    try:
        return sorted(
            (_arm_statistics(url, model) for model in json.loads(body)["model_stats"]),
            key=lambda one: one.arm,
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnexpectedStatusError(
            f"{url}: its statistics cannot be read ({type(error).__name__}); is it Triton?"
        ) from error


def means(before: Sequence[ArmStatistics], after: Sequence[ArmStatistics]) -> tuple[ArmMeans, ...]:
    """Arms that answered something between the two samples, in order. Pure.

    Counters start again at 0 when a model is unloaded or its server restarts; where one went back,
    the second sample is all that is known. Endpoints that only one sample has are left out, for
    how long they have counted is not known.
    """
    earlier = {(one.url, one.arm): one for one in before}
    seen = {one.url for one in before}
    sums: dict[Arm, dict[str, int]] = {}
    for late in after:
        if late.url not in seen:
            continue
        early = earlier.get((late.url, late.arm))
        values = {name: getattr(late, name) for name in COUNTERS}
        if early is not None and all(values[name] >= getattr(early, name) for name in COUNTERS):
            values = {name: value - getattr(early, name) for name, value in values.items()}
        total = sums.setdefault(late.arm, dict.fromkeys(COUNTERS, 0))
        for name, value in values.items():
            total[name] += value
    return tuple(_mean(arm, total) for arm, total in sorted(sums.items()) if total["requests"])


def server_load(metrics_url: str, *, timeout_s: float) -> ServerLoad:
    """From Triton's Prometheus metrics. Raises NetworkError or UnexpectedStatusError.

    metrics_url: HOST:PORT.
    """
    body = fetch(metrics_url, "/metrics", timeout_s=timeout_s)
    return read_load(metrics_url, body.decode("utf-8", errors="replace"))


def read_load(url: str, text: str) -> ServerLoad:
    """Triton writes 0 for all of them until it has measured, 2 s after its start."""
    found = read_gauges(text)
    total = found.get("nv_cpu_memory_total_bytes", 0.0)
    used = found.get("nv_cpu_memory_used_bytes", 0.0)
    busy = found.get("nv_cpu_utilization")
    return ServerLoad(
        url=url,
        cpu_utilisation=busy if total else None,
        memory_used_bytes=int(used) if total else None,
        memory_total_bytes=int(total) if total else None,
    )


def read_gauges(text: str) -> Mapping[str, float]:
    """The samples without labels of Prometheus' text format (0.0.4), finite ones only."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) in (2, 3) and not words[0].startswith("#") and "{" not in words[0]:
            with contextlib.suppress(ValueError):
                value = float(words[1])
                if abs(value) < float("inf"):  # neither infinite nor NaN
                    found[words[0]] = value
    return found


def fetch(url: str, path: str, *, timeout_s: float) -> bytes:
    """GET http://url/path, the whole of it within the time and at most 8 MiB.

    Raises UnreachableError, ConnectionLostError, or UnexpectedStatusError unless it is HTTP 200.
    """
    host, _, port = url.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=timeout_s)
    end = time.monotonic() + timeout_s
    try:
        connection.connect()
    except OSError as error:
        raise UnreachableError(
            f"nothing answers at {url} ({one_line(error)}); is the server up?"
        ) from error
    # A socket's timeout is for each block; what dribbles would stretch it.
    guard = threading.Timer(max(0.0, end - time.monotonic()), _hang_up, (connection.sock,))
    guard.daemon = True
    guard.start()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES + 1)
        if answer.length and len(body) <= MOST_BYTES:  # of a read with a size, nobody says so
            raise http.client.IncompleteRead(body, answer.length)
        if time.monotonic() >= end:  # without a length, a hang-up of ours looks like the end
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = time.monotonic() >= end
        reason = f"no whole answer within {timeout_s:.3g} s" if late else one_line(error)
        raise ConnectionLostError(f"{url}{path}: {reason}") from error
    finally:
        guard.cancel()
        connection.close()
    if answer.status != 200 or len(body) > MOST_BYTES:
        reason = "more than 8 MiB" if len(body) > MOST_BYTES else f"HTTP {answer.status}"
        raise UnexpectedStatusError(f"{url}{path}: {reason}, which is not what Triton answers")
    return body


def _hang_up(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)


def _arm_statistics(url: str, model: Mapping[str, Any]) -> ArmStatistics:
    stats = model["inference_stats"]
    return ArmStatistics(
        url=url,
        arm=Arm(str(model["name"]), int(model["version"])),
        requests=int(stats["success"]["count"]),
        failures=int(stats["fail"]["count"]),
        inferences=int(model["inference_count"]),
        executions=int(model["execution_count"]),
        total_ns=int(stats["success"]["ns"]),
        queue_ns=int(stats["queue"]["ns"]),
        input_ns=int(stats["compute_input"]["ns"]),
        infer_ns=int(stats["compute_infer"]["ns"]),
        output_ns=int(stats["compute_output"]["ns"]),
    )


def _mean(arm: Arm, total: Mapping[str, int]) -> ArmMeans:
    each = total["requests"] * NS_PER_MS
    return ArmMeans(
        arm=arm,
        requests=total["requests"],
        failures=total["failures"],
        inferences=total["inferences"],
        executions=total["executions"],
        total_ms=total["total_ns"] / each,
        queue_ms=total["queue_ns"] / each,
        input_ms=total["input_ns"] / each,
        infer_ms=total["infer_ns"] / each,
        output_ms=total["output_ns"] / each,
    )
