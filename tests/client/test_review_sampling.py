"""Answers put aside for people to check: whose, what of them, and at what cost to requests."""

import dataclasses
import json
import math
import queue
import threading
import time

import cv2
import numpy as np
import pytest
from awake import Awake
from rollouts import BOTH, GARBLED, client, configured, followed, image, until

from ocr_client import ClientConfig, OCRClient
from ocr_client.errors import ConfigError
from ocr_client.fake import FakeTransport
from ocr_client.reviews.people import KEY, user_hash
from ocr_client.reviews.pictures import encoded, media_type
from ocr_client.reviews.samples import DISPUTES, LINES, disagreement_of, drawn, line_of
from ocr_client.reviews.settings import ReviewSettings
from ocr_client.settings import CANDIDATE, STABLE
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import bucket_of, choose_arm
from ocr_rollout.core.state import RolloutState
from ocr_rollout.runtime.view import view_of
from ocr_rollout.stores import SqliteStore, StoreUnavailableError

ALL = ReviewSettings(stable_bp=10_000, candidate_bp=10_000, disputes_bp=10_000)


def sampling(review=ALL, arms=None, ratio=1.0, **more):
    return client(arms, dataclasses.replace(configured(ratio, **more), review=review))


def kept(reader, kind="line"):
    return reader._session._store.samples(-math.inf, math.inf, 10_000, kind=kind)


def count(reader, result):
    return reader.metrics().get(f'ocr_client_review_samples_total{{result="{result}"}}', 0)


def view_at(weight_bp):
    plan = Plan("r1", STABLE, CANDIDATE, (Phase(weight_bp),))
    state = RolloutState(
        generation=1,
        epoch=1,
        status="running",
        rollout_id="r1",
        stable=str(STABLE),
        candidate=str(CANDIDATE),
        digest="d",
        weight_bp=weight_bp,
    )
    return view_of(plan, state, enabled=True)


def test_the_sample_is_drawn_apart_from_the_arm():
    """With the routing's own salt all of a 10 % sample would be the candidate's: design.md's trap."""
    view = view_at(1_000)
    keys = [f"request {k}" for k in range(40_000)]
    arms = [choose_arm(view.table, bucket_of(key, view.salt)).arm for key in keys]
    for purpose in (LINES, DISPUTES):
        drawn_arms = [
            arm for key, arm in zip(keys, arms, strict=True) if drawn(view, key, purpose, 1_000)
        ]
        assert 3_800 < len(drawn_arms) < 4_200
        assert 0.08 < drawn_arms.count(CANDIDATE) / len(drawn_arms) < 0.12
    lines = {key for key in keys if drawn(view, key, LINES, 1_000)}
    disputes = {key for key in keys if drawn(view, key, DISPUTES, 1_000)}
    assert 0.08 < len(lines & disputes) / len(lines) < 0.12


def test_nothing_is_put_aside_by_default():
    """Whoever wants texts of users kept says so."""
    reader, _ = client()
    with reader:
        for k in range(20):
            reader.recognize(image(k))
        time.sleep(0.05)
        assert kept(reader) == ()
        assert reader.metrics()["ocr_client_review_waiting"] == 0


def test_each_arm_has_a_share_of_its_own():
    """Stable's answers, or the candidate's, or both."""
    for ratio, role in ((1.0, "candidate"), (0.0, "stable")):
        for wanted in ("stable", "candidate"):
            reader, _ = sampling(ReviewSettings(**{f"{wanted}_bp": 10_000}), ratio=ratio)
            with reader:
                for k in range(5):
                    reader.recognize(image(k))
                until(lambda: count(reader, "kept") == 5 * (wanted == role))  # noqa: B023  # at once
                assert [line_of(s).role for s in kept(reader)] == [role] * (5 * (wanted == role))


def test_what_a_sample_says():
    """The arm's own answer, where it came from, and no name of anybody."""
    reader, _ = sampling()
    with reader:
        result = reader.recognize(image(), user_id="li.wei@example.com")
        until(lambda: kept(reader))
        (sample,) = kept(reader)
    line = line_of(sample)
    assert sample.id == result.request_id == line.origin.request_id
    assert (line.role, line.arm, line.text) == ("candidate", str(CANDIDATE), "candidate")
    assert line.confidence == pytest.approx(result.confidence)
    assert line.outcome == "ok"
    assert line.origin.rollout == result.rollout
    assert line.origin.generation == result.generation
    assert line.origin.bucket == result.bucket
    assert line.origin.phase == 1
    assert line.origin.user == user_hash("li.wei@example.com")
    assert sample.expires_s - sample.at_s == ALL.retention_s
    assert "li.wei" not in json.dumps(dict(sample.document))


