"""Real models, a real Triton, a shared store: from a request to what stands at the gate."""

import csv
import dataclasses
import math
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_client import ClientConfig, OCRClient
from ocr_client.operations.figures import agreement
from ocr_client.reviews.accuracy import accuracy
from ocr_client.reviews.desk import ReviewDesk
from ocr_client.reviews.samples import line_of
from ocr_client.reviews.settings import ReviewSettings
from ocr_client.settings import ShadowSettings
from ocr_preprocessing.load import load_image
from ocr_rollout.runtime.evidence import read_evidence
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import open_store

SAMPLES = Path(__file__).parents[2] / "samples"
REVIEW = ReviewSettings(stable_bp=10_000, candidate_bp=10_000, disputes_bp=10_000, keep_images=True)
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def truths():
    """Pixels of a sample -> its text and its kind."""
    with (SAMPLES / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    files = [row for row in rows if row[0].endswith(".png")]
    return {load_image(SAMPLES / row[0]).tobytes(): (row[0], row[1]) for row in files}


def test_reviewers_find_what_the_models_read(triton, tmp_path, truths):
    """By the kept pictures alone: each is the line that was read, and the counts are theirs."""
    url = f"sqlite:///{tmp_path / 'rollout.db'}"
    config = ClientConfig.parse({"triton": {"urls": [triton.http_url]}, "store": {"url": url}})
    config = dataclasses.replace(
        config,
        review=REVIEW,
        shadow=ShadowSettings(share_bp=10_000),
        model_routing=dataclasses.replace(config.model_routing, candidate_weight_bp=5_000),
    )
    answers, store = {}, open_store(url)
    with OCRClient(config) as client:
        for name, _ in truths.values():
            for user in ("u1", "u2", "u3"):
                result = client.recognize(SAMPLES / name, user_id=user)
                answers[result.request_id] = (name, result)
        # They are put there off the response path, and `close` waits a moment only.
        end = time.monotonic() + 60
        while len(store.samples(0, math.inf, 1_000, kind="line")) < len(answers):
            assert time.monotonic() < end
            time.sleep(0.05)
    desk = ReviewDesk(store, "ocr-rollout", REVIEW)
    assert desk.waiting("ann") >= len(answers)
    wrong = 0
    while (task := desk.next("ann")) is not None:
        picture = cv2.imdecode(np.frombuffer(desk.image(task.sample_id), np.uint8), 0)
        name, truth = truths[picture.tobytes()]
        if task.kind == "line":
            line = line_of(store.sample(task.sample_id))
            told, result = answers[task.sample_id]
            assert (name, line.text) == (told, result.text)
            wrong += line.text.split() != truth.split()
        desk.review(task.sample_id, truth, by="ann", kind="print")
    evidence = read_evidence(store, read_state(store), 0.0, rollout_id="ocr-rollout")
    figures = accuracy(evidence.reviews, evidence.pairs.total)
    lines = figures.all.stable.lines, figures.all.candidate.lines
    assert sum(one.n for one in lines) == len(answers)
    assert all(one.n for one in lines)
    assert all(one.value > 0.5 for one in lines)
    found = sum(round((1 - one.value) * one.n) for one in lines)
    print(f"{found} of {len(answers)} lines wrong")
    assert found <= wrong  # white space and width do not count
    seen = agreement(evidence.pairs.total)
    assert figures.all.disputes.pairs <= seen.both_fine - seen.equal or not seen.both_fine
