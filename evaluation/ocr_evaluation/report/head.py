"""The first page: what is asked, what is recommended, and every point, the bad ones first."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from ocr_rollout.core.routing import BUCKETS

from .blocks import Answer, Block, Heading, Listing, Listings, Orders, Table, Text, Tone
from .decision import Decision, Recommendation
from .evidence import Evidence
from .points import Point, Side
from .words import Words, number, weight

_TONES: Final[dict[Recommendation, Tone]] = {
    "go": "good",
    "hold": "warn",
    "back": "bad",
    "none": "quiet",
}
_SIDES: Final[tuple[tuple[Side, Tone], ...]] = (
    ("against", "bad"),
    ("unknown", "warn"),
    ("good", "good"),
)
_STATUSES: Final[dict[str, Tone]] = {
    "PASS": "good",
    "FAIL": "bad",
    "ERROR": "bad",
    "INCONCLUSIVE": "warn",
}
_DAY_S: Final = 86_400
_LEAST_S: Final = 30  # of traffic, before anything is said of a day's


def head(found: Evidence, decision: Decision, say: Words) -> Iterator[Block]:
    yield _answer(found, decision, say)
    yield Listings(tuple(_listing(decision, side, tone, say) for side, tone in _SIDES))
    orders = _orders(found, decision, say)
    if orders:
        yield Orders(say("section.orders"), orders)


def verdicts(found: Evidence, say: Words) -> Iterator[Block]:
    facts = found.facts
    yield Heading(say("section.verdicts"))
    yield Text(say("verdicts.about", config=facts.name), "quiet")
    if facts.plan.limits.mode == "literal":
        yield Text(say("verdicts.idle", rule=say.rule("share")), "warn")
    said = facts.step.judgement.verdicts
    yield Table(
        [say(f"head.{name}") for name in ("rule", "says", "observed", "limit", "n", "why")],
        [
            [
                say.rule(verdict.rule),
                say(f"verdict.{verdict.status}"),
                number(verdict.observed),
                number(verdict.limit),
                f"{verdict.samples:,}",
                verdict.why,
            ]
            for verdict in said
        ],
        words=frozenset({0, 1, 5}),
        tones=[_STATUSES[verdict.status] for verdict in said],
    )


def sentence(point: Point, say: Words) -> str:
    values = dict(point.values)
    if "rules" in values:
        values["rules"] = "; ".join(map(say.rule, str(values["rules"]).split(", ")))
    for name in ("rule", "kind"):
        if name in values:
            values[name] = getattr(say, name)(str(values[name]))
    return say(f"point.{point.key}", **values)


def _answer(found: Evidence, decision: Decision, say: Words) -> Answer:
    recommended, why = headline(found, decision, say)
    return Answer(
        asked(found, decision, say),
        tuple(_about(found, decision, say)),
        recommended,
        why,
        _TONES[decision.recommendation],
    )


def asked(found: Evidence, decision: Decision, say: Words) -> str:
    question, facts = decision.question, found.facts
    if not facts.state.live:
        return say("ask.none", status=say(f"status.{facts.state.status}"))
    if question.gate is None:
        return say("ask.plan", config=facts.name)
    return say(
        "ask.last" if question.last else "ask.next",
        gate=question.gate,
        gates=question.gates,
        candidate=found.candidate,
        from_=weight(question.from_bp),
        to=weight(question.to_bp),
    )


def headline(found: Evidence, decision: Decision, say: Words) -> tuple[str, str]:
    """What is recommended, and why, in a sentence each."""
    kind, blocking = decision.recommendation, len(decision.blocking)
    if kind == "go":
        open_ = "_open" if decision.of("against") or decision.of("unknown") else ""
        return say(f"do.go{open_}"), say("why.go")
    if kind == "hold":
        why = say("why.hold", n=blocking) if blocking else say("why.hold_running")
        return say("do.hold"), why
    freezes = kind == "back" and found.facts.plan.on_failure == "freeze"
    why = say(f"why.{kind}{'_freeze' * freezes}", why=found.facts.state.reason)
    return say(f"do.{kind}"), why


def _about(found: Evidence, decision: Decision, say: Words) -> Iterator[str]:
    question, facts = decision.question, found.facts
    status = say(f"status.{facts.state.status}")
    yield say("arms", candidate=found.candidate, stable=found.stable, status=status)
    if question.gate is None:
        return
    if question.aim:
        yield say("ask.aim", aim=question.aim)
    if not question.manual:
        yield say("ask.auto")
    more = _more_a_day(found, question.to_bp - question.from_bp)
    if more:
        yield say("ask.impact", more=more, candidate=found.candidate)


def _more_a_day(found: Evidence, more_bp: int) -> int | None:
    """Requests a day, to two digits; None where the phase is too short to say."""
    stable, candidate = found.facts.evidence.stable, found.facts.evidence.candidate
    buckets = (*stable.buckets, *candidate.buckets)
    if not buckets or more_bp <= 0:
        return None
    begin = min(bucket.start_s for bucket in buckets)
    span_s = max(bucket.start_s + bucket.width_s for bucket in buckets) - begin
    if span_s < _LEAST_S:
        return None
    counted = sum(bucket.counts.requests for bucket in buckets)
    more = round(counted / span_s * _DAY_S * more_bp / BUCKETS)
    return round(more, 2 - len(str(more)))


def _listing(decision: Decision, side: Side, tone: Tone, say: Words) -> Listing:
    return Listing(
        say(f"section.{side}"),
        tuple((sentence(point, say), point.blocks) for point in decision.of(side)),
        say(f"none.{side}"),
        say("blocks"),
        tone,
    )


def _orders(found: Evidence, decision: Decision, say: Words) -> tuple[tuple[str, str], ...]:
    """What was recommended first; nothing that would be refused."""
    facts, commands = found.facts, []
    if not facts.state.live:
        return ()
    where = f"--config {shlex.quote(facts.name)}"
    if facts.state.status == "waiting" and decision.question.gate is not None:
        commands.append(("approve", f"ocrctl rollout approve {where} --by NAME --note TEXT"))
    if facts.state.status in {"running", "waiting"}:
        commands.append(("pause", f"ocrctl rollout pause {where} --by NAME --reason TEXT"))
    commands.append(("rollback", f"ocrctl rollout rollback {where} --by NAME --reason TEXT"))
    first = {"go": "approve", "hold": "pause", "back": "rollback"}.get(decision.recommendation)
    commands.sort(key=lambda pair: pair[0] != first)
    return tuple((say(f"order.{verb}"), command) for verb, command in commands)


def short(found: Evidence, decision: Decision, say: Words) -> Iterator[str]:
    """The first page for a terminal, line by line."""
    recommended, why = headline(found, decision, say)
    yield asked(found, decision, say)
    yield recommended
    yield why
    for side, _ in _SIDES[:2]:
        yield say(f"section.{side}")
        said = decision.of(side)
        for point in said:
            flag = f"[{say('blocks')}] " if point.blocks else ""
            yield f"  - {flag}{sentence(point, say)}"
        if not said:
            yield f"  - {say(f'none.{side}')}"
