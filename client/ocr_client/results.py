"""What a request returns, as frozen records."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from ocr_preprocessing.page import Finder
from ocr_rollout.core.routing import Arm, Reason

from .shapes import Box, Point, Quad, box_around, rounded
from .structure import Block, Field

__all__ = [
    "AnswerReason",
    "Block",
    "Box",
    "Character",
    "Field",
    "LineResult",
    "Mode",
    "PageResult",
    "Point",
    "Quad",
    "ReadLine",
    "Reading",
    "Turn",
    "box_around",
]

AnswerReason = Reason | Literal["fell_back", "rescued"]


Mode = Literal["line", "page"]
Turn = Literal[0, 90, 180, 270]


@dataclasses.dataclass(frozen=True)
class Character:
    """One character as the model saw it.

    confidence: the model's probability 0..1 for it, at the step where it is highest.
    left, right: source-image pixels [left, right) of the steps that show it. CTC models point at
        a character rather than outline it, so this is where it is, not how wide it is.
    top, bottom: source-image pixels [top, bottom) of its line at that place, in a line of a page;
        both 0 where the whole image is the line.
    """

    text: str
    confidence: float
    left: float
    right: float
    top: float = 0.0
    bottom: float = 0.0

    def to_json(self) -> dict[str, Any]:
        places: dict[str, Any] = {"x": [round(self.left, 1), round(self.right, 1)]}
        if self.bottom > self.top:
            places["y"] = [round(self.top, 1), round(self.bottom, 1)]
        return {"text": self.text, "confidence": round(self.confidence, 4), **places}


@dataclasses.dataclass(frozen=True)
class ReadLine:
    """A line of a page.

    quad: its corners (x, y) in source-image pixels: top-left, top-right, bottom-right and
        bottom-left of the text as it is read, whichever way it stands in the image.
    vertical: a column of characters, read from top to bottom.
    block: 0-based, of the page's blocks.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]
    quad: Quad
    vertical: bool
    block: int

    @property
    def box(self) -> Box:
        """The upright rectangle around the quad: left, top, right, bottom."""
        return box_around((self.quad,))

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": rounded(self.box),
            "quad": [[round(x, 1), round(y, 1)] for x, y in self.quad],
            "vertical": self.vertical,
            "block": self.block,
            "characters": [character.to_json() for character in self.characters],
        }


@dataclasses.dataclass(frozen=True)
class Reading:
    """A line, or a page, as one arm read it.

    confidence: the geometric mean of the characters' confidences, 0..1; 0 for an empty text,
        which nothing supports.
    characters: of a page: of all its lines. lines: of a page, in reading order. blocks,
        fields, turned, angle: see `PageResult`.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]
    lines: tuple[ReadLine, ...] = ()
    turned: Turn = 0
    angle: float = 0.0
    blocks: tuple[Block, ...] = ()
    fields: tuple[Field, ...] = ()


@dataclasses.dataclass(frozen=True)
class LineResult:
    """One request's answer. An image without text is a result with an empty text.

    confidence: the geometric mean of the characters' confidences, 0..1; 0 for an empty text.
    arm: the arm that answered. bucket: 0..9999, what the request hashes to.
    rollout: the id of the rollout that the request was routed by; without a plan the salt.
    generation: of that rollout's state; it counts decisions.
    fell_back: the candidate failed and stable answered in its place.
    rescued: the candidate's answer was empty or garbled, and stable's was taken in its place.
    reason: why this arm: `candidate_range`, `stable_range`, `candidate_out`, `forced`,
        `fell_back` or `rescued`. fault: what the candidate failed of, or what was wrong with its
        answer, one line, in the last two cases.
    time_ms: from the call to the answer, loading included.
    width, height: of the image in pixels, turned upright.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]
    arm: Arm
    bucket: int
    rollout: str
    generation: int
    fell_back: bool
    rescued: bool
    reason: AnswerReason
    fault: str | None
    time_ms: float
    request_id: str
    width: int
    height: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "characters": [character.to_json() for character in self.characters],
            "arm": {"model": self.arm.model, "version": self.arm.version},
            "bucket": self.bucket,
            "rollout": self.rollout,
            "generation": self.generation,
            "fell_back": self.fell_back,
            "rescued": self.rescued,
            "reason": self.reason,
            "fault": self.fault,
            "time_ms": round(self.time_ms, 2),
            "request_id": self.request_id,
            "width": self.width,
            "height": self.height,
        }


@dataclasses.dataclass(frozen=True)
class PageResult(LineResult):
    """The same of an image that may be a whole page; a page without text is a result, too.

    mode: whether the image was read as one line, or as a page. mode_reason: how that was decided,
        and why a page has no lines, in one line of text.
    lines: in reading order; of a `line` the image itself is the only one. blocks: in the same order.
    text: a row to a line, what stands side by side with a space between; an empty line between
        blocks.
    turned: by how many degrees, clockwise, the image has to be turned for its text to be upright.
    angle: how far the text then slants, in degrees, counter-clockwise positive.
    fields: of receipts and invoices, by `pages.fields`.
    finder: who found the lines, `classical` or `learned`; None: nobody had to look for any.
    """

    mode: Mode
    mode_reason: str
    finder: Finder | None
    lines: tuple[ReadLine, ...]
    blocks: tuple[Block, ...]
    turned: Turn
    angle: float
    fields: tuple[Field, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As of a line, and more; a page's characters stand in its lines only."""
        found = super().to_json()
        if self.mode == "page":
            found["characters"] = []
        return {
            **found,
            "mode": self.mode,
            "mode_reason": self.mode_reason,
            "finder": self.finder,
            "turned": self.turned,
            "angle": round(self.angle, 2),
            "lines": [line.to_json() for line in self.lines],
            "blocks": [block.to_json() for block in self.blocks],
            "fields": [field.to_json() for field in self.fields],
        }
