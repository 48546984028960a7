"""Results as a table for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ocr_client.results import LineResult


def results_table(rows: Iterable[tuple[str, LineResult]], *, mode: str | None = None) -> Table:
    """File and result -> file, text, confidence, arm, milliseconds, whether it fell back.

    mode: what the images were taken for, where that is to be said.
    """
    table = Table("file", "text")
    table.add_column("confidence", justify="right")
    table.add_column("arm")
    table.add_column("ms", justify="right")
    table.add_column("fell back")
    if mode is not None:
        table.add_column("read as")
    for file, result in rows:
        table.add_row(
            Text(file),  # Text: a file name or a line of text is never markup
            Text(result.text),
            f"{result.confidence:.3f}",
            str(result.arm),
            f"{result.time_ms:.1f}",
            "rescued" if result.rescued else "yes" if result.fell_back else "no",
            *([mode] if mode is not None else []),
        )
    return table


def print_table(table: Table) -> None:
    """On stdout; outside a terminal as wide as it needs to be, so that no cell is broken."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        wide = console.options.update(max_width=100_000)
        console.width = Measurement.get(console, wide, table).maximum
    console.print(table)
