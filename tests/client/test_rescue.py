"""Stable's answer in place of an empty or garbled one of the candidate's."""

import logging

import pytest
from rollouts import BOTH, CANDIDATE, GARBLED, STABLE, client, configured, counted, image

from ocr_client import OCRClient
from ocr_client import errors as tree
from ocr_client.config import TritonSettings
from ocr_client.fake import FakeTransport


@pytest.mark.parametrize(
    ("text", "words"),
    [("", f"{CANDIDATE}: no text found"), (GARBLED, f"{CANDIDATE}: garbled (control 3")],
)
def test_stable_answers_for_an_answer_that_is_none(text, words):
    """Marked, with what was wrong; the candidate's fault counts, stable's help does not."""
    reader, _ = client({STABLE: "stable", CANDIDATE: text})
    result = reader.recognize(image())
    assert (result.text, result.arm, result.reason) == ("stable", STABLE, "rescued")
    assert (result.rescued, result.fell_back) == (True, False)
    assert result.fault.startswith(words)
    assert result.to_json()["rescued"] is True
    assert reader.metrics()['ocr_client_rescues_total{result="rescued"}'] == 1
    found = counted(reader)
    assert sum(found.candidate.values()) == 1
    assert "ok" not in found.candidate
    assert found.stable == {}


def test_a_rescue_is_no_warning(caplog):
    """Paper is blank sometimes, and nobody is to be woken for it."""
    reader, _ = client({STABLE: "stable", CANDIDATE: ""})
    with caplog.at_level(logging.INFO, "ocr_client"):
        result = reader.recognize(image())
    (record,) = (r for r in caplog.records if result.request_id in r.getMessage())
    assert record.levelno == logging.INFO
    reader.close()


@pytest.mark.parametrize(
    ("stable", "how"),
    [("", "no_better"), (GARBLED, "no_better"), (tree.ArmFailedError("boom"), "failed")],
)
def test_the_candidates_answer_stays_where_stable_has_no_better(stable, how):
    """A blank page is a result, never an error."""
    reader, _ = client({STABLE: stable, CANDIDATE: ""})
    result = reader.recognize(image())
    assert (result.text, result.arm, result.reason) == ("", CANDIDATE, "candidate_range")
    assert (result.rescued, result.fell_back, result.fault) == (False, False, None)
    assert reader.metrics()[f'ocr_client_rescues_total{{result="{how}"}}'] == 1
    assert counted(reader).candidate == {"empty": 1}


def test_a_rescue_has_a_short_deadline_of_its_own():
    """Within the request's: the user has waited for one answer already."""
    reader, transport = client({STABLE: "stable", CANDIDATE: ""}, clock=lambda: 0.0)
    reader.recognize(image())
    assert transport.asked[0].timeout_s > 4
    assert 0.5 < transport.asked[1].timeout_s <= 1
    reader.close()


def test_a_busy_process_rescues_nobody():
    """From busy_in_flight requests on, an answer that is there is enough."""
    config = configured(triton=TritonSettings(busy_in_flight=1))
    reader, transport = client({STABLE: "stable", CANDIDATE: ""}, config)
    assert reader.recognize(image()).text == ""
    assert len(transport.asked) == 1
    assert reader.metrics()['ocr_client_rescues_total{result="busy"}'] == 1
    reader.close()


def test_a_rescue_may_be_switched_off():
    """Then an empty answer is an answer."""
    reader, transport = client({STABLE: "stable", CANDIDATE: ""}, configured(rescue=False))
    assert reader.recognize(image()).text == ""
    assert len(transport.asked) == 1
    reader.close()


def test_stable_is_not_rescued():
    """There is nobody to do it."""
    reader, transport = client({STABLE: "", CANDIDATE: "candidate"}, configured(0))
    assert reader.recognize(image()).text == ""
    assert len(transport.asked) == 1
    reader.close()


def test_what_a_rescue_asks_for_is_no_first_attempt_of_stables():
    """A hundred difficult images must not look like stable's own."""
    reader = OCRClient(configured(), transport=FakeTransport({**BOTH, CANDIDATE: ""}))
    for number in range(100):
        reader.recognize(image(width=40), user_id=f"u{number}")
    found = counted(reader)
    assert found.candidate["empty"] > 90
    assert found.stable == {}
