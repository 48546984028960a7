"""The scenes of `make demo-rollout`: a candidate that goes all the way, and one that does not."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.broken_models import Kind, Made, serve_versions, write_version
from benchmarks.client_processes import Clients
from benchmarks.demo_report import Rollout, ago, phase_name
from benchmarks.demo_story import Story, plural
from benchmarks.rollout_site import Site, SiteError, default_phases, load, wait_until

from ocr_client import ClientConfig
from ocr_rollout.core.controller import look
from ocr_rollout.core.counts import Counts
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import RolloutState
from ocr_rollout.runtime.evidence import read_evidence
from ocr_rollout.runtime.transitions import read_state
from ocr_server import EmbeddedTriton

SAMPLES: Final = 50  # of each phase; the proof of a good candidate needs 67 anyway
STARTER, APPROVER = "ann", "ben"
NOTES: Final = (
    "logs read, no complaint",
    "200 texts compared, as good as the old ones",
    "load and memory as expected",
    "the old model may go",
)
FAULTS: Final[dict[Kind, str]] = {
    "raises": "fails",
    "empty": "finds no text",
    "garbage": "reads nonsense",
    "slow": "takes its time",
}
# The longest that a scene may wait for what it shows, on a busy machine.
PHASE_S, ROLLBACK_S, RELOAD_S = 240.0, 240.0, 240.0
LOOK_S: Final = 0.5  # between two looks at the progress
AFTERWARDS_S: Final = 3.0


@dataclasses.dataclass(frozen=True)
class Scenes:
    """Each raises SiteError where it does not go as it should."""

    story: Story
    site: Site
    clients: Clients

    def goes_all_the_way(self, stable: Arm, candidate: Arm) -> None:
        """Four phases, a person's approval after each."""
        story, plan = self.story, self._plan()
        story.title(f"{candidate} is to replace {stable}")
        self._start("as decided on Monday")
        story.say("(a bar shows how much of the proof is there that the candidate is good)")
        for number, note in enumerate(NOTES):
            story.say(phase_name(plan, number) + f": {plan.phases[number].aim}")
            self._until_gate(number)
            seen = self._seen()
            story.say(
                f"phase {number + 1} has all it needs ({plural(seen.requests, 'request')} on "
                f"{candidate}, {plural(seen.errors, 'error')}) and waits for a person"
            )
            self.ocrctl("approve", "--by", APPROVER, "--note", note)
        story.say(f"{candidate} has all of the traffic")

    def next_version_comes(
        self, triton: EmbeddedTriton, stable: Arm, candidate: Arm, made: Made
    ) -> None:
        """It is loaded beside the others, and the clients take over the new plan as they run."""
        story, site = self.story, self.site
        fault = f"{FAULTS[made.kind]} on {made.share:.0%} of the images"
        story.title(f"{candidate} is to replace {stable}; nobody knows yet that it {fault}")
        write_version(site.repository, candidate, made)
        serve_versions(site.repository, candidate.model, (stable.version, candidate.version))
        load(triton, candidate.model)
        story.say(f"Triton loaded {candidate} beside {stable}; no request goes to it")
        site.configure(plan_of(stable, candidate))
        rollout = rollout_id(candidate)

        def all_follow() -> bool:
            return all(
                any(when.startswith(f"{rollout}/") for when in process.tally.answered_at)
                for process in self.clients.processes
            )

        wait_until(all_follow, "all clients to take over the new plan", limit_s=RELOAD_S)
        story.say("config.yaml has the new plan; all clients took it over without a restart")

    def is_taken_back(self, candidate: Arm) -> None:
        """By the judge, in phase 1; starting it again is refused."""
        story, plan = self.story, self._plan()
        self._start("smaller and quicker, says the team")
        story.say(phase_name(plan, 0) + f": {plan.phases[0].aim}")
        with self._watching() as watch:
            self.site.wait_for(_taken_back, "the rollback", limit_s=ROLLBACK_S, meanwhile=watch)
        rollout = Rollout.of(rollout_id(candidate), str(candidate), self.site.history())
        begun, ended = rollout.last("start"), rollout.last("rollback")
        assert begun is not None
        assert ended is not None
        story.say(
            f"taken back by the judge {ended.at_s - begun.at_s:.1f} s after its start; "
            "nobody had to look"
        )
        story.more(ended.why)
        time.sleep(AFTERWARDS_S)  # whoever has not heard of it would go on asking
        tally = self.clients.tally
        later_s = tally.last_asked_s.get(rollout.rollout_id, begun.at_s) - ended.at_s
        story.say(
            f"{plural(tally.asked_of(rollout.rollout_id), 'request')} had gone to it, "
            f"the last {ago(later_s)} the rollback; stable answered where it failed"
        )
        self._start("once more", refused=True)

    def ocrctl(self, verb: str, *arguments: str, refused: bool = False) -> None:
        """Shows the command, and what it says. Raises SiteError where that is not as expected."""
        given = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        self.story.say(f"$ ocrctl rollout {verb} {given}")
        extra = ("--repository", str(self.site.repository)) if verb == "start" else ()
        said = self.site.ocrctl("rollout", verb, *arguments, *extra)
        if (said.code != 0) != refused:
            not_ = "was not refused" if refused else "failed"
            raise SiteError(f"`ocrctl rollout {verb}` {not_}: {said.err or said.out.strip()}")
        self.story.more("\n".join(text for text in (said.out.strip(), said.err) if text))

    def _start(self, note: str, *, refused: bool = False) -> None:
        self.ocrctl("start", "--by", STARTER, "--note", note, refused=refused)

    def _until_gate(self, number: int) -> None:
        def at_gate(state: RolloutState) -> bool:
            if state.status in {"rolled_back", "frozen"}:
                said = state.status.replace("_", " ")
                raise SiteError(f"the healthy candidate was {said}: {state.reason}")
            return state.status == "waiting" and state.phase == number

        with self._watching() as watch:
            what = f"phase {number + 1} to have all it needs"
            self.site.wait_for(at_gate, what, limit_s=PHASE_S, meanwhile=watch)

    def _seen(self) -> Counts:
        """The candidate's attempts in the present epoch, as the judge sees them."""
        with self.site.store() as store:
            return read_evidence(store, read_state(store), time.time()).attempts

    def _plan(self) -> Plan:
        return ClientConfig.load(self.site.config).plan()

    @contextlib.contextmanager
    def _watching(self) -> Iterator[Callable[[], None]]:
        """A function to be called while something is waited for: it draws the progress."""
        plan, looked_s = self._plan(), -math.inf
        with self.site.store() as store:

            def watch() -> None:
                nonlocal looked_s
                if time.monotonic() - looked_s < LOOK_S:
                    return
                looked_s = time.monotonic()
                failures, state = self.clients.tally.failures, read_state(store)
                evidence = read_evidence(store, state, time.time())
                attempts = evidence.attempts
                proof = look(plan, state, evidence, time.time()).judgement.advance
                proved = math.log(max(proof.observed or 1.0, 1.0)) / math.log(proof.limit or 20.0)
                self.story.progress(
                    min(attempts.requests / SAMPLES, proved),
                    f"{plural(attempts.requests, 'request')} on {state.candidate}, "
                    f"{plural(attempts.errors, 'error')}, {attempts.quality_faults} unreadable; "
                    f"callers noticed {failures}",
                )

            yield watch


def plan_of(stable: Arm, candidate: Arm) -> dict[str, Any]:
    """The `rollout:` section: the default plan without its days."""
    return {
        "id": rollout_id(candidate),
        "stable": str(stable),
        "candidate": str(candidate),
        "phases": default_phases(SAMPLES),
    }


def rollout_id(candidate: Arm) -> str:
    return f"{candidate.model}-{candidate.version}"


def _taken_back(state: RolloutState) -> bool:
    if state.status not in {"running", "rolled_back"}:
        raise SiteError(f"the broken candidate is {state.status}: {state.reason}")
    return state.status == "rolled_back"
