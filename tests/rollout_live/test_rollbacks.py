"""Each kind of broken candidate in a rollout over the real Triton: noticed, taken back, buried."""

from __future__ import annotations

import pytest
from benchmarks.rollout_site import phases
from benchmarks.traffic import LONG, Traffic, made_lines
from live import wait_for_stable_alone

pytestmark = pytest.mark.server

LINES = made_lines(200)
LONG_LINES = made_lines(50, width=LONG)


@pytest.mark.parametrize(
    ("candidate", "rules"),
    [
        ("crnn:2", {"early", "late"}),  # raises on half of the images
        ("crnn:3", {"quality"}),  # answers empty
        ("crnn:4", {"quality"}),  # answers garbage
        ("crnn:5", {"latency_ratio"}),  # answers slowly
    ],
)
def test_a_broken_candidate_is_taken_back_by_itself(site, begin, operator, candidate, rules):
    """No caller notices; the log has rule and numbers; the weights stay out until cleared."""
    client = begin(site, candidate, phases(0.3, 1.0))
    with Traffic(client, LINES) as traffic:
        site.wait_for(lambda state: state.status == "rolled_back", "the rollback")
        wait_for_stable_alone(traffic)
        tally = traffic.tally

    assert (tally.failures, tally.words) == (0, [])
    assert tally.asked.total() > 5
    if rules <= {"early", "late"}:
        assert tally.fell_back > 0
    elif rules == {"quality"}:
        assert tally.rescued > 0

    entry = site.history()[-1]
    assert (entry.who, entry.action, entry.candidate) == ("judge", "rollback", candidate)
    # Its errors may have proved it ready for the gate before its latencies are many enough.
    assert entry.from_status in (
        {"running", "waiting"} if rules == {"latency_ratio"} else {"running"}
    )
    assert (entry.from_phase, entry.from_weight_bp) == (0, 3_000)
    assert (entry.to_status, entry.to_weight_bp) == ("rolled_back", 0)
    assert entry.rule in rules
    assert entry.observed > entry.limit
    assert entry.samples > 0
    assert entry.why.startswith(f"{entry.rule}: ")

    digest = site.state().tombstones[0].digest
    refused = operator("start", "--by", "ann")
    assert refused.code == 1
    assert refused.err.count("\n") == 0
    assert f"ocrctl rollout clear {digest}" in refused.err
    assert site.state().status == "rolled_back"
    operator.does("clear", digest, "--by", "ann", "--note", "tried in the laboratory")
    operator.does("start", "--by", "ann")
    assert site.state().status == "running"
    assert [entry.action for entry in site.history()[-2:]] == ["clear", "start"]


def test_a_gate_does_not_switch_off_the_guard(site, begin):
    """The candidate turns bad on images that nobody had tried, while people are being asked."""
    client = begin(site, "crnn:6", phases(0.5, 1.0, samples=200))
    with Traffic(client, LINES, wide_images=LONG_LINES) as traffic:
        site.wait_for(lambda state: state.status == "waiting", "the gate")
        # Some two faults a second: ten tell one rule and thirty every rule, however late they are
        # looked at.
        traffic.pause_s = 0.25
        traffic.wide_percent = 50
        site.wait_for(lambda state: state.status == "rolled_back", "the rollback")
        tally = traffic.tally
    assert (tally.failures, tally.words) == (0, [])
    entry = site.history()[-1]
    assert (entry.from_status, entry.to_status) == ("waiting", "rolled_back")
    # After so many good answers the rule that forgets the past is the quicker one.
    assert entry.rule == "late"
    assert entry.observed > entry.limit


def test_where_stable_fails_too_nobody_is_taken_back(site, begin):
    """Both arms fail on long lines: the share stays, the log says why, a person may resume."""
    client = begin(site, "crnn:6", phases(0.5, 1.0), stable="convnext:2")
    with Traffic(client, LINES, wide_images=LONG_LINES) as traffic:
        traffic.wide_percent = 70
        site.wait_for(lambda state: state.status == "frozen", "the freeze")
    state, entry = site.state(), site.history()[-1]
    assert (state.status, state.cause, state.weight_bp) == ("frozen", "common_cause", 5_000)
    assert (entry.who, entry.action, entry.rule) == ("judge", "freeze", "common_cause")
    assert entry.why.startswith("stable fails too: ")
    assert state.tombstones == ()
