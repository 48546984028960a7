"""`ocrctl serve` where something around it goes wrong: no such address, a parent that is killed."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest
from serving_process import LIMIT_S, OCRCTL


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("no.such.host.invalid", "there is no such name; another --host"),
        ("192.0.2.1", "cannot assign requested address; another --host: an address of this"),
    ],
)
def test_an_address_that_is_none_of_this_machine(tmp_path, host, said):
    """It is not the port that has to be another one."""
    done = subprocess.run(
        [*OCRCTL, "serve", "--host", host, "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "OCR_ROLLOUT_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ocrctl: cannot listen at {host}:0: {said}")


@pytest.mark.server
@pytest.mark.slow  # it waits for longer than uvicorn by itself would
def test_workers_that_are_slow_to_begin_are_waited_for(triton, serve, tmp_path, monkeypatch):
    """As on a busy machine: killed for their silence, they would never be ready."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\nif '--multiprocessing-fork' in sys.orig_argv: time.sleep(12)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    serving = serve(triton.http_url, "{}", "--workers", "2", ready=False)
    serving.until(lambda: serving.get("/readyz").status_code == 200, "it is not ready")
    assert serving.end() == 0


@pytest.mark.server
@pytest.mark.slow  # three processes begin
def test_workers_end_when_who_began_them_is_killed(triton, serve):
    """Else they would answer on, unseen, at a port that the next service cannot have."""
    serving = serve(triton.http_url, "{}", "--workers", "2")
    serving.process.send_signal(signal.SIGKILL)
    serving.process.wait(LIMIT_S)
    end = time.monotonic() + LIMIT_S
    with contextlib.suppress(ConnectionRefusedError):
        while time.monotonic() < end:
            socket.create_connection(("127.0.0.1", serving.port), timeout=5).close()
            time.sleep(0.1)
        pytest.fail(f"somebody still listens\n{serving.log()}")
    with socket.create_server(("127.0.0.1", serving.port)):
        assert "Traceback" not in serving.log()
