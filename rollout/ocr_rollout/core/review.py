"""`review`: is the candidate's share of lines read right lower than stable's by more than a margin?

Two ways to know, which share what may go wrong by chance:

- **two arms**: sampled answers of each arm that people checked, p0 and p1 of them right.
- **disputes**: images that both arms read differently (shadow). Where they agree both are right or
  both are wrong, so only disputes tell them apart: `p0 - p1 = q (c - b)`, with q the share of images
  in dispute, c and b the shares of disputes in which stable alone and the candidate alone is right.

FAIL: `p0 - p1 <= margin` is refuted. PASS: `p0 - p1 >= margin` is. Each by universal inference:
the likelihood mixed over all parameters, divided by its maximum over those of the null, is at most
a nonnegative martingale under every one of them (Wasserman, Ramdas and Balakrishnan 2020, PNAS
117(29), 16880; for two samples Turner, Ly and Grünwald 2024, Stat. Plan. Inf. 230). So Ville's inequality
bounds the chance of ever being false, however often one looks, in whatever order reviews come, and
whichever arm is reviewed next, as long as that is chosen before the line is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from scipy.special import betaln, gammaln

from .counts import Pairs
from .early import lower_bound
from .limits import ReviewLimits
from .reviews import Disputes, Lines, Reviews
from .verdict import Verdict, senseless

PASS_ALPHA: Final = 0.05  # as for `advance`
EPOCHS: Final = 10  # q is looked at anew in each epoch of a rollout: so many may be wrong together
_JEFFREYS: Final = 0.5
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


def review(limits: ReviewLimits, reviews: Reviews, pairs: Pairs, *, alpha: float) -> Verdict:
    """Never raises. alpha: of a false FAIL in the whole rollout.

    reviews: of the whole rollout, because people's time is dear and the weights stay the same.
    pairs: of this epoch, for the share of images in dispute.
    """
    stable, candidate, disputes = (
        reviews.stable_total,
        reviews.candidate_total,
        reviews.disputes_total,
    )
    error = (
        senseless("review", stable.lines, stable.right)
        or senseless("review", candidate.lines, candidate.right)
        or senseless("review", disputes.pairs, disputes.candidate_only + disputes.stable_only)
    )
    if error is not None:
        return error
    seen = min(stable.lines, candidate.lines) + disputes.pairs
    worse = max(
        log_e_arms(stable, candidate, limits.margin, at_most=True) - math.log(2 / alpha),
        _disputed(disputes, pairs, limits.margin, alpha, at_most=True),
    )
    alike = max(
        log_e_arms(stable, candidate, limits.margin, at_most=False) - math.log(2 / PASS_ALPHA),
        _disputed(disputes, pairs, limits.margin, PASS_ALPHA, at_most=False),
    )
    said = _said(stable, candidate, disputes, limits.margin)
    observed = difference(stable, candidate)
    if worse >= 0:
        why = f"{said}: surely worse by more than that"
        return Verdict("FAIL", "review", observed, limits.margin, seen, why)
    if seen < limits.min_reviewed:
        why = f"{seen} of {limits.min_reviewed} lines are reviewed, of each arm or in dispute"
        return Verdict("INCONCLUSIVE", "review", observed, limits.margin, seen, why)
    if alike >= 0:
        why = f"{said}: surely not worse by as much"
        return Verdict("PASS", "review", observed, limits.margin, seen, why)
    why = f"{said}: could be chance either way"
    return Verdict("INCONCLUSIVE", "review", observed, limits.margin, seen, why)


def difference(stable: Lines, candidate: Lines) -> float | None:
    """How much higher stable's share of right lines is; None without any line of one arm."""
    if not (stable.lines and candidate.lines):
        return None
    return stable.right / stable.lines - candidate.right / candidate.lines


