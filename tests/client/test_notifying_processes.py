"""Many processes on one store: each message arrives once, and none is lost when one is killed."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest
from receivers import Receiver, Say
from redis_server import new_redis
from rollouts import until
from stories import Story, audit, waiting

from ocr_rollout.core.notices import Subscriber
from ocr_rollout.stores import SqliteStore, open_store

PROGRAM = Path(__file__).with_name("notifying_process.py")
BOTH = (Subscriber("ops"), Subscriber("dev"))
STEPS = 20
# A process that gets no processor for as long as its lease is as good as killed. So that none does:
LEASE_S = 60.0
# where one is killed and the test has to wait for the end of its lease:
SHORT_LEASE_S = 8.0
# A lease whose answer was lost on its way to a process that was stopped runs out before it is sent.
ALL_SENT_S = 5 * LEASE_S


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    yield from new_redis(tmp_path_factory.mktemp("redis"))


@pytest.fixture(params=["sqlite", "redis"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'rollout.db'}"
    server = request.getfixturevalue("redis_server")
    return f"{server.url}?prefix={uuid.uuid4().hex}"


class Processes:
    def __init__(self, url, hook, count, lease_s):
        path = os.pathsep.join(sys.path)
        self.started = [
            subprocess.Popen(
                [sys.executable, str(PROGRAM), url, hook, str(lease_s), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
            for number in range(count)
        ]
        for process in self.started:
            assert process.stdout.readline() == "ready\n"

    def kill(self, number):
        self.started[number].kill()  # -9
        self.started[number].wait()

    def close(self):
        for process in self.started:
            process.stdin.close()
        for process in self.started:
            process.wait(60)
            process.stdout.close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def start(url, receiver):
    started = []

    def launch(count, lease_s=LEASE_S):
        started.append(Processes(url, f"http://127.0.0.1:{receiver.port}", count, lease_s))
        return started[-1]

    yield launch
    for one in started:
        one.close()


def of(receiver, name):
    return [got for got in receiver.got if got.path == f"/{name}"]


def leases_end(store):
    """Unix times until which messages are leased, or postponed, by id."""
    if isinstance(store, SqliteStore):
        with contextlib.closing(sqlite3.connect(store.path)) as connection:
            return dict(connection.execute("SELECT id, due_s FROM outbox"))
    found = store._link.call("return redis.call('HGETALL', KEYS[1] .. 'outbox:leases')")
    return {name: float(lease.split()[0]) for name, lease in zip(*[iter(found)] * 2, strict=True)}


def sender(got):
    return int(got.json["link"].rpartition("/")[2])


def test_each_message_arrives_exactly_once_from_five_processes(url, receiver, start):
    """At both targets in the order of the transitions, whoever sent it."""
    start(5)
    store = open_store(url)
    story = Story(store, BOTH)
    generations = []
    for _ in range(STEPS):
        generations.append(story.step())
        time.sleep(0.05)
    until(lambda: not waiting(store), ALL_SENT_S)
    time.sleep(0.5)  # for what should not come
    for name in ("ops", "dev"):
        assert [got.json["generation"] for got in of(receiver, name)] == generations
    assert len(set(receiver.ids)) == len(receiver.got) == 2 * STEPS
    assert not audit(store, "dead_letter")
    print(f"{url[:6]}: messages by process: {Counter(map(sender, receiver.got))}")
    store.close()


def test_a_process_that_is_killed_while_it_sends_loses_nothing(url, receiver, start):
    """Its messages come again, with the same ids, when its leases have run out; no others do."""
    processes = start(4, SHORT_LEASE_S)
    killed, ends = [], {}

    def kill(got):
        """Before the answer, so that nobody can have settled it."""
        if len(receiver.got) >= 10 and not killed:
            killed.append(sender(got))
            processes.kill(killed[0])
            ends.update(leases_end(store))
        return Say()

    receiver.steps = [kill]
    store = open_store(url)
    story = Story(store, BOTH)
    generations = [story.step() for _ in range(STEPS)]
    until(lambda: not waiting(store), ALL_SENT_S)
    assert killed
    arrived = Counter(receiver.ids)
    assert len(arrived) == 2 * STEPS
    twice = {one for one, times in arrived.items() if times > 1}
    by_killed = {got.id for got in receiver.got if sender(got) == killed[0]}
    assert 1 <= len(twice) <= 2  # one of each target at most was under way
    assert twice <= by_killed
    assert max(arrived.values()) == 2
    for name in ("ops", "dev"):
        first_times = list(dict.fromkeys(got.json["generation"] for got in of(receiver, name)))
        assert first_times == generations
    for one in twice:
        again = [got for got in receiver.got if got.id == one][1]
        assert 0 <= again.unix_s - ends[one] < 5
        assert sender(again) != killed[0]
    assert not audit(store, "dead_letter")
    store.close()


def test_messages_wait_for_the_first_process_that_comes(url, receiver, start):
    """What is written while nobody is there, by `ocrctl rollout` for example, is not lost."""
    store = open_store(url)
    story = Story(store, BOTH)
    generations = [story.step() for _ in range(3)]
    assert waiting(store) == 6
    start(1)
    until(lambda: not waiting(store), ALL_SENT_S)
    assert [got.json["generation"] for got in of(receiver, "ops")] == generations
    store.close()
