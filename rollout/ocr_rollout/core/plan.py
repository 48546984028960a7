"""The plan of a rollout: phases, gates and limits, from the `rollout:` section of config.yaml.

| phase | when | share | aim |
|---|---|---|---|
| 1 | day 1 | 10 % | basic function, watch the logs |
| 2 | days 2-3 | 30 % | real feedback, accuracy |
| 3 | days 4-5 | 60 % | load and resources |
| 4 | day 6 on | 100 % less the holdout | full, then stop the old model |

is the default, every gate manual. A gate stands at the end of its phase: approving it begins the
next one, or, after the last, completes the rollout and ends the holdout.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final, Literal

from . import fields
from .fields import FieldError, Fields
from .limits import Limits, ReviewLimits
from .routing import BUCKETS, Arm, Sticky

Gate = Literal["manual", "auto"]
OnFailure = Literal["rollback", "freeze"]
OnNewCandidate = Literal["refuse", "restart"]

_DAY_S: Final = 86_400.0
_LONGEST_S: Final = 90 * _DAY_S


@dataclasses.dataclass(frozen=True, slots=True)
class Phase:
    """One step of the share.

    share_bp: basis points of the traffic; 0 only in a first phase, which lives on shadow alone.
    min_dwell_s: seconds that somebody watched it. min_samples: attempts of the candidate.
    gate: `manual`, a named person approves going on; `auto`, going on needs nobody.
    aim: what people are to look at, for them to read.
    """

    share_bp: int
    min_dwell_s: float = 0.0
    min_samples: int = 100
    gate: Gate = "manual"
    aim: str = ""


DEFAULT_PHASES: Final = (
    Phase(1_000, _DAY_S, 200, "manual", "basic function, watch the logs"),
    Phase(3_000, 2 * _DAY_S, 500, "manual", "real feedback, accuracy"),
    Phase(6_000, 2 * _DAY_S, 1_000, "manual", "load and resources"),
    Phase(10_000, _DAY_S, 1_000, "manual", "full, then stop the old model"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A whole rollout.

    rollout_id: also the salt of the hash, so another rollout draws another sample of users.
    holdout_bp: share that stays with stable until the rollout is completed: at 100 % there would
        be nothing left to compare with.
    on_failure: what a rule that trips does. `freeze` leaves the weight and calls a person.
    on_new_candidate: starting another candidate while this one is under way.
    blast_radius_bp: the highest share that may be set by hand while no phase has gone beyond it.
    """

    rollout_id: str
    stable: Arm
    candidate: Arm
    phases: tuple[Phase, ...] = DEFAULT_PHASES
    sticky: Sticky = "user_image"
    holdout_bp: int = 200
    limits: Limits = Limits()  # noqa: RUF009  # immutable
    on_failure: OnFailure = "rollback"
    on_new_candidate: OnNewCandidate = "refuse"
    blast_radius_bp: int = 3_000

    def __post_init__(self) -> None:
        """Raises FieldError on what no key alone can tell: order, sums, equal arms."""
        if self.stable == self.candidate:
            raise FieldError(f"rollout.candidate: '{self.candidate}' is stable already")
        if not self.phases:
            raise FieldError("rollout.phases: is empty; accepted: at least one phase")
        shares = [phase.share_bp for phase in self.phases]
        if shares != sorted(set(shares)):
            said = ", ".join(f"{share / BUCKETS:g}" for share in shares)
            raise FieldError(f"rollout.phases: shares {said} are not accepted; accepted: ascending")
        if not 0 <= shares[0] <= shares[-1] <= BUCKETS or not shares[-1]:
            raise FieldError("rollout.phases: shares are above 0 and at most 1; the first may be 0")
        if not 0 <= self.holdout_bp <= BUCKETS // 2:
            raise FieldError("rollout.holdout: accepted: a share 0..0.5")
        if len(shares) > 1 and shares[-2] > BUCKETS - self.holdout_bp:
            raise FieldError(
                "rollout.holdout: leaves the last phase no more than the one before it"
            )

    def weight_bp(self, phase: int) -> int:
        """The candidate's weight in a phase (0-based), the holdout taken off."""
        return min(self.phases[phase].share_bp, BUCKETS - self.holdout_bp)

    def highest_by_hand_bp(self, phase: int) -> int:
        """The highest weight that may be set by hand in a phase."""
        return min(max(self.blast_radius_bp, self.weight_bp(phase)), BUCKETS - self.holdout_bp)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with shares 0..1, for people and programs to read."""
        return {
            "id": self.rollout_id,
            "stable": str(self.stable),
            "candidate": str(self.candidate),
            "sticky": self.sticky,
            "holdout": self.holdout_bp / BUCKETS,
            "on_failure": self.on_failure,
            "on_new_candidate": self.on_new_candidate,
            "blast_radius": self.blast_radius_bp / BUCKETS,
            "limits": dataclasses.asdict(self.limits),
            "phases": [
                {
                    "phase": number + 1,
                    "share": phase.share_bp / BUCKETS,
                    "weight_bp": self.weight_bp(number),
                    "min_dwell_s": phase.min_dwell_s,
                    "min_samples": phase.min_samples,
                    "gate": phase.gate,
                    "aim": phase.aim,
                }
                for number, phase in enumerate(self.phases)
            ],
        }


def parse(
    document: object,
    *,
    stable: Arm,
    candidate: Arm,
    errors: float = 0.05,
    sticky: Sticky = "user_image",
) -> Plan:
    """The `rollout:` section -> plan. Raises FieldError naming key, value and what is accepted.

    stable, candidate, errors, sticky: of `model_routing`, for what the section leaves out.
    """
    top = Fields("rollout", document)
    plan_id = top.required("id", fields.name)
    arms = top.read("stable", stable, fields.arm), top.read("candidate", candidate, fields.arm)
    plan = Plan(
        rollout_id=plan_id,
        stable=arms[0],
        candidate=arms[1],
        phases=_phases(top.raw("phases", None)) if top.has("phases") else DEFAULT_PHASES,
        sticky=top.read("sticky", sticky, fields.word("user_image", "user", "request")),
        holdout_bp=top.read("holdout", 200, fields.share),
        limits=_limits(top, errors),
        on_failure=top.read("on_failure", "rollback", fields.word("rollback", "freeze")),
        on_new_candidate=top.read("on_new_candidate", "refuse", fields.word("refuse", "restart")),
        blast_radius_bp=top.read("blast_radius", 3_000, fields.share),
    )
    top.raw("phases", None)
    top.close()
    return plan


def refuse_conflict(plan: Plan, ratio_bp: int) -> None:
    """Raises FieldError where `model_routing.gray_scale_ratio`, given besides a plan, contradicts it.

    ratio_bp: as the file says it; not to be called where the file leaves it out.
    """
    first = plan.phases[0].share_bp
    if ratio_bp != first:
        raise FieldError(
            f"model_routing.gray_scale_ratio: {ratio_bp / BUCKETS:g} is not accepted beside a plan "
            f"that begins at {first / BUCKETS:g}; accepted: no ratio, for the plan's share wins"
        )


def _limits(top: Fields, errors: float) -> Limits:
    default = Limits(errors=errors)
    section = Fields("rollout.limits", top.raw("limits", {}))
    limits = Limits(
        mode=top.read("mode", default.mode, fields.word("confirmed", "literal")),
        errors=section.read("errors", errors, fields.number(0, 1)),
        alpha=section.read("alpha", default.alpha, fields.number(0, 0.2)),
        quality_ratio=section.read("quality_ratio", default.quality_ratio, _ratio),
        quality_share=section.read(
            "quality_share", default.quality_share, fields.optional(fields.number(0, 1))
        ),
        latency_p95_ms=section.read(
            "latency_p95_ms", default.latency_p95_ms, fields.optional(fields.number(0, 60_000))
        ),
        latency_ratio=section.read("latency_ratio", default.latency_ratio, fields.optional(_ratio)),
        latency_window_s=section.read("latency_window", default.latency_window_s, _window),
        review=_review(section.raw("review", None)),
    )
    section.close()
    return limits


def _review(document: object) -> ReviewLimits | None:
    if document is None:
        return None
    section, default = Fields("rollout.limits.review", document), ReviewLimits()
    limits = ReviewLimits(
        min_reviewed=section.read("min_reviewed", default.min_reviewed, fields.whole(1, 10**6)),
        margin=section.read("margin", default.margin, fields.number(0, 0.5)),
        binding=section.read("binding", default.binding, fields.switch),
    )
    section.close()
    return limits


def _phases(document: object) -> tuple[Phase, ...]:
    if not isinstance(document, list) or not document:
        raise FieldError(
            f"rollout.phases: {document!r} is not accepted; accepted: a list of at least one phase"
        )
    if len(document) > 50:
        raise FieldError(f"rollout.phases: {len(document)} phases; accepted: at most 50")
    return tuple(_phase(f"rollout.phases[{k}]", value) for k, value in enumerate(document))


def _phase(where: str, document: object) -> Phase:
    section = Fields(where, document)
    share_bp = section.required("share", fields.share)
    default = Phase(share_bp)
    phase = Phase(
        share_bp,
        min_dwell_s=section.read("min_dwell", default.min_dwell_s, _dwell),
        min_samples=section.read("min_samples", default.min_samples, fields.whole(1, 10**9)),
        gate=section.read("gate", default.gate, fields.word("manual", "auto")),
        aim=section.read("aim", default.aim, fields.line),
    )
    section.close()
    return phase


def _ratio(value: object) -> float:
    ratio = fields.number(0, 100)(value)
    if ratio < 1:
        raise ValueError("a number of times, 1 to 100")
    return ratio


def _window(value: object) -> float:
    seconds = fields.duration(value)
    if not 10 <= seconds <= _DAY_S:
        raise ValueError("10 s to 1 d")
    return seconds


def _dwell(value: object) -> float:
    seconds = fields.duration(value)
    if seconds > _LONGEST_S:
        raise ValueError("at most 90d")
    return seconds
