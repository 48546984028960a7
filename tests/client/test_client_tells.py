"""A client whose candidate fails takes it back, and somebody is told, without a request waiting."""

import dataclasses
import logging
import statistics
import threading
import time

import pytest
from awake import Awake
from receivers import HANG, SECRETS, Receiver, Say
from rollouts import CANDIDATE, STABLE, client, configured, image, until
from stories import waiting

from ocr_client import errors as tree
from ocr_client.config import StoreSettings
from ocr_client.settings import NotificationSettings, Target
from ocr_rollout.core import commands
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import open_store

PLAN = Plan("crnn-1", STABLE, CANDIDATE, (Phase(10_000),), holdout_bp=0)
FAILING = {STABLE: "stable", CANDIDATE: tree.ArmFailedError("boom")}


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def telling(receiver, config=None, **rest):
    target = Target("ops", "webhook", url=receiver.url, secret="S3CR3T")
    settings = NotificationSettings((target,), **rest)
    return dataclasses.replace(config or configured(), notifications=settings)


def read_until_taken_back(reader):
    """Seconds of each reading."""
    took, end = [], time.monotonic() + 60
    while True:
        assert time.monotonic() < end
        began = time.perf_counter()
        result = reader.recognize(image(), user_id=f"u{len(took)}")
        took.append(time.perf_counter() - began)
        if not result.fell_back:
            return took
        time.sleep(0.01)


def test_a_ratio_that_is_taken_back_is_told_with_the_verdict(receiver, caplog):
    """From this process's own memory; that the ratio began is no news. No secret is logged."""
    with caplog.at_level(logging.DEBUG):
        reader, _ = client(FAILING, telling(receiver))
        read_until_taken_back(reader)
        sent = 'ocr_client_notifications_total{result="sent",target="ops"}'
        until(lambda: reader.metrics().get(sent))
        reader.close()
    (got,) = receiver.got
    found = got.json
    assert found["event"] == "rollback"
    assert found["arms"] == {"stable": str(STABLE), "candidate": str(CANDIDATE)}
    assert (found["from"]["share"], found["to"]["share"]) == (1.0, 0.0)
    assert found["verdict"]["rule"]
    assert found["verdict"]["samples"] > 0
    assert found["verdict"]["observed"] > found["verdict"]["limit"]
    assert reader.metrics()[sent] == 1
    for secret in SECRETS:
        assert secret not in caplog.text


def test_a_receiver_that_hangs_delays_no_request_and_no_rollback(receiver):
    """The judge took the candidate back, and stable answers, while nobody is told yet."""
    receiver.steps = [HANG]
    reader, _ = client(FAILING, telling(receiver))
    read_until_taken_back(reader)
    until(lambda: receiver.got)
    took = [seconds for _ in range(9) for seconds in read_until_taken_back(reader)]
    assert reader.rollout.status == "rolled_back"
    assert statistics.median(took) < 0.2
    with Awake() as closing:
        reader.close()
    assert closing.s < 4


def test_clients_of_one_store_tell_once_what_all_of_them_see(receiver, tmp_path):
    """Started by a person, taken back by whichever judge is first."""
    url = f"sqlite:///{tmp_path}/rollout.db"
    config = telling(
        receiver, dataclasses.replace(configured(), rollout=PLAN, store=StoreSettings(url))
    )
    readers = [client(FAILING, config)[0] for _ in range(3)]
    for reader in readers:
        reader.recognize(image())
    store = open_store(url)
    step = commands.start(PLAN, read_state(store), digest="d1", by="ann", at_s=time.time())
    assert commit(store, step, config.notifications.subscribers)[0]
    until(lambda: receiver.events == ["phase"])
    until(lambda: all(reader.rollout.status == "running" for reader in readers))
    threads = [threading.Thread(target=read_until_taken_back, args=(one,)) for one in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(70)
    until(lambda: len(receiver.got) == 2, 30)
    until(lambda: not waiting(store))
    for reader in readers:
        reader.close()
    assert receiver.events == ["phase", "rollback"]
    assert receiver.got[1].json["who"] == "judge"
    assert receiver.got[1].json["generation"] == 2
    store.close()


def test_targets_come_and_go_with_the_configuration(receiver):
    """A hot reload: from then on, for what is written and for what is sent."""
    reader, _ = client(FAILING, configured())
    reader.recognize(image())
    names = [thread.name for thread in threading.enumerate()]
    assert "ocr-notifier" not in names  # nobody is told, so nothing runs
    reader.reconfigure(telling(receiver))
    read_until_taken_back(reader)
    until(lambda: receiver.events == ["rollback"])
    reader.close()
    assert "ocr-notifier" not in [thread.name for thread in threading.enumerate()]


def test_a_store_that_is_lost_and_back_is_told(receiver, tmp_path):
    """By the process itself, for the store cannot; readings go on all the while."""
    receiver.steps = [Say()]
    folder = tmp_path / "state"
    folder.mkdir()
    url = f"sqlite:///{folder}/rollout.db"
    config = dataclasses.replace(configured(), rollout=PLAN, store=StoreSettings(url))
    reader, _ = client(None, telling(receiver, config, store_lost_after_s=1.0))
    reader.recognize(image())
    folder.rename(tmp_path / "away")
    until(lambda: receiver.events == ["store_lost"], 60)
    assert reader.recognize(image()).text
    lost = receiver.got[0].json
    assert "rollout.db" in lost["why"]
    assert (lost["from"], lost["rollout"]) == (None, "crnn-1")
    (tmp_path / "away").rename(folder)
    until(lambda: receiver.events == ["store_lost", "store_back"], 60)
    reader.close()
