"""Orders through the service on real stores, on a real Triton, and while they fail."""

import concurrent.futures
import contextlib
import os
import signal
import sqlite3
import time

import pytest
from desk import PLAN, Desk
from redis_server import new_redis
from rollout_service import is_problem, serving

from ocr_client.settings import CANDIDATE, STABLE


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture
def redis(tmp_path):
    yield from new_redis(tmp_path)


@pytest.fixture
def on_redis(tmp_path, redis):
    return Desk(tmp_path, f"{PLAN}\nstore: {{url: '{redis.url}'}}").started()


@pytest.fixture(params=["sqlite", "redis"])
def desk(request, tmp_path):
    if request.param == "redis":
        return request.getfixturevalue("on_redis")
    return Desk(tmp_path).started()


def test_a_whole_rollout_is_led_over_http(desk):
    """From gate to gate, with a pause, a share by hand and the end; each step by its person."""
    with serving(desk.file) as running, running.caller() as ann:

        def seen():
            return ann.get("/api/rollout").json()["generation"]

        desk.waiting()
        ann.done("approve", by="ann", note="fine", expect_generation=seen())
        ann.done("pause", by="bob", reason="weekend")
        ann.done("resume", by="bob", expect_generation=seen())
        ann.done("set-weight", by="eve", weight=0.25, expect_generation=seen())
        assert ann.get("/api/rollout").json()["share"] == 0.25
        done = ann.done("rollback", by="eve", reason="wrong dates")
        assert done["state"]["weight_bp"] == 0
        is_problem(ann.order("pause", by="bob", expect_generation=seen()), 409, "refused")
        told = ann.get("/api/rollout/history").json()["entries"]
    assert [(entry["who"], entry["action"]) for entry in told] == [
        ("ann", "start"),
        ("controller", "wait"),
        ("ann", "advance"),
        ("bob", "pause"),
        ("bob", "resume"),
        ("eve", "set-weight"),
        ("eve", "rollback"),
    ]
    assert desk.state.status == "rolled_back"


def test_of_many_approvals_at_once_one_is_carried_out(desk):
    """Eight people press the button that they all see."""
    desk.waiting()
    seen = desk.state.generation
    with serving(desk.file) as running, running.caller() as ann:

        def approve(number):
            return ann.order(
                "approve", by=f"p{number}", expect_generation=seen, server_check=False
            ).status_code

        with concurrent.futures.ThreadPoolExecutor(8) as people:
            answers = sorted(people.map(approve, range(8)))
    assert answers == [200] + [409] * 7
    assert (desk.state.phase, desk.state.generation) == (1, seen + 1)


@pytest.mark.server
def test_a_gate_is_approved_when_both_arms_are_ready(tmp_path, triton):
    """Triton is asked, and has nothing to warn of."""
    desk = Desk(tmp_path, triton=triton).started().waiting()
    with serving(desk.file) as running, running.caller() as ann:
        shown = ann.get("/api/rollout").json()
        assert shown["server"]["problems"] == []
        assert {one["arm"] for one in shown["server"]["arms"]} >= {str(STABLE), str(CANDIDATE)}
        done = ann.done("approve", by="ann", expect_generation=shown["generation"])
    assert (done["warnings"], done["state"]["phase"]) == ([], 1)


@pytest.mark.server
def test_no_share_is_raised_for_an_arm_that_is_not_loaded(tmp_path, triton):
    plan = PLAN.replace("id: r1", 'id: r1\n  candidate: "crnn:99"')
    desk = Desk(tmp_path, plan, triton=triton).started().waiting()
    with serving(desk.file) as running, running.caller() as ann:
        body = {"by": "ann", "expect_generation": desk.state.generation}
        said = is_problem(ann.order("approve", **body), 409, "refused")
        assert "crnn:99" in said
        assert "load it first" in said
        assert desk.state.status == "waiting"
        assert ann.done("approve", **body, server_check=False)["state"]["phase"] == 1


def test_a_redis_that_is_gone_is_said_and_found_again(on_redis, redis):
    with serving(on_redis.file) as running, running.caller() as ann:
        assert ann.get("/api/rollout").json()["status"] == "running"
        redis.kill()
        for ask in (lambda: ann.get("/api/rollout"), lambda: ann.get("/api/rollout/history")):
            assert f"redis://127.0.0.1:{redis.port}" in is_problem(ask(), 503, "store")
        is_problem(ann.order("rollback", by="ann", reason="bad"), 503, "store")
        assert ann.get("/healthz").status_code == 200
        redis.start()
        assert ann.get("/api/rollout").json()["status"] == "running"
        ann.done("rollback", by="ann", reason="bad")


@contextlib.contextmanager
def asleep(redis):
    """It keeps its connections and answers nothing."""
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)


def test_a_store_that_hangs_holds_up_nothing_else(on_redis, redis):
    """Forty look at once: each has an answer in bounded time, and the service goes on meanwhile."""
    with serving(on_redis.file) as running, running.caller() as ann:
        assert ann.get("/api/rollout").status_code == 200
        with asleep(redis), concurrent.futures.ThreadPoolExecutor(40) as people:
            looks = [people.submit(ann.get, "/api/rollout") for _ in range(40)]
            until(lambda: any(look.done() for look in looks))  # one that was too many at a time
            assert ann.get("/healthz").status_code == 200
            assert not all(look.done() for look in looks)
            for look in looks:  # while the store is still asleep
                answer = look.result()
                is_problem(answer, 503, "store")
                assert int(answer.headers["retry-after"]) > 0
        assert ann.get("/api/rollout").json()["status"] == "running"


def test_an_order_that_got_no_answer_says_that_nobody_knows(on_redis, redis, monkeypatch):
    monkeypatch.setattr("ocr_gateway.desk.ORDER_S", 1.5)  # the store gives up after 2 s
    with serving(on_redis.file) as running, running.caller() as ann:
        with asleep(redis):
            answer = ann.order("rollback", by="ann", reason="bad")
            said = is_problem(answer, 503, "store")
            assert "whether it was carried out is not known: look at the history" in said
        # It was: a store that wakes up does what it has been told.
        until(lambda: on_redis.state.status == "rolled_back")


def test_a_busy_file_is_waited_for(tmp_path):
    """Looking needs no turn; an order takes the next one."""
    desk = Desk(tmp_path).started()
    with (
        serving(desk.file) as running,
        running.caller() as ann,
        contextlib.closing(sqlite3.connect(desk.db, isolation_level=None)) as other,
        concurrent.futures.ThreadPoolExecutor(1) as person,
    ):
        other.execute("BEGIN IMMEDIATE")
        order = person.submit(ann.done, "pause", by="ann")
        assert ann.get("/api/rollout").json()["status"] == "running"
        assert not order.done()
        other.execute("ROLLBACK")
        assert order.result()["state"]["status"] == "paused"
