"""Messages in an outbox reach their receivers once and in order, or the audit log says why not.

On stores of every kind and real HTTP servers. The notifier's clock runs a hundred times as fast, so
that waits of a minute take half a second; where it matters how long something takes, it goes on only
when it is told to, or looked at. Nothing else is made.
"""

import contextlib
import dataclasses
import itertools
import logging
import time
import uuid
from types import SimpleNamespace

import pytest
from awake import Awake
from receivers import CLOSE, HANG, SECRETS, Receiver, Say, target
from redis_server import new_redis
from rollouts import until
from stories import PLAN, Story, audit, waiting

from ocr_client.metrics import Metrics
from ocr_client.notifications.notifier import Notifier, pause_s
from ocr_client.settings import NotificationSettings
from ocr_rollout.core.notices import Subscriber
from ocr_rollout.core.state import RolloutState
from ocr_rollout.runtime.view import view_of
from ocr_rollout.stores import Message, StoreUnavailableError, open_store

FAST = 100.0


BEGAN_S = time.time()


def fast_clock():
    """Unix time, a hundred times as fast; one for all, as hosts that share a store have it."""
    return BEGAN_S + FAST * (time.time() - BEGAN_S)


class Turned:
    """A clock that stands still until it is turned, however slow the machine is."""

    now_s = BEGAN_S

    def __call__(self):
        return self.now_s


class Counted:
    """A clock that goes on by a fifth of a second with each look at it."""

    def __init__(self):
        self._looks = itertools.count()

    def __call__(self):
        return BEGAN_S + next(self._looks) / 5


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    yield from new_redis(tmp_path_factory.mktemp("redis"))


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request, tmp_path):
    url = "memory:"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'rollout.db'}"
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        url = f"{server.url}?prefix={uuid.uuid4().hex}"
    opened = open_store(url)
    yield opened
    opened.close()


class Part:
    """What a notifier sees of a member. looks: how often it looked."""

    def __init__(self):
        self.view = view_of(PLAN, RolloutState(), enabled=True)
        self.error = ""
        self.looks = 0

    def health(self):
        self.looks += 1
        return SimpleNamespace(store_ok=not self.error, store_error=self.error)


@pytest.fixture
def receiver():
    with contextlib.ExitStack() as stack:

        def start(*steps):
            one = Receiver(*steps)
            stack.callback(one.close)
            return one

        yield start


@pytest.fixture
def notifier():
    """Starts one; none outlives the test. `clock` and the rest as Notifier has them."""
    with contextlib.ExitStack() as stack:

        def start(store, *targets, part=None, metrics=None, **options):
            settings = {
                k: options.pop(k) for k in ("give_up_s", "store_lost_after_s") if k in options
            }
            options = {"clock": fast_clock, "poll_s": 0.02, "lease_s": 3_000, **options}
            one = Notifier(metrics or Metrics(), **options)
            stack.callback(one.close, 2)
            one.follow(NotificationSettings(targets, **settings), store, part or Part())
            return one

        yield start


def told(store, *names, clock=fast_clock):
    """A story of whose every step these are told."""
    subscribers = [Subscriber(name) for name in names or ("ops",)]
    return Story(store, subscribers, clock=clock)


def test_each_message_arrives_once_and_in_order(store, receiver, notifier):
    """Whatever the number of notifiers that share the store."""
    server = receiver()
    for _ in range(4):
        notifier(store, target(server.url))
    story = told(store)
    generations = [story.step() for _ in range(12)]
    until(lambda: len(server.got) >= 12)
    assert [got.json["generation"] for got in server.got] == generations
    assert server.events == ["phase", "rollback"] * 6
    assert len(set(server.ids)) == 12
    until(lambda: not waiting(store))
    assert len(server.got) == 12
    assert len(audit(store, "start")) == 6


def test_the_id_names_the_line_of_the_audit_log(store, receiver, notifier):
    """So a receiver's message and the log are found together."""
    server = receiver()
    notifier(store, target(server.url))
    told(store).step()
    until(lambda: server.got)
    (entry,) = store.history()
    assert server.ids == [f"{entry.entry.id}.ops"]


