"""The broken candidates are what they are called, served by the real Triton."""

from __future__ import annotations

import time

import numpy as np
import pytest
from benchmarks.broken_models import GARBAGE, STEPS_A_CHARACTER, TEXTS, Made, recogniser
from benchmarks.traffic import made_lines

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import TritonSettings
from ocr_client.errors import ArmFailedError
from ocr_rollout.core.garbled import examine
from ocr_server.conformance import check_repository

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def client(made_triton):
    with OCRClient(ClientConfig(triton=TritonSettings(urls=(made_triton.http_url,)))) as client:
        yield client


LINES = made_lines(40)


def test_triton_would_take_them_anywhere(made_repository):
    """The container's backend checks the same as ours."""
    assert check_repository(made_repository) == []


def test_the_healthy_read_alike_and_not_always_the_same(client):
    """Stable and candidate agree, line by line."""
    texts = [client.recognize(line, arm="convnext:1").text for line in LINES]
    assert texts == [client.recognize(line, arm="crnn:1").text for line in LINES]
    assert len(set(texts)) > 3
    assert all(examine(text).kind == "ok" for text in texts)


def test_raising_fails_on_some_images_and_always_on_those(client):
    """HTTP 500 with ONNX Runtime's own words, on about half of the images."""

    def fate(line):
        try:
            return client.recognize(line, arm="crnn:2").text
        except ArmFailedError as error:
            return str(error)

    fates = [fate(line) for line in LINES]
    failed = [text for text in fates if "onnx runtime error" in text]
    assert 8 < len(failed) < 32
    assert {text for text in fates if text not in failed} <= set(TEXTS)
    assert fates == [fate(line) for line in LINES]


@pytest.mark.parametrize(("arm", "kind"), [("crnn:3", "empty"), ("crnn:4", "garbled")])
def test_empty_and_garbage_are_called_so(client, arm, kind):
    """On about half of the images; the rest are read as stable reads them."""
    found = [client.recognize(line, arm=arm) for line in LINES]
    kinds = [examine(result.text, result.confidence).kind for result in found]
    assert set(kinds) == {"ok", kind}
    assert 8 < kinds.count(kind) < 32


def test_garbage_is_garbage_by_three_different_checks():
    checks = {examine(text).check for text in GARBAGE}
    assert checks == {"control", "repeats", "rare"}
    assert {examine(text).kind for text in TEXTS} == {"ok"}


def test_slow_takes_several_times_as_long(client):
    """Medians of ten, in turn, so that a busy machine slows both."""
    took = {"convnext:1": [], "crnn:5": []}
    for line in LINES[:10]:
        for arm, times in took.items():
            start = time.perf_counter()
            client.recognize(line, arm=arm)
            times.append(time.perf_counter() - start)
    assert np.median(took["crnn:5"]) > 4 * np.median(took["convnext:1"])


def test_only_the_long_lines_break_the_one_that_nobody_tried_on_them(client):
    """The case that shows up when other images come in."""
    short, long = made_lines(5, width=300), made_lines(5, width=600)
    for line in short:
        assert client.recognize(line, arm="crnn:6").text in TEXTS
    for line in long:
        with pytest.raises(ArmFailedError):
            client.recognize(line, arm="crnn:6")


@pytest.mark.parametrize("kind", ["raises", "empty", "garbage", "slow"])
def test_the_noise_of_a_warm_up_finds_nothing(kind):
    """Or Triton would not load them, and a rollout would have nothing to notice."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        recogniser(Made(kind)).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    noise = np.random.default_rng(0).integers(0, 256, (4, 1, 32, 384), np.uint8)
    codepoints, confidence = session.run(["codepoints", "confidence"], {"image": noise})
    assert codepoints.shape == confidence.shape == (4, 96)
    for row in codepoints:
        assert "".join(map(chr, row[1::STEPS_A_CHARACTER])).strip("\0") in TEXTS
