"""The A/B test on a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from ocr_client.cli.table import print_table

from .ab_test import ABTest
from .layout import Sheet, accuracy, by_arm, notes


def show(test: ABTest) -> None:
    """Tables on stdout: the kinds, then the arms; then what can be said."""
    kinds = [group for group in test.groups if group.sort == "category"]
    for sheet in accuracy(test, [*kinds, test.groups[0]], intervals=False):
        print_table(_table(sheet))
    print_table(_table(by_arm(test, test.groups[0])))
    print(
        f"1-CER: 1 - sum(edit distance) / sum(length); both after {test.wording.name}.\n"
        "In brackets: 95 %, paired bootstrap of lines. p: exact; sign flips for 1-CER, McNemar for"
        f" lines.\nms: with {test.threads} lines under way at a time."
    )
    for line in (*notes(test), *(verdict.why for verdict in test.verdicts)):
        print(line)


def _table(sheet: Sheet) -> Table:
    table = Table(title=Text(sheet.title), title_justify="left")
    for k, name in enumerate(sheet.head):
        table.add_column(Text(name), justify="right" if k else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*map(Text, row))  # Text: a category is never markup
    return table
