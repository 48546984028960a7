"""From lines and marks to blocks of a kind, and to tables: geometry, and no pixels."""

from .arranged import NO_MARKS, PageMarks, arranged, blocks_of, may_be_table

__all__ = ["NO_MARKS", "PageMarks", "arranged", "blocks_of", "may_be_table"]
