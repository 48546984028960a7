"""Two arms on the same lines: by how much they differ, and whether that can be chance.

Both arms have read every line, so it is the differences of each line that are resampled: what
makes a line hard for both cancels out.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from scipy import stats

from ocr_rollout.core.intervals import Estimate, wilson
from ocr_rollout.core.resampling import LEAST, Floats, resampled_sums

from .marks import Marks

ALPHA: Final = 0.05
_EXACT: Final = 200_000_000  # additions, some 0.3 s


@dataclasses.dataclass(frozen=True)
class Gain:
    """The candidate's figure less stable's, with 95 %; no interval of fewer than LEAST lines."""

    value: float
    low: float | None
    high: float | None

    @property
    def side(self) -> int:
        """1: the candidate is better, -1: stable is, 0: it cannot be told."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclasses.dataclass(frozen=True)
class Whole:
    """Lines that only one of the two read whole; p: of the exact McNemar test, two-sided."""

    candidate_only: int
    stable_only: int
    p: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """Of n lines. cer, line, ned: of 1-CER, line accuracy and 1-NED. p: of cer, see `sign_flip`."""

    n: int
    cer: Gain
    p: float
    line: Gain
    ned: Gain
    whole: Whole

    @property
    def side(self) -> int:
        """Who reads better, as `Gain.side`; the interval and the test have to agree.

        Where only a few lines differ, resampling finds too often that all of them speak for one.
        """
        return self.cer.side if self.p <= ALPHA else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "one_minus_cer": {**dataclasses.asdict(self.cer), "p": self.p},
            "line_accuracy": dataclasses.asdict(self.line),
            "one_minus_ned": dataclasses.asdict(self.ned),
            "mcnemar": dataclasses.asdict(self.whole),
        }


def difference(marks: Marks, stable: int, candidate: int) -> Difference | None:
    """Between two columns of the marks; None without a line."""
    n = len(marks)
    if not n:
        return None
    fewer = marks.edits[:, stable] - marks.edits[:, candidate]
    more = marks.right[:, candidate] - marks.right[:, stable]
    nearer = marks.distance[:, stable] - marks.distance[:, candidate]
    one = np.ones(n)
    over, under = np.column_stack([fewer, more, nearer]), np.column_stack([marks.length, one, one])
    cer, line, ned = _gains(over, under)
    only = int((more > 0).sum()), int((more < 0).sum())
    return Difference(n, cer, sign_flip(fewer), line, ned, Whole(*only, float(mcnemar(*only))))


def ratio_intervals(over: Floats, under: Floats, *, seed: int = 0) -> tuple[Floats, Floats]:
    """95 % bootstrap intervals, by percentiles, of sum(over) / sum(under), lines resampled.

    over, under: (n, k), k ratios at once. Returns low and high, (k,) each.
    """
    sums = resampled_sums(np.concatenate([over, under], axis=1), seed=seed)
    k = over.shape[1]
    low, high = np.percentile(sums[:, :k] / np.maximum(sums[:, k:], 1.0), [2.5, 97.5], axis=0)
    return low, high


def mcnemar(candidate_only: Any, stable_only: Any) -> Any:
    """Two-sided exact p: as many heads of so many fair coins, or a stranger outcome. Vectorised.

    McNemar 1947, Psychometrika 12, 153, with the binomial distribution in place of chi-squared.
    """
    fewer, both = np.minimum(candidate_only, stable_only), np.add(candidate_only, stable_only)
    return np.minimum(1.0, 2 * stats.binom.cdf(fewer, both, 0.5))


def sign_flip(differences: Floats) -> float:
    """Two-sided p of a sum of whole numbers, if each could as well have had the other sign.

    That is so where it is all the same which arm read a line how. Fisher 1935, "The design of
    experiments", section 21. Exact: the distribution is convolved number by number; with more
    work than that is worth, its normal limit.
    """
    size = np.abs(differences[differences != 0]).astype(np.int64)
    seen, total = abs(int(differences.sum())), int(size.sum())
    if len(size) * total > _EXACT:
        return float(2 * stats.norm.sf(seen / np.sqrt(float(size @ size))))
    chance = np.zeros(total + 1)  # of the sum of those with a plus
    chance[0] = 1.0
    for one in size:
        chance[one:] += chance[: total + 1 - one].copy()
        chance /= 2
    far = np.abs(2 * np.arange(total + 1) - total) >= seen
    return min(1.0, float(chance[far].sum()))


def _gains(over: Floats, under: Floats) -> list[Gain]:
    n = len(over)
    values = over.sum(axis=0) / np.maximum(under.sum(axis=0), 1.0)
    if n < LEAST:
        return [Gain(float(value), None, None) for value in values]
    low, high = ratio_intervals(over, under)
    return [
        Gain(float(values[k]), float(low[k]), float(high[k])) if over[:, k].any() else _alike(n)
        for k in range(len(values))
    ]


def _alike(n: int) -> Gain:
    """No line differs. Drawn again, none ever would; yet others may, as many as Wilson allows."""
    bound = wilson(0, n) or Estimate(0.0, 0.0, 1.0, n)
    return Gain(0.0, -bound.high, bound.high)
