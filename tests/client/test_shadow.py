"""The candidate reads a sample of stable's requests, and no answer waits for it."""

import dataclasses
import statistics
import threading
import time

import numpy as np
import pytest
from rollouts import BOTH, CANDIDATE, GARBLED, STABLE, client, configured, counted, image, until

from ocr_client import OCRClient
from ocr_client import errors as tree
from ocr_client.background import Background
from ocr_client.config import ShadowSettings, TritonSettings
from ocr_client.fake import FakeTransport, spelled
from ocr_client.shadow import chosen
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import bucket_of
from ocr_rollout.core.state import RolloutState
from ocr_rollout.runtime import view_of

PLAN = Plan("crnn-1", STABLE, CANDIDATE)


def planned(**shadow):
    """With a plan that nobody has started, in this process's memory."""
    settings = ShadowSettings(**{"share_bp": 10_000, **shadow})
    return dataclasses.replace(configured(), rollout=PLAN, shadow=settings)


def shadowed(reader):
    found = reader.metrics()
    return {
        result: found.get(f'ocr_client_shadow_total{{result="{result}"}}', 0)
        for result in ("read", "full", "busy", "stale", "refused")
    }


def test_it_works_before_anything_was_started():
    """Evidence before exposure: nobody was answered by the candidate."""
    reader, transport = client(config=planned())
    for number in range(10):
        assert reader.recognize(image(), user_id=f"u{number}").reason == "candidate_out"
    until(lambda: shadowed(reader)["read"] == 10)
    assert {asked.arm for asked in transport.asked} == {STABLE, CANDIDATE}
    found = counted(reader)
    assert found.stable == {"ok": 10}
    assert found.shadow == {"ok": 10}
    assert found.candidate == {}
    assert found.pairs["both_fine"] == 10
    assert found.pairs.get("equal", 0) == 0


@pytest.mark.parametrize(
    ("stable", "candidate", "outcome", "pair"),
    [
        ("text", "text", "ok", {"both_fine": 1, "equal": 1}),
        ("text", "texd", "ok", {"both_fine": 1, "distance_milli": 250}),
        ("text", "", "empty", {"candidate_only": 1}),
        ("text", GARBLED, "garbled", {"candidate_only": 1}),
        ("text", tree.ArmFailedError("boom"), "server_error", {"candidate_only": 1}),
        ("", "text", "ok", {"stable_only": 1}),
        ("", "", "empty", {"both_bad": 1}),
        ("text", tree.DrainingError("unloaded"), "draining", {}),
    ],
)
def test_the_two_readings_of_one_image_are_compared(stable, candidate, outcome, pair):
    """Equal, different by so much, or bad on either side."""
    reader, _ = client({STABLE: stable, CANDIDATE: candidate}, planned())
    assert reader.recognize(image()).text == stable
    until(lambda: shadowed(reader)["read"] == 1)
    found = counted(reader)
    assert (found.shadow, found.pairs) == ({outcome: 1}, pair)


def test_a_broken_candidate_is_left_alone():
    """What its breaker refuses is no evidence."""
    reader, _ = client({**BOTH, CANDIDATE: tree.ArmBrokenError("open")}, planned())
    reader.recognize(image())
    until(lambda: shadowed(reader)["refused"] == 1)
    found = counted(reader)
    assert (found.shadow, found.pairs) == ({}, {})


def test_the_sample_has_a_salt_of_its_own():
    """With routing's own, a sample of 10 % would be all candidate's users, or none of them."""
    view = view_of(PLAN, RolloutState(), enabled=True)
    keys = [f"key{number}" for number in range(5_000)]
    sample = [key for key in keys if chosen(view, key, 1_000)]
    assert abs(len(sample) - 500) < 70
    low = [key for key in sample if bucket_of(key, view.salt) < 5_000]
    assert abs(len(low) - len(sample) / 2) < 40
    assert sample == [key for key in keys if chosen(view, key, 1_000)]
    assert not [key for key in keys if chosen(view, key, 0)]


def test_the_candidates_own_requests_have_no_shadow():
    """It reads them anyway."""
    config = dataclasses.replace(configured(), shadow=ShadowSettings(10_000))
    reader, transport = client(config=config)
    for number in range(5):
        reader.recognize(image(), user_id=f"u{number}")
    assert sum(shadowed(reader).values()) == 0
    assert {asked.arm for asked in transport.asked} == {CANDIDATE}
    reader.close()


