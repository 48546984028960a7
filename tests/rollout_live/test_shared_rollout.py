"""Two client processes share a rollout on the real Triton, from 10 to 100 % and on."""

from __future__ import annotations

import pytest
from benchmarks.client_processes import Clients
from benchmarks.rollout_site import default_phases, wait_until
from live import Operator

pytestmark = pytest.mark.server


def asked(tally, gate):
    """The candidate's answers in one phase: before its gate, which is a generation, and at it."""
    found = [tally.answered_at.get(f"shared/{at}", {}) for at in (gate - 1, gate)]
    return sum(answers.get("crnn:1", 0) for answers in found)


def test_a_healthy_candidate_goes_from_10_to_100_with_a_person_at_each_gate(site):
    """Both processes follow every step, and what both count is what the judge sees."""
    operator = Operator(site)
    site.configure(
        {
            "id": "shared",
            "stable": "convnext:1",
            "candidate": "crnn:1",
            "phases": default_phases(30),
        }
    )
    with Clients(site, 2) as clients:

        def both(said, what):
            """clients.tally raises when one of them has died."""
            wait_until(lambda: clients.tally and all(map(said, clients.processes)), what)

        both(lambda process: process.tally.answers, "both processes' first answers")
        operator.does("start", "--by", "ann")
        for phase in range(4):
            state = site.wait_for(
                lambda state, phase=phase: (state.status, state.phase) == ("waiting", phase),
                f"phase {phase + 1}'s gate",
                meanwhile=lambda: clients.tally,  # raises when one of them has died
            )
            if phase == 0:
                said = operator("approve")
                assert (said.code, said.out) == (1, "")
                assert said.err == "ocrctl: who does it? Give a name: --by NAME"
                assert site.state() == state
            # One of them alone may have reached the gate, on a machine that held the other one up.
            both(
                lambda process, at=state.generation: asked(process.tally, at),
                f"the candidate's answers to both in phase {phase + 1}",
            )
            operator.does("approve", "--by", "ben", "--note", "read")
        generation = site.state().generation

        def all_at(process):
            """Its newest answers are of the completed rollout: the candidate's, all of them."""
            return process.tally.answered_at.get(f"shared/{generation}", {}).get("crnn:1", 0) > 50

        both(all_at, "both processes' completion")
        apart = [process.tally for process in clients.processes]
        whole = clients.close()

    assert whole.words == []
    assert set(whole.answered_at[f"shared/{generation}"]) == {"crnn:1"}
    history = site.history()
    moves = [entry for entry in history if entry.action != "wait"]
    assert [entry.to_weight_bp for entry in moves] == [1_000, 3_000, 6_000, 9_800, 10_000]
    assert [entry.who for entry in moves] == ["ann", *["ben"] * 4]
    # One of the two was the first to see that a gate was reached; the log has it once.
    assert [entry.action for entry in history] == [
        "start",
        *["wait", "advance"] * 3,
        "wait",
        "complete",
    ]
    for entry, share in zip(history[:8:2], (0.1, 0.3, 0.6, 0.98), strict=True):
        for tally in apart:
            assert asked(tally, entry.generation + 1)
        seen = whole.asked[f"shared/{entry.generation}"]
        total = whole.answered_at[f"shared/{entry.generation}"].total()
        assert abs(seen - share * total) < 5 * (share * (1 - share) * total) ** 0.5 + 1
