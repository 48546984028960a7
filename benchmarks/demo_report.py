"""What the demonstration saw, from the audit log and the callers' tally: plain values in and out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from benchmarks.demo_story import table
from benchmarks.traffic import Tally

from ocr_rollout.core.plan import Plan
from ocr_rollout.core.state import LIVE, AuditEntry

# Of the slowest process, from the first one's decision to weight 0: what a SQLite store promises.
QUICK_S = 3.0


@dataclasses.dataclass(frozen=True)
class PhaseSeen:
    """number: 1 for the first. generations: of the state while it lasted. Times: Unix, seconds.

    ready_s: when it had all it needs; None: it never had.
    """

    number: int
    share_bp: int
    generations: frozenset[int]
    began_s: float
    ready_s: float | None
    ended_s: float


@dataclasses.dataclass(frozen=True)
class Rollout:
    """One rollout as the audit log has it, the oldest entry first."""

    rollout_id: str
    candidate: str
    entries: tuple[AuditEntry, ...]

    @classmethod
    def of(cls, rollout_id: str, candidate: str, log: Sequence[AuditEntry]) -> Rollout:
        return cls(rollout_id, candidate, tuple(e for e in log if e.rollout_id == rollout_id))

    def last(self, action: str) -> AuditEntry | None:
        """The last entry of an action."""
        return next((e for e in reversed(self.entries) if e.action == action), None)

    def phases(self) -> list[PhaseSeen]:
        found = []
        for phase in sorted({e.to_phase for e in self.entries if e.to_status in LIVE}):
            inside = [e for e in self.entries if e.to_phase == phase and e.to_status in LIVE]
            left = [e for e in self.entries if e.at_s >= inside[-1].at_s and e not in inside]
            waited = [e.at_s for e in inside if e.action == "wait"]
            found.append(
                PhaseSeen(
                    phase + 1,
                    inside[0].to_weight_bp,
                    frozenset(e.generation for e in inside),
                    inside[0].at_s,
                    waited[0] if waited else None,
                    left[0].at_s if left else inside[-1].at_s,
                )
            )
        return found


@dataclasses.dataclass(frozen=True)
class Check:
    text: str
    met: bool


def phase_name(plan: Plan, number: int) -> str:
    """number: 0 for the first."""
    share_bp, kept = plan.weight_bp(number), ""
    if share_bp < plan.phases[number].share_bp:
        kept = f"; {plan.holdout_bp / 100:g} % stay with stable, to compare"
    return f"phase {number + 1} of {len(plan.phases)}, {share_bp / 100:g} %{kept}"


def ago(later_s: float) -> str:
    """`0.05 s after` or `0.05 s before`."""
    return f"{abs(later_s):.2f} s {'after' if later_s > 0 else 'before'}"


def phase_table(rollouts: Sequence[Rollout], tally: Tally) -> str:
    """A row for each phase: seconds until it had all it needed, who was asked, who answered."""
    rows = []
    for rollout in rollouts:
        for phase in rollout.phases():
            whens = [f"{rollout.rollout_id}/{generation}" for generation in phase.generations]
            answers = sum(tally.answered_at[w].total() for w in whens if w in tally.answered_at)
            asked = sum(tally.asked[when] for when in whens)
            by_candidate = sum(
                tally.answered_at[when][rollout.candidate]
                for when in whens
                if when in tally.answered_at
            )
            seen = f"{asked / answers:.1%}" if answers else "-"
            until_s = phase.ended_s if phase.ready_s is None else phase.ready_s
            rows.append(
                (
                    f"{rollout.candidate}, phase {phase.number}",
                    f"{phase.share_bp / 100:g} %",
                    f"{until_s - phase.began_s:.1f}",
                    str(answers),
                    str(asked),
                    seen,
                    str(by_candidate),
                    str(asked - by_candidate),
                )
            )
    head = (
        "candidate",
        "share",
        "seconds",
        "requests",
        "candidate's",
        "seen",
        "it answered",
        "stable stepped in",
    )
    return table(head, rows)


def checks(
    healthy: Rollout, broken: Rollout, tally: Tally, *, took_s: float, limit_s: float
) -> list[Check]:
    """What has to be so."""
    total = tally.answers.total() + tally.failures
    words = f": {'; '.join(tally.words[:3])}" if tally.words else ""
    return [
        Check(
            f"{tally.failures} of {total} callers got an error, an empty or a garbled text{words}",
            tally.failures == 0 < total,
        ),
        _went_up(healthy),
        *_taken_back(broken, tally),
        Check(
            f"the whole of it took {took_s:.0f} s (limit: {limit_s:.0f} s)",
            took_s < limit_s,
        ),
    ]


def _went_up(rollout: Rollout) -> Check:
    moves = [e for e in rollout.entries if e.action in {"start", "advance", "complete"}]
    shares = [e.to_weight_bp for e in moves]
    people = [e.who for e in moves if e.action != "start"]
    said = " -> ".join(f"{share / 100:g} %" for share in shares)
    named = all(who not in {"judge", "controller", "config", ""} for who in people)
    return Check(
        f"{rollout.candidate} went {said}, each step approved by {', '.join(sorted(set(people)))}",
        # the fourth phase leaves the holdout to stable; completing gives that, too
        shares == [1_000, 3_000, 6_000, 9_800, 10_000] and named,
    )


def _taken_back(rollout: Rollout, tally: Tally) -> list[Check]:
    begun = rollout.last("start")
    rollbacks = [e for e in rollout.entries if e.action == "rollback"]
    if begun is None or len(rollbacks) != 1:
        return [
            Check(f"{rollout.candidate} was rolled back {len(rollbacks)} times, not once", False)
        ]
    entry = rollbacks[0]
    asked = tally.asked_of(rollout.rollout_id)
    later_s = tally.last_asked_s.get(rollout.rollout_id, 0.0) - entry.at_s
    return [
        Check(
            f"{rollout.candidate} was taken back by the {entry.who} in phase {entry.from_phase + 1}"
            f" (rule {entry.rule}), {entry.at_s - begun.at_s:.1f} s after its start; it was given "
            f"{asked} requests in all",
            entry.who == "judge" and entry.from_phase == 0 and entry.to_weight_bp == 0,
        ),
        Check(
            f"the last of these began {ago(later_s)} the rollback (limit: {QUICK_S:g} s after)",
            asked > 0 and later_s <= QUICK_S,
        ),
    ]
