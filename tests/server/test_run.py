"""`ocrctl server run`: a command beside a Triton that ends with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from processes import commands

pytestmark = pytest.mark.server

CLI = "from ocr_server.cli import app; app()"
ASK = """
import os, urllib.request
url = os.environ["OCR_ROLLOUT_TRITON_URL"]
print(url, urllib.request.urlopen(f"http://{url}/v2/health/ready").status)
raise SystemExit(7)
"""


def run(repository: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CLI, "run", "--repository", str(repository), "--", *command],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_finds_the_server_and_its_exit_code_is_kept(tiny_repository: Path) -> None:
    done = run(tiny_repository, sys.executable, "-c", ASK)
    assert done.returncode == 7, done.stderr
    url, status = done.stdout.split()
    assert status == "200"
    assert f"ready at {url}" in done.stderr
    port = int(url.rpartition(":")[2])
    # Triton's port may stay open for a moment in a stub that was killed last: so Triton is looked for.
    assert not [words for words in commands().values() if f"--http-port={port}" in words]


def test_an_unknown_command_starts_nothing(tiny_repository: Path) -> None:
    done = run(tiny_repository, "no-such-command-here")
    assert done.returncode == 1
    assert done.stderr == "error: no-such-command-here: no such command\n"
