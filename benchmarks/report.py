"""What was measured: rows of value, goal and whether it was met; as a table or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure. goal: in words, with the limit. met: None where there is no goal."""

    name: str
    value: float
    unit: str
    detail: str = ""
    goal: str = ""
    met: bool | None = None


@dataclasses.dataclass(frozen=True)
class Section:
    """Figures of one run that may be compared with each other. note: what to know about them."""

    title: str
    rows: tuple[Row, ...]
    note: str = ""

    @classmethod
    def unmeasured(cls, title: str, reason: str) -> Section:
        """Could not be measured: no figure at all, never a good one."""
        return cls(title, (), f"NOT MEASURED: {reason}")


def show(sections: Iterable[Section]) -> None:
    console = Console(width=120, highlight=False)
    for section in sections:
        table = Table(title=section.title, title_justify="left", title_style="bold", expand=False)
        for column in ("", "value", "", "goal", "met"):
            table.add_column(column, justify="right" if column == "value" else "left")
        for row in section.rows:
            value = f"{row.value:,.3f}" if abs(row.value) < 10 else f"{row.value:,.1f}"
            met = {None: "", True: "yes", False: "NO"}[row.met]
            table.add_row(row.name, f"{value} {row.unit}".strip(), row.detail, row.goal, met)
        console.print(table)
        if section.note:
            console.print(section.note + "\n")
