"""The judge's power at the requests counted so far, from its own rules."""

import pytest

from ocr_rollout.core.limits import Limits
from ocr_rollout.simulation.odds import Scenario, fired
from ocr_rollout.simulation.power import ERROR_RULES, MOST, SURELY, power, rates_of


def test_it_is_what_the_odds_say():
    """The other way to the same figure: streams of a simulation, each rule by itself."""
    found = power(Limits(), 300)
    scenario = Scenario(0.10, requests=300, rollouts=2_000, seed=7)
    first = fired(scenario, Limits())
    ended = sum(
        any(first[name][k] <= 300 for name in ERROR_RULES) for k in range(scenario.rollouts)
    )
    assert found.at(0.10) == pytest.approx(ended / scenario.rollouts, abs=0.07)


def test_more_requests_notice_smaller_faults():
    surely = {n: power(Limits(), n).surely for n in (67, 500, 2_000)}
    print("requests -> error rate that is noticed in 95 of 100:", surely)
    assert list(surely.values()) == sorted(surely.values(), reverse=True)
    assert 0.05 < surely[2_000] < 0.10 < surely[67]


def test_candidates_within_the_limit_are_hardly_ever_ended():
    found = power(Limits(), 1_000)
    assert found.at(0.02) == 0.0
    assert found.at(0.05) <= 0.03
    assert found.taken_back == tuple(sorted(found.taken_back))
    assert found.at(found.surely) == pytest.approx(SURELY)


def test_too_few_requests_notice_nothing_for_sure():
    found = power(Limits(), 3)
    assert (found.surely, found.requests) == (None, 3)


def test_where_there_is_nothing_to_say_it_says_nothing():
    assert power(Limits(), 0) is None
    assert power(Limits(errors=1.0), 500) is None
    assert rates_of(0.995) == ()


def test_a_literal_sentence_notices_sooner():
    """A share of the last requests above the limit, chance or not."""
    assert power(Limits(mode="literal"), 300).surely < power(Limits(), 300).surely


def test_a_long_rollout_is_simulated_in_part():
    found = power(Limits(), 10**7, rollouts=100)
    print(f"{found.requests}: {found.surely}")
    assert found.requests == MOST
    assert found.surely < 0.065
