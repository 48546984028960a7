"""Who may read now, who waits, and who is told to come again: on one event loop, without HTTP."""

import asyncio
import threading
import time

import pytest
from starlette.requests import ClientDisconnect

from ocr_gateway.admission import Admission, retry_after_s
from ocr_gateway.crew import Crew
from ocr_gateway.problems import Problem

LIMIT_S = 60  # of what takes no time where the machine has time for it


class Desk:
    """An admission whose jobs end when they are told to."""

    def __init__(self, *, concurrency=1, queue=2, wait_s=600.0):
        self.left = []
        self.crew = Crew(concurrency, "test", lambda: self.left.append(threading.get_ident()))
        self.admission = Admission(self.crew, concurrency=concurrency, queue=queue, wait_s=wait_s)
        self.begun = []
        self.ends = {}

    def job(self, name):
        self.ends[name] = threading.Event()

        def run():
            self.begun.append(name)
            assert self.ends[name].wait(LIMIT_S)
            return name

        return run

    def ask(self, name, gone=None):
        """A task; `gone` is an event that is set when the caller goes away."""
        event = gone or asyncio.Event()
        return asyncio.create_task(self.admission.run(self.job(name), gone=event.wait))

    async def until(self, condition):
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, "it did not come to that"
            await asyncio.sleep(0.005)


def on_a_loop(play, **more):
    """Runs a coroutine function on a new desk; its threads have ended when it has."""

    async def whole():
        desk = Desk(**more)
        try:
            await asyncio.wait_for(play(desk), 2 * LIMIT_S)
        finally:
            for event in desk.ends.values():
                event.set()
        return desk

    desk = asyncio.run(whole())
    desk.crew.close(LIMIT_S)
    return desk


def test_first_come_first_served():
    async def play(desk):
        tasks = [desk.ask(name) for name in "abc"]
        await desk.until(lambda: desk.admission.waiting == 2)
        for name in "abc":
            await desk.until(lambda name=name: desk.begun[-1:] == [name])
            desk.ends[name].set()
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        assert (desk.admission.running, desk.admission.waiting) == (0, 0)

    on_a_loop(play)


def test_so_many_run_at_a_time():
    async def play(desk):
        tasks = [desk.ask(name) for name in "abcde"]
        await desk.until(lambda: len(desk.begun) == 3 and desk.admission.waiting == 2)
        assert desk.admission.running == 3
        for name in "abcde":
            desk.ends[name].set()
        assert len(await asyncio.gather(*tasks)) == 5

    on_a_loop(play, concurrency=3)


def test_one_more_than_may_wait_is_refused_at_once():
    """503 with the seconds after which there may be room; who waits already is not disturbed."""

    async def play(desk):
        tasks = [desk.ask(name) for name in "abc"]
        await desk.until(lambda: desk.admission.full)
        with pytest.raises(Problem) as refused:
            await desk.ask("d")
        assert refused.value.status == 503
        assert int(refused.value.headers["Retry-After"]) >= 1
        with pytest.raises(Problem):
            desk.admission.refuse_if_full()
        for name in "abc":
            desk.ends[name].set()
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        desk.admission.refuse_if_full()

    assert on_a_loop(play).begun == ["a", "b", "c"]


def test_who_has_waited_for_too_long_is_sent_away_and_never_begun():
    async def play(desk):
        first = desk.ask("a")
        await desk.until(lambda: desk.begun == ["a"])
        with pytest.raises(Problem) as refused:
            await desk.ask("b")
        assert refused.value.status == 503
        assert desk.admission.waiting == 0
        desk.ends["a"].set()
        assert await first == "a"

    assert on_a_loop(play, wait_s=0.05).begun == ["a"]


def test_who_went_away_is_never_begun():
    """And the turn goes to the next one."""

    async def play(desk):
        gone = asyncio.Event()
        first, second, third = desk.ask("a"), desk.ask("b", gone), desk.ask("c")
        await desk.until(lambda: desk.admission.waiting == 2)
        gone.set()
        with pytest.raises(ClientDisconnect):
            await second
        desk.ends["a"].set()
        desk.ends["c"].set()
        assert [await first, await third] == ["a", "c"]

    assert on_a_loop(play).begun == ["a", "c"]


def test_a_cancelled_request_leaves_no_turn_behind():
    """Whether it waits or runs: as many may run afterwards as before."""

    async def play(desk):
        first, second = desk.ask("a"), desk.ask("b")
        await desk.until(lambda: desk.admission.waiting == 1)
        second.cancel()
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        desk.ends["a"].set()
        assert (desk.admission.running, desk.admission.waiting) == (0, 0)
        third = desk.ask("c")
        desk.ends["c"].set()
        assert await third == "c"

    assert on_a_loop(play).begun == ["a", "c"]


def test_an_error_is_its_own_callers():
    """And it gives the turn back."""

    def fail():
        raise LookupError("mine")

    async def play(desk):
        for _ in range(3):
            with pytest.raises(LookupError, match="mine"):
                await desk.admission.run(fail, gone=asyncio.Event().wait)
        assert desk.admission.running == 0

    on_a_loop(play)


def test_every_thread_leaves_by_itself():
    """Each in its own name, once: what is kept for a thread only it can close."""

    async def play(desk):
        task = desk.ask("a")
        desk.ends["a"].set()
        await task

    desk = on_a_loop(play, concurrency=4)
    assert len(set(desk.left)) == len(desk.left) == 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test-")]


@pytest.mark.parametrize(
    ("waiting", "concurrency", "mean_s", "expected"),
    [(0, 8, 0.05, 1), (64, 8, 0.1, 1), (64, 1, 0.1, 7), (63, 2, 1.0, 30), (10_000, 1, 9.0, 30)],
)
def test_retry_after_is_when_those_who_wait_have_been_served(
    waiting, concurrency, mean_s, expected
):
    """Whole seconds, at least 1, and never more than half a minute."""
    assert retry_after_s(waiting, concurrency, mean_s) == expected
