"""Every metric that the service exports: the table that `/metrics` and docs/metrics.md come from.

A metric that has no line here is not exported, so every label is a decision: none holds anything
that came with a request.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]
# How the values of several worker processes become one. Counters and histograms are added up.
Over = Literal["sum", "min", "max", "newest"]

_SUFFIXES: Final = ("_bucket", "_count", "_sum")


@dataclasses.dataclass(frozen=True)
class Family:
    """One metric.

    over: of a gauge. `sum`: each worker has its own part; `min`, `max`: one that is worse shows;
        `newest`: all workers see the same thing, and who looked last knows best.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    what: str
    over: Over = "sum"

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its samples."""
        if self.kind == "histogram":
            return tuple(self.name + suffix for suffix in _SUFFIXES)
        return (self.name,)


def _counter(name: str, labels: str, what: str) -> Family:
    return Family(name, "counter", tuple(labels.split()), what)


def _histogram(name: str, labels: str, what: str) -> Family:
    return Family(name, "histogram", tuple(labels.split()), what)


def _gauge(name: str, over: Over, labels: str, what: str) -> Family:
    return Family(name, "gauge", tuple(labels.split()), what, over)


FAMILIES: Final[tuple[Family, ...]] = (
    # What came over HTTP.
    _counter(
        "ocr_service_requests_total",
        "route method status",
        "Requests that are over, by route as it is declared (none: no route took it), method and "
        "class of the status (4xx includes callers that went away first).",
    ),
    _histogram(
        "ocr_service_request_seconds", "route", "From a request's headers to the end of its answer."
    ),
    _counter(
        "ocr_service_problems_total", "problem", "Requests that got a problem document, by kind."
    ),
    _counter(
        "ocr_service_queue_refused_total",
        "reason",
        "Images refused with 503: the queue was full, or the wait too long (late).",
    ),
    _gauge("ocr_service_reading", "sum", "", "Images being read."),
    _gauge("ocr_service_waiting", "sum", "", "Images that wait for their turn."),
    _gauge("ocr_service_reading_limit", "sum", "", "Images that can be read at a time."),
    _gauge("ocr_service_waiting_limit", "sum", "", "Images that may wait."),
    _gauge("ocr_service_workers", "sum", "", "Worker processes that live."),
    _gauge("ocr_service_ready", "newest", "", "1 where the arm in production answers."),
    # What the client in each worker counted; `ocr_client.report` says the same in its own words.
    _counter("ocr_client_requests_total", "arm reason", "Answered, by the arm that answered."),
    _counter("ocr_client_failed_total", "error", "Readings that raised, by class of the error."),
    _counter(
        "ocr_client_attempts_total",
        "arm outcome",
        "First attempts; not_made: the arm's breaker was open.",
    ),
    _histogram(
        "ocr_client_attempt_seconds",
        "arm",
        "First attempts that were answered or timed out, preparation included.",
    ),
    _counter(
        "ocr_client_rescues_total",
        "result",
        "Empty or garbled answers of the candidate for which stable was asked, or not (busy).",
    ),
    _counter(
        "ocr_client_shadow_total",
        "result",
        "Images for the candidate off the response path: read, or left out, and why.",
    ),
    _counter(
        "ocr_client_shadow_pairs_total",
        "result",
        "Images that both arms read: equal or different texts, or who read badly.",
    ),
    _counter(
        "ocr_client_notifications_total",
        "target result",
        "Notifications sent, failed (to be tried again) and given_up.",
    ),
    _counter(
        "ocr_client_review_samples_total", "result", "Samples for reviewers: kept, or left out."
    ),
    _counter("ocr_client_otlp_pushes_total", "result", "Pushes of metrics: sent, failed."),
    _counter(
        "ocr_client_otlp_points_refused_total", "", "Data points that the receiver did not take."
    ),
    _gauge("ocr_client_in_flight", "sum", "", "Readings under way."),
    _gauge("ocr_client_shadow_waiting", "sum", "", "Images that wait for the candidate."),
    _gauge("ocr_client_review_waiting", "sum", "", "Samples that wait for the store."),
    _gauge(
        "ocr_client_rollout_info",
        "newest",
        "rollout status stable candidate",
        "1, with where the rollout stands.",
    ),
    _gauge("ocr_client_rollout_weight", "newest", "", "The candidate's share, 0..1."),
    _gauge("ocr_client_rollout_phase", "newest", "", "From 1; 0 where nothing is under way."),
    _gauge("ocr_client_rollout_generation", "newest", "", "Counts decisions."),
    _gauge(
        "ocr_client_rollout_error_limit",
        "newest",
        "",
        "Share of failed requests, 0..1, beyond which the candidate is taken back.",
    ),
    _gauge(
        "ocr_client_rollout_follows",
        "min",
        "",
        "0 where a worker's plan is not the one that runs.",
    ),
    _gauge(
        "ocr_client_verdict",
        "newest",
        "rule status",
        "1 for the status that a rule of the judge has now, 0 for the others.",
    ),
    _gauge("ocr_client_verdict_observed", "newest", "rule", "What a rule saw, in its own unit."),
    _gauge("ocr_client_verdict_limit", "newest", "rule", "What it compared that with."),
    _gauge("ocr_client_verdict_samples", "newest", "rule", "How much that rests on."),
    _gauge("ocr_client_store_up", "min", "", "0 where a worker does not reach the store."),
    _gauge("ocr_client_store_readable", "min", "", "0 where a worker cannot read the state in it."),
    _gauge("ocr_client_store_unsent", "sum", "", "Outcomes that wait for the store."),
    _counter("ocr_client_store_dropped_total", "", "Outcomes that are lost."),
    _counter("ocr_client_store_repeats_total", "", "Outcomes of a route key counted before."),
    _gauge(
        "ocr_client_store_flushed_timestamp_seconds",
        "min",
        "",
        "Unix time at which the worker that is furthest behind had all in the store.",
    ),
    _counter("ocr_client_transitions_total", "result", "Decisions won, and lost to others."),
    _gauge("ocr_client_config_up", "min", "", "0 where the configuration cannot be read now."),
    _gauge(
        "ocr_client_config_generation",
        "min",
        "",
        "How many configurations the worker that had the fewest has used.",
    ),
    _counter("ocr_client_config_failures_total", "", "Configurations that could not be used."),
    _gauge("ocr_client_endpoint_in_flight", "sum", "url", "Calls under way to a Triton."),
    _gauge(
        "ocr_client_breaker_open",
        "max",
        "url arm",
        "1 where a worker leaves an arm at a Triton alone for now, because it failed.",
    ),
)

BY_SERIES: Final[Mapping[str, Family]] = {
    series: family for family in FAMILIES for series in family.series
}


def table() -> str:
    """Markdown, as in docs/metrics.md."""
    lines = ["| metric | kind | labels | over workers | what |", "|---|---|---|---|---|"]
    for family in FAMILIES:
        over = family.over if family.kind == "gauge" else "sum"
        labels = ", ".join(family.labels)
        lines.append(f"| `{family.name}` | {family.kind} | {labels} | {over} | {family.what} |")
    return "\n".join(lines) + "\n"
