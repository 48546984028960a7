"""`ocrctl server`, run the way an operator runs it: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait_until
from tiny_models import infer, write_model

from ocr_server import launcher, runs
from ocr_server.supervise import STARTS_AGAIN

pytestmark = pytest.mark.server

# A shell starts background jobs with SIGINT ignored, and pytest may be one.
CLI = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ocr_server.cli import app
app()
"""
FREE = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0")


def server(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CLI, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
    )


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One `up` at a time is the rule, so each test has a state folder of its own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("OCR_ROLLOUT_STATE", str(folder))
    yield folder
    for left in runs.running():
        launcher.stop(left)


def test_up_detach_status_down(tiny_repository: Path, state: Path) -> None:
    up = server("up", "--detach", "--repository", tiny_repository, *FREE)
    assert up.returncode == 0, up.stderr
    assert "next: ocrctl recognize IMAGE" in up.stdout
    facts = json.loads(server("status", "--json").stdout)
    assert facts["running"] is True
    assert facts["detached"] is True
    assert f"Triton is ready at {facts['http_url']}" in up.stdout
    assert infer(facts["http_url"], "convnext:1")[0] == 200
    assert [(entry["model"], entry["state"]) for entry in facts["models"]] == [
        ("convnext", "READY"),
        ("crnn", "READY"),
    ]
    assert "control_key" not in facts

    words = server("status")
    assert words.returncode == 0
    assert "crnn:1 READY" in words.stdout

    again = server("up", "--detach", "--repository", tiny_repository, *FREE)
    assert again.returncode == 1
    assert again.stderr.startswith(f"error: already running at {facts['http_url']}")
    assert again.stderr.count("\n") == 1

    down = server("down")
    assert down.returncode == 0, down.stderr
    assert down.stdout == f"stopped the Triton at {facts['http_url']}\n"
    assert not Path(f"/proc/{facts['triton_pid']}").exists()
    assert not list((state / "servers").iterdir())


@pytest.mark.usefixtures("state")
def test_without_a_server_status_and_down_say_how_to_start_one() -> None:
    for verb in ("status", "down"):
        done = server(verb)
        assert done.returncode == 1
        assert "ocrctl server up --detach" in done.stderr
        assert done.stderr.count("\n") == 1
    done = server("status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, {"running": False})


@pytest.mark.usefixtures("state")
def test_mistakes_are_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_model(models, "crnn", replace=("TYPE_FP32", "TYPE_FP16"))
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        table: list[tuple[list[str | Path], str]] = [
            (["--repository", tmp_path / "none"], "no such folder"),
            (["--repository", models, "--model", "vgg"], "'vgg' is not in"),
            (["--repository", models, "--http-port", port], f"port {port} is taken"),
            (["--repository", models, *FREE], "expects datatype TYPE_FP16"),
        ]
        for arguments, reason in table:
            done = server("up", "--detach", *arguments)
            assert done.returncode == 1
            assert reason in done.stderr
            assert done.stderr.startswith("error: ")
            assert done.stderr.count("\n") == 1
    assert server("up", "--http-port", "99999").returncode == 2


@pytest.fixture
def foreground(tiny_repository: Path, state: Path) -> Iterator[subprocess.Popen[str]]:
    """`ocrctl server up` without --detach, once it has said that it is ready."""
    arguments = ["up", "--repository", str(tiny_repository), "--model", "crnn", *FREE]
    process = subprocess.Popen(
        [sys.executable, "-c", CLI, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "serving crnn" in process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_in_the_foreground_ends_on_a_signal(
    foreground: subprocess.Popen[str], state: Path, number: int
) -> None:
    (running,) = runs.running()
    assert not running.detached
    assert server("status").returncode == 0
    foreground.send_signal(number)
    stdout, stderr = foreground.communicate(timeout=120)
    assert (foreground.returncode, stderr) == (0, "")
    assert stdout.endswith("stopped\n")
    assert not list((state / "servers").iterdir())


def test_up_in_the_foreground_says_when_triton_keeps_dying(
    foreground: subprocess.Popen[str],
) -> None:
    """However long each new start takes: four ends within a minute are too many."""
    dead: set[int] = set()

    def given_up() -> bool:
        for running in runs.running():
            if running.triton_pid not in dead:
                dead.add(running.triton_pid)
                os.kill(running.triton_pid, signal.SIGKILL)
        return foreground.poll() is not None

    wait_until(given_up, 300)
    _, stderr = foreground.communicate()
    assert len(dead) > STARTS_AGAIN
    assert foreground.returncode == 1
    assert "Triton ended by itself" in stderr
    assert stderr.count("\n") == 1
