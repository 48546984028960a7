"""All series of one client: its own counters, and what its parts say of themselves.

| name | labels | what |
|---|---|---|
| `ocr_client_requests_total` | arm, reason | answered requests, by the arm that answered |
| `ocr_client_failed_total` | error | requests that raised, by the class of the error |
| `ocr_client_attempts_total` | arm, outcome | first attempts; `not_made`: its breaker is open |
| `ocr_client_rescues_total` | result | `rescued`, `no_better`, `failed`, or skipped as `busy` |
| `ocr_client_shadow_total` | result | `read`, or left out: `full`, `busy`, `stale`, `refused` |
| `ocr_client_in_flight`, `ocr_client_shadow_waiting` | | requests under way; images that wait |
| `ocr_client_rollout_info` | rollout, status, stable, candidate | 1 |
| `ocr_client_rollout_weight`, `..._phase`, `..._generation` | | the candidate's share 0..1; phase from 1, 0 without one |
| `ocr_client_rollout_follows` | | 1 where the shared state is of this client's plan |
| `ocr_client_store_up`, `..._readable` | | 1 where it answers; where its state can be read |
| `ocr_client_store_unsent`, `..._dropped_total`, `..._repeats_total` | | outcomes that wait, that are lost, that count once |
| `ocr_client_store_flushed_timestamp_seconds` | | when all was last in it |
| `ocr_client_transitions_total` | result | `won` and `lost` decisions |
| `ocr_client_config_up`, `..._generation`, `..._failures_total` | | 1 where the last one read was good; how many were used; how many were not |
| `ocr_client_endpoint_in_flight` | url | requests |
| `ocr_client_breaker_open` | url, arm | 1 where it is not asked |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ocr_rollout.runtime import Health, View

from .endpoints import EndpointState
from .metrics import series
from .standing import Standing

if TYPE_CHECKING:  # it loads native code, which only a client that watches needs
    from .reload import Status

Sample = tuple[str, float]


def of_rollout(view: View, health: Health) -> Iterator[Sample]:
    standing = Standing.of(view)
    info = {
        "rollout": standing.rollout,
        "status": standing.status,
        "stable": standing.stable,
        "candidate": standing.candidate,
    }
    yield series("ocr_client_rollout_info", info), 1
    yield "ocr_client_rollout_weight", standing.weight
    yield "ocr_client_rollout_phase", standing.phase or 0
    yield "ocr_client_rollout_generation", standing.generation
    yield "ocr_client_rollout_follows", view.follows
    yield "ocr_client_store_up", health.store_ok
    yield "ocr_client_store_readable", not health.state_error
    yield "ocr_client_store_unsent", health.unsent
    yield "ocr_client_store_dropped_total", health.dropped
    yield "ocr_client_store_repeats_total", health.repeats
    yield "ocr_client_store_flushed_timestamp_seconds", health.last_flush_s or 0
    yield series("ocr_client_transitions_total", {"result": "won"}), health.commits
    yield series("ocr_client_transitions_total", {"result": "lost"}), health.lost


def of_config(status: Status) -> Iterator[Sample]:
    yield "ocr_client_config_up", status.error is None
    yield "ocr_client_config_generation", status.generation
    yield "ocr_client_config_failures_total", status.failures


def of_endpoints(endpoints: tuple[EndpointState, ...]) -> Iterator[Sample]:
    for endpoint in endpoints:
        yield series("ocr_client_endpoint_in_flight", {"url": endpoint.url}), endpoint.in_flight
        for state in endpoint.arms:
            labels = {"url": endpoint.url, "arm": str(state.arm)}
            yield series("ocr_client_breaker_open", labels), state.breaker != "closed"
