"""A column read twice, upright and lying on its side -> one text, each part as it is read better.

Latin words and numbers lie on their right side in vertical text. Upright they are read as junk, and
so is the rest lying; which is which shows in how surely each is read.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ocr_client.decode import mean_confidence
from ocr_client.results import Character, Reading

SURE: Final = 0.8  # confidence of a run of letters that lies on its side, at least
EACH: Final = 0.4  # and of each of its letters
SURER: Final = 0.05  # than what was read upright in its place
LEAST: Final = 2  # letters of a run: a single one is as well a stroke that lies


@dataclasses.dataclass(frozen=True)
class Spanned:
    """A character, and between which shares 0..1 of the line's length it stands."""

    character: Character
    begin: float
    end: float

    @property
    def middle(self) -> float:
        return (self.begin + self.end) / 2


def best_of(upright: Sequence[Spanned], lying: Sequence[Spanned]) -> list[Spanned]:
    """The surest of three: read upright, read lying, or put together of both."""
    both = woven(upright, lying)
    readings: tuple[Sequence[Spanned], ...] = (upright, lying, both)
    return list(max(readings, key=_confidence))


def woven(upright: Sequence[Spanned], lying: Sequence[Spanned]) -> list[Spanned]:
    """The upright characters, with runs of letters that lie in the places of those they are surer than."""
    kept = list(upright)
    taken: list[Spanned] = []
    for run in _runs(upright, lying):
        begin, end = run[0].begin, run[-1].end
        instead = [one for one in kept if begin <= one.middle <= end]
        sure = _confidence([one for one in run if not one.character.text.isspace()])
        if sure >= SURE and sure > _confidence(instead) + SURER:
            kept = [one for one in kept if not begin <= one.middle <= end]
            taken += run
    return sorted(kept + taken, key=lambda one: one.middle)


def reading_of(characters: Sequence[Spanned]) -> Reading:
    found = tuple(one.character for one in characters)
    text = "".join(one.text for one in found)
    return Reading(text, mean_confidence(found), found)


def _runs(upright: Sequence[Spanned], lying: Sequence[Spanned]) -> Iterator[list[Spanned]]:
    """Letters, digits and their marks in a row, with the spaces between them, as far as what was
    read upright in the place of each is no surer.
    """
    for is_latin, group in itertools.groupby(lying, key=lambda one: _is_latin(one, upright)):
        run = list(group)
        while run and run[-1].character.text.isspace():
            run.pop()
        while run and run[0].character.text.isspace():
            run.pop(0)
        if is_latin and sum(one.character.text.isalnum() for one in run) >= LEAST:
            yield run


def _is_latin(one: Spanned, upright: Sequence[Spanned]) -> bool:
    text, sure = one.character.text, one.character.confidence
    there = [other for other in upright if other.begin <= one.middle <= other.end]
    surer = any(other.character.confidence > sure for other in there)
    return (text.isspace() and not there) or (text.isascii() and sure >= EACH and not surer)


def _confidence(characters: Iterable[Spanned]) -> float:
    found = tuple(one.character for one in characters)
    return mean_confidence(found) if found else 0.0
