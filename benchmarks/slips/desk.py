"""A slip while it is set, line by line: labels with values, and which of them are fields."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Literal

import numpy as np

from ocr_training.lines import Typeface
from ocr_training.pages.sheet import Sheet, TrueLine

from .words import Words

Put = Literal["same", "row", "end", "below"]


@dataclasses.dataclass(frozen=True)
class TrueField:
    """value: as `ocr_client.structure.Field` has it. line: the quad of the value alone."""

    name: str
    value: str
    line: TrueLine


@dataclasses.dataclass
class Desk:
    """Where the next line of a slip goes: from `left` to `right`, at `y`."""

    sheet: Sheet
    face: Typeface
    words: Words
    em: float
    pitch: float
    left: float
    right: float
    y: float
    fields: list[TrueField] = dataclasses.field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        return self.sheet.rng

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, texts: str | tuple[str, ...]) -> str:
        """Of words, or of those between bars."""
        known = texts.split("|") if isinstance(texts, str) else texts
        return str(known[self.rng.integers(len(known))])

    def set(
        self, text: str, start: float, end: float, align: str = "left", size: float = 1.0
    ) -> TrueLine:
        """Raises ValueError when it does not fit, or the face lacks one of its digits."""
        before = len(self.sheet.lines)
        self.sheet.set_line(
            text, self.face, across=(start, end), top=self.y, size=size * self.em, align=align
        )
        if len(self.sheet.lines) == before:
            raise ValueError(f"nothing of {text!r} is set")
        line = self.sheet.lines[-1]
        if [c for c in line.text if c.isalnum()] != [c for c in text if c.isalnum()]:
            raise ValueError(f"{text!r} does not fit")
        return line

    def down(self, lines: float = 1.0) -> None:
        self.y += lines * self.pitch

    def line(self, text: str, align: str = "centre", size: float = 1.0) -> TrueLine:
        line = self.set(text, self.left, self.right, align, size)
        self.down(size)
        return line

    def pair(self, label: str, value: str, put: Put, truth: tuple[str, str] | None = None) -> None:
        """A label and its value. truth: the field's name and value, if it is one.

        same: one line; row: beside it at a third; end: beside it at the right edge; below.
        """
        start, end = self.left, self.right
        colon = self.words.colon if put == "same" or self.chance(0.5) else ""
        named = self.set(label + colon, start, end)
        if put == "below":
            self.down()
            line = self.set(value, start, end)
        elif put == "same":
            line = self.set(value, named.quad[1][0] + 0.35 * self.em, end)
            self.sheet.lines[-2:] = [joined(named, line, self.words.space)]
        else:
            after = named.quad[1][0] + 1.2 * self.em
            tab = max(after, start + 0.35 * (end - start))
            line = self.set(value, after if put == "end" else tab, end, "right" if put == "end" else "left")  # fmt: skip
        self.down()
        if truth is not None:
            self.fields.append(TrueField(*truth, line))

    def date(self, day: dt.date) -> str:
        return day.strftime(self.one_of(self.words.dates))

    def digits(self, count: int) -> str:
        return "".join(map(str, self.rng.integers(10, size=count)))

    def tax_id(self) -> str:
        return self.words.tax_id(self.digits(15), letters=self.chance(0.5))

    def seller(self) -> str:
        return self.words.firm(self.sheet.maker.corpus, self.rng)


def joined(one: TrueLine, other: TrueLine, space: str) -> TrueLine:
    """Two lines side by side as one."""
    corners = np.array([*one.quad, *other.quad])
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    return dataclasses.replace(one, quad=quad, text=one.text + space + other.text)


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def printed(cents: int, *, thousands: bool = True) -> str:
    return f"{cents / 100:,.2f}" if thousands else amount(cents)


@dataclasses.dataclass(frozen=True)
class Sums:
    """In cents, tax on top. rate: per cent."""

    goods: tuple[int, ...]
    rate: int

    @property
    def net(self) -> int:
        return sum(self.goods)

    @property
    def tax(self) -> int:
        return sum(self.taxes)

    @property
    def taxes(self) -> tuple[int, ...]:
        return tuple(round(one * self.rate / 100) for one in self.goods)

    @property
    def total(self) -> int:
        return self.net + self.tax


def sums(rng: np.random.Generator, most: float, rates: tuple[int, ...]) -> Sums:
    goods = np.exp(rng.uniform(np.log(200), np.log(most), rng.integers(1, 7))).astype(int)
    return Sums(tuple(goods.tolist()), int(rng.choice(rates)))
