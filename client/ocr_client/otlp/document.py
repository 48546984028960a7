"""All series as one ExportMetricsServiceRequest of OTLP 1, in its JSON form. Pure.

https://opentelemetry.io/docs/specs/otlp/: 64-bit whole numbers are texts, enumerations numbers.

A name and its labels stay as docs/metrics.md has them. What ends in `_total` is a cumulative sum, what
has bins a cumulative histogram (whose bins here do not include those below), all else a gauge. Whoever
misses a push misses nothing that is counted: the next one has it, too.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ocr_client.metrics import parsed

CUMULATIVE: Final = 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
SCOPE: Final = "ocr_client"
_BUCKET: Final = "_bucket"

Labels = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Process:
    """Who pushes. resource: attributes. started_ns: since when it counts, Unix time."""

    resource: tuple[tuple[str, str], ...]
    version: str
    started_ns: int


def document(metrics: Mapping[str, float], process: Process, now_ns: int) -> dict[str, Any]:
    """metrics: `name{label="value",...}` -> value, of `OCRClient.metrics`."""
    known: dict[str, dict[Labels, dict[str, float]]] = {}
    for told, value in metrics.items():
        name, labels = parsed(told)
        edge = labels.pop("le", "")
        known.setdefault(name, {}).setdefault(tuple(labels.items()), {})[edge] = float(value)
    histograms = {name.removesuffix(_BUCKET) for name in known if name.endswith(_BUCKET)}
    parts = {f"{name}{suffix}" for name in histograms for suffix in (_BUCKET, "_count", "_sum")}
    since = {"startTimeUnixNano": str(process.started_ns), "timeUnixNano": str(now_ns)}
    found: list[dict[str, Any] | None] = [
        _histogram(name, known, since) for name in sorted(histograms)
    ]
    for name in sorted(set(known) - parts):
        points = {labels: values[""] for labels, values in known[name].items()}
        found.append(
            _sum(name, points, since) if name.endswith("_total") else _gauge(name, points, now_ns)
        )
    scope = {"name": SCOPE, "version": process.version}
    scoped = {"scope": scope, "metrics": [metric for metric in found if metric is not None]}
    resource = {"attributes": _attributes(process.resource)}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scoped]}]}


def points_of(sent: Mapping[str, Any]) -> int:
    """How many data points a document has."""
    kinds = ("sum", "gauge", "histogram")
    return sum(
        len(metric[kind]["dataPoints"])
        for resource in sent["resourceMetrics"]
        for scoped in resource["scopeMetrics"]
        for metric in scoped["metrics"]
        for kind in kinds
        if kind in metric
    )


def _sum(name: str, points: Mapping[Labels, float], since: Mapping[str, str]) -> dict[str, Any]:
    data = [
        {"attributes": _attributes(labels), **since, "asInt": str(round(value))}
        for labels, value in points.items()
    ]
    kind = {"aggregationTemporality": CUMULATIVE, "isMonotonic": True, "dataPoints": data}
    return {"name": name, "sum": kind}


def _gauge(name: str, points: Mapping[Labels, float], now_ns: int) -> dict[str, Any] | None:
    data = [
        {"attributes": _attributes(labels), "timeUnixNano": str(now_ns), "asDouble": value}
        for labels, value in points.items()
        if math.isfinite(value)  # which JSON cannot say
    ]
    return {"name": name, "gauge": {"dataPoints": data}} if data else None


def _histogram(
    name: str,
    known: Mapping[str, Mapping[Labels, Mapping[str, float]]],
    since: Mapping[str, str],
) -> dict[str, Any]:
    data = []
    for labels, bins in known[f"{name}{_BUCKET}"].items():
        edges = sorted(bins, key=float)
        upto = [round(bins[edge]) for edge in edges]
        each = [n - before for n, before in zip(upto, [0, *upto[:-1]], strict=True)]
        data.append(
            {
                "attributes": _attributes(labels),
                **since,
                "count": str(upto[-1]),
                "sum": known[f"{name}_sum"][labels][""],
                "bucketCounts": [str(n) for n in each],
                "explicitBounds": [float(edge) for edge in edges if math.isfinite(float(edge))],
            }
        )
    kind = {"aggregationTemporality": CUMULATIVE, "dataPoints": data}
    return {"name": name, "unit": "s", "histogram": kind}


def _attributes(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in pairs]
