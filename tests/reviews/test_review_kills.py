"""Clients and reviewers that are killed, and servers that are: nothing is half done."""

import math
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from redis_server import new_redis

from ocr_client.reviews.samples import line_of
from ocr_rollout.core.reviews import Lines
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import StorageError, open_store
from ocr_rollout.stores.review_series import read_reviews, reviews_of

PROCESS = Path(__file__).with_name("reviewing_process.py")


@pytest.fixture
def start():
    """Processes at a store; none outlives the test."""
    started = []

    def begin(url, *words):
        process = subprocess.Popen(
            [sys.executable, str(PROCESS), url, *words], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(params=["sqlite", "redis"])
def place(request, tmp_path):
    """The URL of an empty store that several processes can share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'rollout.db'}"
        return
    for server in new_redis(tmp_path):
        yield server.url


def consistent(store):
    """What is counted is what stands in the reviews; every sample has its image."""
    samples = store.samples(0, math.inf, 100_000)
    for sample in samples:
        assert store.sample_image(sample.id) is not None
    done = [sample for sample in samples if (sample.review or {}).get("status") == "done"]
    right = Counter()
    for sample in done:
        line = line_of(sample)
        right[line.role, sample.review["kind"], line.text == sample.review["truth"]] += 1
    reviews = read_reviews(store, reviews_of(read_state(store), "ocr-rollout"))
    counted = Counter()
    for role, kinds in (("stable", reviews.stable), ("candidate", reviews.candidate)):
        for kind, lines in kinds.items():
            counted[role, kind, True] += lines.right
            counted[role, kind, False] += lines.lines - lines.right
            assert isinstance(lines, Lines)
    assert +counted == right
    return len(samples), len(done)


@pytest.mark.slow
def test_of_processes_that_are_killed_nothing_is_half_done(place, start):
    """Three times a client and two reviewers, each killed (SIGKILL) in the middle of its work."""
    store, before = open_store(place), (0, 0)
    for round_ in range(3):
        processes = [start(place, "sample", str(round_))]
        assert processes[0].stdout.readline() == "at work\n"
        processes += [start(place, "review", f"reviewer-{round_}-{k}") for k in range(2)]
        assert [p.stdout.readline() for p in processes[1:]] == ["at work\n"] * 2
        time.sleep(0.1 * round_)
        for process in processes:
            process.kill()
            process.wait()
        now = consistent(store)
        assert now[0] > before[0]
        assert now[1] > before[1]
        before = now
    print(f"{before[0]} samples, {before[1]} reviewed")


def test_what_a_killed_reviewer_had_goes_to_another(place, start):
    """After ten minutes, by the clock of who asks."""
    from ocr_client.reviews.desk import ReviewDesk
    from ocr_client.reviews.settings import ReviewSettings

    store = open_store(place)
    sampling = start(place, "sample", "1")
    assert sampling.stdout.readline() == "at work\n"
    sampling.kill()
    sampling.wait()
    mayfly = start(place, "claim", "mayfly")
    assert mayfly.stdout.readline() == "at work\n"
    assert mayfly.wait(60) == 9
    now = ReviewDesk(store, "ocr-rollout", ReviewSettings())
    later = ReviewDesk(store, "ocr-rollout", ReviewSettings(), lambda: time.time() + 601)
    assert later.waiting("ann") == now.waiting("ann") + 1


@pytest.mark.slow
def test_a_redis_that_is_killed_has_every_review_that_it_confirmed(tmp_path, start):
    """It comes back with counts and reviews that belong together."""
    for server in new_redis(tmp_path):
        sampling = start(server.url, "sample", "1")
        assert sampling.stdout.readline() == "at work\n"
        reviewing = start(server.url, "review", "ann")
        assert reviewing.stdout.readline() == "at work\n"
        server.kill()
        reviewing.wait(60)
        sampling.kill()
        sampling.wait()
        store = open_store(server.url)
        with pytest.raises(StorageError):
            store.samples(0, 1)
        server.start()
        samples, done = consistent(store)
        assert done >= 3
        assert samples >= done
