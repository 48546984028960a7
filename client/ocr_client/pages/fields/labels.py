"""Label words, found in lines although some of their letters were misread."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import unicodedata

MISREAD = 5  # letters of a label, of which one may be wrong
_ALIKE = str.maketrans("0156|", "oisgi")  # digits that stand for letters in misread words


@dataclasses.dataclass(frozen=True)
class Label:
    """letters: in small letters, without spaces and marks, digits as the letters they look like."""

    text: str
    letters: str

    @classmethod
    def of(cls, text: str) -> Label:
        return cls(text, folded(text)[0])

    @functools.cached_property
    def parts(self) -> tuple[str, ...]:
        """One more than letters may be wrong, so that one of them is right in any case."""
        count = len(self.letters) // MISREAD + 1
        bounds = [round(n * len(self.letters) / count) for n in range(count + 1)]
        return tuple(self.letters[one:other] for one, other in itertools.pairwise(bounds))

    def end_in(self, text: str) -> tuple[int, int] | None:
        """Where it begins and ends in the text: of the fewest errors, then the first."""
        letters, places = folded(text)
        if not any(part in letters for part in self.parts):
            return None
        best: tuple[int, int, int] | None = None
        wanted = self.letters
        most = len(wanted) // MISREAD
        row = [(0, start) for start in range(len(letters) + 1)]  # errors, where it began
        for place, one in enumerate(wanted, 1):
            before, row = row, [(place, 0)]
            for at, letter in enumerate(letters, 1):
                change = before[at - 1][0] + (letter != one), before[at - 1][1]
                extra = row[at - 1][0] + 1, row[at - 1][1]
                missing = before[at][0] + 1, before[at][1]
                row.append(min(change, extra, missing))
        for end, (errors, start) in enumerate(row):
            if errors > most or end <= start:
                continue
            if not _begins_word(text, places[start]) or not _ends_word(text, places[end - 1]):
                continue
            if best is None or (errors, start) < best[:2]:
                best = errors, start, end
        return None if best is None else (places[best[1]], places[best[2] - 1] + 1)


@functools.lru_cache(maxsize=4_096)
def folded(text: str) -> tuple[str, tuple[int, ...]]:
    """Letters and digits of a text, and the place of each in it."""
    letters, places = [], []
    for place, one in enumerate(text):
        for each in unicodedata.normalize("NFKC", one).casefold():
            if each.isalnum() or each == "|":
                letters.append(each.translate(_ALIKE))
                places.append(place)
    return "".join(letters), tuple(places)


def _begins_word(text: str, place: int) -> bool:
    return place == 0 or not _is_latin(text[place]) or not _is_latin(text[place - 1])


def _ends_word(text: str, place: int) -> bool:
    """A digit taken for the last letter, and more digits behind it, are the value already."""
    if place + 1 == len(text) or not _is_latin(text[place]):
        return True
    kind = str.isdigit if text[place].isdigit() else str.isalpha
    return not (kind(text[place + 1]) and _is_latin(text[place + 1]))


def _is_latin(one: str) -> bool:
    return one.isalnum() and one < "\u2e80"
