"""What reading answers, as it is documented, and as it is written.

The models are for `/openapi.json`; answers are written without them, for speed, and a test holds
each kind of answer against its model.
"""

from __future__ import annotations

from typing import Any, Literal, Union

from pydantic import BaseModel, Field

from ocr_client.results import PageResult
from ocr_client.structure import BlockKind

from .problems import ProblemDocument

Share = Field(ge=0, le=1)


class ArmName(BaseModel):
    """A model and the version of it that answered."""

    model: str
    version: int = Field(ge=1)


class CharacterRead(BaseModel):
    """Where the model saw a character; it points at it rather than outlines it."""

    text: str
    confidence: float = Share
    x: list[float] = Field(
        min_length=2, max_length=2, description="[left, right) in pixels of the image."
    )
    y: list[float] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="[top, bottom), in a line of a page; left out where the image is the line.",
    )


class LineRead(BaseModel):
    """One line of text."""

    text: str
    confidence: float = Share
    box: list[float] = Field(
        min_length=4,
        max_length=4,
        description="[left, top, right, bottom) in pixels of the image, turned upright.",
    )
    quad: list[list[float]] = Field(
        min_length=4,
        max_length=4,
        description="Its corners [x, y]: top-left, top-right, bottom-right and bottom-left of the"
        " text as it is read.",
    )
    vertical: bool = Field(description="A column, read from top to bottom.")
    block: int = Field(ge=0, description="Which of the blocks it belongs to.")
    characters: list[CharacterRead]


class CellRead(BaseModel):
    """A cell of a table; row and column count from 0, empty ones are left out."""

    text: str
    row: int = Field(ge=0)
    column: int = Field(ge=0)
    rows: int = Field(ge=1, description="How many rows it spans.")
    columns: int = Field(ge=1)
    box: list[float] = Field(min_length=4, max_length=4)
    lines: list[int] = Field(description="Places in `lines`; a line may run over several cells.")


class TableRead(BaseModel):
    """A table's size and its cells, row by row."""

    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    ruled: bool = Field(description="Rules part its rows and columns; else they stand in line.")
    cells: list[CellRead]


class BlockRead(BaseModel):
    """Lines that belong together, or a figure, which has none."""

    kind: BlockKind
    text: str = Field(description="The lines as running text.")
    box: list[float] = Field(min_length=4, max_length=4)
    lines: list[int] = Field(description="Places in `lines`, from 0 on.")
    items: list[str] | None = Field(default=None, description="Of a list.")
    table: TableRead | None = Field(default=None, description="Of a table.")


class FieldRead(BaseModel):
    """Of a receipt or an invoice, by the rules that the service was given."""

    name: str = Field(description="date, number, seller, total, tax, tax_id, or of own rules.")
    value: str = Field(description="An ISO date, an amount with a point, a number, or a text.")
    text: str = Field(description="As it was read.")
    box: list[float] = Field(min_length=4, max_length=4)
    lines: list[int]


class Read(BaseModel):
    """An image's text, and who read it."""

    success: Literal[True]
    text: str = Field(
        description="A row to a line, what stands side by side with a space between; an empty line"
        " between blocks."
    )
    confidence: float = Field(
        ge=0, le=1, description="Geometric mean of the characters'; 0 for an empty text."
    )
    time_ms: float = Field(ge=0, description="Of reading, without waiting for a turn.")
    arm: ArmName
    bucket: int = Field(ge=0, le=9999, description="What the request hashes to.")
    rollout: str
    generation: int
    fell_back: bool = Field(description="The candidate failed, and stable answered.")
    rescued: bool = Field(description="The candidate's answer was no text, and stable's was.")
    reason: Literal[
        "candidate_range", "stable_range", "candidate_out", "forced", "fell_back", "rescued"
    ]
    request_id: str
    width: int = Field(ge=1, description="Of the image in pixels, turned upright.")
    height: int = Field(ge=1)
    mode: Literal["line", "page"] = Field(description="What the image was read as.")
    mode_reason: str = Field(description="How that was decided, or why a page has no lines.")
    finder: Literal["classical", "learned"] | None = Field(
        description="Who found the lines; null where nobody had to look for any."
    )
    turned: Literal[0, 90, 180, 270] = Field(
        description="By how many degrees, clockwise, it has to be turned for its text to be upright."
    )
    angle: float = Field(description="How far the text then slants; counter-clockwise positive.")
    lines: list[LineRead]
    blocks: list[BlockRead]
    fields: list[FieldRead]


class Batch(BaseModel):
    """An answer or a problem for each image, in their order."""

    success: bool = Field(description="Whether all of them were read.")
    request_id: str
    results: list[Union[Read, ProblemDocument]]  # noqa: UP007  # pydantic reads it on Python 3.10


def to_json(result: PageResult) -> dict[str, Any]:
    """As `Read` describes it."""
    found = result.to_json()
    del found["characters"]  # those of the lines are all
    del found["fault"]  # it names what is inside; the log has it
    return {"success": True, **found}
