"""The simulator runs the judge's own rules, and the judge keeps the figures it was built for."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from ocr_rollout.core.early import early, lower_bound
from ocr_rollout.core.late import late
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.share import share
from ocr_rollout.simulation import rules
from ocr_rollout.simulation.odds import Scenario, draws, fired, odds, odds_of, slow_share, tuned
from ocr_rollout.simulation.picture import RATES, picture, sweep, typical
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


# --- the drawing


def drawn(scenario, plan=PLAN):
    found = fired(scenario, plan.limits)
    table = odds_of(found, scenario, plan.limits)
    return picture(plan, scenario, found, table, timeline(plan, scenario))


def test_odds_by_true_error_rate_rise_with_it():
    """Of the swept candidates: none at 1 %, all at 20 %, and the judge with any of its rules."""
    scenario = Scenario(0.01, requests=2_000, rollouts=50)
    swept = sweep(scenario, LIMITS)
    judged = dict(zip(RATES, swept.taken_back["judge"], strict=True))
    assert judged[0.01] <= 0.02
    assert judged[0.2] == 1
    assert (swept.taken_back["judge"] >= swept.taken_back["early"]).all()
    assert np.corrcoef(RATES, swept.taken_back["share"])[0, 1] > 0.5


def test_the_stream_that_is_drawn_is_the_median_one():
    """Its errors are those of the very rollout, and the judge takes the median time."""
    scenario = Scenario(0.01, becomes=0.5, after=100, requests=400, rollouts=51, seed=2)
    found = fired(scenario, LIMITS)
    stream = typical(scenario, LIMITS, found)
    assert stream.fired["judge"] == sorted(found["judge"])[25]
    assert first_in_core("late", [bool(error) for error in stream.errors]) == stream.fired["late"]
    assert stream.errors[100:].mean() > 0.3


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        (
            Scenario(0.01, becomes=0.5, after=100, requests=400, rollouts=50),
            "1 % errors, from request 100 on 50 %\ntaken back 1",
        ),
        (Scenario(0.01, requests=300, rollouts=20), "taken back in 0 % of 20 rollouts"),
        (Scenario(0.01, slower=3.0, requests=300, rollouts=20), "in 95 % of cases within"),
        (Scenario(0.0, fault=0.3, requests=100, rollouts=10), "0 % errors"),
        (Scenario(1.0, requests=100, rollouts=10), "100 % errors"),
        (Scenario(0.5, becomes=0.01, after=99, requests=100, rollouts=10), "on 1 %"),
    ],
)
def test_any_scenario_can_be_drawn(tmp_path, scenario, said):
    """Good, bad, slow, empty, hopeless: a PNG of 1540 times 1056 pixels, and a headline."""
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    from ocr_rollout.simulation.plot import draw, headline

    made = drawn(scenario)
    assert said in headline(made)
    file = tmp_path / "odds.png"
    draw(made, file)
    with Image.open(file) as image:
        assert image.size == (1_540, 1_056)


def test_limits_that_nothing_exceeds_can_be_simulated():
    """All of the traffic, so that stable has none; a limit of 1, so that no error is too many."""
    found = rows(Scenario(0.3, fault=0.3, requests=200, rollouts=10, weight=1.0))
    assert "quality" not in found
    assert found["judge"].found == 1
    found = rows(Scenario(0.3, requests=200, rollouts=10), Limits(errors=1.0))
    assert not {"early", "late", "share"} & set(found)
    assert found["judge"].false == 0


def test_a_plan_of_one_phase_can_be_drawn(tmp_path):
    """With limits of which one is never reached, and one is not there."""
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    from ocr_rollout.simulation.plot import draw

    plan = dataclasses.replace(
        PLAN, phases=(Phase(5_000, gate="auto"),), limits=Limits(errors=1.0, latency_ratio=None)
    )
    draw(drawn(Scenario(0.01, requests=200, rollouts=10), plan), tmp_path / "odds.svg")
    assert (tmp_path / "odds.svg").read_text("utf-8").rstrip().endswith("</svg>")
