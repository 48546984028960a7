"""What the watchdog takes for dead, and what it asks."""

from __future__ import annotations

import pytest

from ocr_server import watchdog
from ocr_server.server_log import one_line, telling_line
from ocr_server.triton_api import Answer


@pytest.mark.parametrize(
    ("status", "error", "health"),
    [
        (200, None, "alive"),
        (500, "Stub process 'crnn_0_0' is not healthy.", "dead"),
        (500, "onnx runtime error 6: Non-zero status code", "alive"),  # it answered
        (400, "unexpected shape for input 'image'", "alive"),
        (503, "Exceeds maximum queue size", "unknown"),  # busy is not dead
        (404, "Request for unknown model", "unknown"),  # unloaded meanwhile
    ],
)
def test_only_a_silent_stub_is_dead(status: int, error: str | None, health: str) -> None:
    body = {} if error is None else {"error": error}
    assert watchdog.judge(Answer(status, body)) == health


def test_the_probe_is_the_smallest_request_the_model_takes() -> None:
    config = {
        "max_batch_size": 16,
        "input": [{"name": "image", "data_type": "TYPE_UINT8", "dims": ["1", "32", "-1"]}],
        "parameters": {"ocr_width_buckets": {"string_value": "96,128"}},
    }
    (image,) = watchdog.probe_body(config)["inputs"]
    assert image["shape"] == [1, 1, 32, 96]
    assert image["datatype"] == "UINT8"
    assert image["data"] == [0] * (32 * 96)


LOG = """
I1122 14:11:49.716762 7356 pinned_memory_manager.cc:283] "Pinned memory pool disabled"
E1122 14:11:49.719336 7356 server.cc:241] "CudaDriverHelper has not been initialized."
E1122 14:11:50.100000 7356 model_repository_manager.cc:1453] "Poll failed for model directory"
"""


def test_the_first_real_error_of_a_log_is_found() -> None:
    assert telling_line(LOG) == "Poll failed for model directory"
    stub = "/x/triton_python_backend_stub: error while loading shared libraries: a.so"
    assert telling_line(LOG + stub) == "stub process: error while loading shared libraries: a.so"
    assert telling_line(LOG.replace("E1122", "I1122")).startswith("I1122")
    assert telling_line("") == "an empty log"


def test_the_stack_behind_a_reason_is_cut() -> None:
    reason = "Internal: TritonModelException: wrong\n\nAt:\n  /x/model.py(1): initialize\n"
    assert one_line(reason) == "Internal: TritonModelException: wrong"
