"""`GET /api/events`: what listeners are sent, at once and never more than they can take."""

import asyncio
import functools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from desk import DIGEST, PLAN, Desk
from rollout_service import Caller, is_problem, serving

from ocr_client.operations.setting import setting
from ocr_client.operations.watching import each
from ocr_gateway import event_stream, listeners
from ocr_gateway.event_stream import EventStream
from ocr_gateway.listeners import Event, Listener, Listeners
from ocr_rollout.core.commands import clear
from ocr_rollout.core.counts import Counts

DECIDE = """
import sys, time
from ocr_rollout.core import commands
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    print(time.time(), flush=True)
    decide, state = getattr(commands, line.strip()), read_state(store)
    assert commit(store, decide(state, by="judge", reason="20 of 40 failed", at_s=time.time()))[0]
"""
DECISIONS = {"pause": "paused", "resume": "running", "rollback": "rolled_back"}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path).started()


@pytest.fixture
def running(desk):
    with serving(desk.file) as running:
        yield running


@pytest.fixture
def ann(running):
    with running.caller() as caller:
        yield caller


def first(events, name, condition=lambda document: True):
    """The first event of a name, and the moment it came."""
    for found, document, _ in events:
        if found == name and condition(document):
            return document, time.time()
    raise AssertionError(f"the stream ended without {name}")


def test_a_listener_sees_the_status_and_the_curves_at_once(desk, ann):
    desk.counted("candidate", Counts.of("ok", 50.0, 90))
    with ann.events() as events:
        shown, _ = first(events, "status")
        drawn, _ = first(events, "series")
    assert set(shown) == set(ann.get("/api/rollout").json())
    assert shown["arms"]["candidate"]["requests"] == 90
    assert set(drawn) == set(ann.get("/api/rollout/series").json())
    assert sum(drawn["arms"]["candidate"]["requests"]) == 90


def test_a_decision_of_another_process_is_there_within_a_second(desk, running, ann, monkeypatch):
    """By itself, for nobody looks again meanwhile. A machine that is busy may delay some of them."""
    monkeypatch.setattr(listeners, "each", functools.partial(each, every_s=60))
    program = [sys.executable, "-c", DECIDE, desk.store.url]
    delays_s = []
    with (
        subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
        ann.events() as events,
    ):
        assert other.stdout.readline() == "ready\n"
        assert first(events, "status")[0]["status"] == "running"
        for verb in ("pause", "resume", "pause", "resume", "rollback"):
            other.stdin.write(f"{verb}\n")
            other.stdin.flush()
            written_s = float(other.stdout.readline())
            is_so = functools.partial(has_status, DECISIONS[verb])
            shown, seen_s = first(events, "status", is_so)
            delays_s.append(seen_s - written_s)
        drawn, _ = first(events, "series", lambda d: d["generation"] == 6)
        other.stdin.close()
        assert other.wait(60) == 0
    until(lambda: not running.service.listeners._all)
    # It wakes the thread that looks, which ends then.
    desk.change(lambda state: clear(state, digest=DIGEST, by="ann", at_s=time.time()))
    print("seen after", *(f"{delay_s:.3f} s" for delay_s in delays_s))
    assert min(delays_s) < 1.0
    assert shown["state"]["reason"] == "20 of 40 failed"
    assert (drawn["marks"][-1]["action"], drawn["marks"][-1]["weight_bp"]) == ("rollback", 0)


def has_status(status, document):
    return document["status"] == status


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_counts_come_without_any_decision(desk, ann):
    """Every 2 s."""
    with ann.events() as events:
        assert first(events, "status")[0]["arms"]["candidate"]["requests"] == 0
        desk.counted("candidate", Counts.of("ok", 50.0, 7))
        first(events, "status", lambda d: d["arms"]["candidate"]["requests"] == 7)
        first(events, "series", lambda d: sum(d["arms"]["candidate"]["requests"]) == 7)


def test_what_a_listener_has_is_not_sent_again(desk, ann):
    """It connects again with the id of the last event; others are there already."""
    with ann.events() as stays:
        ids = {}
        while len(ids) < 2:
            name, _, ids[name] = next(stays)
        with ann.events(last_id=ids["series"]) as again:
            assert next(again)[0] == "status"
        with ann.events(last_id="another process's") as again:
            assert {next(again)[0], next(again)[0]} == {"status", "series"}


def test_ids_are_of_one_process(desk, ann):
    """Of several workers each numbers its own events."""
    with (
        serving(desk.file) as other,
        other.caller() as bob,
        ann.events() as events,
        bob.events() as others,
    ):
        assert next(events)[2] != next(others)[2]


