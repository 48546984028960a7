"""All that a report is made of, gathered from the store: reading and counting, nothing decided."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ocr_client.operations.curves import ENTRIES, LONGEST_S, Curves, curves, steps_of
from ocr_client.operations.facts import Facts, gather
from ocr_client.operations.refused import RefusedError
from ocr_client.operations.reviewing import desk_of
from ocr_client.operations.server_facts import ServerFacts
from ocr_client.operations.setting import Setting
from ocr_client.reviews.desk import ReviewDesk
from ocr_client.reviews.samples import DisagreementSample, Line, SampleError
from ocr_rollout.core.calibration import Calibration, calibration
from ocr_rollout.core.state import AuditEntry
from ocr_rollout.core.texts import plain
from ocr_rollout.simulation.power import Power, power
from ocr_rollout.stores import Sample
from ocr_rollout.stores.review_series import reviews_of

from .ab_file import ABTest, load
from .course import Weighed, weighed
from .pictures import Picture, picture
from .since import Since, since

Pair = tuple[Sample, DisagreementSample]

_MARGIN_S: Final = 60.0  # before the start, so that it is drawn, too


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """An image that the arms read differently. truth: a reviewer's text; None: nobody looked.

    times: how often both arms read the same two texts, as from the same image again.
    picture: None where none was kept, or what was kept is no image.
    """

    at_s: float
    times: int
    stable_text: str
    candidate_text: str
    distance: float
    edits: int
    truth: str | None
    picture: Picture | None = dataclasses.field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        document = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "picture"
        }
        return {**document, "has_picture": self.picture is not None}


@dataclasses.dataclass(frozen=True)
class Evidence:
    """curves: of the whole rollout, a week at most. kept: disagreements in the store, of which
    `disagreements` are the worst. unreadable: why samples could not be read; empty: they could.
    calibration: of lines that reviewers checked, by role; only of arms with any.
    power: None where nothing was counted, or no number of errors is too many.
    """

    facts: Facts
    curves: Curves
    weighed: Weighed
    steps: tuple[AuditEntry, ...]
    since: Since
    kept: int
    disagreements: tuple[Disagreement, ...]
    unreadable: str
    images_kept: bool
    kinds_asked: tuple[str, ...]
    calibration: Mapping[str, Calibration]
    power: Power | None
    ab: ABTest | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, complete but for the pictures."""
        return {
            "status": self.facts.to_dict(),
            "curves": self.curves.to_dict(),
            "evidence": self.weighed.to_dict(),
            "steps": [entry.to_dict() for entry in self.steps],
            "since": self.since.to_dict(),
            "disagreements": {
                "kept": self.kept,
                "images_kept": self.images_kept,
                "unreadable": self.unreadable,
                "worst": [one.to_dict() for one in self.disagreements],
            },
            "calibration": {
                role: dataclasses.asdict(found) for role, found in self.calibration.items()
            },
            "power": None if self.power is None else self.power.to_dict(),
            "ab": None if self.ab is None else self.ab.to_dict(),
        }

    @property
    def candidate(self) -> str:
        return self.facts.state.candidate

    @property
    def stable(self) -> str:
        return self.facts.state.stable


def evidence(there: Setting, at_s: float, *, most: int, ab: Path | None) -> Evidence:
    """Reads the store, not Triton. most: disagreements to show.

    Raises StorageError, StateError, RecordError; RefusedError where no rollout was ever started,
    or the A/B test is none of it.
    """
    found = gather(there, ServerFacts(), at_s)
    state = found.state
    if state.status == "idle":
        raise RefusedError(
            f"no rollout was started in {found.store}: there is no gate to decide at; start one "
            "with: ocrctl rollout start"
        )
    tested = None if ab is None else load(ab, state.stable, state.candidate)
    store = there.to_read()
    steps = steps_of(store.history(after=-ENTRIES, limit=ENTRIES), state)
    desk, where = desk_of(there, lambda: at_s), reviews_of(state, found.plan.rollout_id)
    try:
        reviewed = [pair for pair in desk.reviewed() if pair[1].origin.where == where]
        pairs = desk.disagreements(None, where=where)
        unreadable = ""
    except SampleError as error:
        reviewed, pairs, unreadable = [], [], str(error)
    drawn = curves(there, at_s, _over_s(steps, at_s))
    if drawn.generation != state.generation:
        raise RefusedError("the rollout moved on while it was read; write the report again")
    return Evidence(
        facts=found,
        curves=drawn,
        weighed=weighed(found.evidence, found.plan.limits),
        steps=steps,
        since=since(store, state, steps, (sample for sample, _ in reviewed), at_s),
        kept=len(pairs),
        disagreements=tuple(_disagreement(desk, group) for group in _alike(pairs)[:most]),
        unreadable=unreadable,
        images_kept=there.config.review.keep_images,
        kinds_asked=there.config.review.kinds,
        calibration=_calibration(reviewed),
        power=power(found.plan.limits, found.evidence.attempts.requests),
        ab=tested,
    )


def _over_s(steps: Sequence[AuditEntry], at_s: float) -> float:
    begun_s = steps[0].at_s if steps else at_s - LONGEST_S
    return min(max(at_s - begun_s, 0.0) + _MARGIN_S, LONGEST_S)


def _alike(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Those with the same two texts together; of the groups the order is that of their first."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for sample, pair in pairs:
        groups.setdefault((pair.stable_text, pair.candidate_text), []).append((sample, pair))
    return list(groups.values())


def _disagreement(desk: ReviewDesk, group: Sequence[Pair]) -> Disagreement:
    """Of those that are alike, one that somebody has reviewed."""
    sample, pair = max(group, key=lambda one: (one[0].review or {}).get("status") == "done")
    content, review = desk.image(sample.id), sample.review or {}
    return Disagreement(
        at_s=sample.at_s,
        times=len(group),
        stable_text=pair.stable_text,
        candidate_text=pair.candidate_text,
        distance=pair.distance,
        edits=pair.edits,
        truth=str(review["truth"]) if review.get("status") == "done" else None,
        picture=None if content is None else picture(content),
    )


def _calibration(
    reviewed: Iterable[tuple[Sample, Line | DisagreementSample]],
) -> dict[str, Calibration]:
    """A line's confidence against whether it was right, as reviewers say."""
    columns: dict[str, tuple[list[float], list[bool]]] = {}
    for sample, document in reviewed:
        if isinstance(document, Line) and sample.review is not None:
            sure, right = columns.setdefault(document.role, ([], []))
            sure.append(document.confidence)
            right.append(plain(document.text) == plain(str(sample.review["truth"])))
    return {role: calibration(*column) for role, column in columns.items()}
