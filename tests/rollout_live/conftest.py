"""A real Triton with a healthy stable and a candidate version for each way to be broken."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis_server import RedisServer, new_redis

from ocr_client import OCRClient
from ocr_server import EmbeddedTriton, Ports

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.broken_models import HEALTHY, Made, write_repository
from benchmarks.rollout_site import Site
from live import Operator

Begun = Callable[..., OCRClient]

ARMS = {
    "convnext:1": HEALTHY,
    "convnext:2": Made("raises", wider_than=384),
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


@pytest.fixture
def site(made_repository: Path, made_triton: EmbeddedTriton, tmp_path: Path) -> Site:
    """A folder of the test's own with config.yaml and a SQLite store, over the shared Triton."""
    return Site(tmp_path, made_repository, made_triton.http_url, made_triton.metrics_url)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """One that the test may kill."""
    yield from new_redis(tmp_path)


@pytest.fixture
def operator(site: Site) -> Operator:
    return Operator(site)


@pytest.fixture
def begin() -> Iterator[Begun]:
    """A client of a rollout that was just started; none outlives the test."""
    with contextlib.ExitStack() as stack:

        def begin(
            site: Site, candidate: str, phases: object, stable: str = "convnext:1"
        ) -> OCRClient:
            rollout = {"id": "live", "stable": stable, "candidate": candidate, "phases": phases}
            site.configure(rollout)
            Operator(site).does("start", "--by", "ann")
            return stack.enter_context(OCRClient.from_config(site.config))

        yield begin
