"""The breaker as arithmetic: which attempts pass, and what each ending makes of it."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_client.breaker import (
    CLOSED,
    JITTER,
    LAPSE_S,
    BreakerSettings,
    BreakerState,
    Ticket,
    admit,
    answered,
    dropped,
    failed,
)

SETTINGS = BreakerSettings(failures=3, open_s=5.0, max_open_s=30.0)


def fail(state, ticket, now_s=0.0, jitter=0.0, reason="refused"):
    return failed(state, ticket, SETTINGS, now_s=now_s, jitter=jitter, reason=reason)


def passing(state, now_s):
    return admit(state, now_s, last_resort=False)


def opened(now_s=0.0):
    state = CLOSED
    for _ in range(SETTINGS.failures):
        state, ticket = passing(state, now_s)
        state = fail(state, ticket, now_s)
    return state


def test_it_opens_after_so_many_faults_in_a_row():
    """And says since when, until when, and of what."""
    state = opened(now_s=100.0)
    assert state == BreakerState("open", 3, 1, 100.0, 105.0, "refused", generation=1)


def test_an_answer_between_starts_the_count_again():
    """In a row means in a row."""
    state = CLOSED
    for _ in range(10):
        for _ in range(SETTINGS.failures - 1):
            state = fail(state, Ticket(0))
        assert state.phase == "closed"
        state = answered(state, Ticket(0))
    assert state == CLOSED


@pytest.mark.parametrize(
    ("now_s", "passes", "probe"), [(0, False, False), (4.99, False, False), (5.0, True, True)]
)
def test_open_lets_nothing_pass_until_its_time_is_over(now_s, passes, probe):
    """Then one probe."""
    _, ticket = passing(opened(), now_s)
    assert (ticket is not None) is passes
    assert (ticket is not None and ticket.probe) is probe


def test_half_open_lets_exactly_one_probe_pass():
    """Whatever the number of those who ask meanwhile."""
    state, probe = passing(opened(), 5.0)
    for now_s in (5.0, 6.0, 100.0):
        state, refused = passing(state, now_s)
        assert refused is None
    state = answered(state, probe)
    assert state.phase == "closed"
    assert passing(state, 6.0)[1] == Ticket(2)


def test_a_failed_probe_opens_it_for_twice_as_long_up_to_a_bound():
    """And the time of the first opening is kept: since then nothing was answered."""
    state, waits, now_s = opened(now_s=10.0), [], 10.0
    for _ in range(5):
        waits.append(state.until_s - now_s)
        now_s = state.until_s
        state, probe = passing(state, now_s)
        state = fail(state, probe, now_s, reason="still refused")
    assert waits == [5, 10, 20, 30, 30]
    assert state.since_s == 10.0
    assert state.reason == "still refused"
    assert state.faults == 3 + 5


def test_after_an_answer_the_wait_is_short_again():
    """The growth belongs to one outage."""
    state = opened()
    for _ in range(3):
        now_s = state.until_s
        state, probe = passing(state, now_s)
        state = fail(state, probe, now_s)
    state, probe = passing(state, state.until_s)
    state = answered(state, probe)
    for _ in range(SETTINGS.failures):
        state = fail(state, Ticket(state.generation), 1_000.0)
    assert (state.since_s, state.until_s) == (1_000.0, 1_005.0)


def test_what_was_under_way_when_it_opened_counts_no_more():
    """Eight threads meet one dead server: that is one outage, not three openings."""
    state = opened()
    for _ in range(10):
        assert fail(state, Ticket(0), now_s=1.0) is state


def test_a_late_answer_from_before_closes_nothing():
    """It was sent while the arm was still well."""
    state = opened()
    assert answered(state, Ticket(0)) is state


def test_a_last_resort_goes_even_if_it_is_open():
    """Its fault changes nothing, however many there are; its answer closes the breaker."""
    state, ticket = admit(opened(), 1.0, last_resort=True)
    assert ticket is not None
    assert not ticket.probe
    assert fail(state, ticket, 1.0) is state
    assert answered(state, ticket).phase == "closed"


def test_a_probe_that_ends_after_a_last_resort_was_answered_says_nothing():
    """The newer evidence stands."""
    state, probe = passing(opened(), 5.0)
    state, ticket = admit(state, 5.1, last_resort=True)
    state = answered(state, ticket)
    assert fail(state, probe, 6.0) is state
    assert state.phase == "closed"


def test_a_probe_that_its_caller_gave_up_leaves_its_place_to_the_next():
    """Nothing was learnt, so nothing is waited for."""
    state, probe = passing(opened(), 5.0)
    state = dropped(state, probe, now_s=5.5)
    assert passing(state, 5.5)[1].probe


def test_a_probe_whose_caller_was_killed_does_not_hold_the_place_for_ever():
    """Longer than any deadline."""
    state, _ = passing(opened(), 5.0)
    assert passing(state, 5.0 + LAPSE_S - 1)[1] is None
    assert passing(state, 5.0 + LAPSE_S)[1].probe


@pytest.mark.parametrize("openings", [1, 2, 5, 1_000_000])
@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_the_wait_is_bounded_and_a_little_chance(openings, jitter):
    """Never longer than it says, or probes of many processes would come together."""
    wait_s = SETTINGS.wait_s(openings, jitter)
    assert 5.0 * (1 - JITTER) <= wait_s <= 30.0
    assert SETTINGS.wait_s(openings, 0.0) == min(30.0, 5.0 * 2 ** min(openings - 1, 50))


def test_a_first_wait_above_the_bound_is_kept():
    """Somebody asked for it."""
    assert BreakerSettings(open_s=90.0, max_open_s=60.0).wait_s(1, 0.0) == 90.0


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "last_resort", "answer", "fault", "drop"]),
        st.floats(0, 20),  # seconds that pass first
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 7),  # which of the attempts under way
    ),
    max_size=80,
)


class Path:
    """A breaker, the attempts under way, and a check of every step."""

    def __init__(self):
        self.state, self.now_s, self.under_way, self.faults = CLOSED, 0.0, [], 0

    def begin(self, *, last_resort):
        before = self.state
        self.state, ticket = admit(before, self.now_s, last_resort=last_resort)
        if before.phase == "open" and self.now_s < before.until_s and not last_resort:
            assert ticket is None
        if last_resort or before.phase == "closed":
            assert ticket is not None
        if ticket is not None:
            self.under_way.append(ticket)

    def end(self, act, jitter, which):
        ticket = self.under_way.pop(which % len(self.under_way))
        if act == "answer":
            self.state, self.faults = answered(self.state, ticket), 0
        elif act == "fault":
            self.faults += 1
            self.state = fail(self.state, ticket, self.now_s, jitter)
        else:
            self.state = dropped(self.state, ticket, now_s=self.now_s)

    def check(self, before, act):
        state = self.state
        if state.phase == "half_open" and self.now_s < LAPSE_S:
            known = [one for one in self.under_way if one.generation == state.generation]
            assert sum(one.probe for one in known) == 1
        if before.phase == "closed" != state.phase:
            assert self.faults >= SETTINGS.failures
            assert act == "fault"
        if state.phase == "closed":
            assert state.faults < SETTINGS.failures
            assert state.openings == 0
        opens = state.openings > before.openings
        if opens:
            wait_s = state.until_s - self.now_s
            assert SETTINGS.open_s * (1 - JITTER) - 1e-9 <= wait_s <= SETTINGS.max_open_s + 1e-9
        closes = before.phase != "closed" == state.phase
        assert state.generation == before.generation + (opens or closes)


@given(ACTS)
def test_its_rules_hold_on_every_path(acts):
    """Any mixture of attempts, endings and times, several under way at once; then it recovers."""
    path = Path()
    for act, passed_s, jitter, which in acts:
        before = path.state
        path.now_s += passed_s
        if act in ("begin", "last_resort"):
            path.begin(last_resort=act == "last_resort")
        elif path.under_way:
            path.end(act, jitter, which)
        path.check(before, act)
    state, ticket = passing(path.state, max(path.now_s, path.state.until_s))
    assert answered(state, ticket).phase == "closed"


def test_states_are_values():
    """Equal when their fields are, and never changed."""
    assert opened() == opened()
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLOSED.phase = "open"
