"""What a candidate may do at most. Part of a plan; the only settings that the judge reads."""

from __future__ import annotations

import dataclasses
from typing import Literal

Mode = Literal["confirmed", "literal"]


@dataclasses.dataclass(frozen=True, slots=True)
class ReviewLimits:
    """What reviewers' findings are to show.

    min_reviewed: lines that must have been reviewed (see `review`) before a phase is left.
    margin: by how much stable's share of right lines may be higher, 0..1.
    binding: the rule decides: it takes the candidate back, and a phase is left only once the
        margin is shown to be kept. Otherwise people at the gate read it, and decide.
    """

    min_reviewed: int = 100
    margin: float = 0.02
    binding: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a plan.

    mode: `literal` takes back at a share of the last 200 requests above `errors`, as the sentence
        says; `confirmed` where the figures can hardly be chance.
    errors: share of failed requests, 0..1.
    alpha: chance of a false verdict of each e-process at a share of exactly the limit.
    quality_ratio: how many times stable's share of empty and garbled answers is still alike. At 1
        a candidate that is worse by a hair is taken back once there is traffic enough to prove it.
    quality_share: share of empty and garbled answers, whatever stable's; None: only the ratio.
        (With blank images among the requests an absolute limit blames the model for the paper.)
    latency_p95_ms: 95 % of the attempts are to end within this; None: no absolute objective.
    latency_ratio: how many times stable's p95 the candidate's may be; None: no limit. A better
        model may well be slower, so it is 2.
    latency_window_s: how far back latency is looked at.
    review: what people who check texts are to find; None: nobody is waited for.
    """

    mode: Mode = "confirmed"
    errors: float = 0.05
    alpha: float = 0.01
    quality_ratio: float = 1.5
    quality_share: float | None = None
    latency_p95_ms: float | None = None
    latency_ratio: float | None = 2.0
    latency_window_s: float = 600.0
    review: ReviewLimits | None = None
