"""What the embedded server does about a Triton, or a stub, that stops working."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import signal
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from processes import is_gone, open_files, stubs, wait_until
from tiny_models import infer, request, write_model

from ocr_server import EmbeddedTriton, Ports, launcher, runs
from ocr_server.server_log import PAUSED

pytestmark = pytest.mark.server

ANY = Ports(0, 0, 0)


def read(server: EmbeddedTriton, value: int) -> int | None:
    """The code point that the model answers, which echoes pixels; None where none came."""
    try:
        status, found = infer(server.http_url, pixel=value)
    except (OSError, HTTPException):
        return None
    return found["codepoints"][0] if status == 200 else None


@pytest.mark.slow
@pytest.mark.parametrize("pause_s", [1.2, 2.5])
def test_a_paused_stub_never_answers_another_request(tmp_path: Path, pause_s: float) -> None:
    """Without `stalls` each request gets the answer of the one before it, or Triton crashes."""
    write_model(tmp_path / "models", "crnn")
    with EmbeddedTriton(tmp_path / "models", ports=ANY, watchdog_interval_s=0.5) as server:
        (stub,) = stubs(server.server.triton_pid, "crnn")
        assert read(server, 7) == 7
        os.kill(stub, signal.SIGSTOP)
        in_flight = HTTPConnection(server.http_url, timeout=30)
        path, body = request(pixel=99)
        in_flight.request("POST", path, json.dumps(body))
        time.sleep(pause_s)  # real: it is Triton's clock that runs out
        os.kill(stub, signal.SIGCONT)
        with contextlib.suppress(OSError, HTTPException):
            in_flight.getresponse().read()
        in_flight.close()
        end, right = time.monotonic() + 120, 0
        for value in itertools.cycle(range(100, 200)):
            answer = read(server, value)
            assert answer in {None, value}
            right += answer == value
            if right == 10 or time.monotonic() > end:
                break
            time.sleep(0.0 if answer else 0.3)
        assert right == 10  # it came back
        assert is_gone(stub)


def test_a_start_that_was_starved_of_processors_is_tried_again(
    tiny_repository: Path, tmp_path: Path
) -> None:
    """What a paused stub says stands in the log of the first try; the second one is real."""
    plan = launcher.make_plan(
        tiny_repository, models=["crnn"], ports=ANY, name="starved", detach=False
    )
    tried = tmp_path / "tried"
    wrapper = tmp_path / "tritonserver"
    wrapper.write_text(
        f'#!/bin/sh\n[ -e {tried} ] && exec {plan.tritonserver} "$@"\n'
        f"touch {tried}; echo 'onnxruntime: this process {PAUSED}; it ends' >&2; exit 1\n"
    )
    wrapper.chmod(0o755)
    process, server = launcher.start(dataclasses.replace(plan, tritonserver=str(wrapper)))
    try:
        assert tried.exists()
        assert infer(server.http_url, pixel=7)[0] == 200
    finally:
        launcher.end(process)
    source = (Path(launcher.__file__).parent / "backends/onnxruntime/model.py").read_text()
    assert PAUSED in source  # which runs in an environment of its own, and cannot import it


@pytest.mark.slow
def test_a_stub_that_ends_under_several_requests_is_replaced(tmp_path: Path, state: Path) -> None:
    """Triton may go on waiting for it and answer nobody, so the watchdog looks for the stub itself."""
    write_model(tmp_path / "models", "crnn")
    with EmbeddedTriton(tmp_path / "models", ports=ANY, watchdog_interval_s=0.5) as server:
        assert read(server, 7) == 7
        (stub,) = stubs(server.server.triton_pid, "crnn")
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                read(server, 7)

        # Each may wait for ever: they are left behind.
        for _ in range(12):
            threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.5)
        os.kill(stub, signal.SIGSTOP)
        time.sleep(0.8)  # real: it is Triton's clock that runs out
        os.kill(stub, signal.SIGCONT)
        wait_until(lambda: is_gone(stub), 60)
        ended.set()

        def replaced() -> bool:
            found = [pid for now in runs.running() for pid in stubs(now.triton_pid, "crnn")]
            return bool(found) and stub not in found

        wait_until(replaced, 60)  # before asking: who asks too early waits for 30 s
        wait_until(lambda: read(server, 7) == 7, 60)


def test_a_stub_that_comes_later_holds_none_of_tritons_connections(tmp_path: Path) -> None:
    """It is started by a Triton that has some open, and would inherit them."""
    write_model(tmp_path / "models", "crnn")
    with EmbeddedTriton(tmp_path / "models", ports=ANY, watchdog_interval_s=0.5) as server:
        triton_pid = server.server.triton_pid
        host, _, port = server.http_url.rpartition(":")
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                caller = stack.enter_context(socket.create_connection((host, int(port))))
                caller.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: triton\r\n\r\n")
                assert caller.recv(1000).startswith(b"HTTP/1.1 200")
            (stub,) = stubs(triton_pid, "crnn")
            os.kill(stub, signal.SIGKILL)
            wait_until(lambda: stubs(triton_pid, "crnn") not in ([], [stub]), 60)
            wait_until(lambda: read(server, 7) == 7, 60)
            (later,) = stubs(triton_pid, "crnn")
            assert not [file for file in open_files(later) if file.startswith("socket:")]


def test_a_triton_that_dies_is_started_again_where_it_was(
    tiny_repository: Path, state: Path
) -> None:
    with EmbeddedTriton(tiny_repository, models=["crnn"], ports=ANY) as server:
        first = server.server
        before = set(runs.SHARED_MEMORY.glob(f"ocr-rollout-{first.id}-*"))
        os.kill(first.triton_pid, signal.SIGKILL)
        wait_until(lambda: read(server, 7) == 7, 60)
        # It answers a moment before its supervisor has looked at it and written it down.
        wait_until(lambda: first.triton_pid not in [now.triton_pid for now in runs.running()], 60)
        (now,) = runs.running()
        assert now.http_url == first.http_url
        assert now.control_key == first.control_key
        assert before
        assert not [region for region in before if region.exists()]
    assert runs.running() == []
