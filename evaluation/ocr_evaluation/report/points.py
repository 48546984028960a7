"""The points for and against, from the figures. Each generator is one source of evidence. Pure."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from scipy.stats import binomtest

from ocr_client.reviews.accuracy import KindAccuracy
from ocr_rollout.core.early import LEAST
from ocr_rollout.core.intervals import Estimate
from ocr_rollout.core.reviews import UNSAID
from ocr_rollout.core.verdict import Verdict

from .evidence import Evidence

Side = Literal["against", "unknown", "good"]

OLD_S: Final = 3_600.0  # without a request: the figures are of another time
MOST_UNDECIDED: Final = 2  # rules that are told of one by one
SLOWER: Final = 1.1  # latencies are known to 9 %
_STOPPED: Final = frozenset({"paused", "frozen"})


@dataclasses.dataclass(frozen=True)
class Point:
    """One thing to know. key, values: of its sentence in `words`. blocks: no going on with it."""

    side: Side
    key: str
    values: Mapping[str, str | int | float] = dataclasses.field(default_factory=dict)
    blocks: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "values": dict(self.values)}


def points(found: Evidence) -> Iterator[Point]:
    """From the most to the least important, within each side."""
    sources = (_rules, _standing, _missing, _texts, _reviews, _kinds, _tested, _pairs, _latency)
    return itertools.chain.from_iterable(
        source(found) for source in (*sources, _users, _power, _fresh)
    )


def _rules(found: Evidence) -> Iterator[Point]:
    facts = found.facts
    judgement, literal = facts.step.judgement, facts.plan.limits.mode == "literal"
    if not facts.state.live:
        return
    if judgement.trip is not None:
        why = judgement.trip.why
        yield Point("against", "tripped", {"rule": judgement.trip.rule, "why": why}, blocks=True)
    if judgement.common_cause is not None:
        yield Point("against", "common_cause", {"why": judgement.common_cause.why}, blocks=True)
    asked = [verdict for verdict in judgement.verdicts if verdict.rule != "common_cause"]
    for verdict in asked:
        if verdict != judgement.trip:
            yield from _rule(verdict, literal=literal)
    yield from _undecided([v for v in asked if v.status == "INCONCLUSIVE" and v.rule != "advance"])
    passed = sum(verdict.status == "PASS" for verdict in asked)
    if passed:
        yield Point("good", "passed", {"n": passed, "all": len(asked)})
    if judgement.advance.status == "PASS":
        counted = found.facts.evidence.attempts
        values = {
            "errors": counted.errors,
            "n": counted.requests,
            "limit": facts.plan.limits.errors,
        }
        yield Point("good", "proved", values)


def _rule(verdict: Verdict, *, literal: bool) -> Iterator[Point]:
    said = {"rule": verdict.rule, "why": verdict.why}
    if verdict.status == "FAIL":
        key = "rule_shown" if literal and verdict.rule != "share" else "rule"
        yield Point("against", key, said, blocks=True)
    elif verdict.status == "ERROR":
        yield Point("unknown", "unmeasured", said, blocks=True)


def _undecided(verdicts: Sequence[Verdict]) -> Iterator[Point]:
    """Each with its numbers; of many the names."""
    if len(verdicts) > MOST_UNDECIDED:
        names = ", ".join(verdict.rule for verdict in verdicts)
        yield Point("unknown", "undecided_many", {"n": len(verdicts), "rules": names})
        return
    for verdict in verdicts:
        yield Point("unknown", "undecided", {"rule": verdict.rule, "why": verdict.why})


def _standing(found: Evidence) -> Iterator[Point]:
    facts = found.facts
    state = facts.state
    if state.live and not facts.follows:
        plan = facts.plan
        other = f"{plan.rollout_id}, {plan.stable} -> {plan.candidate}"
        yield Point("against", "other_plan", {"config": facts.name, "plan": other}, blocks=True)
    if state.live and not facts.enabled:
        yield Point("against", "disabled", {"config": facts.name}, blocks=True)
    if state.status in _STOPPED:
        yield Point("against", state.status, {"why": state.reason}, blocks=True)
    if state.live and state.by_hand:
        yield Point("against", "by_hand", {"share": state.weight_bp / 10_000})


def _missing(found: Evidence) -> Iterator[Point]:
    """What the plan asks for before the gate opens; rules are told of already."""
    step, state = found.facts.step, found.facts.state
    if not (state.live and found.facts.follows):
        return
    told = {f"{verdict.rule}: {verdict.why}" for verdict in step.judgement.verdicts}
    for line in step.missing:
        if line not in told or line.startswith("review: "):
            yield Point("unknown", "missing", {"what": line}, blocks=True)


def _texts(found: Evidence) -> Iterator[Point]:
    """Whether anybody knows that the texts are right at all."""
    reviews = found.facts.reviews.all
    lines = min(_n(reviews.stable.lines), _n(reviews.candidate.lines))
    tested = 0 if found.ab is None else found.ab.all.n
    if max(lines, reviews.disputes.pairs, tested) >= LEAST:
        return
    values = {"lines": lines, "disputes": reviews.disputes.pairs, "least": LEAST}
    key = "texts_unknown" if not (lines or reviews.disputes.pairs or tested) else "texts_few"
    yield Point("unknown", key, values, blocks=found.facts.state.live)


def _reviews(found: Evidence) -> Iterator[Point]:
    reviews, limits = found.facts.reviews, found.facts.plan.limits.review
    for key, gain in (("reviews", reviews.all.difference), ("disputes", reviews.paired)):
        if gain is None:
            continue
        side = _side(gain)
        values = {"value": gain.value, "low": gain.low, "high": gain.high, "n": gain.n}
        yield Point(side, f"{key}_{side}", values, blocks=side == "against")
        if limits is not None and side == "unknown" and gain.low < -limits.margin:
            yield Point("unknown", "margin", {**values, "margin": limits.margin})


def _kinds(found: Evidence) -> Iterator[Point]:
    reviews = found.facts.reviews
    if not reviews.reviewed:
        return
    for name, kind in reviews.kinds.items():
        if kind.difference is not None and kind.difference.high < 0:
            gain = kind.difference
            values = {"value": gain.value, "low": gain.low, "high": gain.high, "n": gain.n}
            yield Point("against", "kind_worse", {"kind": name, **values})
    names = [name for name in (*found.kinds_asked, *reviews.kinds) if name != UNSAID]
    thin = [name for name in dict.fromkeys(names) if _seen(reviews.kinds.get(name)) < LEAST]
    if thin:
        said = ", ".join(f"{name} {_seen(reviews.kinds.get(name))}" for name in thin)
        yield Point("unknown", "kinds_thin", {"kinds": said, "least": LEAST})


def _tested(found: Evidence) -> Iterator[Point]:
    test = found.ab
    if test is None:
        yield Point("unknown", "no_ab")
        return
    gain = test.all.gain
    if gain is None:
        yield Point("unknown", "ab_empty", {"why": test.why}, blocks=True)
        return
    sides: dict[int, Side] = {1: "good", -1: "against", 0: "unknown"}
    # A test with an allowed loss says FAIL where it was measured worse, chance or not.
    side = "against" if test.status == "FAIL" else sides[gain.side]
    yield Point(side, f"ab_{side}", {"why": test.why}, blocks=side == "against")
    for kind in test.kinds:
        if kind.gain is not None and kind.gain.side < 0:
            values = {"value": kind.gain.value, "p": kind.gain.p, "n": kind.n}
            yield Point("against", "ab_kind_worse", {"kind": kind.name, **values})
    if not test.complete:
        yield Point("unknown", "ab_partial", {"n": test.all.n, "all": test.labelled})


def _pairs(found: Evidence) -> Iterator[Point]:
    shadow = found.facts.shadow
    if found.unreadable:
        yield Point("unknown", "unreadable", {"why": found.unreadable}, blocks=True)
    if not shadow.pairs:
        yield Point("unknown", "no_shadow")
    alone, others = shadow.candidate_only_bad, shadow.stable_only_bad
    if alone > others:
        p = float(binomtest(alone, alone + others).pvalue)
        values = {"n": shadow.pairs, "candidate": alone, "stable": others, "p": p}
        yield Point("against", "pairs_worse", values)
    if shadow.equal < shadow.both_fine and not found.kept:
        yield Point("unknown", "no_disputes", {"n": shadow.both_fine - shadow.equal})
    elif found.disagreements and not any(one.picture for one in found.disagreements):
        yield Point("unknown", "no_pictures")


def _latency(found: Evidence) -> Iterator[Point]:
    stable, candidate, _ = found.facts.arms
    if stable.p95_ms is None or candidate.p95_ms is None:
        return
    values = {
        "stable": stable.p95_ms,
        "candidate": candidate.p95_ms,
        "times": candidate.p95_ms / stable.p95_ms,
    }
    if values["times"] > SLOWER:
        yield Point("against", "slower", values)
    else:
        yield Point("good", "as_quick", values)


def _users(found: Evidence) -> Iterator[Point]:
    """Who found a mistake says so; shares of those who speak mean little, so it only points."""
    said = found.facts.reviews.feedback.get("candidate")
    if said is not None and said.wrong:
        yield Point("against", "complaints", {"wrong": said.wrong, "right": said.right})


def _power(found: Evidence) -> Iterator[Point]:
    if not found.facts.state.live:
        return
    limit = found.facts.plan.limits.errors
    power = found.power
    if not found.facts.evidence.attempts.requests:
        yield Point("unknown", "nothing_counted", blocks=True)
    elif power is None:
        yield Point("unknown", "no_limit", {"limit": limit})
    elif power.surely is None:
        yield Point("unknown", "power_none", {"n": power.requests})
    else:
        yield Point("unknown", "power", {"n": power.requests, "rate": power.surely, "limit": limit})


def _fresh(found: Evidence) -> Iterator[Point]:
    """Whether the figures are of now."""
    facts = found.facts
    if not facts.state.live or not facts.evidence.attempts.requests:
        return
    ends = [
        bucket.start_s + bucket.width_s
        for series in (facts.evidence.candidate, facts.evidence.shadow)
        for bucket in series.buckets
    ]
    ago_s = facts.at_s - max(ends) if ends else float("inf")
    if not ends:
        yield Point("unknown", "very_old")
    elif ago_s > OLD_S:
        yield Point("unknown", "old", {"hours": ago_s / 3_600})


def _side(gain: Estimate) -> Side:
    if gain.high < 0:
        return "against"
    return "good" if gain.low > 0 else "unknown"


def _n(estimate: Estimate | None) -> int:
    return 0 if estimate is None else estimate.n


def _seen(kind: KindAccuracy | None) -> int:
    """Reviewed lines of whichever arm has fewer."""
    return 0 if kind is None else min(_n(kind.stable.lines), _n(kind.candidate.lines))
