"""`early`: bad from the start of the phase. A mixture e-process, valid however often one looks.

Null: every request fails with probability at most p0, whatever went before. For one p > p0 the
likelihood ratio `(p/p0)^S ((1-p)/(1-p0))^(n-S)` of S faults in n requests is a supermartingale
under the null; so is its mean over a prior on p. With Beta(a, b) truncated to (p0, 1]:

    E = B(a+S, b+n-S) Ic(p0; a+S, b+n-S) / (B(a,b) Ic(p0; a,b) p0^S (1-p0)^(n-S))

`Ic` is the upper regularised incomplete beta function. Ville's inequality: P(E >= 1/alpha ever)
<= alpha, for any p <= p0 and any number of looks. The order of the requests does not matter, so
(n, S) of the phase is all it needs. Robbins 1970 (Ann. Math. Stat. 41, 1397); Howard, Ramdas,
McAuliffe and Sekhon 2021 (Ann. Stat. 49(2), 1055); for canaries Lindon and Malek 2020
(arXiv 2011.03567) and Lindon, Ham, Tingley and Bojinov 2022 (arXiv 2205.14762).

The prior Beta(1, 9) expects a bad candidate to fail in about a tenth of its requests; half of all
failing is noticed after 7 requests all the same. See docs/decisions/judge.md.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from scipy.special import betainc, betaincc, betaln

from .verdict import NO_LIMIT, Rule, Verdict, senseless

LEAST: Final = 30  # requests below which seeing nothing bad means nothing


@dataclasses.dataclass(frozen=True, slots=True)
class Prior:
    """Beta(a, b) over the fault share of a bad candidate, before truncation."""

    a: float = 1.0
    b: float = 9.0


PRIOR: Final = Prior()
EVEN: Final = Prior(1.0, 1.0)  # for shares that may lie anywhere, as of discordant pairs


def log_e(n: int, s: int, p0: float, prior: Prior = PRIOR) -> float:
    """Ln E of s faults in n requests against "at most p0"; 0 for no request.

    Minus infinity where the evidence for the null is beyond the range of a double (E < 1e-300).
    p0: above 0 and below 1.
    """
    a, b = prior.a, prior.b
    tail = float(betaincc(a + s, b + n - s, p0))
    if tail <= 0:
        return -math.inf
    return (
        float(betaln(a + s, b + n - s))
        - float(betaln(a, b))
        + math.log(tail)
        - math.log(float(betaincc(a, b, p0)))
        - s * math.log(p0)
        - (n - s) * math.log1p(-p0)
    )


def log_e_below(n: int, s: int, p0: float, prior: Prior) -> float:
    """The mirror image: ln E against "at least p0", the prior truncated to [0, p0)."""
    a, b = prior.a, prior.b
    head = float(betainc(a + s, b + n - s, p0))
    if head <= 0:
        return -math.inf
    return (
        float(betaln(a + s, b + n - s))
        - float(betaln(a, b))
        + math.log(head)
        - math.log(float(betainc(a, b, p0)))
        - s * math.log(p0)
        - (n - s) * math.log1p(-p0)
    )


def lower_bound(n: int, s: int, alpha: float) -> float:
    """The share that the true one lies above, at every look at once, with 1 - alpha.

    The mixture over all of Beta(1, 1) against p, inverted: the smallest p not yet refuted. 0 where
    nothing is refuted. A Wilson bound looked at on every request is no such thing: its error
    grows with the looks.
    """
    if not s:
        return 0.0
    mixture = float(betaln(1 + s, 1 + n - s))

    def refuted(p: float) -> bool:
        return mixture - s * math.log(p) - (n - s) * math.log1p(-p) >= -math.log(alpha)

    low, high = 0.0, s / n
    for _ in range(30):  # to 1e-9
        middle = (low + high) / 2
        if refuted(middle):
            low = middle
        else:
            high = middle
    return low


def early(
    n: int, s: int, *, p0: float, alpha: float, prior: Prior = PRIOR, rule: Rule = "early"
) -> Verdict:
    """FAIL once s faults in n requests of this phase refute "at most p0" at level alpha."""
    error = senseless(rule, n, s)
    if error is not None:
        return error
    limit = 1 / alpha
    if p0 >= NO_LIMIT:
        return Verdict(
            "INCONCLUSIVE", rule, None, limit, n, f"a limit of {p0:.1%} is never exceeded"
        )
    log_value = log_e(n, s, p0, prior)
    value = math.exp(min(log_value, 700.0))
    why = f"{s} of {n} are faults; evidence {value:.3g} against at most {p0:.2%}, limit {limit:g}"
    if log_value >= math.log(limit):
        return Verdict("FAIL", rule, value, limit, n, why)
    return Verdict("PASS" if n >= LEAST else "INCONCLUSIVE", rule, value, limit, n, why)
