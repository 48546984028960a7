"""Which endpoint an attempt goes to, and what a call tells when none is left."""

import contextlib
import random
import threading
import time

import pytest

from ocr_client import errors as tree
from ocr_client.breaker import BreakerSettings, BreakerState
from ocr_client.endpoints import MOST_ARMS, SET_ASIDE_S, Endpoints, Standing, rank
from ocr_rollout.core.routing import Arm

ARM, OTHER = Arm("crnn", 1), Arm("convnext", 1)
OPEN = BreakerState("open", 3, 1, 0.0, 10.0, "refused", 1)
HALF_OPEN = BreakerState("half_open", 3, 1, 0.0, 600.0, "refused", 1)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def endpoints(clock):
    settings = BreakerSettings(failures=3, open_s=10.0)
    return Endpoints(["a:1", "b:1"], settings, clock=clock, chance=lambda: 0.0)


def take(endpoints, *, arm=ARM, last_resort=False, tried=()):
    return endpoints.take(arm, last_resort=last_resort, tried=set(tried))


def lead_to(endpoints, url, *, arm=ARM):
    """A lease of that endpoint, whatever the order is."""
    tried = set()
    while (lease := endpoints.take(arm, last_resort=True, tried=tried)).url != url:
        endpoints.give_back(lease, "dropped")
        tried.add(lease.place)
    return lease


def break_at(endpoints, *urls, arm=ARM):
    for url in urls:
        for _ in range(3):
            endpoints.give_back(lead_to(endpoints, url, arm=arm), "fault", "connection refused")


@pytest.mark.parametrize(
    ("standing", "now_s", "asked", "as_last_resort"),
    [
        (Standing(), 5.0, 1, 1),
        (Standing(OPEN), 5.0, None, 3),
        (Standing(OPEN), 10.0, 0, 0),  # its probe is due
        (Standing(HALF_OPEN), 20.0, None, 3),
        (Standing(HALF_OPEN), 600.0, 0, 0),
        (Standing(set_aside_until_s=6.0), 5.0, 2, 2),
        (Standing(set_aside_until_s=6.0), 6.0, 1, 1),
        (Standing(OPEN, set_aside_until_s=6.0), 5.0, None, 3),
        (Standing(OPEN, set_aside_until_s=11.0), 10.0, 2, 2),
    ],
)
def test_the_order_in_which_endpoints_are_asked(standing, now_s, asked, as_last_resort):
    """A due probe, those that are well, those that lacked the arm, and open ones at last."""
    assert rank(standing, now_s, last_resort=False) == asked
    assert rank(standing, now_s, last_resort=True) == as_last_resort


def test_the_one_with_the_fewest_in_flight_is_asked(endpoints):
    """Over all arms: they share the server."""
    first = take(endpoints)
    second = take(endpoints, arm=OTHER)
    assert {first.url, second.url} == {"a:1", "b:1"}
    endpoints.give_back(first, "answered")
    for _ in range(4):
        lease = take(endpoints)
        assert lease.url == first.url
        endpoints.give_back(lease, "answered")


def test_equals_are_asked_equally_often_whatever_the_pattern_of_the_calls():
    """One thread that asks one arm and then the other does not bind each to an endpoint."""
    endpoints = Endpoints(["a:1", "b:1"], BreakerSettings(), chance=random.Random(1).random)
    asked = []
    for _ in range(500):
        for arm in (ARM, OTHER):
            lease = take(endpoints, arm=arm)
            asked.append((arm, lease.url))
            endpoints.give_back(lease, "answered")
    for arm in (ARM, OTHER):
        assert 200 < asked.count((arm, "a:1")) < 300


def test_an_arm_that_breaks_at_one_endpoint_is_asked_at_the_other(endpoints):
    """And other arms are still asked at both."""
    break_at(endpoints, "a:1")
    for _ in range(6):
        lease = take(endpoints)
        assert (lease.url, lease.alternative) == ("b:1", False)
        endpoints.give_back(lease, "answered")
    assert {take(endpoints, arm=OTHER).url for _ in range(2)} == {"a:1", "b:1"}


def test_broken_everywhere_is_refused_with_since_when_and_of_what(endpoints, clock):
    """One line for each endpoint in one line."""
    break_at(endpoints, "a:1", "b:1")
    clock.now_s = 4.0
    with pytest.raises(tree.ArmBrokenError) as caught:
        take(endpoints)
    assert str(caught.value) == (
        "crnn:1 was not asked, its breaker is open "
        "at a:1 for 4.0 s, the next try is in 6.0 s, 3 faults in a row, "
        "the last: connection refused; and "
        "at b:1 for 4.0 s, the next try is in 6.0 s, 3 faults in a row, "
        "the last: connection refused"
    )


def test_a_last_resort_is_led_to_each_of_them_all_the_same(endpoints):
    """A breaker fails no request that has nowhere else to go."""
    break_at(endpoints, "a:1", "b:1")
    first = take(endpoints, last_resort=True)
    second = take(endpoints, last_resort=True, tried=[first.place])
    assert {first.url, second.url} == {"a:1", "b:1"}
    assert take(endpoints, last_resort=True, tried=[0, 1]) is None


