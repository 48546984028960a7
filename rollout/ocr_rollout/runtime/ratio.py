"""Ratio mode: `model_routing` alone, without a `rollout:` section, as a plan that starts itself.

The plan has one phase, the ratio, and its candidate's digest is the arm's name. Rolling back is
the judge's as in any rollout; the tombstone then keeps the ratio at 0 until somebody clears it or
the candidate becomes another one.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from ocr_rollout.core import commands
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Transition, same_rollout

WHO = "config"


# `kept`: as it was at the last look. `started`: the process has just begun. `changed`: by a reload.
News = Literal["kept", "started", "changed"]


def follow_ratio(plan: Plan, state: RolloutState, *, news: News, at_s: float) -> Transition | None:
    """What makes the state follow the ratio, if anything is to be done.

    news: of the configuration. Only a fresh one takes the place of another ratio or rollout that is
    under way, or processes with different files would do so to each other without end; and only
    one that was changed overrules a share that somebody has set by hand.
    """
    digest = str(plan.candidate)
    if state.tombstone_of(digest) is not None:
        return None
    same = same_rollout(state, plan.rollout_id, plan.stable, plan.candidate)
    if state.status == "completed" and (same or news == "kept"):
        return None  # a person has promoted the candidate: it has all of the traffic
    before = state
    if state.live:
        planned = state.digest != state.candidate  # a rollout by a plan, which a person started
        if planned or news == "kept" or (same and state.weight_bp == plan.weight_bp(0)):
            return None
        if same and state.by_hand and news == "started":
            return None
        # `start` refuses what is under way already; here it is the share that begins anew.
        before = dataclasses.replace(state, digest="")
    answer = commands.start(
        dataclasses.replace(plan, on_new_candidate="restart"),
        before,
        digest=digest,
        by=WHO,
        note=f"gray_scale_ratio {plan.phases[0].share_bp / BUCKETS:g} of {plan.candidate}",
        at_s=at_s,
    )
    return answer if isinstance(answer, Transition) else None
