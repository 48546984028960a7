"""The client on the shipped fake transport: routing, fallback, deadlines, results."""

import logging
import threading

import cv2
import numpy as np
import pytest
from rollouts import until

import ocr_client
from ocr_client import Arm, ClientConfig, LineResult, OCRClient
from ocr_client import errors as tree
from ocr_client.config import ModelRouting, TritonSettings
from ocr_client.fake import FakeTransport, spelled
from ocr_client.settings import CANDIDATE, STABLE
from ocr_preprocessing.spec import LineSpec

BOTH = {STABLE: "stable", CANDIDATE: "candidate"}
ALL_TO_CANDIDATE = ClientConfig(ModelRouting(candidate_weight_bp=10_000))


def image(seed=0, width=200):
    return np.random.default_rng(seed).integers(0, 256, (32, width), np.uint8)


def client(arms=None, config=ALL_TO_CANDIDATE, **rest):
    transport = FakeTransport(BOTH if arms is None else arms, **rest)
    return OCRClient(config, transport=transport), transport


class Clock:
    """Stands still unless it is moved."""

    now = 100.0

    def __call__(self):
        return self.now


def test_a_result_carries_what_was_read_and_by_whom():
    """Text, confidence, characters, arm, bucket, reason, time, request id."""
    reader, transport = client()
    result = reader.recognize(image(), user_id="u")
    assert isinstance(result, LineResult)
    assert (result.text, result.arm, result.reason) == ("candidate", CANDIDATE, "candidate_range")
    assert result.confidence == pytest.approx(0.9)
    assert "".join(character.text for character in result.characters) == "candidate"
    assert 0 <= result.bucket < 10_000
    assert result.fell_back is False
    assert result.fault is None
    assert result.time_ms > 0
    assert transport.asked[0].request_id == result.request_id


def test_places_are_in_the_pixels_of_the_source_image():
    """A line of 64 rows is scaled by half, so 4 px a step are 8 px of the image."""
    reader, _ = client({CANDIDATE: "ab"})
    first, second = reader.recognize(image().repeat(2, 0).repeat(2, 1)).characters
    assert (first.left, first.right) == (0, 8)
    assert (second.left, second.right) == (16, 24)


def test_the_json_of_a_result_is_plain():
    """Keys and types as the command line prints them."""
    reader, _ = client({CANDIDATE: "a"})
    found = reader.recognize(image()).to_json()
    assert found["arm"] == {"model": "crnn", "version": CANDIDATE.version}
    assert found["characters"] == [{"text": "a", "confidence": 0.9, "x": [0.0, 4.0]}]
    assert set(found) >= {"text", "confidence", "time_ms", "arm", "bucket", "fell_back"}


def test_one_image_meets_one_arm_however_it_is_handed_over(tmp_path):
    """Path, bytes and array of the same pixels hash to the same bucket."""
    reader, _ = client(config=ClientConfig())
    pixels = image()
    path = tmp_path / "line.png"
    cv2.imwrite(str(path), pixels)
    sources = [str(path), path, path.read_bytes(), pixels, np.asfortranarray(pixels)]
    assert len({reader.recognize(source, user_id="u").bucket for source in sources}) == 1
    assert reader.recognize(image(1), user_id="u").bucket != reader.recognize(pixels).bucket


def test_the_share_that_meets_the_candidate_is_the_weight():
    """Through the whole client: 10 % of 1,000 users, within three standard deviations."""
    reader, _ = client(config=ClientConfig())
    arms = [reader.recognize(image(), user_id=f"u{n}").arm for n in range(1_000)]
    assert abs(arms.count(CANDIDATE) - 100) < 30


@pytest.mark.parametrize("routing", [{"crnn_enabled": False}, {"candidate_weight_bp": 0}])
def test_a_candidate_that_is_out_gets_nothing(routing):
    """Neither the switch nor weight 0 leaks a single request."""
    reader, transport = client(config=ClientConfig(ModelRouting(**routing)))
    for number in range(300):
        assert reader.recognize(image(), user_id=str(number)).reason == "candidate_out"
    assert {asked.arm for asked in transport.asked} == {STABLE}


FALLS_BACK = [
    tree.ArmFailedError("onnx runtime error 2: boom"),
    tree.ArmTimeoutError("no answer within 5 s"),
    tree.ArmBusyError("queue"),
    tree.ArmRefusedError("shape"),
    tree.BadAnswerError("outputs"),
    tree.DrainingError("not ready"),
    tree.AccessError("restricted"),
    tree.UnexpectedStatusError("502"),
    tree.ConnectionLostError("reset"),
]


@pytest.mark.parametrize("fault", FALLS_BACK, ids=lambda fault: type(fault).__name__)
def test_stable_answers_for_a_candidate_that_fails(fault, caplog):
    """Marked, with the cause in the result and in exactly one line of the log."""
    reader, _ = client({STABLE: "stable", CANDIDATE: fault})
    with caplog.at_level(logging.INFO):
        result = reader.recognize(image())
    assert (result.text, result.arm, result.fell_back) == ("stable", STABLE, True)
    assert (result.reason, result.fault) == ("fell_back", str(fault))
    (record,) = caplog.records
    for words in (result.request_id, str(CANDIDATE), str(STABLE), type(fault).__name__, str(fault)):
        assert words in record.getMessage()