def test_a_receiver_that_stumbles_is_asked_again_and_the_order_stays(store, receiver, notifier):
    """500, a closed connection and an error in a 200; later messages wait for the first."""
    error = Say(body=b'{"errcode":-1,"errmsg":"busy"}')
    fine = Say(body=b'{"errcode":0,"errmsg":"ok"}')
    server = receiver(Say(500), CLOSE, error, fine)
    metrics = Metrics()
    notifier(store, target(server.url, "wecom"), metrics=metrics)
    story = told(store)
    story.step()
    story.step()
    until(lambda: len(server.got) >= 5)
    texts = [got.json["text"]["content"] for got in server.got]
    assert len(set(texts[:4])) == 1  # the same message, with the same id
    assert "phase 1" in texts[3]
    assert "rolled back" in texts[4]
    until(lambda: not waiting(store))
    assert len(server.got) == 5
    counted = metrics.snapshot()
    assert counted['ocr_client_notifications_total{result="failed",target="ops"}'] == 3
    assert counted['ocr_client_notifications_total{result="sent",target="ops"}'] == 2
    assert not audit(store, "dead_letter")


def test_retry_after_is_honoured(store, receiver, notifier):
    """Fifty of its seconds, where the first pause would be at most one."""
    server = receiver(Say(429, headers={"Retry-After": "50"}), Say())
    notifier(store, target(server.url))
    told(store).step()
    until(lambda: len(server.got) == 2)
    first, second = server.got
    assert second.at_s - first.at_s >= 50 / FAST
    assert first.id == second.id


def test_after_the_last_try_the_audit_log_says_so(store, receiver, notifier, caplog):
    """Once, readable as any entry, with what the receiver answered; the next message goes out."""

    def answer(got):
        return Say(500, b"kaputt T0K3N-in-query") if got.json["event"] == "phase" else Say()

    server, clock = receiver(answer), Counted()
    notifier(store, target(server.url, secret="S3CR3T"), give_up_s=20, clock=clock)
    story = told(store, clock=clock)
    with caplog.at_level(logging.DEBUG):
        story.step()
        story.step()
        until(lambda: not waiting(store))
    (entry,) = audit(store, "dead_letter")
    assert entry["who"] == "notifier"
    assert "ops was not told of phase (start by ann): HTTP 500: kaputt" in entry["why"]
    tries = len(server.got) - 1
    assert 2 <= tries <= 8  # half a second to one, two, four and eight apart, and a few looks each
    assert f"({tries} tries, message {server.ids[0]})" in entry["why"]
    assert server.events == ["phase"] * tries + ["rollback"]
    for text in (caplog.text, str(entry)):
        for secret in (*SECRETS, "127.0.0.1"):
            assert secret not in text
    assert "notification given up" in caplog.text


def test_what_a_receiver_refuses_for_good_is_not_tried_again(store, receiver, notifier):
    """And holds nobody up."""
    server = receiver(Say(404, b"no_service"), Say())
    notifier(store, target(server.url))
    story = told(store)
    story.step()
    story.step()
    until(lambda: len(server.got) == 2)
    assert server.events == ["phase", "rollback"]
    until(lambda: audit(store, "dead_letter"))
    (entry,) = audit(store, "dead_letter")
    assert "HTTP 404: no_service (1 try" in entry["why"]


def test_a_target_that_is_no_longer_there_is_named_in_the_dead_letter(store, receiver, notifier):
    """After the time in which another process could still, or already, have known it."""
    server = receiver()
    one = target(server.url, name="new")
    for _ in range(2):
        notifier(store, one, give_up_s=30, sweep_s=0.05)
    told(store, "old", "new").step()
    until(lambda: not waiting(store))
    (entry,) = audit(store, "dead_letter")
    assert entry["at_s"] - audit(store, "start")[0]["at_s"] >= 30
    assert entry["why"].startswith("old was not told of phase")
    assert "the configuration has no target of this name" in entry["why"]
    assert len(server.got) == 1


def test_a_target_that_only_another_process_knows_is_reached(store, receiver, notifier):
    """In the middle of a change of the configuration, by the one of many that has it."""
    other, mine = receiver(), receiver()
    for _ in range(4):
        notifier(store, target(other.url, name="other"), sweep_s=0.03)
    story = told(store, "mine")
    story.step()
    story.step()
    time.sleep(0.2)
    assert waiting(store) == 2
    notifier(store, target(mine.url, name="mine"))
    until(lambda: not waiting(store))
    assert mine.events == ["phase", "rollback"]
    assert not other.got
    assert not audit(store, "dead_letter")


def test_one_that_hangs_holds_up_no_other(store, receiver, notifier):
    """Real time: the other one hears of it long before the first one's five seconds are over."""
    hanging, fine = receiver(HANG), receiver()
    notifier(
        store, target(hanging.url, name="slow"), target(fine.url, name="quick"), clock=time.time
    )
    story = told(store, "slow", "quick")
    with Awake() as took:
        story.step()
        story.step()
        until(lambda: len(fine.got) == 2)
    assert took.s < 3
    until(lambda: len(hanging.got) == 1)  # it may be the later one to be asked