def test_a_lost_store_is_told_and_its_return_shown(desk, ann):
    with ann.events() as events:
        assert first(events, "status")[0]["status"] == "running"
        away = desk.db.with_name("away.db")
        desk.db.rename(away)
        trouble, _ = first(events, "trouble")
        assert trouble["type"] == "urn:ocr-rollout:problem:store"
        assert "the file is gone" in trouble["detail"]
        assert trouble["status"] == 503
        away.rename(desk.db)
        assert first(events, "status")[0]["status"] == "running"


def test_a_plan_that_comes_is_shown_to_those_who_listen(tmp_path):
    desk = Desk(tmp_path, "model_routing: {gray_scale_ratio: 0.1}")
    with serving(desk.file) as running, running.caller() as ann, ann.events() as events:
        assert "no rollout is configured" in first(events, "trouble")[0]["detail"]
        Desk(tmp_path, PLAN)
        assert first(events, "status")[0]["plan"]["id"] == "r1"


def test_one_thread_looks_for_all_and_ends_with_the_last(running):
    def looking():
        return [t for t in threading.enumerate() if t.name in {"rollout-look", "ask-triton"}]

    def until_nobody_looks():
        until(lambda: not looking())

    until_nobody_looks()  # for the listeners of other tests
    with running.caller() as ann:
        with ann.events() as one, ann.events() as two:
            next(one), next(two)
            assert sorted(t.name for t in looking()) == ["ask-triton", "rollout-look"]
        until_nobody_looks()
        with ann.events() as events:  # and begins again
            assert next(events)[0] == "status"


def test_listeners_are_bounded(running, ann, monkeypatch):
    """Who comes too late is told to ask instead, and gets in when one has gone."""
    monkeypatch.setattr(listeners, "MOST", 2)
    with ann.events() as one:
        next(one)
        with ann.events() as two:
            next(two)
            answer = ann.get("/api/events")
            is_problem(answer, 503, "too-many-listeners")
            assert int(answer.headers["retry-after"]) > 0
        until(lambda: len(running.service.listeners._all) < 2)
        with ann.events() as again:
            assert next(again)[0]


def test_a_reader_that_takes_nothing_is_left_and_holds_up_nobody(desk, monkeypatch):
    """Its connection is full: what is sent waits for it, and it waits in vain."""
    monkeypatch.setattr(event_stream, "SEND_S", 0.3)
    there = setting(str(desk.file), None)

    async def forever():
        await asyncio.Event().wait()

    async def story():
        both = Listeners(lambda: there, lambda: there.config.triton)
        stopping, drawn, taken = asyncio.Event(), asyncio.Event(), []

        async def stuck(message):
            if message.get("body"):
                await forever()

        async def quick(message):
            taken.append(message.get("body", b""))
            if b"event: series" in taken[-1]:
                drawn.set()

        one = asyncio.create_task(EventStream(both, None, stopping)({}, forever, stuck))
        other = asyncio.create_task(EventStream(both, None, stopping)({}, forever, quick))
        await asyncio.wait_for(one, 20)
        await asyncio.wait_for(drawn.wait(), 20)
        assert len(both._all) == 1
        stopping.set()
        await asyncio.wait_for(other, 20)
        assert not both._all
        assert taken[-1] == b""  # the end, in good order

    asyncio.run(story())


def test_a_silence_is_broken(desk, ann, monkeypatch):
    """Proxies and readers take a long one for a broken connection."""
    monkeypatch.setattr(event_stream, "ALIVE_S", 0.1)
    with ann.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        assert any(line == ": alive" for line in lines)


def test_a_stop_ends_the_streams_and_not_after_them(serve, triton):
    """SIGTERM to the real process while somebody listens: the stream ends, and so does it."""
    one = serve(triton.http_url, "{drain_s: 600}", more="rollout: {id: r1}")
    admin = Path(os.environ["OCR_ROLLOUT_STATE"], "service", "admin-token").read_text().strip()
    with Caller(one.url, admin) as ann, ann.events() as events:
        assert next(events)[0] == "status"
        one.process.terminate()
        for _ in events:
            pass  # to its end, without an error
        assert (
            one.process.wait(60) == 0
        )  # where it would have waited for the stream, ten times that


def test_what_waits_for_a_listener_is_the_newest_of_each_kind():
    async def story():
        listener = Listener()
        for number in range(1_000):
            listener.put(Event(f"s{number}", "status", "{}"))
            listener.put(Event(f"c{number}", "series", "{}"))
        assert [event.id for event in await listener.take()] == ["s999", "c999"]
        listener.put(Event("s", "status", "{}"))
        listener.put(Event("t", "trouble", "{}"))  # the status is old by then
        assert [event.id for event in await listener.take()] == ["t"]
        listener.end()
        assert await listener.take() == ()
        assert listener.ended

    asyncio.run(story())
