"""All series of one client: its own counters, and what its parts say of themselves.

| name | labels | what |
|---|---|---|
| `ocr_client_requests_total` | arm, reason | answered requests, by the arm that answered |
| `ocr_client_failed_total` | error | requests that raised, by the class of the error |
| `ocr_client_attempts_total` | arm, outcome | first attempts; `not_made`: its breaker is open |
| `ocr_client_attempt_seconds` | arm | histogram of what `core.outcomes.TIMED` says is timed |
| `ocr_client_rescues_total` | result | `rescued`, `no_better`, `failed`, or skipped as `busy` |
| `ocr_client_shadow_total` | result | `read`, or left out: `full`, `busy`, `stale`, `refused` |
| `ocr_client_shadow_pairs_total` | result | `equal`, `different`, or who read badly: `candidate_bad`, `stable_bad`, `both_bad` |
| `ocr_client_notifications_total` | target, result | `sent`, `failed` (and tried again), `given_up` |
| `ocr_client_review_samples_total` | result | `kept`, or left out: `full`, `repeat`, `lost` |
| `ocr_client_otlp_pushes_total` | result | `sent`, `failed` |
| `ocr_client_otlp_points_refused_total` | | data points that the receiver did not take |
| `ocr_client_in_flight`, `ocr_client_shadow_waiting`, `..._review_waiting` | | requests under way; images that wait |
| `ocr_client_rollout_info` | rollout, status, stable, candidate | 1 |
| `ocr_client_rollout_weight`, `..._phase`, `..._generation` | | the candidate's share 0..1; phase from 1, 0 without one |
| `ocr_client_rollout_error_limit` | | share of failed requests, 0..1, beyond which the candidate goes back |
| `ocr_client_verdict` | rule, status | 1 for the status that a rule has now, 0 for the others |
| `ocr_client_verdict_observed`, `..._limit`, `..._samples` | rule | the numbers it compared, in the rule's own unit |
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

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Final, get_args

from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.outcomes import TIMED
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.verdict import Verdict, VerdictStatus
from ocr_rollout.runtime import Health, View

from .endpoints import EndpointState
from .fallback import Attempt
from .metrics import Metrics, series
from .standing import Standing

if TYPE_CHECKING:  # it loads native code, which only a client that watches needs
    from .reload import Status

Sample = tuple[str, float]
# A rule may be asked twice, with two limits: what speaks against the candidate is told.
_GRAVITY: Final[tuple[VerdictStatus, ...]] = ("PASS", "INCONCLUSIVE", "ERROR", "FAIL")


def count_attempt(metrics: Metrics, attempt: Attempt) -> None:
    arm, outcome = str(attempt.arm), attempt.outcome
    metrics.count("ocr_client_attempts_total", arm=arm, outcome=outcome or "not_made")
    if outcome in TIMED:
        metrics.observe("ocr_client_attempt_seconds", attempt.latency_ms / 1e3, arm=arm)


def count_pair(metrics: Metrics, pair: Pairs) -> None:
    """pair: of one image."""
    if pair.both_fine:
        result = "equal" if pair.equal else "different"
    elif pair.both_bad:
        result = "both_bad"
    else:
        result = "candidate_bad" if pair.candidate_only else "stable_bad"
    metrics.count("ocr_client_shadow_pairs_total", result=result)


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
    yield "ocr_client_rollout_error_limit", view.plan.limits.errors
    yield "ocr_client_rollout_follows", view.follows
    if health.step is not None:
        yield from of_verdicts(health.step.judgement.verdicts)
    yield "ocr_client_store_up", health.store_ok
    yield "ocr_client_store_readable", not health.state_error
    yield "ocr_client_store_unsent", health.unsent
    yield "ocr_client_store_dropped_total", health.dropped
    yield "ocr_client_store_repeats_total", health.repeats
    yield "ocr_client_store_flushed_timestamp_seconds", health.last_flush_s or 0
    yield series("ocr_client_transitions_total", {"result": "won"}), health.commits
    yield series("ocr_client_transitions_total", {"result": "lost"}), health.lost


def of_verdicts(verdicts: Iterable[Verdict]) -> Iterator[Sample]:
    worst: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda one: _GRAVITY.index(one.status)):
        worst[verdict.rule] = verdict
    for rule, verdict in worst.items():
        for status in get_args(VerdictStatus):
            labels = {"rule": rule, "status": status}
            yield series("ocr_client_verdict", labels), verdict.status == status
        numbers = {"observed": verdict.observed, "limit": verdict.limit, "samples": verdict.samples}
        for name, value in numbers.items():
            if value is not None:
                yield series(f"ocr_client_verdict_{name}", {"rule": rule}), value


def of_config(status: Status) -> Iterator[Sample]:
    yield "ocr_client_config_up", status.error is None
    yield "ocr_client_config_generation", status.generation
    yield "ocr_client_config_failures_total", status.failures


def of_endpoints(endpoints: tuple[EndpointState, ...], arms: Collection[Arm]) -> Iterator[Sample]:
    """arms: of the configuration. Callers may force any other, which must not become a label."""
    for endpoint in endpoints:
        yield series("ocr_client_endpoint_in_flight", {"url": endpoint.url}), endpoint.in_flight
        for state in endpoint.arms:
            if state.arm in arms:
                labels = {"url": endpoint.url, "arm": str(state.arm)}
                yield series("ocr_client_breaker_open", labels), state.breaker != "closed"
