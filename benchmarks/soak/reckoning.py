"""Whether all held: from ledgers, stores, faults and memory to rows with a limit each. Pure."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import Final

from benchmarks.report import Row, Section

from ocr_rollout.core.state import AuditEntry

from .ledger import GRACE_MS, Ledger
from .stage import Episode, Injected
from .stores import Kept
from .watching import Course

# How long after something befell the candidate alone a rollback is its doing: latencies are looked
# at ten minutes back, the rest within the minute.
LATENCY_S: Final = 600.0
OTHERWISE_S: Final = 90.0
JUMP_S: Final = 2.0  # until what was begun under a wrong clock is written
NEAR_S: Final = 30.0
GROWTH: Final = 0.05
MORE_FILES: Final = 8.0


@dataclasses.dataclass(frozen=True)
class Found:
    """All that a run has found out. places: ledgers of its clients, and its store, by name.

    lost_processes: clients that did not end well. left: processes still there at the end.
    said: the supervisor's log. began_at_s: Unix time. jumps: as of `Stage`.
    """

    places: dict[str, tuple[list[Ledger], Kept]]
    faults: Sequence[Injected]
    episodes: Sequence[Episode]
    hurt: Sequence[tuple[float, float, str]]
    troubles: Sequence[str]
    courses: Sequence[Course]
    lost_processes: int
    left: Sequence[str]
    said: Sequence[str]
    wanted_requests: int
    wanted_faults: int
    minutes: float
    began_at_s: float = 0.0
    jumps: Sequence[tuple[float, float, float]] = ()

    @property
    def ledger(self) -> Ledger:
        return Ledger.sum(one for ledgers, _ in self.places.values() for one in ledgers)


def rollbacks(found: Found) -> dict[str, list[tuple[str, AuditEntry]]]:
    """`true`: of a bad candidate; `own`: what befell the candidate alone came before; `false`."""
    bad = {(episode.place, episode.rollout_id) for episode in found.episodes}
    sorted_: dict[str, list[tuple[str, AuditEntry]]] = {"true": [], "own": [], "false": []}
    for name, (_, kept) in found.places.items():
        for entry in kept.history:
            if entry.action != "rollback":
                continue
            if (name, entry.rollout_id) in bad:
                sorted_["true"].append((name, entry))
            elif any(_befell(entry.rule, at_s, found.hurt) for at_s in when(entry, found.jumps)):
                sorted_["own"].append((name, entry))
            else:
                sorted_["false"].append((name, entry))
    return sorted_


def when(entry: AuditEntry, jumps: Sequence[tuple[float, float, float]]) -> list[float]:
    """Unix times at which it may have been written: by a clock that was right, or off just then."""
    right = ((entry.at_s - off_s, since_s, until_s + JUMP_S) for since_s, until_s, off_s in jumps)
    return [entry.at_s, *(at_s for at_s, since_s, until_s in right if since_s <= at_s <= until_s)]


def in_words(found: Found, name: str, entry: AuditEntry) -> str:
    """A rollback in a line: when, why, and which faults began in the half minute before."""
    at_s = min(when(entry, found.jumps), key=lambda one: abs(one - found.began_at_s))
    passed_s = at_s - found.began_at_s
    near = [
        f"{fault.kind} {passed_s - fault.at_s:.0f} s before"
        for fault in found.faults
        if 0 <= passed_s - fault.at_s <= NEAR_S
    ]
    return f"{name}, {passed_s / 60:.1f} min: {entry.why}; {', '.join(near) or 'no fault'}"


def unaccounted(ledgers: Sequence[Ledger], kept: Kept) -> tuple[int, int]:
    """(lost, invented) outcomes: recorded by clients against what the store holds.

    What clients say was dropped or repeated is taken off; those carry no kind, so they are taken
    off the sum.
    """
    whole = Ledger.sum(ledgers)
    missing = whole.recorded - kept.counts
    invented = kept.counts - whole.recorded
    lost = missing.total() - whole.repeats - whole.dropped - whole.unsent
    return max(0, lost), invented.total() + max(0, -lost)


def sections(found: Found) -> list[Section]:
    return [_requests(found), _counts(found), _rollouts(found), _kinds(found), _memory(found)]


def _requests(found: Found) -> Section:
    ledger = found.ledger
    faults = sum(fault.done for fault in found.faults)
    errors = ", ".join(f"{n} {name}" for name, n in ledger.errors.most_common(4))
    answered = sum(one.answered for one in (ledger,))
    rows = [
        _least("requests", ledger.begun, found.wanted_requests),
        _least("faults injected", faults, found.wanted_faults),
        Row("answered", answered, "", f"{answered / max(1, ledger.begun):.2%}"),
        Row("answered with a clear error", ledger.failed, "", errors),
        _none("lost", ledger.open + found.lost_processes, "begun, and never ended"),
        _none("answered twice", ledger.twice),
        _none("another request's answer", ledger.strange + ledger.wrong_text),
        _none("another arm's answer", ledger.wrong_arm),
        _none("errors that are no clear line", ledger.unclear),
        _none(f"later than the deadline + {GRACE_MS:.0f} ms", ledger.late),
        Row(
            "the same, of a process without a processor",
            ledger.starved,
            "",
            "a thread of its that only sleeps was not woken in that time either",
        ),
        Row(
            "latest error, after its deadline",
            ledger.error_over_ms,
            "ms",
            f"a thread that only slept was woken {ledger.stalled_ms:.0f} ms late at most",
        ),
    ]
    return Section("Every request, answered once", tuple(rows), "\n".join(ledger.words[:8]))


def _counts(found: Found) -> Section:
    rows = []
    for name, (ledgers, kept) in found.places.items():
        whole = Ledger.sum(ledgers)
        lost, invented = unaccounted(ledgers, kept)
        rows += [
            Row(f"{name}: outcomes recorded by clients", whole.recorded.total(), ""),
            Row(
                f"{name}: in the store",
                kept.counts.total(),
                "",
                f"{whole.repeats} repeats of a key count once",
            ),
            _none(f"{name}: recorded and not in the store", lost),
            _none(f"{name}: in the store and never recorded", invented),
            _none(f"{name}: dropped, and said so", whole.dropped + whole.unsent),
            _none(
                f"{name}: answers without an outcome, or the other way round",
                abs(whole.answered_itself - whole.recorded_answers),
            ),
        ]
    return Section("Nothing recorded is lost", tuple(rows))


def _rollouts(found: Found) -> Section:
    by = rollbacks(found)
    unnoticed = [episode for episode in found.episodes if episode.noticed_s is None]
    times = sorted(e.noticed_s for e in found.episodes if e.noticed_s is not None)
    actions = collections.Counter(
        entry.action for _, kept in found.places.values() for entry in kept.history
    )
    said = f"median {times[len(times) // 2]:.1f} s, at most {times[-1]:.1f} s" if times else ""
    why = "; ".join(in_words(found, name, entry) for name, entry in by["false"][:3])
    own = "its own stub was killed or stopped just before"
    rows = [
        Row("bad candidates", len(found.episodes), ""),
        _none("bad candidates not taken back", len(unnoticed)),
        Row("taken back", len(times), "", said),
        _none("false rollbacks", len(by["false"]), why),
        Row("good candidates taken back rightly", len(by["own"]), "", own),
        Row("freezes (stable failed too)", actions["freeze"], "", f"{actions['thaw']} thaws"),
        _none("other troubles", len(found.troubles), "; ".join(found.troubles)[:120]),
        _none("processes left", len(found.left), ", ".join(found.left)[:120]),
    ]
    return Section("Rollouts", tuple(rows))


def _kinds(found: Found) -> Section:
    rows = []
    for kind in dict.fromkeys(fault.kind for fault in sorted(found.faults, key=lambda f: f.kind)):
        those = [fault for fault in found.faults if fault.kind == kind]
        done = [fault for fault in those if fault.done]
        longest = max((fault.took_s for fault in done), default=0.0)
        said = max(those, key=lambda fault: fault.took_s).said
        rows.append(Row(kind, len(done), "", f"longest {longest:.0f} s: {said[:70]}"))
    return Section("Faults", tuple(rows))


def _memory(found: Found) -> Section:
    rows = []
    for course in found.courses:
        growth, files = course.growth, course.more_files
        restarted = f", {course.processes} processes in turn" if course.processes > 1 else ""
        detail = f"highest {course.highest / 2**20:.0f} MB, {course.most_files} files{restarted}"
        if growth is None or files is None:
            rows.append(Row(f"{course.role}: too young to say", 0.0, "%", detail))
            continue
        goal = f"<= {GROWTH:.0%}, {MORE_FILES:.0f} files more"
        held = growth <= GROWTH and files <= MORE_FILES
        rows.append(
            Row(f"{course.role}: memory", growth * 100, "%", f"{detail}; {files:+.0f}", goal, held)
        )
    note = "Medians of 15 to 35 % of the time, and of its last fifth, of processes over 15 s old."
    return Section("Memory and open files", tuple(rows), note)


def _befell(rule: str, at_s: float, hurt: Sequence[tuple[float, float, str]]) -> bool:
    within_s = LATENCY_S if rule == "latency" else OTHERWISE_S
    return any(since <= at_s <= until + within_s for since, until, _ in hurt)


def _none(name: str, value: int, detail: str = "") -> Row:
    return Row(name, value, "", detail, "0", value == 0)


def _least(name: str, value: int, wanted: int) -> Row:
    return Row(name, value, "", "", f">= {wanted:,}", value >= wanted)
