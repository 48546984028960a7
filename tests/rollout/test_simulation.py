"""The simulator runs the judge's own rules, and the judge keeps the figures it was built for."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from ocr_rollout.cli import app
from ocr_rollout.core.early import early, lower_bound
from ocr_rollout.core.late import late
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.share import share
from ocr_rollout.simulation import rules
from ocr_rollout.simulation.odds import Scenario, draws, odds, slow_share, tuned
from ocr_rollout.simulation.timeline import timeline

LIMITS = Limits()
PLAN = Plan("r", Arm("convnext", 1), Arm("crnn", 1))


def rows(scenario, limits=LIMITS):
    return {row.rule: row for row in odds(scenario, limits)}


# --- the same as core


@pytest.mark.parametrize("name", ["early", "late", "share", "literal"])
def test_the_fast_rules_trip_at_the_very_request_that_the_core_trips_at(name):
    """Request by request on 12 streams that go bad after 150."""
    scenario = Scenario(0.02, becomes=0.15, after=150, requests=600, rollouts=12, seed=5)
    limits = dataclasses.replace(LIMITS, mode="literal") if name == "literal" else LIMITS
    ours = rules.judge_rules(limits, 12, 600, 0.1)["share" if name == "literal" else name]
    fired = np.zeros(12, dtype=int)
    faults = []
    for number, draw in enumerate(draws(scenario, LIMITS), start=1):
        faults.append(draw.error)
        fired[ours.step(draw) & (fired == 0)] = number
    assert fired.any()
    for k in range(12):
        assert fired[k] == first_in_core(name, [bool(draw[k]) for draw in faults])


def first_in_core(name, faults):
    s = 0
    for n in range(1, len(faults) + 1):
        s += faults[n - 1]
        newest = ((1, int(fault)) for fault in reversed(faults[:n]))
        verdict = {
            "early": lambda n=n, s=s: early(n, s, p0=0.05, alpha=0.01),
            "late": lambda n=n: late([(k, 1, int(faults[k])) for k in range(n)], p0=0.05),
            "share": lambda n=n, s=s, newest=newest: share(newest, p0=0.05, confirm=(n, s)),
            "literal": lambda newest=newest: share(newest, p0=0.05),
        }[name]()
        if verdict.status == "FAIL":
            return n
    return 0


def test_a_table_of_first_trips_is_what_it_says():
    """The fewest faults, for every n."""
    table = rules.first_trips(120, lambda n, s: lower_bound(n, s, 0.05) > 0.1)
    for n in range(121):
        trips = [s for s in range(n + 1) if lower_bound(n, s, 0.05) > 0.1]
        assert table[n] == (trips[0] if trips else n + 1)


def test_streams_are_what_was_asked_for_and_the_same_for_a_seed():
    """Shares before and after the change, and stable's faults in proportion."""
    scenario = Scenario(0.02, becomes=0.3, after=400, requests=800, rollouts=500, seed=3)
    first, again = (list(draws(scenario, LIMITS)) for _ in range(2))
    errors = np.array([draw.error for draw in first])
    assert (errors == np.array([draw.error for draw in again])).all()
    assert errors[:400].mean() == pytest.approx(0.02, abs=0.002)
    assert errors[400:].mean() == pytest.approx(0.3, abs=0.005)
    stable = np.array([draw.stable_faults for draw in first]).mean()
    assert stable == pytest.approx(9 * 0.01, rel=0.03)  # nine of stable's to one of ours
    assert slow_share(2.0, 2.0) == pytest.approx(0.05)


# --- the figures


@pytest.mark.parametrize(("errors", "most"), [(0.01, 0.01), (0.02, 0.01), (0.05, 0.05)])
def test_false_rollbacks_are_rare(errors, most):
    """All rules, 2,000 rollouts of 20,000 requests. Printed with -s."""
    found = rows(Scenario(errors, seed=1))
    print(f"\n{errors:.0%}: " + ", ".join(f"{k} {v.false:.4f}" for k, v in found.items()))
    assert found["judge"].false <= most


