"""A replay on a terminal: what it rests on first, and what it says last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from ocr_client.cli.table import print_table
from ocr_client.reviews.accuracy import Accuracy
from ocr_rollout.core.intervals import Estimate, wilson
from ocr_rollout.core.outcomes import ERRORS
from ocr_rollout.core.texts import NORMALISATION

from .result import ArmFigures, Replay, said

_SHOWN: Final = 10  # of disagreements and of failing images; --json has more


def show(replay: Replay) -> None:
    """On stdout."""
    for line in notes(replay):
        print(line)
    print_table(_arms(replay))
    print(_texts(replay))
    for line in _accuracy(replay.accuracy):
        print(line)
    if replay.worst:
        print_table(_worst(replay))
    if replay.failing:
        print_table(_failing(replay))
    print_table(_phases(replay))
    print_table(_rules(replay))
    print(said(replay))


def notes(replay: Replay) -> list[str]:
    """What was replayed, and what was wrong with it: one line each."""
    seen, n = replay.seen, len(replay.images)
    head = f"{n} of {replay.given} images of {replay.source}"
    found = [f"PARTIAL: stopped after {head}" if seen.partial else head]
    if seen.known:
        found.append(f"{seen.known} had been read before and were not read again")
    counted = {
        "not read, for nobody can read them": replay.unreadable,
        "left out, the same as another": len(seen.duplicates),
        "left out, no image was kept": len(seen.without),
        **replay.problems,
    }
    found += [f"{count} {what}" for what, count in counted.items() if count]
    sizes = replay.to_json()["images"]
    if sizes["height_px"]:
        high, wide = (
            f"{side['least']:g} to {side['most']:g} px (median {side['median']:g})"
            for side in (sizes["height_px"], sizes["width_px"])
        )
        found.append(f"height {high}, width {wide}")
    return found


def _arms(replay: Replay) -> Table:
    rows = [
        _arm(f"{arm} ({role})", figures)
        for role, arm, figures in (
            ("stable", replay.plan.stable, replay.stable),
            ("candidate, weight 0", replay.plan.candidate, replay.candidate),
        )
    ]
    head = ("", "attempts", "ok", "empty", "garbled", "errors", "p50 ms", "p95 ms")
    return _table(f"With {replay.threads} images under way at a time", head, rows)


def _arm(name: str, found: ArmFigures) -> list[str]:
    counts = found.counts
    kinds = (f"{counts.count(kind)} {kind}" for kind in sorted(ERRORS) if counts.count(kind))
    errors = f"{counts.errors} ({', '.join(kinds)})" if counts.errors else "0"
    numbers = [str(counts.requests), *(str(counts.count(k)) for k in ("ok", "empty", "garbled"))]
    times = ["-" if ms is None else f"{ms:.1f}" for ms in (found.p50_ms, found.p95_ms)]
    return [name, *numbers, errors, *times]


def _texts(replay: Replay) -> str:
    pairs = replay.pairs
    alike = wilson(pairs.equal, pairs.both_fine)
    if alike is None:
        return "Texts: no image was read well by both."
    return (
        f"Texts: {pairs.equal} of {pairs.both_fine} that both read well are alike, {_share(alike)};"
        f" mean edit distance {replay.mean_distance:.4f}. Error, empty or garbled: candidate alone"
        f" {pairs.candidate_only}, stable alone {pairs.stable_only}, both {pairs.both_bad}."
    )


def _accuracy(found: Accuracy | None) -> Iterator[str]:
    if found is None:
        return
    for role, arm in (("stable", found.all.stable), ("candidate", found.all.candidate)):
        if arm.lines is not None and arm.characters is not None:
            yield (
                f"Against the texts that are known, {role}: lines right {_share(arm.lines)},"
                f" 1-CER {_share(arm.characters)}, n = {arm.lines.n} ({NORMALISATION})."
            )
    disputes = found.all.disputes
    yield (
        f"Of {disputes.pairs} of these that the arms read differently, the candidate alone is right"
        f" in {disputes.candidate_only}, stable alone in {disputes.stable_only}."
    )


def _worst(replay: Replay) -> Table:
    known = any(one.truth is not None for one in replay.worst[:_SHOWN])
    rows = [
        [one.image, one.stable, one.candidate, *([one.truth or ""] if known else ()), distance]
        for one in replay.worst[:_SHOWN]
        for distance in [f"{one.distance:.3f}"]
    ]
    head = ("image", "stable", "candidate", *(["what stands there"] if known else ()), "distance")
    return _table("Worst disagreements", head, rows)


def _failing(replay: Replay) -> Table:
    rows = [
        [image.name, image.whose or "", *(f"{one.outcome} {one.why}".strip() for one in arms)]
        for image in replay.failing[:_SHOWN]
        for arms in [(image.stable, image.candidate)]
    ]
    more = len(replay.failing) - len(rows)
    title = (
        f"Images that were not read well{f', {_SHOWN} of {len(replay.failing)}' if more else ''}"
    )
    return _table(title, ("image", "whose fault", "stable", "candidate"), rows)


def _phases(replay: Replay) -> Table:
    rows = []
    for stay in replay.story.stays:
        if stay.first is None:
            how = "not reached"
        elif stay.left is not None:
            how = f"images {stay.first} to {stay.left}: has all it needs"
        else:
            how = f"from image {stay.first}: {'; '.join(stay.missing) or 'none was left for it'}"
        rows.append(
            [f"{stay.phase}", f"{stay.share:.0%}", f"{stay.samples} of {stay.min_samples}", how]
        )
    title = f"Plan {replay.plan.rollout_id}, without its waiting times"
    return _table(title, ("phase", "share", "samples", "would be left"), rows)


def _rules(replay: Replay) -> Table:
    rows = [
        [
            ruling.verdict.rule,
            ruling.verdict.status,
            "-" if ruling.tripped is None else f"{ruling.tripped}",
            ruling.verdict.why,
        ]
        for ruling in replay.story.rulings
    ]
    return _table(
        "The judge, since the last phase began", ("rule", "says", "tripped at", "why"), rows
    )


def _share(found: Estimate) -> str:
    return f"{found.value:.3f} (95 %: {found.low:.3f} to {found.high:.3f})"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for name in head:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # Text: a name or a line of text is never markup
    return table
