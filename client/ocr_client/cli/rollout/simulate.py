"""`ocrctl rollout simulate`: what would happen, before anything does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocr_client.operations.refused import RefusedError

from .options import Config, Json, print_json, refusing

if TYPE_CHECKING:  # scipy takes a second: not for `ocrctl --help`
    from ocr_rollout.simulation.odds import Odds, Scenario
    from ocr_rollout.simulation.picture import Picture
    from ocr_rollout.simulation.timeline import Timeline

SUFFIXES = (".png", ".svg", ".pdf")
Share = typer.Option(min=0, max=1)


def simulate(  # noqa: PLR0913  # as many as the verb has options
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
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw it, too; needs the extra `plot`."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the odds of a false rollback and how soon each rule notices, on made traffic.

    Example: ocrctl rollout simulate --candidate-error 0.01 --becomes 0.2 --after 500
    """
    with refusing():
        from ocr_client.operations.setting import configured, plan_to_try  # noqa: PLC0415
        from ocr_rollout.core.routing import BUCKETS  # noqa: PLC0415
        from ocr_rollout.simulation import odds  # noqa: PLC0415
        from ocr_rollout.simulation.timeline import timeline  # noqa: PLC0415

        if becomes is not None and not after < requests:
            raise RefusedError(f"--after {after}: must come before --requests {requests}")
        draw = None if plot is None else _drawing(plot)  # refused before, not after, the work
        plan = plan_to_try(configured(config)[0])
        scenario = odds.Scenario(
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
        fired = odds.fired(scenario, plan.limits)
        table = odds.odds_of(fired, scenario, plan.limits)
        story = timeline(plan, scenario)
        if as_json:
            print_json(
                {
                    "scenario": dataclasses.asdict(scenario),
                    "plan": plan.to_dict(),
                    "rules": [row.to_dict() for row in table],
                    "timeline": story.to_dict(),
                }
            )
        else:
            _print_odds(table, scenario)
            _print_timeline(story)
        if plot is not None and draw is not None:
            from ocr_rollout.simulation.picture import picture  # noqa: PLC0415

            try:
                draw(picture(plan, scenario, fired, table, story), plot)
            except OSError as error:
                raise RefusedError(f"{plot}: {error.strerror or error}") from None
            if not as_json:
                print(f"drawn: {plot}")


def _drawing(file: Path) -> Callable[[Picture, Path], None]:
    """Raises RefusedError where it could not be drawn."""
    if file.suffix.lower() not in SUFFIXES:
        raise RefusedError(f"--plot: {file}: accepted: a name that ends in {' or '.join(SUFFIXES)}")
    if not file.parent.is_dir():
        raise RefusedError(f"--plot: {file}: there is no folder {file.parent}; create it")
    try:
        from ocr_rollout.simulation.plot import draw  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise RefusedError(
            "--plot needs the extra [plot]: pip install 'ocr-rollout[plot]'"
        ) from None
    return draw


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


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ocr_client.cli.table import print_table  # noqa: PLC0415

    table = Table(*head)
    for row in rows:
        table.add_row(*map(Text, row))
    print_table(table)


def _print_timeline(story: Timeline) -> None:
    print(f"one rollout by this plan, approvals after an hour: {story.outcome} ({story.reason})")
    rows = [
        (str(stay.phase), f"{stay.share:.0%}", f"{stay.hours:.1f} h", str(stay.requests))
        for stay in story.stays
    ]
    _print_table(("phase", "share", "time", "candidate requests"), rows)
