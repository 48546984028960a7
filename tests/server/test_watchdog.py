"""What the watchdog takes for dead, and what it asks."""

from __future__ import annotations

import collections
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ocr_server import stubs, watchdog
from ocr_server.server_log import one_line, telling_line
from ocr_server.triton_api import Answer, TritonAPI, UnreachableError, VersionState


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


class Hung(TritonAPI):
    """A Triton that waits for a stub, and lets everybody wait who asks for its version."""

    def index(self, *, timeout_s: float = 10.0) -> list[VersionState]:
        return [VersionState("crnn", "1", "READY", "")]

    def config(self, model: str, version: str, *, timeout_s: float = 5.0) -> Answer:
        return Answer(200, {"input": [], "instance_group": [{"count": 2}]})

    def infer(
        self,
        model: str,
        version: str,
        body: Mapping[str, Any],
        *,
        timeout_s: float,
        hopeless: Callable[[], bool] = bool,
    ) -> Answer:
        raise UnreachableError("TimeoutError: timed out")


@pytest.mark.parametrize(("living", "loaded"), [(2, []), (1, ["crnn"]), (0, ["crnn"])])
def test_a_version_that_lacks_a_stub_is_loaded_again_although_triton_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living: int, loaded: list[str]
) -> None:
    """With all its stubs it may only be slow, and loading it again would make that worse."""
    monkeypatch.setattr(watchdog, "LOOK_AGAIN_S", 0.0)
    (tmp_path / "crnn" / "1").mkdir(parents=True)
    loads: list[str] = []
    alive = collections.Counter({("crnn", "1"): living})
    said: list[str] = []
    over = threading.Event()
    dog = watchdog.Watchdog(
        Hung("127.0.0.1:1"), tmp_path, loads.append, loads.append, said.append, lambda: alive, over
    )
    dog.check()
    assert loads == loaded
    assert len(said) == 1
    over.set()  # nobody loads anything into a server that has ended, and is started again
    dog.check()
    assert loads == loaded


def test_a_probe_is_given_up_when_there_is_no_hope() -> None:
    """Not after its thirty seconds; the server here takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = TritonAPI(f"127.0.0.1:{silent.getsockname()[1]}")
        asked = iter([False, True])
        with pytest.raises(UnreachableError, match="given up"):
            api.infer("crnn", "1", {}, timeout_s=600, hopeless=lambda: next(asked))


def test_a_version_has_a_stub_for_each_instance() -> None:
    """Triton completes the configuration; one that names no group has one instance."""
    assert stubs.wanted({"instance_group": [{"count": 2}, {"count": 1}]}) == 3
    assert stubs.wanted({}) == 1


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
