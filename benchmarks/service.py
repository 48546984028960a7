"""What the service costs above `OCRClient` in this process, and what it does under too much load."""

from __future__ import annotations

import contextlib
import http.client
import io
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.lines import crops
from benchmarks.models import versions
from benchmarks.overload import overload
from benchmarks.report import Row, Section
from benchmarks.timing import Took, interleave, median
from PIL import Image

from ocr_client import OCRClient
from ocr_server import EmbeddedTriton

CONNECTIONS = 8
SLICE_S = 2.0
LEAST_SHARE = 0.8
MOST_MS = 3.0
OVERLOAD = 64  # connections
# Fewer places than connections, so that some have to be refused.
CROWDED = {"concurrency": 4, "queue": 32, "wait_s": 5.0}
TITLE = "REST service, against OCRClient in one process"


def measure(repository: Path, rounds: int, overload_s: float) -> Section:
    """Raises ServerError where no embedded server can be started."""
    with versions(repository) as found, tempfile.TemporaryDirectory() as folder:
        root = next(iter(found.values())).directory.parent.parent
        with EmbeddedTriton(root, models=tuple(found)) as triton:
            config = written(Path(folder) / "plain.yaml", triton.http_url, {})
            crowded = written(Path(folder) / "crowded.yaml", triton.http_url, CROWDED)
            image = _image()
            with serving(config) as (port, _), OCRClient.from_config(config) as client:
                rows = [
                    *_one_by_one(client, port, image, rounds),
                    *_side_by_side(client, port, image, max(2, rounds // 40)),
                ]
            with serving(crowded) as (port, pid):
                rows += overload(port, pid, image, connections=OVERLOAD, seconds=overload_s)
    return Section(
        TITLE,
        tuple(rows),
        f"A PNG of 100x1000, {len(image):,} bytes, sent as it is over connections that stay open."
        " Client and service are asked in turn, and so is who answers: the same image, the same"
        f" arm. Too much load: {OVERLOAD} connections that ask again at once, {CROWDED}.",
    )


def written(path: Path, triton_url: str, section: dict[str, Any]) -> Path:
    """A configuration in which nothing but the service's section is set."""
    path.write_text(f"triton: {{urls: ['{triton_url}']}}\nservice: {section}\n", encoding="utf-8")
    return path


@contextlib.contextmanager
def serving(config: Path) -> Iterator[tuple[int, int]]:
    """Port and process id of `ocrctl serve`, which is ready."""
    command = [sys.executable, "-m", "ocr_client.cli", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(
        [*command, "--config", str(config)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline().split()
            if first[:1] != ["serving"]:
                raise RuntimeError(f"ocrctl serve did not begin: {first}")
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield int(first[1].rpartition(":")[2]), process.pid
        finally:
            process.terminate()


class Caller:
    """One connection that stays open."""

    def __init__(self, port: int, image: bytes) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._image = image

    def __call__(self) -> None:
        headers = {"Content-Type": "image/png", "X-User-Id": "benchmark"}
        self._connection.request("POST", "/ocr", self._image, headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"HTTP {response.status}: {body[:200]!r}")


def _one_by_one(client: OCRClient, port: int, image: bytes, rounds: int) -> list[Row]:
    times = interleave(
        {
            "OCRClient": lambda: client.recognize(image, user_id="benchmark"),
            "service": Caller(port, image),
        },
        rounds=rounds,
        warm_up=10,
    )
    rows = [Row(f"one at a time: {name}", float(np.median(ms)), "ms") for name, ms in times.items()]
    above = median(times["service"] - times["OCRClient"])
    between = float(np.median(times["service"]) - np.median(times["OCRClient"]))
    rows.append(
        Row(
            "one at a time: service above OCRClient, medians",
            between,
            "ms",
            f"of pairs {above.median:.2f}, 95 %: {above.low:.2f}..{above.high:.2f}",
            f"<= {MOST_MS:g} ms",
            between <= MOST_MS,
            "OCRClient in this process",
        )
    )
    quiet = float(np.percentile(times["service"], 10) - np.percentile(times["OCRClient"], 10))
    title = "one at a time: the same, 10th percentiles"
    return [*rows, Row(title, quiet, "ms", "of rounds that nothing disturbed")]


def _side_by_side(client: OCRClient, port: int, image: bytes, rounds: int) -> list[Row]:
    callers = [Caller(port, image) for _ in range(CONNECTIONS)]

    def ask() -> None:
        client.recognize(image, user_id="benchmark")

    def leave() -> None:
        client.close(thread_ends=True)

    calls: dict[str, Callable[[], Took]] = {
        "OCRClient": lambda: Took(_each_ms([ask] * CONNECTIONS, leave)),
        "service": lambda: Took(_each_ms(callers, lambda: None)),
    }
    times = interleave(calls, rounds=rounds, warm_up=1)
    rates = {name: 1e3 / ms for name, ms in times.items()}
    share = median(rates["service"] / rates["OCRClient"])
    rows = [
        Row(f"{CONNECTIONS} at a time: {name}", float(np.median(rate)), "images/s")
        for name, rate in rates.items()
    ]
    rows.append(
        Row(
            f"{CONNECTIONS} at a time: service / OCRClient",
            share.median,
            "x",
            f"95 %: {share.low:.2f}..{share.high:.2f}",
            f">= {LEAST_SHARE:g} x",
            share.median >= LEAST_SHARE,
            "OCRClient in this process",
        )
    )
    return rows


def _each_ms(asks: list[Callable[[], None]], leave: Callable[[], None]) -> float:
    """Milliseconds for each answer, with a thread for each of `asks` and all of them at it."""
    counts = [0] * len(asks)
    faults: list[Exception] = []
    end = time.perf_counter() + SLICE_S

    def go(number: int) -> None:
        try:
            while time.perf_counter() < end:
                asks[number]()
                counts[number] += 1
        except Exception as error:  # noqa: BLE001  # it is raised below
            faults.append(error)
        finally:
            leave()

    threads = [threading.Thread(target=go, args=(number,)) for number in range(len(asks))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:  # a busy machine may have no second for us, and then there is no figure
        raise faults[0]
    return 1e3 * (time.perf_counter() - started) / sum(counts)


def _image() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(crops(1, noise=2.0)[0][..., ::-1]).save(buffer, "PNG")
    return buffer.getvalue()