def test_where_the_candidate_is_switched_off_there_is_no_shadow():
    """The emergency switch means it."""
    config = dataclasses.replace(configured(crnn_enabled=False), shadow=ShadowSettings(10_000))
    reader, transport = client(config=config)
    reader.recognize(image())
    assert sum(shadowed(reader).values()) == 0
    assert {asked.arm for asked in transport.asked} == {STABLE}
    reader.close()


class Hanging(FakeTransport):
    """A candidate that answers when it is let."""

    def __init__(self, *rest):
        super().__init__(*rest)
        self.let = threading.Event()

    def infer(self, arm, tensor, **rest):
        if arm == CANDIDATE:
            self.let.wait(20)
        return super().infer(arm, tensor, **rest)


def test_what_does_not_fit_the_queue_is_dropped_and_counted():
    """Never the answers."""
    transport = Hanging(BOTH)
    reader = OCRClient(planned(queue=3), transport=transport)
    for number in range(30):
        reader.recognize(image(width=40), user_id=f"u{number}")
    found = shadowed(reader)
    assert found["full"] >= 26
    transport.let.set()
    until(lambda: shadowed(reader)["read"] + shadowed(reader)["full"] == 30)
    reader.close()


def test_a_busy_process_has_no_shadow():
    """Users come first."""
    config = dataclasses.replace(planned(), triton=TritonSettings(busy_in_flight=1))
    reader, _ = client(config=config)
    reader.recognize(image())
    assert shadowed(reader)["busy"] == 1
    reader.close()


def test_no_answer_waits_for_the_shadow():
    """A candidate that takes 300 ms for each: answers take as long as without it.

    In turn, by the tenth of each that had the processor for itself, for others use this machine;
    that all answers come while the candidate's hang is stated above.
    """

    def slow(tensor):
        time.sleep(0.3)
        return spelled("candidate", lines=1, steps=tensor.shape[3] // 4)

    def reader(share_bp):
        made = OCRClient(
            planned(share_bp=share_bp), transport=FakeTransport({STABLE: "stable", CANDIDATE: slow})
        )
        made.recognize(image())
        return made

    readers = reader(0), reader(10_000)
    times = [
        [one.recognize(image(), user_id=f"u{n}").time_ms for one in readers] for n in range(180)
    ]
    for one in readers:
        one.close()
    without, beside = (statistics.quantiles(each, n=10) for each in zip(*times, strict=True))
    print(f"an answer: {without[0]:.2f} ms without shadow, {beside[0]:.2f} ms beside a slow one")
    assert beside[0] < 2 * without[0] + 5
    assert beside[4] < 150  # the median


def test_the_pixels_of_a_caller_who_goes_on_drawing_are_safe():
    """The answer is out, so the array is the caller's again."""
    seen = []

    class Seeing(Hanging):
        def infer(self, arm, tensor, **rest):
            answer = super().infer(arm, tensor, **rest)
            if arm == CANDIDATE:
                seen.append(int(tensor[0, 0, 16, 20]))
            return answer

    transport = Seeing(BOTH)
    reader = OCRClient(planned(), transport=transport)
    pixels = np.full((32, 90), 200, np.uint8)
    reader.recognize(pixels)
    pixels[:] = 0
    transport.let.set()
    until(lambda: seen)
    assert seen[0] > 100
    reader.close()


def test_a_job_that_raises_ends_nothing(caplog):
    """And closing ends the threads, more of them than there is room for."""
    background = Background("test", threads=3, room=2)
    gate, inside, done = threading.Event(), [], []

    def fail():
        raise ValueError("boom")

    assert background.offer(fail)
    until(lambda: "a job raised" in caplog.text)
    assert background.offer(lambda: done.append(1))
    until(lambda: done)

    def stay():
        inside.append(1)
        gate.wait(60)

    for _ in range(3):
        until(lambda: background.offer(stay))
    until(lambda: len(inside) == 3)
    assert background.offer(lambda: done.append(2))
    assert background.offer(lambda: done.append(3))
    assert not background.offer(lambda: done.append(4))
    closing = threading.Thread(target=background.close, args=(60,))
    closing.start()
    until(lambda: background._closed)
    gate.set()  # only now: those that wait would have been done before
    closing.join()
    assert done == [1]
    assert not [t for t in threading.enumerate() if t.name.startswith("ocr-test")]
    assert not background.offer(fail)
