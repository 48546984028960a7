"""`ocrctl rollout plan | simulate`: what would happen, before anything does."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
import yaml
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from .core import plan as plans
from .core.fields import FieldError
from .core.fields import number as number_above
from .core.plan import Plan
from .core.routing import BUCKETS, Arm, RoutingError

if TYPE_CHECKING:  # scipy takes a second: not for `ocrctl --help`
    from .simulation.odds import Odds, Scenario
    from .simulation.timeline import Timeline

DAY_S = 86_400.0
# For who has no configuration: the arms that the repository ships.
STABLE, CANDIDATE = Arm("convnext", 1), Arm("crnn", 1)

app = typer.Typer(
    name="rollout",
    help="Replace stable by a candidate, phase by phase.",
    no_args_is_help=True,
    add_completion=False,
)
Share = typer.Option(min=0, max=1)
Config = Annotated[
    Path | None, typer.Option(help="A config.yaml; without one the default plan is taken.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def _group() -> None:
    """Replace stable by a candidate, phase by phase."""


@app.command(name="plan")
def show_plan(*, config: Config = None, as_json: Json = False) -> None:
    """Print the phases, gates and limits of the plan.

    Example: ocrctl rollout plan --config config.yaml
    """
    plan = read_plan(config)
    if as_json:
        print(json.dumps(plan.to_dict(), ensure_ascii=False))
        return
    limits = plan.limits
    print(f"{plan.rollout_id}: {plan.stable} -> {plan.candidate}, sticky {plan.sticky}")
    rows = [
        (
            str(k + 1),
            f"{plan.weight_bp(k) / 100:g} %",
            f"{phase.min_dwell_s / DAY_S:g} d",
            str(phase.min_samples),
            phase.gate,
            phase.aim,
        )
        for k, phase in enumerate(plan.phases)
    ]
    _print_table(("phase", "share", "at least", "samples", "gate", "aim"), rows)
    print(
        f"taken back ({plan.on_failure}, {limits.mode}): errors above {limits.errors:.2%}; "
        f"empty and garbled above {limits.quality_ratio:g} times stable's"
        + (f"; p95 above {limits.latency_ratio:g} times stable's" if limits.latency_ratio else "")
        + (f"; p95 above {limits.latency_p95_ms:g} ms" if limits.latency_p95_ms else "")
    )


@app.command()
def simulate(
    *,
    requests_per_day: Annotated[float, typer.Option(min=1, help="Of both arms.")] = 200_000,
    candidate_error: Annotated[float, Share] = 0.01,
    stable_error: Annotated[float, Share] = 0.01,
    becomes: Annotated[float | None, typer.Option(min=0, max=1, help="Errors later on,")] = None,
    after: Annotated[int, typer.Option(min=0, help="from this candidate request on.")] = 0,
    candidate_faults: Annotated[
        float, typer.Option(min=0, max=1, help="Share of empty and garbled answers.")
    ] = 0.01,
    stable_faults: Annotated[float, Share] = 0.01,
    slower: Annotated[
        float, typer.Option(min=0.01, max=100, help="Candidate's latency in stable's.")
    ] = 1.0,
    requests: Annotated[
        int, typer.Option(min=100, max=100_000, help="Candidate requests in each rollout.")
    ] = 20_000,
    rollouts: Annotated[int, typer.Option(min=10, max=20_000)] = 2_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the odds of a false rollback and how soon each rule notices, on made traffic.

    Example: ocrctl rollout simulate --candidate-error 0.01 --becomes 0.2 --after 500
    """
    from .simulation.odds import Scenario, odds  # noqa: PLC0415  # loads slowly
    from .simulation.timeline import timeline  # noqa: PLC0415  # loads slowly

    plan = read_plan(config)
    scenario = Scenario(
        candidate_error,
        becomes=becomes,
        after=after,
        stable_error=stable_error,
        fault=candidate_faults,
        stable_fault=stable_faults,
        slower=slower,
        requests=requests,
        per_day=requests_per_day,
        weight=(plan.weight_bp(0) or plan.phases[-1].share_bp) / BUCKETS,
        rollouts=rollouts,
        seed=seed,
    )
    if becomes is not None and not after < requests:
        _fail(f"--after {after}: must come before --requests {requests}")
    table = odds(scenario, plan.limits)
    story = timeline(plan, scenario)
    if as_json:
        print(
            json.dumps(
                {
                    "scenario": dataclasses.asdict(scenario),
                    "plan": plan.to_dict(),
                    "rules": [row.to_dict() for row in table],
                    "timeline": story.to_dict(),
                },
                ensure_ascii=False,
            )
        )
        return
    _print_odds(table, scenario)
    _print_timeline(story)


def read_plan(config: Path | None) -> Plan:
    """The plan of a file, or the default one. Exits with one line on a mistake."""
    try:
        document = {} if config is None else yaml.safe_load(config.read_bytes()) or {}
        return _plan(document)
    except OSError as error:
        _fail(f"{config}: {(error.strerror or str(error)).lower()}")
    except yaml.YAMLError as error:
        _fail(f"{config}: not YAML: {' '.join(str(error).split())}")
    except (FieldError, RoutingError) as error:
        _fail(f"{config}: {error}" if config else str(error))


def _plan(document: object) -> Plan:
    if not isinstance(document, Mapping):
        raise FieldError(f"{document!r} is not a mapping of keys")
    routing = document.get("model_routing") or {}
    section = document.get("rollout") or {"id": "rollout"}
    if not isinstance(routing, Mapping):
        raise FieldError(f"model_routing: {routing!r} is not a mapping of keys")
    given = cast("Mapping[str, Any]", routing)
    try:
        errors = number_above(0, 1)(given.get("auto_rollback_threshold", 0.05))
    except ValueError as error:
        raise FieldError(f"model_routing.auto_rollback_threshold: accepted: {error}") from None
    return plans.parse(
        section,
        stable=Arm.parse(str(given.get("stable", STABLE))),
        candidate=Arm.parse(str(given.get("candidate", CANDIDATE))),
        errors=errors,
    )


def _print_odds(table: Sequence[Odds], scenario: Scenario) -> None:
    bad = f", from request {scenario.after} on {scenario.becomes:.3g}" if scenario.becomes else ""
    print(
        f"{scenario.rollouts} rollouts of {scenario.requests} candidate requests at "
        f"{scenario.weight:.0%}; errors {scenario.candidate_error:.3g}{bad}; seed {scenario.seed}"
    )
    rows = [
        (
            row.rule,
            f"{row.false:.2%}",
            f"{row.found:.1%}",
            "-" if row.median is None else f"{row.median:.0f}",
            "-" if row.p95 is None else f"{row.p95:.0f}",
            "-" if row.median_s is None else f"{row.median_s:.0f} s",
        )
        for row in table
    ]
    head = ("rule", "falsely", "rightly", "median requests", "p95", "median time")
    _print_table(head, rows)


def _print_timeline(story: Timeline) -> None:
    print(f"one rollout by this plan, approvals after an hour: {story.outcome} ({story.reason})")
    rows = [
        (str(stay.phase), f"{stay.share:.0%}", f"{stay.hours:.1f} h", str(stay.requests))
        for stay in story.stays
    ]
    _print_table(("phase", "share", "time", "candidate requests"), rows)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*head)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(file=sys.stdout)
    if not console.is_terminal:  # as wide as it needs to be, so that no cell is broken
        wide = console.options.update(max_width=100_000)
        console.width = Measurement.get(console, wide, table).maximum
    console.print(table)


def _fail(line: str) -> NoReturn:
    typer.echo(f"ocrctl: {line}", err=True)
    raise typer.Exit(1)
