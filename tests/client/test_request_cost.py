"""What the rollout costs a request, printed with `pytest -s`; bounds are several times as wide.

Each figure is the smallest of several rounds, in CPU time, for others use this machine.
"""

import dataclasses
import time

import numpy as np
from rollouts import BOTH, CANDIDATE, configured, image

from ocr_client import OCRClient
from ocr_client.config import ShadowSettings
from ocr_client.deadline import Deadline
from ocr_client.fake import FakeTransport
from ocr_client.fallback import Attempt
from ocr_client.request import image_digest, result_of, routed
from ocr_client.results import Reading
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import bucket_of, choose_arm, route_key

NOISY = 4  # a bound is so many times the figure to reach: the machine is shared


def microseconds(work, times, rounds=7):
    """CPU time of this thread, for each call."""
    found = []
    for _ in range(rounds):
        started = time.thread_time()
        for number in range(times):
            work(number)
        found.append((time.thread_time() - started) / times * 1e6)
    return min(found)


def test_deciding_the_arm_takes_microseconds():
    """Key, bucket and arm: 5 us besides the hash of the pixels."""
    reader = OCRClient(configured(0.3), transport=FakeTransport(BOTH))
    view = reader._session.begin().member.view
    digest = image_digest(image())

    def decide(number):
        key = route_key("user_image", user_id=f"u{number}", image_digest=digest, request_id="r")
        choose_arm(view.table, bucket_of(key, view.salt))

    decided = microseconds(decide, 5_000)
    pixels = np.random.default_rng(0).integers(0, 256, (100, 2_000), np.uint8)
    hashed = microseconds(lambda _: image_digest(pixels), 100)
    print(f"deciding the arm: {decided:.1f} us; hashing 200 kB: {hashed:.0f} us")
    assert decided < 5 * NOISY
    reader.close()


def test_an_image_is_hashed_once_and_only_where_it_decides(monkeypatch):
    """Fallback, rescue and shadow use the same key; `sticky: request` and a user's need none."""
    from ocr_client import request

    calls = []
    monkeypatch.setattr(request, "image_digest", lambda gray: calls.append(1) or "d")
    config = dataclasses.replace(configured(), shadow=ShadowSettings(10_000))
    for arms, settings, user, hashed in (
        ({**BOTH, CANDIDATE: ""}, config, "u", 1),
        (BOTH, configured(0, shadow=1.0), "u", 1),
        (BOTH, configured(sticky="user"), "u", 0),
        (BOTH, configured(sticky="user"), None, 1),
        (BOTH, configured(sticky="request"), "u", 0),
    ):
        reader = OCRClient(settings, transport=FakeTransport(arms))
        reader.recognize(image(), user_id=user)
        assert len(calls) == hashed
        calls.clear()
        reader.close()


def test_recording_an_outcome_takes_microseconds():
    """Member.record: 5 us; all that a client adds to a request, examining the text included."""
    plan = Plan("crnn-1", *BOTH)
    config = dataclasses.replace(configured(), rollout=plan)
    reader = OCRClient(config, transport=FakeTransport(BOTH))
    session = reader._session
    snapshot = session.begin()
    view, member = snapshot.member.view, snapshot.member
    recorded = microseconds(
        lambda n: member.record(view, "candidate", "ok", 12.5, n % 10_000), 5_000
    )
    request = routed(view, image(), image(), user_id="u", request_id="r", forced=None)
    reading = Reading("TOTAL RM 45.90", 0.97, ())
    attempt = Attempt(CANDIDATE, "ok", 12.5, reading)
    told = microseconds(lambda _: session.attempted(snapshot, request, attempt), 5_000)
    examined = microseconds(lambda _: session.norms.learn(CANDIDATE, reading), 2_000)
    print(
        f"recording an outcome: {recorded:.1f} us; with its metric {told:.1f} us; "
        f"examining and learning from a text: {examined:.1f} us"
    )
    assert recorded < 5 * NOISY
    assert told < 10 * NOISY
    assert examined < 60 * NOISY
    reader.close()


def test_a_request_costs_hardly_more_than_without_a_rollout():
    """Everything that was added to it, against the whole of one on the fake transport.

    The rest of a request is what it was: loading, hashing, preparing, decoding.
    """
    from ocr_client.fallback import answer

    reader = OCRClient(configured(0.3), transport=FakeTransport(BOTH))
    session = reader._session
    snapshot = session.begin()
    pixels = image(width=300)
    whole = microseconds(lambda n: reader.recognize(pixels, user_id=f"u{n}"), 100)
    reading = Reading("TOTAL RM 45.90", 0.97, ())
    view = snapshot.member.view
    request = routed(view, pixels, pixels, user_id="u", request_id="r", forced=None)

    def added(_):
        live = session.begin().member.view
        with session.in_flight:
            session.connections.use(snapshot.transport)
            answered = answer(
                request.assignment,
                live.table.stable,
                lambda arm, deadline, *, last_resort: reading,
                deadline=Deadline.after(10, time.monotonic),
                candidate_deadline_s=5,
                examine=session.norms.learn,
                attempted=lambda attempt: session.attempted(snapshot, request, attempt),
                rescue=session.rescue(snapshot.config),
            )
            result = result_of(request, answered, 1.0)
        session.metrics.count("ocr_client_requests_total", arm="x", reason=result.reason)

    more = microseconds(added, 1_000)
    print(f"the rollout's part of a request: {more:.0f} us of {whole:.0f} us ({more / whole:.1%})")
    assert more < whole / 3
    reader.close()
