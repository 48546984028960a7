"""When the backend takes itself for given up, by clocks that the tests turn."""

from __future__ import annotations

import dataclasses

import pytest

from ocr_server.backends.onnxruntime.stalls import LATE_S, PAUSE_S, TICK_S, Stalls


@dataclasses.dataclass
class Clocks:
    """Both in seconds; `alive` is time in which the watching thread is woken as it should be."""

    steady_s: float = 100.0
    wall_s: float = 1.8e9

    def __post_init__(self) -> None:
        self.stalls = Stalls(lambda: self.steady_s, lambda: self.wall_s)

    def alive(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.paused(TICK_S)
            self.stalls.look()

    def paused(self, seconds: float) -> None:
        self.steady_s += seconds
        self.wall_s += seconds


def test_a_long_request_is_no_pause() -> None:
    clocks = Clocks()
    start_s = clocks.steady_s
    clocks.alive(30)
    assert not clocks.stalls.since(start_s)


@pytest.mark.parametrize(("seconds", "given_up"), [(PAUSE_S / 2, False), (PAUSE_S + 0.2, True)])
def test_a_pause_in_a_request_is_noticed(seconds: float, given_up: bool) -> None:
    clocks = Clocks()
    start_s = clocks.steady_s
    clocks.alive(0.1)
    clocks.paused(seconds)
    assert clocks.stalls.since(start_s) is given_up
    clocks.alive(0.2)  # also where the other thread was woken first
    assert clocks.stalls.since(start_s) is given_up


def test_a_request_may_have_waited_through_the_pause() -> None:
    """Triton had sent it, and this process was stopped before it took it."""
    clocks = Clocks()
    clocks.paused(2)
    clocks.alive(LATE_S / 2)
    assert clocks.stalls.since(clocks.steady_s)


def test_a_pause_that_is_over_blames_no_later_request() -> None:
    clocks = Clocks()
    clocks.paused(600)
    clocks.alive(LATE_S + 0.2)
    start_s = clocks.steady_s
    clocks.alive(0.2)
    assert not clocks.stalls.since(start_s)


def test_a_step_of_the_wall_clock_counts_as_well() -> None:
    """Triton waits by it; back, its waits only become longer."""
    clocks = Clocks()
    start_s = clocks.steady_s
    clocks.wall_s += 3600
    clocks.alive(0.1)
    assert clocks.stalls.since(start_s)
    clocks.alive(LATE_S + 0.2)
    start_s = clocks.steady_s
    clocks.wall_s -= 7200
    clocks.alive(0.1)
    assert not clocks.stalls.since(start_s)
