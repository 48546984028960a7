"""The text that a PDF page holds already, as if it had been read."""

from __future__ import annotations

import dataclasses
from typing import Any

from ocr_client.pages.fields import FieldRules, fields_of
from ocr_client.pages.layout import page_text
from ocr_client.pages.structure import NO_MARKS, arranged
from ocr_client.results import Block, Field, ReadLine

REASON = "the text layer of the PDF; no model was asked"


@dataclasses.dataclass(frozen=True)
class LayerPage:
    """The parts of a `PageResult` that there are without any model.

    width, height: in pixels of the picture that the page would be read from.
    """

    lines: tuple[ReadLine, ...]
    blocks: tuple[Block, ...]
    width: int
    height: int
    fields: tuple[Field, ...] = ()
    turned = 0

    def with_fields(self, rules: FieldRules) -> LayerPage:
        return dataclasses.replace(self, fields=fields_of(self.lines, rules))

    @classmethod
    def of(cls, lines: tuple[ReadLine, ...], width: int, height: int) -> LayerPage:
        """lines: as they stand in the file."""
        lines, blocks = arranged(lines, NO_MARKS, (width, height))
        return cls(lines, blocks, width, height)

    @property
    def text(self) -> str:
        return page_text(self.lines)

    def to_json(self) -> dict[str, Any]:
        """The keys of a page's result; null for what only a model knows."""
        return {
            "text": self.text,
            "confidence": None,
            "characters": [],
            "arm": None,
            "bucket": None,
            "fell_back": False,
            "rescued": False,
            "time_ms": None,
            "width": self.width,
            "height": self.height,
            "mode": "page",
            "mode_reason": REASON,
            "finder": None,
            "turned": 0,
            "angle": 0.0,
            "lines": [line.to_json() for line in self.lines],
            "blocks": [block.to_json() for block in self.blocks],
            "fields": [field.to_json() for field in self.fields],
        }
