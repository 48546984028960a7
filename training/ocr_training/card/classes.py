"""Which characters a version reads in print, and how often training shows each of them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from ocr_rollout.core.texts import plain
from ocr_training.card.confusions import align
from ocr_training.card.reader import Reader
from ocr_training.lines import LineMaker

TOGETHER: Final = 10  # characters on a line, drawn by chance: context helps no one of them
BANDS: Final = (10, 20, 40, 100, 1000)  # times shown, upper ends


@dataclasses.dataclass(frozen=True)
class Shown:
    """A character in training and in print.

    shown: lines of training that hold it, of as many as were counted. printed, read: times it was
    printed for the version, and read right. taken_for: what it was read as most often where it was
    not; empty for a gap.
    """

    character: str
    shown: int
    printed: int
    read: int
    taken_for: str


def distinct(alphabet: str) -> str:
    """Those that NFKC leaves as they are: the others are read as well as what they become."""
    return "".join(one for one in alphabet if plain(one) == one)


def shown(maker: LineMaker, lines: int, *, seed: int = 1) -> collections.Counter[str]:
    """How many of the first `lines` lines of the stream `seed` hold each character."""
    counts: collections.Counter[str] = collections.Counter()
    for index in range(lines):
        counts.update(set(maker.text(seed, index)))
    return counts


def texts(characters: str, times: int, *, seed: int = 0) -> list[str]:
    """Texts of TOGETHER characters, each of `characters` in `times` of them."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(characters)) for _ in range(times)]
    return [
        "".join(characters[i] for i in order[start : start + TOGETHER])
        for order in orders
        for start in range(0, len(order), TOGETHER)
    ]


def readings(
    maker: LineMaker, reader: Reader, wanted: Iterable[str], *, seed: int = 0
) -> Iterator[tuple[str, str]]:
    """(what was printed, what was read) of each text, both under NFKC without spaces; characters
    that no face has are left out.
    """
    for index, text in enumerate(wanted):
        image, line = maker.raw(seed, index, "print", text=text)
        yield plain(line.text), plain(reader.read(image).text)


def tell(
    characters: str, seen: collections.Counter[str], pairs: Iterable[tuple[str, str]]
) -> list[Shown]:
    """One for each of `characters`, in their order. seen: as `shown` counts."""
    read_as: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for truth, reading in pairs:
        for true, read in align(truth, reading):
            read_as[true][read] += 1
    return [_told(one, seen[one], read_as[one]) for one in characters]


def _told(character: str, shown: int, read_as: collections.Counter[str]) -> Shown:
    others = sorted(read_as.items(), key=lambda item: (-item[1], item[0]))
    wrong = next((read for read, _ in others if read != character), "")
    return Shown(character, shown, sum(read_as.values()), read_as[character], wrong)


def render(found: list[Shown], label: str, lines: int) -> str:
    """Lines of text: how much is read by how often it was shown, and what never is."""
    printed = [one for one in found if one.printed]
    never = [one for one in printed if not one.read]
    head = f"in so many of {lines:,} lines of training"
    first = (
        f"{label} reads {_share(printed)} of {len(printed):,} characters, each printed"
        f" {max(one.printed for one in printed)} times among others drawn by chance;"
        f" {len(never)} not once."
    )
    out = [first, "", f"{head}   characters    read   not once"]
    for low, high in zip((0, *BANDS), (*BANDS, None), strict=True):
        band = [one for one in printed if low <= one.shown and (not high or one.shown < high)]
        if band:
            name = f"{low} to {high - 1}" if high else f"{low} or more"
            none = sum(not one.read for one in band)
            out.append(f"{name:>{len(head)}s}   {len(band):10,d}   {_share(band)}   {none:8d}")
    if never:
        out += ["", "not once, and what is read instead:"]
        out.append(" ".join(f"{one.character}→{one.taken_for or '∅'}" for one in never))
    return "\n".join(out)


def _share(band: list[Shown]) -> str:
    right = sum(one.read for one in band) / sum(one.printed for one in band)
    return f"{right:.3f}"
