"""What both arms did: this phase in figures and drawings, the phase before beside it, how sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ocr_client.operations.figures import ArmFigures
from ocr_client.operations.words import moment, moved, zone
from ocr_rollout.core.intervals import wilson
from ocr_rollout.simulation.power import ROLLOUTS

from .blocks import Beside, Block, Figure, Heading, Table, Text
from .course import ENOUGH
from .evidence import Evidence
from .since import Before
from .words import NOTHING, Words, interval, milliseconds, percent, weight

Drawings = Mapping[str, str]  # name -> SVG; what is not there could not be drawn

_PROOF: Final = 20  # `advance` is complete at 1 / 0.05
_SHOWN: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)  # true rates, in multiples of the limit


def counts(found: Evidence, say: Words, drawings: Drawings) -> Iterator[Block]:
    yield Heading(say("section.counts"))
    yield Text(say("counts.about"), "quiet")
    yield _arms(found.facts.arms, say)
    abouts = {
        "errors": say("plot.errors_about", least=ENOUGH),
        "latency": say("plot.latency_about"),
    }
    yield Beside(tuple(figure(name, about, say, drawings) for name, about in abouts.items()))


def figure(name: str, about: str, say: Words, drawings: Drawings, **values: int) -> Figure:
    """values: of the sentence that says what is not known."""
    nothing = say(f"none.plot.{name}", **values)
    return Figure(say(f"plot.{name}"), about, drawings.get(name), nothing)


def sure(found: Evidence, say: Words, drawings: Drawings) -> Iterator[Block]:
    yield Heading(say("section.sure"))
    power, counted = found.power, found.facts.evidence.attempts.requests
    limits = found.facts.plan.limits
    if power is not None:
        key = "power_none" if power.surely is None else "power"
        rate = power.surely or 0.0
        yield Text(say(f"point.{key}", n=power.requests, rate=rate, limit=limits.errors))
        if power.requests < counted:
            yield Text(say("sure.capped", n=power.requests, all=counted), "quiet")
    yield _texts(found, say)
    n = 0 if power is None else power.requests
    weighed = say("plot.weighed_about", against=1 / limits.alpha, limit=limits.errors, proof=_PROOF)
    yield Beside(
        (
            figure("power", say("plot.power_about", rollouts=ROLLOUTS, n=n), say, drawings),
            figure("weighed", weighed, say, drawings),
        )
    )
    if power is not None:
        rates = [rate for times in _SHOWN if (rate := times * limits.errors) < power.rates[-1]]
        yield Table(
            [say("sure.head_rate"), *map(percent, rates)],
            [[say("sure.head_chance"), *(percent(power.at(rate), 0) for rate in rates)]],
        )


def since(found: Evidence, say: Words) -> Iterator[Block]:
    yield Heading(say("section.since"))
    past, facts = found.since, found.facts
    gate = past.gate
    if gate is None:
        yield Text(say("since.unknown"), "warn")
    else:
        key = "since.gate" if gate.action == "advance" else "since.first"
        yield Text(say(key, when=moment(gate.at_s), who=gate.who, why=gate.why))
    if past.before is not None:
        yield _beside(past.before, found, say)
    elif facts.state.phase:
        yield Text(say("since.no_before"), "warn")
    yield Text(say("since.reviewed", n=past.reviewed))
    if not past.steps:
        yield Text(say("since.no_steps"))
        return
    yield Text(say("since.steps"))
    head = [say("head.when", zone=zone()), *(say(f"head.{k}") for k in ("who", "action", "way"))]
    yield Table(
        [*head, say("head.reason")],
        [[moment(e.at_s), e.who, e.action, moved(e), e.why] for e in past.steps],
        words=frozenset(range(5)),
    )


_ROWS: Final[tuple[tuple[str, Callable[[ArmFigures], str]], ...]] = (
    ("requests", lambda arm: f"{arm.requests:,}"),
    ("errors", lambda arm: interval(wilson(arm.errors, arm.requests), n=False)),
    ("empty", lambda arm: interval(wilson(arm.empty, arm.answers), n=False)),
    ("garbled", lambda arm: interval(wilson(arm.garbled, arm.answers), n=False)),
    ("p50", lambda arm: milliseconds(arm.p50_ms)),
    ("p95", lambda arm: milliseconds(arm.p95_ms)),
    ("p99", lambda arm: milliseconds(arm.p99_ms)),
)


def _arms(arms: Sequence[ArmFigures], say: Words) -> Table:
    head = ["", *(say(f"head.{arm.role}", arm=arm.arm) for arm in arms)]
    return Table(head, [[say(f"row.{name}"), *map(cell, arms)] for name, cell in _ROWS])


def _beside(before: Before, found: Evidence, say: Words) -> Table:
    """Each arm's phase before beside this one."""
    facts = found.facts
    pairs = list(zip(before.arms[:2], facts.arms[:2], strict=True))
    was, is_ = weight(before.weight_bp), weight(facts.state.weight_bp)
    head = [""]
    for then, now in pairs:
        head.append(say("head.before", arm=then.arm, phase=before.phase + 1, share=was))
        head.append(say("head.now", arm=now.arm, share=is_))
    both = [arm for pair in pairs for arm in pair]
    chosen = [row for row in _ROWS if row[0] in {"requests", "errors", "p50", "p95"}]
    rows = [[say(f"row.{name}"), *map(cell, both)] for name, cell in chosen]
    bad = [interval(wilson(a.empty + a.garbled, a.answers), n=False) for a in both]
    rows.insert(2, [say("row.bad"), *bad])
    agreed = [
        interval(wilson(seen.equal, seen.both_fine)) for seen in (before.shadow, facts.shadow)
    ]
    rows.append([say("row.same"), NOTHING, NOTHING, *agreed])
    return Table(head, rows)


def _texts(found: Evidence, say: Words) -> Text:
    """What is known of the texts at this n."""
    gain = found.facts.reviews.all.difference
    if gain is None:
        return Text(say("sure.no_reviews"), "warn")
    return Text(say("sure.reviews", n=gain.n, low=gain.low, high=gain.high))
