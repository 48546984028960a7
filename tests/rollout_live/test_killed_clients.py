"""Client processes on the real Triton are killed with kill -9 at random moments of a rollout."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time

import pytest
from benchmarks.rollout_site import phases, wait_until
from killed_clients import serve
from live import Operator

from ocr_client import OCRClient

pytestmark = [pytest.mark.server, pytest.mark.slow]

KILLS, AT_A_TIME = 50, 4
ANSWERS = 1_000  # at least, however many more clients are killed until then
HEALTHY = {
    "id": "healthy",
    "stable": "convnext:1",
    "candidate": "crnn:1",
    "phases": phases(0.1, 0.3, 0.6, 1.0, gate="auto", samples=150),
}
BROKEN = {
    "id": "broken",
    "stable": "crnn:1",
    "candidate": "crnn:2",
    "phases": phases(0.3, 1.0, gate="auto", samples=10_000),
}


class Crowd:
    """Processes that serve one site; none outlives the `with` block."""

    def __init__(self, site):
        self.site = site
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["killed_clients"])
        self.alive, self.seen, self.seen_by = [], [], {}

    def join(self):
        seen = self.context.RawArray("q", 2)  # without a lock that a killed one could hold
        arguments = (str(self.site.config), len(self.seen), seen)
        process = self.context.Process(target=serve, args=arguments, daemon=True)
        process.start()
        self.alive.append(process)
        self.seen.append(seen)
        self.seen_by[process] = seen

    def victim(self, chance, *, reading):
        """reading: one that has had answers, however long a busy machine takes to start it."""
        if not reading:
            return chance.choice(self.alive)
        end = time.monotonic() + 240
        while not (busy := [one for one in self.alive if self.seen_by[one][0]]):
            assert time.monotonic() < end, "no client reads"
            time.sleep(0.02)
        return chance.choice(busy)

    def answers(self):
        """Of all, the dead included."""
        return sum(seen[0] for seen in self.seen)

    def kill(self, process):
        process.kill()
        process.join()
        self.alive.remove(process)

    def __enter__(self):
        for _ in range(AT_A_TIME):
            self.join()
        return self

    def __exit__(self, *_):
        for process in list(self.alive):
            self.kill(process)


@pytest.fixture
def crowd(site, monkeypatch):
    # The process that the clients are forked from begins without this one's path.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    return Crowd(site)


def test_fifty_clients_are_killed_and_the_others_go_on(site, crowd):
    """The good candidate goes all the way, the bad one is taken back each time it is tried.

    After each kill the state can be read, its generation never falls, and each step stands in the
    audit log once. No caller notices anything, and a restart goes on from what it finds.
    """
    operator, chance, generation = Operator(site), random.Random(20261122), 0
    kills = starts_of_broken = 0

    def look():
        nonlocal generation
        state = site.state()
        steps = [entry.generation for entry in site.history()]  # read later: maybe some more
        assert steps == list(range(1, len(steps) + 1))
        assert generation <= state.generation <= len(steps)
        generation = state.generation
        return state

    site.configure(HEALTHY)
    operator.does("start", "--by", "ann")
    with crowd:
        while kills < KILLS or starts_of_broken < 2 or crowd.answers() <= ANSWERS:
            if (
                kills >= KILLS and starts_of_broken < 2
            ):  # on a busy machine no rollback came between the kills: let it come
                site.wait_for(lambda state: state.status == "rolled_back", "the first rollback")
            time.sleep(chance.uniform(0.05, 0.5))
            crowd.kill(crowd.victim(chance, reading=kills % 2 == 0))
            kills += 1
            state = look()
            crowd.join()
            if kills > KILLS // 2 and state.rollout_id == "healthy":
                site.wait_for(lambda state: state.status == "completed", "completion", limit_s=600)
                site.configure(BROKEN)
                operator.does("start", "--by", "ann")
                starts_of_broken += 1
            elif state.status == "rolled_back":
                operator.does("clear", state.digest, "--by", "ann", "--note", "once more")
                operator.does("start", "--by", "ann")
                starts_of_broken += 1
        site.wait_for(lambda state: state.status == "rolled_back", "the last rollback")
        look()
        crowd.victim(chance, reading=True)  # one of those that are left has had answers, too

    answers = crowd.answers()
    assert sum(seen[1] for seen in crowd.seen) == 0
    assert answers > ANSWERS
    assert sum(seen[0] > 0 for seen in crowd.seen) > KILLS // 2
    actions = [entry.action for entry in site.history()]
    assert actions[:5] == ["start", "advance", "advance", "advance", "complete"]
    tried = actions[5:].count("start")
    print(f"{kills} kills, {answers} answers, the broken candidate was tried {tried} times")
    assert tried == starts_of_broken >= 2
    assert actions[5:] == [*["start", "rollback", "clear"] * (tried - 1), "start", "rollback"]
    with OCRClient.from_config(site.config) as client:
        wait_until(lambda: client.rollout.generation, "the new client's first look")
        assert (client.rollout.status, client.rollout.weight) == ("rolled_back", 0)