class Forgetful:
    """A store that is out of reach when a delivered message is to be settled, for 2 s each time."""

    def __init__(self, store, times, clock):
        self._store, self.left, self._clock = store, times, clock

    def __getattr__(self, name):
        return getattr(self._store, name)

    def settle(self, lease):
        if self.left:
            self.left -= 1
            self._clock.now_s += 2
            raise StoreUnavailableError("made", "it is down")
        return self._store.settle(lease)


def test_a_store_that_is_down_after_a_delivery_makes_no_second_one(store, receiver, notifier):
    """The process remembers what it owes, and settles it first."""
    server, clock = receiver(), Turned()
    forgetful = Forgetful(store, 30, clock)  # longer than the lease
    notifier(forgetful, target(server.url), lease_s=40.0, clock=clock)
    story = told(store, clock=clock)
    story.step()
    until(lambda: server.got and not forgetful.left and not waiting(store))
    story.step()
    until(lambda: len(server.got) == 2)
    assert server.events == ["phase", "rollback"]


def test_a_message_of_a_newer_version_is_left_to_its_processes(store, receiver, notifier):
    """It is neither sent nor lost."""
    server = receiver()
    notifier(store, target(server.url, name="b"))
    story = told(store, "b")
    newer = Message({"schema": 99, "target": "a"}, "newer")
    with_newer = dataclasses.replace(
        story_write(story), messages=(newer, *story_write(story).messages)
    )
    assert store.commit(with_newer).won
    until(lambda: len(server.got) == 1)
    until(lambda: waiting(store) == 1)
    time.sleep(0.1)
    assert not audit(store, "dead_letter")
    assert waiting(store) == 1


def story_write(story):
    from ocr_rollout.core import commands
    from ocr_rollout.runtime.transitions import read_state, write_of

    step = commands.start(PLAN, read_state(story.store), digest="d", by="ann", at_s=1.0)
    return write_of(step, story.subscribers)


def test_a_lost_store_is_told_once_by_each_process_and_so_is_its_return(receiver, notifier):
    """From the process itself, after its patience; a short outage is nobody's business."""
    server, part, steady = receiver(Say(500), Say()), Part(), Turned()
    store = open_store("memory:")
    notifier(store, target(server.url), part=part, store_lost_after_s=1.0, steady=steady)

    def pass_by(seconds):
        """Seen before and after."""
        for turned in (0.0, seconds):
            steady.now_s += turned
            looks = part.looks
            until(lambda looks=looks: part.looks > looks + 1)

    part.error = "rollout.db: disk full"
    pass_by(0.9)
    part.error = ""
    pass_by(1.0)
    assert not server.got
    for _ in range(2):
        part.error = "rollout.db: disk full"
        pass_by(1.0)
        until(lambda: server.events and server.events[-1] == "store_lost")
        pass_by(10.0)
        part.error = ""
        until(lambda: server.events[-1] == "store_back")
    assert server.events == ["store_lost", "store_lost", "store_back", "store_lost", "store_back"]
    assert server.ids[0] == server.ids[1]  # the first try failed
    assert len(set(server.ids)) == 4
    assert server.got[0].json["why"] == "rollout.db: disk full"
    assert server.got[0].json["rollout"] == "r1"


def test_who_did_not_ask_for_it_hears_nothing_of_a_store(receiver, notifier):
    """Events are each target's own."""
    wants, not_ = receiver(), receiver()
    part = Part()
    targets = (
        target(wants.url, name="a"),
        target(not_.url, name="b", events=("rollback",)),
    )
    notifier(open_store("memory:"), *targets, part=part, store_lost_after_s=0.05)
    part.error = "gone"
    until(lambda: wants.got)
    time.sleep(0.1)
    assert not not_.got


def test_what_was_written_last_goes_out_before_the_end(store, receiver):
    """Of a process that is alone there is nobody else to send it."""
    server = receiver()
    one = Notifier(Metrics(), poll_s=60)
    one.follow(NotificationSettings((target(server.url),)), store, Part())
    time.sleep(0.1)
    told(store).step()
    one.close(60)
    assert server.events == ["phase"]
    assert not waiting(store)


def test_nothing_runs_without_targets(store, notifier):
    """And a notifier whose last target was taken away goes on, so that no message is left."""
    idle = notifier(store)
    assert idle._thread is None


def test_pauses_grow_to_a_minute_and_are_spread():
    """1, 2, 4 ... 60 s, down to half of it."""
    assert [pause_s(n, 1.0) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause_s(10_000, 1.0) == 60
    for attempt, chance in itertools.product((1, 3, 9), (0.0, 0.5, 1.0)):
        longest = pause_s(attempt, 1.0)
        assert longest / 2 <= pause_s(attempt, chance) <= longest
