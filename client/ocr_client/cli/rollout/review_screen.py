"""What people found, for `status`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ocr_client.operations.facts import Facts
from ocr_client.reviews.accuracy import Accuracy, KindAccuracy
from ocr_rollout.core.intervals import Estimate


def reviews(facts: Facts) -> Iterator[RenderableType]:
    """Nothing where nobody reviews and nobody is waited for."""
    found = facts.reviews
    if not found.reviewed and not found.feedback:
        if facts.plan.limits.review is not None:
            yield Text("review: nobody has reviewed a line of this rollout yet", style="yellow")
        return
    yield _table(found)
    if found.paired is not None:
        disputes = found.all.disputes
        yield Text(
            f"review: of {disputes.pairs:,} disputes stable alone was right in "
            f"{disputes.stable_only:,}, the candidate alone in {disputes.candidate_only:,}; over "
            f"all images the candidate's lines are right more often by {_points(found.paired)}"
        )
    if found.feedback:
        said = "; ".join(
            f"{role} {tally.wrong:,} wrong, {tally.right:,} right"
            for role, tally in sorted(found.feedback.items())
        )
        yield Text(f"users said, unasked: {said}")


def _table(found: Accuracy) -> Table:
    table = Table("reviewed by people (95 %)")
    for head in ("stable", "candidate", "candidate - stable"):
        table.add_column(head, justify="right")
    rows = [("all", found.all), *found.kinds.items()] if len(found.kinds) > 1 else []
    for name, kind in rows or [("all", found.all)]:
        _add(table, name, kind)
    return table


def _add(table: Table, name: str, kind: KindAccuracy) -> None:
    if kind.stable.lines is None and kind.candidate.lines is None:
        return
    difference = "-" if kind.difference is None else _points(kind.difference)
    table.add_row(
        Text(f"{name}: lines right"),
        _share(kind.stable.lines),
        _share(kind.candidate.lines),
        difference,
    )
    table.add_row("  1-CER", _share(kind.stable.characters), _share(kind.candidate.characters), "")


def _share(found: Estimate | None) -> str:
    if found is None:
        return "-"
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%}), n {found.n:,}"


def _points(found: Estimate) -> str:
    return f"{found.value:+.1%} ({found.low:+.1%} to {found.high:+.1%})"
