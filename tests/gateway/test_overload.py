"""More callers than places: they are read, or told when to come again, and nothing else."""

import threading
import time

import pytest
from serving_process import LIMIT_S

from ocr_client import errors
from ocr_gateway.faults import STATUSES, problem_of
from ocr_rollout.core.routing import Arm

pytestmark = pytest.mark.server

PNG = {"Content-Type": "image/png"}


def storm(serving, sample, callers, seconds):
    """All answers of so many callers that ask again at once, for so long and until both kinds came."""
    answers, began = [], time.monotonic()

    def goes_on():
        lasted = time.monotonic() - began
        return lasted < seconds or (
            lasted < LIMIT_S and {answer.status_code for answer in [*answers]} < {200, 503}
        )

    def call():
        while goes_on():
            answers.append(serving.post(content=sample, headers=PNG))

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_who_finds_no_place_is_told_when_to_come_again(serve, triton, sample):
    """200, or 503 with Retry-After; no other status, and the service is as ready as before."""
    serving = serve(triton.http_url, "{concurrency: 1, queue: 2, wait_s: 60}", "--quiet")
    answers = storm(serving, sample, callers=12, seconds=3)
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}, statuses
    for answer in answers:
        if answer.status_code == 503:
            assert 1 <= int(answer.headers["retry-after"]) <= 30
            assert answer.json()["type"].endswith(":overloaded")
    serving.until(lambda: serving.get("/readyz").status_code == 200, "it is not ready")
    assert serving.post(content=sample, headers=PNG).status_code == 200
    assert serving.log() == "", "refusals are no warnings"


def test_who_waits_for_too_long_is_told_so(serve, held, sample):
    """`wait_s` after it came, while the one before it is still read."""
    serving = serve(held.url, "{concurrency: 1, queue: 4, wait_s: 0.3}", deadline_s=600)
    held.hold()
    first = threading.Thread(target=lambda: serving.post(content=sample, headers=PNG))
    first.start()
    serving.until_under_way(1)
    started = time.monotonic()
    answer = serving.post(content=sample, headers=PNG)
    assert answer.status_code == 503
    assert "no turn within 0.3 s" in answer.json()["detail"]
    assert 0.2 < time.monotonic() - started < 5
    held.release()
    first.join()


def leaves(kind):
    return [leaf for each in kind.__subclasses__() for leaf in leaves(each)] or [kind]


def made(kind):
    if kind is errors.NoArmError:
        return kind(errors.ArmFailedError("a"), errors.ArmFailedError("b"))
    return kind("something at 10.0.0.1:8000")


@pytest.mark.parametrize("kind", leaves(errors.OCRError))
def test_every_fault_has_a_status(kind):
    """A new one in the client cannot be forgotten here; only the caller's own are explained."""
    assert any(issubclass(kind, each) for each, _, _ in STATUSES)
    problem = problem_of(made(kind), request_id="r", named_arm=None)
    if issubclass(kind, errors.CallerError):
        assert problem.status == 422
    else:
        assert problem.status in {502, 503}
        assert "10.0.0.1" not in problem.detail
        assert ("Retry-After" in problem.headers) == (problem.status == 503)


def test_a_missing_arm_is_the_callers_matter_only_where_the_caller_named_it():
    missing = errors.ModelMissingError("crnn:9 is not on the server at 10.0.0.1:8000")
    assert problem_of(missing, request_id="r", named_arm=None).status == 503
    assert problem_of(missing, request_id="r", named_arm=Arm("crnn", 9)).status == 404
