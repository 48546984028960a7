"""The client against the real embedded Triton: both arms, fallback, models that are not there."""

import logging
import time
import urllib.request

import numpy as np
import pytest

from ocr_client import ClientConfig, OCRClient
from ocr_client import errors as tree
from ocr_client.config import ModelRouting, TritonSettings
from ocr_client.settings import CANDIDATE, STABLE
from ocr_client.transport import TritonTransport
from ocr_server import EmbeddedTriton, Ports

pytestmark = pytest.mark.server


def line(seed=0, width=300):
    """Black strokes on white, so that a model has something to read."""
    pixels = np.full((32, width), 255, np.uint8)
    rng = np.random.default_rng(seed)
    for x in rng.integers(4, width - 8, 20):
        pixels[6:26, x : x + 3] = 0
    return pixels


def config(server, **routing):
    return ClientConfig(ModelRouting(**routing), TritonSettings(urls=(server.http_url,)))


@pytest.fixture
def own_triton(repository):
    """One of both arms for the test alone, because it takes models away."""
    arms = [CANDIDATE.model, STABLE.model]
    with EmbeddedTriton(repository, models=arms, ports=Ports(0, 0, 0)) as server:
        yield server


def unload(server, model):
    """Answers 200 before it is done, so its readiness is watched."""
    address = f"http://{server.http_url}/v2"
    request = urllib.request.Request(
        f"{address}/repository/models/{model}/unload", b"{}", server.control_header
    )
    urllib.request.urlopen(request, timeout=10).close()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{address}/models/{model}/ready", timeout=5).close()
        except urllib.error.HTTPError:
            return
        time.sleep(0.02)
    pytest.fail(f"{model} is still ready")


@pytest.mark.parametrize("arm", [STABLE, CANDIDATE], ids=str)
def test_each_arm_answers_when_it_is_named(triton, arm):
    """The result names the arm, and its places lie within the image."""
    with OCRClient(config(triton)) as client:
        result = client.recognize(line(), arm=arm)
    assert (result.arm, result.reason) == (arm, "forced")
    assert 0 <= result.confidence <= 1
    assert len(result.characters) == len(result.text)
    for character in result.characters:
        assert 0 <= character.left <= character.right <= 300


def test_the_router_decides_when_none_is_named(triton):
    """All of the traffic, then none of it."""
    with OCRClient(config(triton, candidate_weight_bp=10_000)) as client:
        assert client.recognize(line()).arm == CANDIDATE
    with OCRClient(config(triton, crnn_enabled=False)) as client:
        assert client.recognize(line()).arm == STABLE


@pytest.mark.parametrize("arm", [STABLE, CANDIDATE], ids=str)
@pytest.mark.parametrize("width", [2, 90, 1_000, 1_024, 1_100, 20_000])
def test_a_line_of_any_width_is_read(triton, arm, width):
    """In one tensor, in a few windows, in more windows than a batch holds."""
    with OCRClient(config(triton)) as client:
        result = client.recognize(line(width=width) if width > 20 else line()[:, :2], arm=arm)
    assert all(character.right <= width for character in result.characters)


def test_many_are_read_as_one_by_one(triton):
    """Batches of the server change no text."""
    images = [line(seed, 100 + 10 * seed) for seed in range(40)]
    with OCRClient(config(triton)) as client:
        many = list(client.recognize_many(images, user_id="u"))
        for image, found in zip(images, many, strict=True):
            alone = client.recognize(image, user_id="u")
            assert (found.text, found.arm, found.bucket) == (alone.text, alone.arm, alone.bucket)


def test_an_empty_line_is_a_result(triton):
    """Never None, and no error: blank paper has a text, maybe an empty one."""
    with OCRClient(config(triton)) as client:
        result = client.recognize(np.full((32, 200), 255, np.uint8))
    assert isinstance(result.text, str)


def test_with_the_candidate_unloaded_every_request_answers_from_stable(own_triton, caplog):
    """Marked, with one line of the log each; a forced arm fails, saying what is there."""
    with OCRClient(config(own_triton, candidate_weight_bp=10_000)) as client:
        assert client.recognize(line()).arm == CANDIDATE  # its spec is known from now on
        unload(own_triton, "crnn")
        with caplog.at_level(logging.WARNING):
            results = [client.recognize(line(seed)) for seed in range(20)]
        assert {(result.arm, result.fell_back) for result in results} == {(STABLE, True)}
        assert len(caplog.records) == 20
        assert results[0].fault.startswith(f"{CANDIDATE} is not ready")
        with pytest.raises(
            tree.DrainingError, match=rf"{CANDIDATE} .* there is: (convnext:[0-9]+, )*{STABLE}$"
        ):
            client.recognize(line(), arm=CANDIDATE)

    # A client that never saw the model learns of it in another way.
    with OCRClient(config(own_triton, candidate_weight_bp=10_000)) as client:
        assert client.recognize(line()).fell_back


def test_with_both_gone_the_error_says_so(own_triton):
    """For the candidate's requests, and for stable's."""
    unload(own_triton, "crnn")
    unload(own_triton, "convnext")
    with (
        OCRClient(config(own_triton, candidate_weight_bp=10_000)) as client,
        pytest.raises(tree.NoArmError) as caught,
    ):
        client.recognize(line())
    message = str(caught.value)
    assert "neither arm answered" in message
    assert str(CANDIDATE) in message
    assert str(STABLE) in message
    assert "no model is loaded there" in message
    assert "\n" not in message
    with (
        OCRClient(config(own_triton, candidate_weight_bp=0)) as client,
        pytest.raises(tree.DrainingError, match="no model is loaded there"),
    ):
        client.recognize(line())


@pytest.mark.parametrize("arm", ["crnn:99", "unknown:1"])
def test_a_model_that_is_not_there_is_named_with_what_is(triton, arm):
    """An unknown version as well as an unknown name."""
    with OCRClient(config(triton)) as client, pytest.raises(tree.ModelMissingError) as caught:
        client.recognize(line(), arm=arm)
    assert str(caught.value).startswith(f"{arm} is not on the server at ")
    there = str(caught.value).partition("there is: ")[2].split(", ")
    assert {str(STABLE), str(CANDIDATE)} <= set(there)


@pytest.mark.parametrize(
    ("shape", "words"),
    [((1, 1, 31, 96), "unexpected shape"), ((17, 1, 32, 96), "batch-size must be <= 16")],
)
def test_a_tensor_that_the_model_refuses_is_the_arms_fault(triton, shape, words):
    """Its own configuration asked for it."""
    transport = TritonTransport([triton.http_url])
    with pytest.raises(tree.ArmRefusedError, match=words):
        transport.infer(CANDIDATE, np.zeros(shape, np.uint8), timeout_s=10, request_id="r")
    transport.close()


@pytest.mark.slow
def test_a_server_that_went_away_is_unreachable_and_comes_back(repository):
    """The same client, without being told."""
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0)) as server:
        client = OCRClient(config(server))
        client.recognize(line())
        client.close()  # Triton waits for open connections when it stops
        port = int(server.http_url.partition(":")[2])
    with pytest.raises(tree.UnreachableError, match="ocrctl server up --detach"):
        client.recognize(line())
    with EmbeddedTriton(repository, ports=Ports(port, 0, 0)):
        assert client.recognize(line()).arm in {STABLE, CANDIDATE}
    client.close()