def test_a_users_hash_needs_the_operators_key(monkeypatch):
    """Without it a list of user ids can be tried; with it only by who has the key."""
    plain = user_hash("13800138000")
    monkeypatch.setenv(KEY, "a secret of ours")
    assert user_hash("13800138000") != plain
    assert user_hash("13800138000") == user_hash("13800138000")
    assert len(user_hash("\udcff")) == 32  # bytes of a command line that are no UTF-8


def test_no_image_is_kept_by_default():
    reader, _ = sampling()
    with reader:
        reader.recognize(image())
        until(lambda: kept(reader))
        assert reader._session._store.sample_image(kept(reader)[0].id) is None


def test_an_image_that_is_kept_is_the_one_that_was_read():
    """To the pixel, also when the caller paints over its array afterwards."""
    reader, _ = sampling(dataclasses.replace(ALL, keep_images=True))
    with reader:
        pixels = image()
        before = pixels.copy()
        reader.recognize(pixels)
        pixels[:] = 0
        until(lambda: kept(reader))
        content = reader._session._store.sample_image(kept(reader)[0].id)
    assert media_type(content) == "image/png"
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(found, before)


@pytest.mark.parametrize(("size", "most"), [((32, 200), 3_000), ((900, 4_000), 60_000)])
def test_a_large_image_is_made_smaller(size, most):
    """Noise is the worst of all: nothing packs it."""
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    content = encoded(noise, most)
    assert len(content) <= most
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.ndim == 2


def test_an_image_that_cannot_be_made_small_enough_is_left_out():
    noise = np.random.default_rng(0).integers(0, 256, (20, 60_000), np.uint8)
    assert encoded(noise, 1_000) is None


def test_the_candidates_own_text_is_checked_although_stable_rescued_it():
    """Else its worst answers would never be seen by anybody."""
    reader, _ = sampling(arms={**BOTH, CANDIDATE: GARBLED})
    with reader:
        assert reader.recognize(image()).rescued
        until(lambda: kept(reader))
        line = line_of(kept(reader)[0])
    assert (line.role, line.text, line.outcome) == ("candidate", GARBLED, "garbled")


def test_forced_arms_are_no_traffic():
    """They are of who measures."""
    reader, _ = sampling()
    with reader:
        reader.recognize(image(), arm=STABLE)
        reader.recognize(image(1))
        until(lambda: kept(reader))
        assert len(kept(reader)) == 1


def test_the_same_image_again_says_nothing_new():
    reader, _ = sampling()
    with reader:
        for _ in range(5):
            reader.recognize(image(), user_id="u1")
        reader.recognize(image(), user_id="u2")
        until(lambda: count(reader, "kept") == 2 and count(reader, "repeat") == 4)
        assert len(kept(reader)) == 2


def test_what_a_thread_has_just_taken_is_put_aside_at_the_end(monkeypatch):
    """It waits no more, and its thread has not begun on it."""

    class Slow(queue.Queue):
        def get(self, *args, **options):
            job = super().get(*args, **options)
            time.sleep(0.1)
            return job

    monkeypatch.setattr("ocr_client.background.queue.Queue", Slow)
    reader, _ = sampling()
    with reader:
        reader.recognize(image())
        until(lambda: reader.metrics()["ocr_client_review_waiting"] == 0)
    assert len(kept(reader)) == 1


def test_texts_that_differ_are_put_aside_as_pairs():
    """Of images that the shadow read, too; with how far apart they are."""
    reader, _ = sampling(ratio=0.0001, shadow=1.0)
    with reader:
        followed(reader)
        reader.recognize(image())
        until(lambda: kept(reader, "pair"))
        (sample,) = kept(reader, "pair")
    pair = disagreement_of(sample)
    assert (pair.stable_text, pair.candidate_text) == ("stable", "candidate")
    assert (pair.stable_arm, pair.candidate_arm) == (str(STABLE), str(CANDIDATE))
    assert pair.edits == 8
    assert pair.distance == pytest.approx(8 / 9, abs=1e-6)


