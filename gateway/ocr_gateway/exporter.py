"""What `/metrics` says: the service's own figures, the client's, and those of the other workers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from .admission import Admission
from .families import FAMILIES, Family
from .frame import Served
from .snapshots import Place, Sample, Snapshot, merged, now_s

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
EVERY_S: Final = 1.0
EDGES_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A caller may send any word as a method.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
NO_ROUTE: Final = "none"

log = logging.getLogger("ocr_gateway")

ClientMetrics = Callable[[], Mapping[str, float]]


class Exporter:
    """Of one worker process. Safe in threads.

    client: its `OCRClient.metrics`. place: where the workers' figures come together.
    """

    def __init__(self, client: ClientMetrics, admission: Admission, place: Place) -> None:
        self._client = client
        self._admission = admission
        self._place = place
        self._told = ""
        # Of the file, which one thread after the other writes, the older figures first.
        self._writing = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ocr_service_requests_total",
            "requests",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "ocr_service_request_seconds",
            "durations",
            ("route",),
            buckets=EDGES_S,
            registry=self._registry,
        )
        self._problems = Counter(
            "ocr_service_problems_total", "problems", ("problem",), registry=self._registry
        )

    def served(self, served: Served) -> None:
        """The observer of requests that are over."""
        route = served.route or NO_ROUTE
        method = served.method if served.method in METHODS else "other"
        self._requests.labels(route, method, f"{served.status // 100}xx").inc()
        self._seconds.labels(route).observe(served.ms / 1e3)
        problem = served.facts.get("problem")
        if problem is not None:
            self._problems.labels(problem).inc()

    def begin(self) -> None:
        """Writes for the other workers from now on, where there are any."""
        if self._place.shared:
            self._publish()
            self._thread = threading.Thread(target=self._run, name="ocr-metrics", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Leaves what was counted, once the last request is over."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(EVERY_S)
            self._publish(gone=True)

    def text(self, *, ready: bool) -> bytes:
        """Of all workers, in the text format. Raises OSError.

        ready: whether stable answers, as this worker has just found out.
        """
        with self._writing:
            own = self._snapshot()
            self._place.write(own)  # or the next scrape, at another worker, would know less
        seen = Snapshot(own.at_s, (*own.samples, Sample.of("ocr_service_ready", ready)))
        return exposition(merged([*self._place.others(), seen], now_s()))

    def _run(self) -> None:
        while not self._ending.wait(EVERY_S):
            self._publish()

    def _publish(self, *, gone: bool = False) -> None:
        """Never raises. A line in the log for each new trouble."""
        try:
            with self._writing:
                self._place.write(self._snapshot(gone=gone))
        except OSError as error:
            if str(error) != self._told:
                log.warning("the other workers do not see what this one counts: %s", error)
            self._told = str(error)
        else:
            self._told = ""

    def _snapshot(self, *, gone: bool = False) -> Snapshot:
        """gone: its gauges are not of now."""
        samples = (*self._own(), *of_client(self._client()))
        return Snapshot(float("-inf") if gone else now_s(), samples)

    def _own(self) -> Iterator[Sample]:
        for metric in self._registry.collect():
            for sample in metric.samples:
                if not sample.name.endswith("_created"):
                    yield Sample.of(sample.name, sample.value, sample.labels)
        admission = self._admission
        for reason, count in admission.refused.items():
            yield Sample.of("ocr_service_queue_refused_total", count, {"reason": reason})
        yield Sample.of("ocr_service_reading", admission.running)
        yield Sample.of("ocr_service_waiting", admission.waiting)
        yield Sample.of("ocr_service_reading_limit", admission.concurrency)
        yield Sample.of("ocr_service_waiting_limit", admission.queue)
        yield Sample.of("ocr_service_workers", 1)


def of_client(metrics: Mapping[str, float]) -> Iterator[Sample]:
    """metrics: `name{label="value",...}` -> value."""
    text = "".join(f"{series} {float(value)!r}\n" for series, value in metrics.items())
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield Sample.of(sample.name, sample.value, sample.labels)


class _Merged(Collector):
    def __init__(self, families: Mapping[Family, list[Sample]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for family in FAMILIES:
            metric = Metric(family.name.removesuffix("_total"), family.what, family.kind)
            for sample in sorted(self._families.get(family, ()), key=_place_of):
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
            if metric.samples:
                yield metric


def exposition(families: Mapping[Family, list[Sample]]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Merged(families))
    return generate_latest(registry)


def _place_of(sample: Sample) -> tuple[list[tuple[str, str]], str, float]:
    """The series of one histogram stand together, its bins in ascending order."""
    others = [(name, value) for name, value in sample.labels if name != "le"]
    edge = dict(sample.labels).get("le", "+Inf")
    return others, sample.name, float(edge)
