"""The section `pages:` of the configuration: how whole pages are read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final, Literal, get_args

from ocr_rollout.core import fields
from ocr_rollout.core.fields import FieldError, Fields, switch
from ocr_rollout.core.routing import Arm

from .fields import NO_RULES, FieldRules, RulesError, load, shipped

FinderChoice = Literal["classical", "learned", "auto"]
SHIPPED: Final = "shipped"
NONE: Final = "none"
LINE_FINDER: Final = Arm("line_finder", 2)


@dataclasses.dataclass(frozen=True)
class PageSettings:
    """Times in seconds.

    deadline_s: for one page, finding its lines and fallback included. candidate_deadline_s: of
        which the candidate may use this much.
    max_lines: of a page that are read; a page with more says so.
    turn: whether a page that can hardly be read is tried on its sides and upside down, too.
    least_confidence: 0..1; a line below it is taken for no text, and left out.
    finder: who finds the lines: `classical`, `learned`, or `auto`, see `finder.asks_again`.
    finder_model: what Triton is asked for by the learned one.
    fields: the rules by which fields of receipts and invoices are found.
    """

    deadline_s: float = 60.0
    candidate_deadline_s: float = 30.0
    max_lines: int = 2_000
    turn: bool = True
    least_confidence: float = 0.55
    finder: FinderChoice = "auto"
    finder_model: Arm = LINE_FINDER
    fields: FieldRules = dataclasses.field(default_factory=shipped)


def pages(section: Fields, *, folder: Path | None = None) -> PageSettings:
    """Raises FieldError naming key and value. folder: where relative file names begin."""
    default = PageSettings()
    deadline_s = section.read("deadline_s", default.deadline_s, fields.number(above=0, most=3_600))
    settings = PageSettings(
        deadline_s=deadline_s,
        candidate_deadline_s=section.read(
            "candidate_deadline_s",
            min(default.candidate_deadline_s, deadline_s / 2),
            fields.number(above=0, most=deadline_s, most_is="deadline_s"),
        ),
        max_lines=section.read("max_lines", default.max_lines, fields.whole(1, 100_000)),
        turn=section.read("turn", default.turn, switch),
        least_confidence=section.read("least_confidence", default.least_confidence, _confidence),
        finder=section.read("finder", default.finder, fields.word(*get_args(FinderChoice))),
        finder_model=section.read("finder_model", default.finder_model, fields.arm),
        fields=_rules(section.read("fields", SHIPPED, _file), folder),
    )
    section.close()
    return settings


def _file(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError("shipped, none, or the name of a file with rules")


def _rules(name: str, folder: Path | None) -> FieldRules:
    try:
        return field_rules(name, folder)
    except RulesError as error:
        raise FieldError(f"pages.fields: {error}") from None


def field_rules(name: str, folder: Path | None = None) -> FieldRules:
    """By the word of the configuration, or of the command line. Raises RulesError."""
    if name == SHIPPED:
        return shipped()
    return NO_RULES if name == NONE else load((folder or Path()) / name)


def _confidence(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError("a number from 0 to 1")