def test_texts_that_agree_are_no_pair():
    """But for white space and width."""
    arms = {STABLE: "A B", CANDIDATE: "\uff21B"}  # a wide A
    reader, _ = sampling(arms=arms, ratio=0.0001, shadow=1.0)
    with reader:
        followed(reader)
        reader.recognize(image())
        until(lambda: reader.metrics().get('ocr_client_shadow_total{result="read"}', 0) == 1)
        time.sleep(0.05)
        assert kept(reader, "pair") == ()


class Held:
    """A store whose samples wait for `go`."""

    def __init__(self, store):
        self._store = store
        self.go = threading.Event()

    def __getattr__(self, name):
        return getattr(self._store, name)

    def put_sample(self, sample, *, keep=None):
        self.go.wait(60)
        return self._store.put_sample(sample, keep=keep)


class Down(Held):
    def put_sample(self, sample, *, keep=None):  # the protocol's
        raise StoreUnavailableError("redis://example", "connection refused")


def with_store(kind):
    reader, _ = sampling(dataclasses.replace(ALL, keep_images=True))
    session = reader._session
    session.begin()
    session.reconfigure(dataclasses.replace(session.config, review=ReviewSettings()))
    session._store = kind(session._store)
    session.reconfigure(dataclasses.replace(session.config, review=ALL))
    return reader


def test_a_store_that_is_down_loses_samples_and_no_request():
    reader = with_store(Down)
    with reader:
        assert all(reader.recognize(image(k)).text == "candidate" for k in range(10))
        until(lambda: count(reader, "lost") == 10)


def test_a_store_that_hangs_makes_nobody_wait():
    """What does not fit is dropped and counted; closing does not wait for it either."""
    reader = with_store(Held)
    with Awake() as took:
        for k in range(120):
            assert reader.recognize(image(k)).text == "candidate"
    assert took.s < 10
    assert count(reader, "full") >= 120 - 66
    with Awake() as closing:
        reader.close()
    assert took.s + closing.s < 15
    reader._session._store.go.set()


def test_only_so_many_are_kept():
    reader, _ = sampling(dataclasses.replace(ALL, keep=7))
    with reader:
        for k in range(20):
            reader.recognize(image(k))
            until(lambda: count(reader, "kept") == k + 1)  # noqa: B023  # called at once
        assert len(kept(reader)) == 7


def test_a_reload_changes_what_is_put_aside():
    """At once, and without another part in the rollout."""
    reader, _ = sampling(ReviewSettings())
    with reader:
        reader.recognize(image(0))
        member = reader._session.begin().member
        reader.reconfigure(dataclasses.replace(reader._session.config, review=ALL))
        assert reader._session.begin().member is member
        reader.recognize(image(1))
        until(lambda: kept(reader))
        assert len(kept(reader)) == 1


def test_what_waits_is_put_aside_on_closing(tmp_path):
    """A program that reads three images and ends has three samples."""
    config = dataclasses.replace(configured(), review=ALL)
    store = dataclasses.replace(config.store, url=f"sqlite:///{tmp_path / 'rollout.db'}")
    reader = OCRClient(dataclasses.replace(config, store=store), transport=FakeTransport(BOTH))
    with reader:
        for k in range(3):
            reader.recognize(image(k))
    assert len(SqliteStore(tmp_path / "rollout.db").samples(0, math.inf)) == 3


def test_the_section_of_the_configuration():
    parsed = ClientConfig.parse(
        {
            "review": {
                "stable": 0.01,
                "candidate": 0.05,
                "disputes": 1.0,
                "keep_images": True,
                "max_image_bytes": 50_000,
                "retention": "12h",
                "keep": 50,
                "kinds": ["print", "form_a"],
            }
        }
    ).review
    assert parsed == ReviewSettings(
        100, 500, 10_000, True, 50_000, 43_200.0, 50, ("print", "form_a")
    )


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"stable": 2}, "review.stable: 2 is not accepted"),
        ({"keep_images": "no"}, "true or false"),
        ({"max_image_bytes": 2**21}, "a whole number 1000..1048576"),
        ({"retention": "5s"}, "60 s to 366d"),
        ({"keep": 0}, "a whole number 1..100000"),
        ({"kinds": []}, "1 to 20 different words"),
        ({"kinds": ["unsaid"]}, "without unsaid"),
        ({"kinds": ["a/b"]}, "a-z 0-9 _"),
        ({"share": 0.1}, "review.share: unknown key"),
    ],
)
def test_mistakes_in_the_section_are_refused(section, said):
    with pytest.raises(ConfigError) as caught:
        ClientConfig.parse({"review": section})
    assert said in str(caught.value)
