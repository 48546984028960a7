"""What people found of the texts: reviews by arm and kind, an A/B test, and whether confidence is honest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ocr_client.reviews.accuracy import KindAccuracy
from ocr_rollout.core.early import LEAST
from ocr_rollout.core.texts import NORMALISATION

from .ab_file import Group
from .blocks import Beside, Block, Heading, Table, Text
from .counts import Drawings, figure
from .evidence import Evidence
from .words import NOTHING, Words, interval, points

LEAST_OF_BIN: Final = 5  # lines of a bin of confidence
MOST_KINDS: Final = 30  # rows of a table; of more, those with the most lines


def people(found: Evidence, say: Words, drawings: Drawings) -> Iterator[Block]:
    yield Heading(say("section.accuracy"))
    yield from _reviews(found, say)
    if found.ab is not None:
        yield from _tested(found, say)
    source = say("source.reviews" if found.ab is None else "source.ab")
    about = say("plot.reliability_about", source=source, least=LEAST_OF_BIN)
    reliability = " ".join([about, *_calibrated(found, say)])
    yield Beside(
        (
            figure("kinds", source, say, drawings),
            figure("reliability", reliability, say, drawings, least=LEAST_OF_BIN),
        )
    )


def _reviews(found: Evidence, say: Words) -> Iterator[Block]:
    reviews = found.facts.reviews
    if not reviews.reviewed:
        yield Text(say("accuracy.none"), "warn")
    else:
        yield Text(
            say("accuracy.about", n=reviews.reviewed, normalisation=NORMALISATION, least=LEAST),
            "quiet",
        )
        heads = ("kind", "lines_stable", "lines_candidate", "difference", "cer_stable")
        kinds = [
            (say.kind(name), kind)
            for name, kind in reviews.kinds.items()
            if kind.stable.lines or kind.candidate.lines
        ]
        yield Table(
            [say(f"head.{name}") for name in (*heads, "cer_candidate")],
            [_review_row(name, kind) for name, kind in [(say("row.all"), reviews.all), *kinds]],
        )
    disputes = reviews.all.disputes
    if disputes.pairs:
        yield Text(
            say(
                "accuracy.disputes",
                pairs=disputes.pairs,
                candidate=disputes.candidate_only,
                stable=disputes.stable_only,
                neither=disputes.pairs - disputes.candidate_only - disputes.stable_only,
            )
        )
    if reviews.feedback:
        said = "; ".join(
            say("feedback.one", role=say.role(role), wrong=tally.wrong, right=tally.right)
            for role, tally in sorted(reviews.feedback.items())
        )
        yield Text(say("accuracy.feedback", said=said))


def _review_row(name: str, kind: KindAccuracy) -> Sequence[str]:
    gain = kind.difference
    return [
        name,
        interval(kind.stable.lines),
        interval(kind.candidate.lines),
        NOTHING if gain is None else points(gain.value, gain.low, gain.high),
        interval(kind.stable.characters, n=False),
        interval(kind.candidate.characters, n=False),
    ]


def _tested(found: Evidence, say: Words) -> Iterator[Block]:
    test = found.ab
    if test is None:
        return
    yield Heading(say("section.ab"))
    yield Text(
        say(
            "ab.about",
            dataset=test.dataset,
            when=f"{test.at:%Y-%m-%d %H:%M}",
            normalisation=test.normalisation,
        ),
        "quiet",
    )
    yield Text(test.why, "" if test.status == "PASS" else "warn")
    heads = ("kind", "n", "lines_stable", "lines_candidate", "cer_stable", "cer_candidate")
    kinds = sorted(test.kinds, key=lambda kind: -kind.n)
    shown = sorted(kinds[:MOST_KINDS], key=test.kinds.index)
    yield Table(
        [*(say(f"head.{name}") for name in heads), say("head.difference"), say("head.p")],
        [
            _group_row(name, group)
            for name, group in [
                (say("row.all"), test.all),
                *((say.kind(group.name), group) for group in shown),
            ]
        ],
    )
    if len(kinds) > MOST_KINDS:
        yield Text(say("more.kinds", n=len(kinds) - MOST_KINDS), "quiet")


def _group_row(name: str, group: Group) -> Sequence[str]:
    gain = group.gain
    if gain is None:
        return [name, f"{group.n:,}", *[NOTHING] * 6]
    cells = [
        interval(found[side], n=False)
        for found in (group.lines, group.characters)
        for side in ("stable", "candidate")
    ]
    return [
        name,
        f"{group.n:,}",
        *cells,
        points(gain.value, gain.low, gain.high, 2),
        f"{gain.p:.2g}",
    ]


def _calibrated(found: Evidence, say: Words) -> Iterator[str]:
    calibration = found.calibration if found.ab is None else found.ab.calibration
    for role, arm in (("stable", found.stable), ("candidate", found.candidate)):
        one = calibration.get(role)
        if one is not None:
            auroc = NOTHING if one.auroc is None else f"{one.auroc:.3f}"
            yield say("calibration.line", arm=arm, n=one.n, error=one.error, auroc=auroc) + "."
