"""A real Triton with a healthy stable and a candidate version for each way to be broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_server import EmbeddedTriton, Ports

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.broken_models import HEALTHY, Made, write_repository

ARMS = {
    "convnext:1": HEALTHY,
    "crnn:1": HEALTHY,
    "crnn:2": Made("raises", share=0.5),
    "crnn:3": Made("empty", share=0.5),
    "crnn:4": Made("garbage", share=0.5),
    "crnn:5": Made("slow", slow_ms=150),
    "crnn:6": Made("raises", wider_than=384),
}


@pytest.fixture(scope="session")
def made_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`convnext:1`, healthy, and one version of `crnn` for each kind of candidate."""
    return write_repository(tmp_path_factory.mktemp("made") / "models", ARMS)


@pytest.fixture(scope="session")
def made_triton(made_repository: Path) -> Iterator[EmbeddedTriton]:
    """Shared by tests that load and unload nothing."""
    with EmbeddedTriton(made_repository, ports=Ports(0, 0, 0)) as server:
        yield server
