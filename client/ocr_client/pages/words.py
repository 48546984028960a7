"""A line's words with their places: what hOCR, ALTO and PDF hold text in."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from ocr_client.decode import mean_confidence
from ocr_client.results import Box, Character, Quad, ReadLine, box_around

from .layout import is_wide
from .turns import part_of


@dataclasses.dataclass(frozen=True)
class Word:
    """begin, end: shares 0..1 of the line's length. spaced: a space comes after it."""

    text: str
    confidence: float
    begin: float
    end: float
    quad: Quad
    spaced: bool

    @property
    def box(self) -> Box:
        return box_around((self.quad,))


def words_of(line: ReadLine) -> Iterator[Word]:
    """Divided at spaces, and between Chinese and Latin. Together they fill the whole line.

    A CTC model points at a character rather than outlines it, so a word reaches half the way to
    its neighbours.
    """
    runs = list(_runs(line.characters))
    if not runs:
        return
    middles = [(_middle(line, run[0]), _middle(line, run[-1])) for run, _ in runs]
    edges = [0.0]
    for (_, before), (after, _) in itertools.pairwise(middles):
        edges.append(min(1.0, max(edges[-1], (before + after) / 2)))
    edges.append(1.0)
    for (run, spaced), begin, end in zip(runs, edges, edges[1:], strict=False):
        yield Word(
            "".join(one.text for one in run),
            mean_confidence(run),
            begin,
            end,
            part_of(line.quad, begin, end, vertical=line.vertical),
            spaced,
        )


def _runs(characters: tuple[Character, ...]) -> Iterator[tuple[list[Character], bool]]:
    """Each with whether a space comes after it."""
    run: list[Character] = []
    for one in characters:
        if one.text.isspace():
            if run:
                yield run, True
            run = []
            continue
        if run and is_wide(run[-1].text) != is_wide(one.text):
            yield run, False
            run = []
        run.append(one)
    if run:
        yield run, False


def _middle(line: ReadLine, one: Character) -> float:
    """Share 0..1 of the line's length, along the way that it is read."""
    begin, along = line.quad[0], line.quad[3 if line.vertical else 1]
    across, down = along[0] - begin[0], along[1] - begin[1]
    length = across**2 + down**2
    if not length:
        return 0.5
    centre = (one.left + one.right) / 2, (one.top + one.bottom) / 2
    if one.bottom <= one.top:  # the whole image is the line
        return min(1.0, max(0.0, (centre[0] - begin[0]) / across)) if across else 0.5
    # The centre lies in the middle of the line, so half of its thickness is taken off first.
    side = line.quad[1 if line.vertical else 3]
    centre = centre[0] - (side[0] - begin[0]) / 2, centre[1] - (side[1] - begin[1]) / 2
    share = ((centre[0] - begin[0]) * across + (centre[1] - begin[1]) * down) / length
    return min(1.0, max(0.0, share))
