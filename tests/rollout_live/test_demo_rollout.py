"""`make demo-rollout` with tiny models: what it shows is so, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.demo_rollout import LIMIT_S
from benchmarks.rollout_site import wait_until

from ocr_server import environment

pytestmark = [pytest.mark.server, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(tmp_path):
    """Starts it with everything that it makes below `tmp_path`."""
    environment.ensure()  # or the first one on a machine would say on stderr that it makes it
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.demo_rollout", "--made", *arguments],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def left_behind(folder):
    """Processes that name the folder, and files in it."""
    found = [str(path) for path in folder.iterdir()]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def test_the_story_is_told_and_holds(demo, tmp_path):
    """A healthy candidate goes all the way, a broken one is taken back, no caller notices.

    In three minutes, where no more processes want to run than there are processors.
    """
    out, err = demo("--limit-s", "900").communicate(timeout=1_200)
    assert err == ""
    verdicts = re.findall(r"^(yes|NO ) ", out, re.MULTILINE)
    assert verdicts == ["yes"] * 5
    took_s = int(re.search(r"the whole of it took (\d+) s", out)[1])
    crowd = max(1.0, *(load / os.cpu_count() for load in os.getloadavg()[:2]))
    print(f"{took_s} s, {crowd:.1f} processes a processor")
    assert took_s < LIMIT_S * crowd
    assert "0 of" in out
    for step in ("10 % -> 30 % -> 60 % -> 98 % -> 100 %", "taken back by the judge in phase 1"):
        assert step in out
    history = out[out.index("$ ocrctl rollout history") :]
    actions = re.findall(r"\b(start|wait|advance|complete|rollback)\b *│", history)
    assert actions == ["start", *["wait", "advance"] * 3, "wait", "complete", "start", "rollback"]
    # Stubs may be killed last, by a signal that nobody waits for.
    assert [one for one in left_behind(tmp_path) if "triton_python_backend_stub" not in one] == []
    wait_until(lambda: not left_behind(tmp_path), "the end of the stubs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_what_it_started(demo, tmp_path, number):
    """In the middle of the first phase."""
    process = demo()
    for line in process.stdout:
        if "$ ocrctl rollout start" in line:
            break
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.strip().splitlines()[-1] == (
        "demo-rollout: interrupted; all that it had started was ended"
    )
    assert "Traceback" not in err
    wait_until(lambda: not left_behind(tmp_path), "the end of everything")


def test_two_do_not_meet(demo):
    """Ports, folders and stores of their own: both have answers at the same time."""
    both = [demo(), demo()]
    for process in both:
        for line in process.stdout:
            if "client processes have lines read" in line:
                break
    for process in both:
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
    for process in both:
        process.communicate(timeout=300)
        assert process.returncode == 130