def test_when_its_time_is_over_one_request_is_the_probe(endpoints, clock):
    """With the other endpoint to answer it if the probe fails; the rest goes there at once."""
    break_at(endpoints, "a:1")
    clock.now_s = 10.0
    probe = take(endpoints)
    assert (probe.url, probe.ticket.probe, probe.alternative) == ("a:1", True, True)
    for _ in range(5):
        assert take(endpoints).url == "b:1"
    endpoints.give_back(probe, "answered")
    assert take(endpoints).url == "a:1"  # fewer in flight, and well again


def test_an_endpoint_that_lacks_an_arm_is_set_aside_for_that_arm(endpoints, clock):
    """For a while, and not for arms that it has."""
    endpoints.give_back(lead_to(endpoints, "a:1"), "absent", "unknown version")
    for _ in range(4):
        lease = take(endpoints)
        assert lease.url == "b:1"
        endpoints.give_back(lease, "answered")
    assert {take(endpoints, arm=OTHER).url for _ in range(2)} == {"a:1", "b:1"}
    clock.now_s = SET_ASIDE_S
    assert {take(endpoints).url for _ in range(2)} == {"a:1", "b:1"}


def test_an_arm_that_all_lack_is_asked_for_all_the_same(endpoints):
    """It may have been loaded since."""
    for url in ("a:1", "b:1"):
        endpoints.give_back(lead_to(endpoints, url), "absent", "unknown version")
    assert take(endpoints).url == "a:1"


def test_an_alternative_is_one_that_is_well(endpoints, clock):
    """What lacks the arm, or is asked as a last resort only, is none."""
    assert take(endpoints).alternative
    break_at(endpoints, "a:1")
    assert not take(endpoints, last_resort=True).alternative
    clock.now_s = 10.0
    assert take(endpoints).alternative  # the probe
    endpoints.give_back(lead_to(endpoints, "b:1"), "absent", "unknown version")
    assert not take(endpoints, last_resort=True).alternative


def test_what_is_known_is_told_in_seconds_from_now(endpoints, clock):
    """For metrics and for people: a monotonic clock's readings mean nothing to either."""
    break_at(endpoints, "a:1")
    endpoints.give_back(lead_to(endpoints, "b:1"), "absent", "unknown version")
    clock.now_s = 3.0
    held = lead_to(endpoints, "b:1", arm=OTHER)
    a, b = endpoints.states()
    assert (a.url, a.in_flight, b.url, b.in_flight) == ("a:1", 0, "b:1", 1)
    broken = next(one for one in a.arms if one.arm == ARM)
    assert (broken.breaker, broken.faults, broken.open_for_s) == ("open", 3, 3.0)
    assert (broken.probe_in_s, broken.last_fault) == (7.0, "connection refused")
    assert (broken.last_fault_ago_s, broken.set_aside_for_s) == (3.0, None)
    aside = next(one for one in b.arms if one.arm == ARM)
    assert (aside.breaker, aside.open_for_s, aside.probe_in_s) == ("closed", None, None)
    assert (aside.set_aside_for_s, aside.last_fault) == (SET_ASIDE_S - 3.0, "unknown version")
    endpoints.give_back(held, "answered")
    assert endpoints.states()[1].in_flight == 0


def test_what_is_remembered_is_bounded(endpoints):
    """Callers may force arms that nobody has; open breakers are forgotten last."""
    break_at(endpoints, "a:1")
    for version in range(1, 10 * MOST_ARMS):
        lease = lead_to(endpoints, "a:1", arm=Arm("nobody", version))
        endpoints.give_back(lease, "absent", "unknown model")
    known = endpoints.states()[0].arms
    assert len(known) == MOST_ARMS
    assert [one.breaker for one in known if one.arm == ARM] == ["open"]


def test_many_threads_leave_nothing_in_flight_and_probe_once(clock):
    """Eight threads at one moment of the clock."""
    settings = BreakerSettings(failures=3, open_s=10.0)
    endpoints = Endpoints(["a:1"], settings, clock=clock)
    for _ in range(3):
        endpoints.give_back(endpoints.take(ARM, last_resort=False), "fault", "refused")
    clock.now_s = 10.0
    start, leases = threading.Barrier(8), []

    def work():
        start.wait()
        for _ in range(200):
            with contextlib.suppress(tree.ArmBrokenError):
                leases.append(endpoints.take(ARM, last_resort=False))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leases) == 1
    assert leases[0].ticket.probe
    endpoints.give_back(leases[0], "answered")
    assert endpoints.states()[0].in_flight == 0


@pytest.mark.parametrize("count", [1, 3])
def test_the_choice_costs_next_to_nothing(count):
    """Below 10 microseconds for taking and giving back; the best of many, for others run, too."""
    endpoints = Endpoints([f"host:{port}" for port in range(1, count + 1)], BreakerSettings())
    best_us = float("inf")
    for _ in range(50):
        started = time.perf_counter()
        for _ in range(200):
            endpoints.give_back(endpoints.take(ARM, last_resort=False), "answered")
        best_us = min(best_us, (time.perf_counter() - started) / 200 * 1e6)
    print(f"{count} endpoints: {best_us:.2f} us")
    assert best_us < 10