def test_a_candidate_that_is_not_loaded_is_fallen_back_from():
    """Every request still answers, before and after the model goes."""
    reader, transport = client()
    assert reader.recognize(image()).text == "candidate"
    del transport.arms[CANDIDATE]
    assert [reader.recognize(image(n)).fell_back for n in range(5)] == [True] * 5
    transport.arms[CANDIDATE] = "back"
    assert reader.recognize(image()).text == "back"


def test_a_candidate_whose_spec_cannot_be_read_is_fallen_back_from(caplog):
    """The spec is the arm's: a missing one is its fault."""

    class Bare(FakeTransport):
        def describe(self, arm, *, timeout_s, **rest):
            facts = super().describe(arm, timeout_s=timeout_s, **rest)
            return type(facts)(16, {}) if arm == CANDIDATE else facts

    reader = OCRClient(ALL_TO_CANDIDATE, transport=Bare(BOTH))
    result = reader.recognize(image())
    assert result.fell_back
    assert str(CANDIDATE) in result.fault
    assert "ocr_width_buckets" in result.fault
    with pytest.raises(tree.BadSpecError):
        reader.recognize(image(), arm=CANDIDATE)


def test_a_candidate_whose_preparation_fails_is_fallen_back_from(monkeypatch):
    """Two arms may want different stages; a failure in one's is that one's."""
    from ocr_preprocessing import line

    def broken(gray, spec):
        raise cv2.error("stage gone wrong")

    monkeypatch.setitem(line.STAGES, "exact", broken)

    class TwoSpecs(FakeTransport):
        def describe(self, arm, *, timeout_s, **rest):
            facts = super().describe(arm, timeout_s=timeout_s, **rest)
            spec = LineSpec(stages="exact" if arm == CANDIDATE else "fast")
            return type(facts)(16, spec.to_parameters())

    reader = OCRClient(ALL_TO_CANDIDATE, transport=TwoSpecs(BOTH))
    result = reader.recognize(image())
    assert (result.text, result.fell_back) == ("stable", True)
    assert "stage gone wrong" in result.fault
    with pytest.raises(tree.PreparationError):
        reader.recognize(image(), arm=CANDIDATE)


def test_an_answer_that_is_no_text_is_fallen_back_from():
    """A shape that does not fit the line is the arm's fault, not a crash."""
    reader, _ = client({STABLE: "stable", CANDIDATE: lambda tensor: spelled("a", lines=1, steps=7)})
    result = reader.recognize(image())
    assert result.fell_back
    assert "codepoints is int32 (1, 7)" in result.fault


@pytest.mark.parametrize("fault", FALLS_BACK, ids=lambda fault: type(fault).__name__)
def test_a_forced_arm_answers_or_fails(fault):
    """No fallback: a score must never be another arm's."""
    reader, transport = client({STABLE: "stable", CANDIDATE: fault})
    with pytest.raises(type(fault)):
        reader.recognize(image(), arm=str(CANDIDATE))
    assert {asked.arm for asked in transport.asked} == {CANDIDATE}
    assert reader.recognize(image(), arm=STABLE).reason == "forced"


def test_a_forced_arm_does_not_stick():
    """A per-call option never changes the object."""
    reader, _ = client()
    assert reader.recognize(image(), arm=str(STABLE)).arm == STABLE
    assert reader.recognize(image()).arm == CANDIDATE


def test_with_both_arms_gone_the_error_says_so():
    """What failed, what failed then, and what is there."""
    reader, _ = client({Arm("other", 3): "x"})
    with pytest.raises(tree.NoArmError) as caught:
        reader.recognize(image())
    for words in ("neither arm answered", str(CANDIDATE), str(STABLE), "other:3"):
        assert words in str(caught.value)
    assert isinstance(caught.value.candidate, tree.ModelMissingError)
    assert isinstance(caught.value.stable, tree.ModelMissingError)


def test_nobody_else_is_asked_when_no_server_answers():
    """The address is the same for every arm."""
    gone = tree.UnreachableError("no Triton")
    reader, transport = client({STABLE: "stable", CANDIDATE: gone})
    with pytest.raises(tree.UnreachableError):
        reader.recognize(image())
    assert len(transport.asked) == 1


def test_stable_does_not_fall_back_to_the_candidate():
    """The candidate is the one on trial."""
    reader, transport = client(
        {CANDIDATE: "candidate", STABLE: tree.ArmFailedError("boom")},
        ClientConfig(ModelRouting(candidate_weight_bp=0)),
    )
    with pytest.raises(tree.ArmFailedError):
        reader.recognize(image())
    assert {asked.arm for asked in transport.asked} == {STABLE}


