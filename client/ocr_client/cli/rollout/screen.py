"""Facts as tables for people. Whatever comes from outside is `Text`, never markup."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ocr_client.operations.facts import Facts
from ocr_client.operations.figures import ArmFigures
from ocr_client.operations.words import moment, percent, share
from ocr_client.statistics import ArmMeans
from ocr_rollout.core.fields import lasting
from ocr_rollout.core.outcomes import ERRORS, NEVER, OUTCOMES, Outcome

from .history import told
from .review_screen import reviews

_STATUS_STYLE: Final = {
    "running": "bold cyan",
    "waiting": "bold yellow",
    "paused": "bold yellow",
    "frozen": "bold red",
    "rolled_back": "bold red",
    "completed": "bold green",
}
_VERDICT_STYLE: Final = {"PASS": "green", "FAIL": "bold red", "ERROR": "bold red"}
_MB: Final = 1e6
_TRITON: Final[tuple[tuple[str, Callable[[ArmMeans], str]], ...]] = (
    ("requests", lambda means: f"{means.requests:,}"),
    ("compute, mean", lambda means: _ms(means.compute_ms)),
    ("queue, mean", lambda means: _ms(means.queue_ms)),
)


def screen(facts: Facts) -> Iterator[RenderableType]:
    """From the most to the least important."""
    yield _head(facts)
    yield from _missing(facts)
    yield _arms(facts)
    yield from _server(facts)
    yield _shadow(facts)
    yield from reviews(facts)
    yield _verdicts(facts)
    yield from _tombstones(facts)


def _head(facts: Facts) -> Table:
    state, plan = facts.state, facts.plan
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    name = state.rollout_id or plan.rollout_id
    stable, candidate = state.stable or str(plan.stable), state.candidate or str(plan.candidate)
    table.add_row(
        "rollout",
        Text.assemble(
            (name, "bold"),
            f"  {stable} -> {candidate}  ",
            (state.status.replace("_", " "), _STATUS_STYLE.get(state.status, "bold")),
        ),
    )
    if facts.phase is not None:
        phase = plan.phases[facts.phase]
        said = f"{facts.phase + 1} of {len(plan.phases)}, gate {phase.gate}"
        table.add_row("phase", Text(f"{said}: {phase.aim}" if phase.aim else said))
        table.add_row(
            "time",
            f"{lasting(facts.in_phase_s or 0)} in the phase; watched {lasting(facts.watched_s)} "
            f"of {lasting(phase.min_dwell_s)}",
        )
    by_hand = ", set by hand" if state.by_hand else ""
    table.add_row("share", f"{percent(state.weight_bp)}{by_hand}")
    table.add_row("state", f"generation {state.generation}, epoch {state.epoch}")
    table.add_row("store", Text(facts.store))
    if facts.last is None:
        table.add_row("last", "nothing yet; start with: ocrctl rollout start")
    else:
        when, _, who, action, way, why = told(facts.last)
        table.add_row("last", Text(f"{when} {action} by {who}: {way} ({why})"))
    nothing = f"clients with it send {candidate} nothing"
    if state.status != "idle" and not facts.follows:
        other = f"{plan.rollout_id}, {plan.stable} -> {plan.candidate}"
        table.add_row("", _warning(f"{facts.name} has another plan: {other}; {nothing}"))
    if not facts.enabled:
        table.add_row("", _warning(f"{facts.name} switches the candidate off; {nothing}"))
    return table


def _warning(text: str) -> Text:
    return Text(text, style="bold yellow")


def _arms(facts: Facts) -> Table:
    table = Table(f"counted in epoch {facts.state.epoch}")
    for figures in facts.arms:
        role = "shadow" if figures.role == "shadow" else f"{figures.role} {figures.arm}"
        table.add_column(Text(role), justify="right")

    def row(name: str, cell: Callable[[ArmFigures], str]) -> None:
        table.add_row(name, *map(cell, facts.arms))

    def rows(kinds: Collection[Outcome], said: str) -> None:
        """A row for each that occurred."""
        for kind in OUTCOMES:
            counts = [figures.outcomes.get(kind, 0) for figures in facts.arms]
            if kind in kinds and any(counts):
                table.add_row(said.format(_plain(kind)), *(f"{count:,}" for count in counts))

    row("requests", lambda a: f"{a.requests:,}")
    row("  in the last minute", lambda a: f"{a.lately_requests:,}")
    row("errors", lambda a: _of(a.errors, a.requests))
    rows(ERRORS, "  {}")
    row("  errors in the last minute", lambda a: f"{a.lately_errors:,}")
    row("empty", lambda a: _of(a.empty, a.answers))
    row("garbled", lambda a: _of(a.garbled, a.answers))
    row("mean, about", lambda a: _ms(a.mean_ms))
    row("p50, at most", lambda a: _ms(a.p50_ms))
    row("p95, at most", lambda a: _ms(a.p95_ms))
    row("p99, at most", lambda a: _ms(a.p99_ms))
    rows(NEVER, "{}, not counted")
    over = facts.server.over_s
    since = "since loaded" if over is None else f"last {over:.0f} s"
    stable, candidate = (facts.server.of(facts.arms[k].arm) for k in (0, 1))
    if stable is not None or candidate is not None:
        table.add_section()
        for name, cell in _TRITON:
            cells = ("-" if means is None else cell(means) for means in (stable, candidate))
            table.add_row(f"Triton {since}: {name}", *cells, "(candidate)")
    return table


def _server(facts: Facts) -> Iterator[Text]:
    for load in facts.server.loads:
        cpu = "?" if load.cpu_utilisation is None else f"{load.cpu_utilisation:.0%}"
        memory = "?"
        if load.memory_used_bytes is not None and load.memory_total_bytes is not None:
            used, total = load.memory_used_bytes / _MB, load.memory_total_bytes / _MB
            memory = f"{used:,.0f} of {total:,.0f} MB"
        yield Text(f"server {load.url}: CPU {cpu}, memory {memory} (of its whole machine)")
    for problem in facts.server.problems:
        yield Text(f"Triton: {problem}", style="yellow")


def _shadow(facts: Facts) -> Text:
    seen = facts.shadow
    if not seen.pairs:
        return Text("shadow: no image was read by both arms in this epoch")
    equal = "-" if seen.equal_share is None else f"{seen.equal_share:.2%}"
    distance = "-" if seen.mean_distance is None else f"{seen.mean_distance:.4f}"
    return Text(
        f"shadow: {seen.pairs:,} pairs; {equal} of {seen.both_fine:,} good ones equal, mean edit "
        f"distance {distance}; error, empty or garbled: candidate alone "
        f"{seen.candidate_only_bad:,}, stable alone {seen.stable_only_bad:,}, both "
        f"{seen.both_bad:,}"
    )


def _verdicts(facts: Facts) -> Table:
    table = Table("rule", "says")
    for head in ("observed", "limit", "samples"):
        table.add_column(head, justify="right")
    table.add_column("why")
    literal = facts.plan.limits.mode == "literal"
    for verdict in facts.step.judgement.verdicts:
        idle = literal and verdict.rule not in {"share", "advance"}
        table.add_row(
            f"{_plain(verdict.rule)}{' (shown only)' if idle else ''}",
            Text(verdict.status.lower(), style=_VERDICT_STYLE.get(verdict.status, "")),
            _number(verdict.observed),
            _number(verdict.limit),
            f"{verdict.samples:,}",
            Text(verdict.why),
        )
    return table


def _missing(facts: Facts) -> Iterator[Text]:
    due = facts.step.transition
    if due is not None:
        yield _warning(f"due: {due.audit.action} ({due.audit.why}); a running client does it")
    elif facts.state.status == "waiting":
        yield _warning("waits for a person: ocrctl rollout approve --by NAME --note TEXT")
    if facts.step.missing and facts.state.live:
        yield Text("missing to go on to the next phase:")
        for line in facts.step.missing:
            yield Text(f"  - {line}")


def _tombstones(facts: Facts) -> Iterator[RenderableType]:
    if not facts.state.tombstones:
        return
    table = Table("tombstone", "arm", "rollout", "since", "why")
    for stone in facts.state.tombstones:
        table.add_row(
            *map(Text, (stone.digest, stone.arm, stone.rollout_id)),
            moment(stone.at_s),
            Text(stone.reason),
        )
    yield table


def _of(count: int, all_of: int) -> str:
    return f"{count:,}  {share(count, all_of)}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _plain(name: str) -> str:
    return name.replace("_", " ")
