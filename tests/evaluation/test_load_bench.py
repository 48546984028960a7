"""The load generator: when requests come, what counts, and what it says of a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ocr_evaluation.load.arrivals import poisson
from ocr_evaluation.load.figures import Shot, level
from ocr_evaluation.load.running import closed, opened

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.png"))


def test_arrivals_are_poisson() -> None:
    """Exponential pauses have a standard deviation as large as their mean."""
    times = poisson(50, 400, seed=3)
    pauses = np.diff(times)
    assert len(times) == pytest.approx(50 * 400, rel=0.03)
    assert pauses.std() / pauses.mean() == pytest.approx(1, abs=0.03)
    assert times == sorted(times)
    assert times == poisson(50, 400, seed=3)
    assert times != poisson(50, 400, seed=4)


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (1, 0), (-1, 1)])
def test_no_rate_and_no_time_are_refused(rate: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        poisson(rate, seconds, seed=0)


def test_a_closed_loop_counts_what_ended_in_its_time() -> None:
    shots = [Shot(t, t, t + 0.5) for t in (9.8, 10.0, 10.5, 19.5, 19.8)]
    found = level(
        [*shots, Shot(11, 11, 12, "ArmBusyError")], loop="closed", load=2, start_s=10, end_s=20
    )
    assert (found.answered, found.errors, found.failed) == (3, {"ArmBusyError": 1}, 1)
    assert found.per_second == pytest.approx(0.3)
    assert found.p50_ms == pytest.approx(500)


def test_an_open_loop_counts_the_wait_for_a_turn() -> None:
    """A server that takes a second, asked twice a second by one thread, is not a second slow."""
    shots = [Shot(0.5 * k, 1.0 * k, 1.0 * k + 1) for k in range(20)]
    found = level(shots, loop="open", load=2, start_s=0, end_s=10, unsent=7)
    assert found.answered == 20
    assert found.unsent == 7
    assert found.longest_ms == pytest.approx(1000 + 9500)
    assert found.late_ms > 9000
    assert found.per_second == pytest.approx(1.0)  # not 2: it took twice the time


def test_nothing_answered_has_no_latency() -> None:
    found = level([Shot(0, 0, 1, "DrainingError")], loop="open", load=1, start_s=0, end_s=1)
    assert (found.answered, found.failed, found.p99_ms, found.client_ms) == (0, 1, None, None)
    json.dumps(found.to_json(), allow_nan=False)


class Turned:
    """A clock that goes on when somebody asks; requests take 0.1 s of it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.asked: list[int] = []

    def ask(self, number: int) -> str:
        self.asked.append(number)
        self.now_s += 0.1
        return "" if number % 5 else "ArmFailedError"

    def clock(self) -> float:
        return self.now_s


def test_a_caller_asks_again_until_the_time_is_over() -> None:
    turned, left = Turned(), []
    shots = closed(
        turned.ask, callers=1, until_s=1.95, leave=lambda: left.append(1), clock=turned.clock
    )
    assert len(shots) == len(turned.asked) == 20
    assert sum(bool(shot.error) for shot in shots) == 4
    assert left == [1]


def test_an_open_loop_gives_up_what_it_cannot_send() -> None:
    turned = Turned()
    due = [0.0] * 30
    shots, unsent = opened(
        turned.ask, due, threads=1, until_s=1.95, leave=lambda: None, clock=turned.clock
    )
    assert (len(shots), unsent) == (20, 10)
    assert shots[-1].latency_ms == pytest.approx(2000)


def test_what_a_thread_raises_is_raised() -> None:
    def ask(_number: int) -> str:
        raise ZeroDivisionError

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        closed(ask, callers=3, until_s=1e18, leave=lambda: None)
    assert threading.active_count() == before


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ocr_client.cli", "bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.server
def test_bench_measures_a_real_triton(triton) -> None:
    run = bench(
        *SAMPLES[:3], "--url", triton.http_url, "--concurrency", 2, "--rate", 2,
        "--seconds", 2, "--settle", 0.2, "--json",
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    told = json.loads(run.stdout)
    busy, calm = told["levels"]
    assert (busy["loop"], busy["load"], calm["loop"], calm["load"]) == ("closed", 2, "open", 2)
    for one in (busy, calm):
        assert one["answered"] > 0
        assert one["failed"] == one["unsent"] == 0
        assert 0 < one["p50_ms"] <= one["p99_ms"] <= one["longest_ms"]
        assert one["server"]["arm"] == told["arm"]
        assert 0 < one["server"]["compute_ms"] < one["longest_ms"]
        assert one["server"]["requests"] >= one["answered"]


@pytest.mark.server
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing-here.png"], 1, "nothing-here.png: no such file"),
        ([SAMPLES[0], "--arm", "crnn"], 2, "crnn"),
        ([SAMPLES[0], "--arm", "crnn:99"], 1, "crnn:99"),
        ([SAMPLES[0], "--url", "127.0.0.1:9"], 1, "no Triton at 127.0.0.1:9"),
    ],
)
def test_what_cannot_be_measured_is_one_line(triton, arguments, code, said) -> None:
    run = bench(*arguments, *([] if "--url" in arguments else ["--url", triton.http_url]))
    assert run.returncode == code
    assert run.stdout == ""
    assert said in run.stderr
    assert run.stderr.count("\n") == 1