def log_e_arms(stable: Lines, candidate: Lines, margin: float, *, at_most: bool) -> float:
    """Ln E against `p0 - p1 <= margin`, or, without `at_most`, against `p0 - p1 >= margin`."""
    n0, s0, n1, s1 = stable.lines, stable.right, candidate.lines, candidate.right
    if not (n0 and n1):
        return 0.0
    mixed = _beta_mixture(n0, s0) + _beta_mixture(n1, s1)

    def likelihood(p1: float) -> float:
        return _log_likelihood(n0, s0, p1 + margin) + _log_likelihood(n1, s1, p1)

    found = s0 / n0 - s1 / n1
    if (found <= margin) == at_most:  # the null holds what is likeliest of all
        return mixed - _log_likelihood(n0, s0, s0 / n0) - _log_likelihood(n1, s1, s1 / n1)
    return mixed - peak(likelihood, max(0.0, -margin), min(1.0, 1 - margin))


def log_e_disputes(disputes: Disputes, margin: float, *, at_most: bool) -> float:
    """Ln E against `c - b <= margin`, or `>=`: of disputes, stable's alone less candidate's alone."""
    n, b, c = disputes.pairs, disputes.candidate_only, disputes.stable_only
    if not n:
        return 0.0
    rest = n - b - c
    mixed = sum(float(gammaln(_JEFFREYS + k)) - float(gammaln(_JEFFREYS)) for k in (b, c, rest))
    mixed += float(gammaln(3 * _JEFFREYS)) - float(gammaln(3 * _JEFFREYS + n))

    def likelihood(share_b: float) -> float:
        share_c = share_b + margin
        left = 1 - share_b - share_c
        return _times_log(b, share_b) + _times_log(c, share_c) + _times_log(rest, left)

    if ((c - b) / n <= margin) == at_most:
        return mixed - sum(_times_log(k, k / n) for k in (b, c, rest))
    return mixed - peak(likelihood, max(0.0, -margin), (1 - margin) / 2)


def peak(concave: Callable[[float], float], low: float, high: float) -> float:
    """The largest value of a concave function between two points, by golden sections."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = concave(left), concave(right)
    for _ in range(60):
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = concave(right)
        else:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = concave(left)
    return max(at_left, at_right, concave(low), concave(high))


def _disputed(
    disputes: Disputes, pairs: Pairs, margin: float, alpha: float, *, at_most: bool
) -> float:
    """Ln E less its limit, through the disputes alone: half of alpha, half of that for q."""
    if not (disputes.pairs and pairs.both_fine):
        return -math.inf
    n, alpha_q = pairs.both_fine, alpha / 4 / EPOCHS
    differing = n - pairs.equal
    fewest, most = lower_bound(n, differing, alpha_q), 1 - lower_bound(n, pairs.equal, alpha_q)
    q = fewest if at_most else most  # whichever is harder to refute with
    limit = math.log(4 / alpha)
    if q <= margin:  # so few are in dispute that it can never be as much
        return -math.inf if at_most else 0.0
    return log_e_disputes(disputes, margin / q, at_most=at_most) - limit


def _beta_mixture(n: int, s: int) -> float:
    return float(betaln(_JEFFREYS + s, _JEFFREYS + n - s)) - float(betaln(_JEFFREYS, _JEFFREYS))


def _log_likelihood(n: int, s: int, p: float) -> float:
    return _times_log(s, p) + _times_log(n - s, 1 - p)


def _times_log(n: int, p: float) -> float:
    if not n:
        return 0.0
    return n * math.log(p) if p > 0 else -math.inf


def _said(stable: Lines, candidate: Lines, disputes: Disputes, margin: float) -> str:
    parts = [
        f"{name} {arm.right} of {arm.lines} lines right"
        for name, arm in (("stable", stable), ("candidate", candidate))
        if arm.lines
    ]
    if disputes.pairs:
        parts.append(
            f"of {disputes.pairs} disputes stable alone right in {disputes.stable_only}, the "
            f"candidate alone in {disputes.candidate_only}"
        )
    return f"{'; '.join(parts) or 'nothing reviewed'}; margin {margin:.2%}"
