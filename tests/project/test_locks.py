"""Everything that is installed is pinned to a version and to the hashes of its files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements/service.lock",
    "requirements/dev.lock",
    "server/ocr_server/requirements.lock",
)
PINNED = re.compile(
    r"([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^ ;]+)(?: ;[^\\]*)?((?: --hash=sha256:[0-9a-f]{64})+)"
)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_hashes(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    lines = [line.strip() for line in joined.splitlines() if line.strip() and line[0] != "#"]
    assert len(lines) >= 4
    assert [line[:60] for line in lines if not PINNED.fullmatch(line)] == []


def test_what_is_installed_from_a_lock_is_checked_against_it():
    """In the Makefile, the image, and the server's own environment."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    environment = (ROOT / "server" / "ocr_server" / "environment.py").read_text(encoding="utf-8")
    steps = re.sub(r"\s*\\\n\s*", " ", makefile + image).splitlines()
    installs = [step for step in steps if re.search(r"(\$\(PIP\)|install) .*-r \S+\.lock", step)]
    assert len(installs) == 3
    assert all("--require-hashes" in install for install in installs)
    assert '"--require-hashes"' in environment
