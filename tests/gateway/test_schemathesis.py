"""schemathesis asks everything that `/openapi.json` describes, rightly and wrongly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from desk import PLAN, Desk
from serving_process import Serving

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
TOKEN = "the-token-of-schemathesis"


@pytest.fixture
def described(triton, tmp_path):
    """A service in the middle of a rollout, whose token is TOKEN; and all that it describes."""
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    desk = Desk(tmp_path, f"{PLAN}service: {{admin_token_file: token}}\n", triton=triton).started()
    with Serving(desk.file) as serving:
        paths = serving.get("/openapi.json").json()["paths"]
        yield serving, sum(len(operations) for operations in paths.values())


@pytest.mark.server
@pytest.mark.slow
def test_it_finds_nothing(described, tmp_path):
    """No 5xx, no status or shape that is not documented, nothing wrong accepted or right refused.

    Of everything but the events, which have no end.
    """
    serving, operations = described

    def asked(*words):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{serving.url}/openapi.json"),
                *("--exclude-path", "/api/events", "-H", f"Authorization: Bearer {TOKEN}"),
                *("--max-examples", "4", "--request-timeout", "60", *words),
                *("--seed", "1", "--no-color", "--generation-database", "none"),
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "PYTHONPATH": str(HOOKS.parent)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Every operation has its turn, on a slow machine as well; then as much as there is time for.
    said = asked("--phases", "examples,coverage")
    assert f"Tested: {operations - 1}" in said, said
    asked("--phases", "fuzzing", "--max-time", "30")
