"""What one process knows of the rollout at one moment: immutable, so the hot path only reads it."""

from __future__ import annotations

import dataclasses

from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import Arm, RouteTable, Sticky
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import same_rollout


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """The snapshot that a request begins with and finishes on.

    plan: of this process's configuration. state: the shared one, as it was last read.
    table: where requests go now; without the candidate where it has no share.
    enabled: False where this process's configuration has switched the candidate off.
    """

    plan: Plan
    state: RolloutState
    table: RouteTable
    enabled: bool

    @property
    def rollout_id(self) -> str:
        return self.plan.rollout_id

    @property
    def salt(self) -> str:
        """Of the routing hash: another rollout draws another sample of users."""
        return self.plan.rollout_id

    @property
    def sticky(self) -> Sticky:
        return self.plan.sticky

    @property
    def generation(self) -> int:
        """Of the shared state; 0 before the first rollout."""
        return self.state.generation

    @property
    def epoch(self) -> int:
        """Whose counts a request that began on this view belongs to."""
        return self.state.epoch

    @property
    def candidate(self) -> Arm:
        """Of the plan, also where it has no share: shadow asks it then."""
        return self.plan.candidate

    @property
    def follows(self) -> bool:
        """Whether the shared state is of this process's plan."""
        return same_rollout(self.state, self.plan.rollout_id, self.plan.stable, self.plan.candidate)

    @property
    def counting(self) -> bool:
        """Whether outcomes may be counted: another plan's evidence is none of ours."""
        return self.follows or self.state.status == "idle"

    @property
    def shadowing(self) -> bool:
        """Whether the candidate may be asked off the response path, at weight 0 too."""
        if not self.enabled:
            return False
        if self.state.status == "idle":
            return True
        buried = self.state.tombstone_of(self.state.digest) is not None
        return self.follows and self.state.live and not buried


def view_of(plan: Plan, state: RolloutState, *, enabled: bool) -> View:
    """The candidate has the state's weight if the state is of this plan, else none.

    Raises nothing: plan and state have been checked when they were read.
    """
    same = same_rollout(state, plan.rollout_id, plan.stable, plan.candidate)
    weight_bp = state.weight_bp if enabled and same else 0
    return View(plan, state, RouteTable(plan.stable, plan.candidate, weight_bp), enabled)
