"""A column of vertical text: cut into characters, and laid out as the line that models read."""

from __future__ import annotations

import bisect
import dataclasses
import itertools

import numpy as np

from ocr_preprocessing.fast import Gray

from . import ink
from .cut import rectified
from .found import Floats, FoundLine

LEAST = 0.35  # widths of the column that a character is high at least, marks apart
TALLEST = 1.5  # widths of the column that one character is high at most
GAP = 0.12  # widths of the column between characters that are laid side by side
MARGIN = 0.1  # widths kept above and below them


def cells(column: Gray) -> list[tuple[int, int]]:
    """Rows (top, bottom) of each character of a column (H, W) UINT8, from top to bottom.

    Cut where the ink leaves gaps, so that characters come out about as high as the column is
    wide; a gap within a character (二) is not cut, touching characters are.
    """
    profile, left, right = _profile(column)
    filled = np.flatnonzero(profile)
    if not len(filled):
        return []
    size = max(2, right - left)
    first, last = int(filled[0]), int(filled[-1]) + 1
    cuts = _possible_cuts(profile, first, last, size)
    chosen = _best_cuts(profile, cuts, float(size))
    found = []
    for top, bottom in itertools.pairwise(chosen):
        rows = np.flatnonzero(profile[top:bottom])
        if len(rows):
            found.append((top + int(rows[0]), top + int(rows[-1]) + 1))
    return found


@dataclasses.dataclass(frozen=True)
class LaidOut:
    """picture: (h, w) UINT8. pieces: of each character, where it begins and ends in the picture,
    in pixels, and where in its column, in shares 0..1 of its length.
    """

    picture: Gray
    pieces: tuple[tuple[int, int, float, float], ...]

    def share(self, x: float) -> float:
        """Where in the column, 0..1, is what stands at `x` in the picture."""
        if not self.pieces:
            return float(x / max(1, self.picture.shape[1]))
        begins = [piece[0] for piece in self.pieces]
        begin, end, top, bottom = self.pieces[max(0, bisect.bisect_right(begins, x) - 1)]
        return top + (bottom - top) * min(1.0, max(0.0, (x - begin) / max(1, end - begin)))


def laid_out(gray: Gray, line: FoundLine) -> Gray:
    """A vertical line of the page `gray` as one horizontal line (h, w) UINT8.

    Its characters stand side by side in their order. A line that is not vertical is only cut out.
    """
    return lay_out(gray, line).picture


def lay_out(gray: Gray, line: FoundLine) -> LaidOut:
    """The same, with where each character came from."""
    column = rectified(gray, line)
    found = cells(column) if line.vertical else []
    if not found:
        return LaidOut(column, ())
    _, left, right = _profile(column)
    width = right - left
    margin = max(1, round(MARGIN * width))
    paper = np.uint8(np.median(column[:, [0, -1]]))
    left, right = max(0, left - margin), min(column.shape[1], right + margin)
    height = max(right - left, max(bottom - top for top, bottom in found) + 2 * margin)
    gap = np.full((height, max(1, round(GAP * width))), paper, np.uint8)
    pieces, places, x = [gap], [], gap.shape[1]
    for top, bottom in found:
        piece = np.full((height, right - left), paper, np.uint8)
        start = (height - (bottom - top)) // 2
        piece[start : start + bottom - top] = column[top:bottom, left:right]
        pieces += [piece, gap]
        places.append((x, x + right - left, top / len(column), bottom / len(column)))
        x += right - left + gap.shape[1]
    return LaidOut(np.ascontiguousarray(np.concatenate(pieces, axis=1)), tuple(places))


def _profile(column: Gray) -> tuple[Floats, int, int]:
    """Pixels of ink in each row, and the left and right end of the ink."""
    found = _ink(column)
    across = np.flatnonzero(found.any(axis=0))
    left, right = (int(across[0]), int(across[-1]) + 1) if len(across) else (0, column.shape[1])
    return found.sum(axis=1).astype(np.float64), left, right


def _ink(column: Gray) -> np.ndarray:
    """Where there is ink (H, W), dark or light, whichever is less of the column."""
    rows, columns = column.shape
    padded = np.pad(column, ((0, -rows % ink.CELL), (0, -columns % ink.CELL)), mode="edge")
    pixels, noise = ink.smoothed(padded, ink.noise_of(padded))
    dark = ink.ink(pixels, noise)[0][:rows, :columns] > 0
    light = ink.ink(np.bitwise_not(pixels), noise)[0][:rows, :columns] > 0
    border = np.zeros((rows, columns), bool)
    border[:, [0, -1]] = True
    return light if (dark & border).sum() > (light & border).sum() else dark


def _possible_cuts(profile: Floats, first: int, last: int, size: int) -> list[int]:
    """Rows at which characters may part: middles of gaps, and thin places of long runs."""
    cuts = {first, last}
    blank = np.flatnonzero(profile[first:last] == 0) + first
    for gap in np.split(blank, np.flatnonzero(np.diff(blank) > 1) + 1):
        if len(gap):
            cuts.add(int(gap[0] + len(gap) // 2))
    ordered = sorted(cuts)
    for top, bottom in itertools.pairwise(ordered):
        if bottom - top > TALLEST * size:
            step = max(2, size // 6)
            for row in range(top + step, bottom - step, step):
                cuts.add(row + int(np.argmin(profile[row : row + step])))
    return sorted(cuts)


def _best_cuts(profile: Floats, cuts: list[int], size: float) -> list[int]:
    """The cuts whose cells are nearest to `size`, through as little ink as possible."""
    filled = np.flatnonzero(profile)
    cost = [0.0] + [np.inf] * (len(cuts) - 1)
    before = [0] * len(cuts)
    for i in range(1, len(cuts)):
        through = profile[min(cuts[i], len(profile) - 1)] / size if i < len(cuts) - 1 else 0.0
        for j in range(i - 1, -1, -1):
            inside = filled[np.searchsorted(filled, cuts[j]) : np.searchsorted(filled, cuts[i])]
            high = float(inside[-1] + 1 - inside[0]) / size if len(inside) else 0.0
            if high > TALLEST:
                break
            # Low characters (一, marks) are usual, high ones are two.
            odd = (high - 1) ** 2 * (4.0 if high > 1 else 1.0)
            total = cost[j] + odd + 2 * through
            if total < cost[i]:
                cost[i], before[i] = total, j
        if cost[i] == np.inf:
            cost[i], before[i] = cost[i - 1] + 1.0, i - 1
    chosen = [len(cuts) - 1]
    while chosen[-1]:
        chosen.append(before[chosen[-1]])
    return [cuts[i] for i in reversed(chosen)]
