"""The images on which both arms differ most: picture, both texts, and every edit between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocr_client.operations.figures import Agreement
from ocr_rollout.core.intervals import wilson
from ocr_rollout.core.texts import plain

from .blocks import Beside, Block, Dispute, Heading, Legend, Side, Table, Text
from .counts import Drawings, figure
from .evidence import Disagreement, Evidence
from .marking import marked
from .words import Words, interval, percent

MOST_EDITS: Final = 8  # of one image in words; the marks show all of them
LONGEST_EDIT: Final = 24  # characters


def disputes(found: Evidence, say: Words, drawings: Drawings) -> Iterator[Block]:
    shown, shadow = found.disagreements, found.facts.shadow
    title = say("section.disputes", n=len(shown)) if shown else say("section.disputes_none")
    yield Heading(title)
    about = say("plot.agreement_about", pairs=shadow.pairs, fine=shadow.both_fine)
    yield Beside((figure("agreement", about, say, drawings), _pairs(shadow, say)))
    if not shown:
        if found.kept:
            yield Text(say("disputes.off", kept=found.kept))
        elif shadow.both_fine and shadow.equal == shadow.both_fine and not found.unreadable:
            yield Text(say("disputes.equal", n=shadow.both_fine))
        else:
            yield Text(say("disputes.none"), "warn")
        return
    yield Legend(
        say(
            "disputes.about",
            kept=found.kept,
            changed="{changed}",
            missing="{missing}",
            added="{added}",
        ),
        *(say(f"mark.{kind}") for kind in ("changed", "missing", "added")),
    )
    for number, one in enumerate(shown, start=1):
        yield _dispute(number, one, found, say)


def _dispute(number: int, one: Disagreement, found: Evidence, say: Words) -> Dispute:
    parts = marked(one.stable_text, one.candidate_text)
    edits = [
        say(f"edit.{part.kind}", stable=_cut(part.stable), candidate=_cut(part.candidate))
        for part in parts
        if part.kind != "same"
    ]
    if len(edits) > MOST_EDITS:
        edits = [*edits[:MOST_EDITS], say("edit.more", n=len(edits) - MOST_EDITS)]
    empty = say("dispute.empty")
    return Dispute(
        number,
        one.picture,
        say("dispute.alt", n=number),
        say("dispute.no_picture"),
        (Side("stable", found.stable, empty), Side("candidate", found.candidate, empty)),
        parts,
        tuple(edits),
        tuple(_notes(one, say)),
    )


def _notes(one: Disagreement, say: Words) -> Iterator[str]:
    yield say("dispute.edits", n=one.edits, share=one.distance)
    if one.times > 1:
        yield say("dispute.times", n=one.times)
    if one.truth is None:
        yield say("dispute.unseen")
        return
    truth = plain(one.truth)
    right = [
        role
        for role, text in (("stable", one.stable_text), ("candidate", one.candidate_text))
        if plain(text) == truth
    ]
    yield say(f"dispute.right_{right[0] if right else 'none'}")
    yield say("dispute.truth", text=one.truth or say("dispute.empty"))


def _pairs(shadow: Agreement, say: Words) -> Table:
    rows = (
        ("all", f"{shadow.pairs:,}"),
        ("fine", f"{shadow.both_fine:,}"),
        ("equal", interval(wilson(shadow.equal, shadow.both_fine), n=False)),
        ("distance", percent(shadow.mean_distance)),
        ("candidate", f"{shadow.candidate_only_bad:,}"),
        ("stable", f"{shadow.stable_only_bad:,}"),
        ("both", f"{shadow.both_bad:,}"),
    )
    return Table([say("head.pairs"), ""], [[say(f"pairs.{name}"), cell] for name, cell in rows])


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST_EDIT else f"{text[: LONGEST_EDIT - 1]}…"