@pytest.mark.parametrize(
    ("before", "after", "errors", "most"),
    [(0.5, 0, None, 9), (0.2, 0, None, 45), (0.01, 500, 0.2, 70), (0.01, 500, 0.5, 20)],
)
def test_a_bad_candidate_is_noticed_soon(before, after, errors, most):
    """Median of 2,000 rollouts, in requests since it turned bad. Printed with -s.

    And sooner than the checks of Argo Rollouts and Flagger that are false as seldom.
    """
    found = rows(Scenario(before, becomes=errors, after=after, requests=2_500, seed=1))
    print(f"\n{before}/{errors}: " + ", ".join(f"{k} {v.median}" for k, v in found.items()))
    assert found["judge"].median <= most
    for name, row in found.items():
        if "tuned" in name:
            assert row.median is None or row.median > found["judge"].median


def test_the_checks_of_others_are_tuned_fairly():
    """No other size of a check is quicker at 20 % with as few false rollbacks."""
    size, most = tuned(0.05, 0.02, 20_000, false=0.01)

    def false(size, most):
        return binom.sf(most, 20_000 // size, binom.sf(int(0.05 * size), size, 0.02))

    assert false(size, most) <= 0.01
    for other in (10, 50, 100, 200, 300, 500):
        quicker = (size * (most + 1) - 1) // other - 1  # failed checks that fit in less requests
        assert quicker < 0 or false(other, quicker) > 0.01


def test_quality_and_latency_are_noticed_too():
    """Ten times the empty answers; three times the latency."""
    found = rows(Scenario(0.01, fault=0.1, requests=3_000, rollouts=300))["quality"]
    print(f"\nten times the empty answers: median {found.median}")
    assert (found.false, found.found) == (0, 1)
    found = rows(Scenario(0.01, slower=3.0, requests=1_000, rollouts=300))["latency"]
    print(f"three times the latency: median {found.median}")
    assert (found.false, found.found) == (0, 1)


def test_a_candidate_that_is_no_worse_than_stable_is_left_alone():
    """1.4 times slower, as many empty answers as stable however many those are."""
    found = rows(Scenario(0.01, slower=1.4, fault=0.3, stable_fault=0.3, rollouts=300))
    assert found["judge"].false <= 0.01


# --- whole rollouts


def test_a_good_candidate_takes_the_plan_s_days_and_the_approvals():
    """Phases of 1, 2, 2 and 1 days and an hour at each gate."""
    story = timeline(PLAN, Scenario(0.01, per_day=50_000))
    assert story.outcome == "completed"
    assert [round(stay.hours) for stay in story.stays] == [25, 49, 49, 25]


def test_a_candidate_that_turns_bad_is_taken_back_in_its_phase():
    """By the rule that is made for it."""
    story = timeline(PLAN, Scenario(0.01, becomes=0.2, after=1_000, per_day=50_000))
    assert (story.outcome, len(story.stays)) == ("rolled_back", 1)
    assert story.reason.startswith("late:")


# --- the command line


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_plan_is_printed_for_people_and_for_programs(tmp_path):
    """The default one, and a file's."""
    assert "98 %" in run("plan").output
    file = tmp_path / "config.yaml"
    file.write_text("rollout:\n  id: r7\n  phases: [{share: 0.5, gate: auto}]\n", "utf-8")
    said = json.loads(run("plan", "--config", file, "--json").output)
    assert (said["id"], said["phases"][0]["weight_bp"]) == ("r7", 5_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rollout: {id: r, phases: []}", "rollout.phases"),
        ("rollout: [", "not YAML"),
        ("- a", "not a mapping"),
        ("model_routing: {stable: x}", "not an arm"),
        ("model_routing: {auto_rollback_threshold: 0}", "auto_rollback_threshold"),
        ("model_routing: 3", "model_routing"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_on_stderr(tmp_path, text, said):
    """And exit code 1."""
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    result = run("plan", "--config", file)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert run("plan", "--config", tmp_path / "none.yaml").exit_code == 1


def test_a_simulation_is_printed_and_comes_out_the_same_for_a_seed():
    """As a table, and as one JSON object."""
    words = ("simulate", "--becomes", 0.5, "--after", 300, "--requests", 600, "--rollouts", 50)
    assert "median requests" in run(*words).output
    first, again = (json.loads(run(*words, "--json").output) for _ in range(2))
    assert first == again
    assert first["rules"][0]["rule"] == "judge"
    assert first["timeline"]["outcome"] == "rolled_back"
    late = run("simulate", "--becomes", 0.5, "--after", 900, "--requests", 600)
    assert late.exit_code == 1
    assert "--after 900" in late.stderr