def test_fallback_spends_what_is_left_of_the_one_deadline():
    """10 s in all: the candidate gets 4, hangs for them, stable gets the other 6."""
    clock = Clock()

    class Slow(FakeTransport):
        def infer(self, arm, tensor, *, timeout_s, **rest):
            answer = super().infer(arm, tensor, timeout_s=timeout_s, **rest)
            if arm == CANDIDATE:
                clock.now += timeout_s
                raise tree.ArmTimeoutError("hung")
            return answer

    transport = Slow(BOTH)
    config = ClientConfig(
        ModelRouting(candidate_weight_bp=10_000),
        TritonSettings(deadline_s=10, candidate_deadline_s=4),
    )
    reader = OCRClient(config, transport=transport, clock=clock)
    result = reader.recognize(image())
    assert result.fell_back
    assert [asked.timeout_s for asked in transport.asked] == [4, 6]
    assert result.time_ms == pytest.approx(4_000)


def test_a_deadline_that_has_passed_is_not_started_on():
    """No time left for stable: an error at once, with both causes."""
    clock = Clock()

    class Stuck(FakeTransport):
        def infer(self, arm, tensor, *, timeout_s, **rest):
            clock.now += 60
            raise tree.ArmTimeoutError("hung")

    reader = OCRClient(ALL_TO_CANDIDATE, transport=Stuck(BOTH), clock=clock)
    with pytest.raises(tree.NoArmError, match="the deadline passed before it was asked"):
        reader.recognize(image())


def test_a_line_wider_than_the_largest_bucket_is_read_in_windows():
    """Equal windows go in one request; every request is within the largest batch."""
    reader, transport = client({CANDIDATE: "ab"}, max_batch_size=2)
    reader.recognize(image(width=5_000))
    shapes = [asked.shape for asked in transport.asked]
    assert sum(shape[0] for shape in shapes) > 5_000 // 1024
    assert max(shape[0] for shape in shapes) == 2
    assert {shape[1:3] for shape in shapes} == {(1, 32)}
    assert {shape[3] for shape in shapes} <= set(LineSpec().width_buckets)


def test_the_spec_of_an_arm_is_asked_for_once():
    """The hot path makes one call: the inference."""

    class Counting(FakeTransport):
        described = 0

        def describe(self, arm, *, timeout_s, **rest):
            self.described += 1
            return super().describe(arm, timeout_s=timeout_s, **rest)

    transport = Counting(BOTH)
    reader = OCRClient(ALL_TO_CANDIDATE, transport=transport)
    for number in range(5):
        reader.recognize(image(number))
    assert transport.described == 1


def test_many_come_in_order_and_one_bad_image_does_not_stop_the_others():
    """A result or an error for each, in the order they were given."""
    reader, _ = client(
        {
            CANDIDATE: lambda tensor: spelled(
                str(tensor[0, 0, 0, 0]), lines=1, steps=tensor.shape[3] // 4
            )
        }
    )
    sources = [np.full((32, 100 + n), n, np.uint8) for n in range(60)]
    sources[7] = b"no image"
    answers = list(reader.recognize_many(iter(sources)))
    assert isinstance(answers[7], tree.BadImageError)
    texts = [answer.text for n, answer in enumerate(answers) if n != 7]
    assert texts == [str(n) for n in range(60) if n != 7]


def test_many_take_no_more_than_they_need():
    """An endless source is read as the answers are; closing ends it."""
    reader, transport = client()
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield image()

    answers = reader.recognize_many(endless())
    next(answers)
    answers.close()
    assert len(taken) < 50
    assert len(transport.asked) < 50
    # closing waits for its threads, but not for ever
    until(lambda: not [t for t in threading.enumerate() if t.name.startswith("ocr-client")])


def test_many_close_the_connections_of_their_threads():
    """Each thread closes its own, in that thread."""
    left = []

    class Watched(FakeTransport):
        def close(self, *, thread_ends=False):
            assert thread_ends
            left.append(threading.current_thread())

    config = ClientConfig(triton=TritonSettings(concurrency=3))
    reader = OCRClient(config, transport=Watched(BOTH))
    list(reader.recognize_many([image()] * 30))
    assert len(set(left)) == 3
    assert threading.main_thread() not in left


def test_many_tell_of_a_wrong_arm_at_once():
    """Not once for each image."""
    reader, _ = client()
    with pytest.raises(tree.BadArmError, match="MODEL:VERSION"):
        reader.recognize_many([], arm="crnn")


def test_one_client_serves_many_threads():
    """No answer goes to the wrong caller."""
    reader, _ = client(
        {
            CANDIDATE: lambda tensor: spelled(
                str(tensor[0, 0, 0, 0]), lines=1, steps=tensor.shape[3] // 4
            )
        }
    )
    wrong = []

    def read(level):
        pixels = np.full((32, 90), level, np.uint8)
        wrong.extend(1 for _ in range(30) if reader.recognize(pixels).text != str(level))

    threads = [threading.Thread(target=read, args=(level,)) for level in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_public_names_are_there():
    """And an unknown one is an AttributeError, as for any module."""
    for name in ocr_client.__all__:
        assert getattr(ocr_client, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        ocr_client.nothing_of_the_kind  # noqa: B018
