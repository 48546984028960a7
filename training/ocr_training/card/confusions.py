"""Which characters are taken for which: counted along the cheapest alignment."""

from __future__ import annotations

import collections
from collections.abc import Iterable

NOTHING = ""  # of a character that was left out, or that nothing stood for


def confusions(pairs: Iterable[tuple[str, str]], most: int = 30) -> list[tuple[str, str, int]]:
    """(true, read, how often), the most frequent first, ties in code point order.

    Lines of which not half is right are left out: their alignment is chance.
    """
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    for truth, reading in pairs:
        steps = align(truth, reading)
        if sum(a == b for a, b in steps) * 2 >= len(truth):
            counts.update((a, b) for a, b in steps if a != b)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(true, read, count) for (true, read), count in ordered[:most]]


def align(truth: str, reading: str) -> list[tuple[str, str]]:
    """Pairs (true character, read character), NOTHING on one side for a gap; Levenshtein."""
    rows = [list(range(len(reading) + 1))]
    for i, a in enumerate(truth, start=1):
        row = [i]
        for j, b in enumerate(reading, start=1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b)))
        rows.append(row)
    i, j = len(truth), len(reading)
    steps: list[tuple[str, str]] = []
    while i or j:
        same = i > 0 and j > 0 and truth[i - 1] == reading[j - 1]
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (not same):
            i, j = i - 1, j - 1
            steps.append((truth[i], reading[j]))
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            steps.append((truth[i], NOTHING))
        else:
            j -= 1
            steps.append((NOTHING, reading[j]))
    return steps[::-1]
