"""What was measured: rows of value, goal and whether it was met; as a table or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure. goal: in words, with the limit. met: None where there is no goal.

    value: None where it could not be measured; detail says why.
    against: what it is compared with; empty for a figure that stands for itself.
    """

    name: str
    value: float | None
    unit: str
    detail: str = ""
    goal: str = ""
    met: bool | None = None
    against: str = ""


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
    """Each section as a table, with its note below."""
    console = _console()
    for section in sections:
        table = _table(section.title)
        for row in section.rows:
            _add(table, row)
        console.print(table)
        if section.note:
            console.print(section.note + "\n")


def show_goals(sections: Iterable[Section]) -> None:
    """One table of all figures that have a limit, and of what was not measured."""
    table = _table("All figures with a limit")
    for section in sections:
        rows = [row for row in section.rows if row.goal]
        if rows or not section.rows:
            table.add_section()
            table.add_row(f"[bold]{section.title}[/]" if rows else section.title)
        if not section.rows:
            table.add_row(f"  {section.note}")
        for row in rows:
            _add(table, row)
    _console().print(table)


def _console() -> Console:
    return Console(width=150, highlight=False)


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for column in ("what", "figure", "", "compared with", "limit", "met"):
        table.add_column(column, justify="right" if column == "figure" else "left")
    return table


def _add(table: Table, row: Row) -> None:
    value = "-"
    if row.value is not None:
        value = f"{row.value:,.3f}" if abs(row.value) < 10 else f"{row.value:,.1f}"
    met = {None: "", True: "yes", False: "NO"}[row.met]
    figure = f"{value} {row.unit}".strip()
    table.add_row(row.name, figure, row.detail, row.against, row.goal, met)
