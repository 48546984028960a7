"""Fixtures for every test: the served repository and a real Triton over it."""

from __future__ import annotations

import collections
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything loads torch: threads of two workers on two cores would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell starts what it puts in the background deaf to Ctrl-C, and all its children are; some tests
# are about Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from ocr_server import EmbeddedTriton, Ports

# Hypothesis takes an example that lasts longer than 200 ms for a failure, and a second of drawing
# for another: on a busy machine both say nothing but that. The same examples each time: a change is
# judged by what it changed, and OCR_ROLLOUT_EXPLORE=1 (and `make fuzz`) looks for new ones.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="OCR_ROLLOUT_EXPLORE" not in os.environ,
)
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
MODELS = ("convnext", "crnn")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Between workers: the files that take long first, or one would be alone with the last of them.

    xdist's own order is by the number of tests, of which the longest files have the fewest.
    """
    if not hasattr(config, "workerinput"):
        return
    weights = collections.Counter[Path]()
    for item in items:
        for mark, weight in (("slow", 10_000), ("server", 100)):
            weights[item.path] += weight * (item.get_closest_marker(mark) is not None)
        weights[item.path] += 1
    items.sort(key=lambda item: -weights[item.path])


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers of tests stay apart from those of whoever runs the tests.

    The server's Python environment is shared with everybody else: it never changes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCR_ROLLOUT_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed model repository when it holds both models, else untrained models."""
    committed = ROOT / "model_repository"
    if all((committed / name / "1" / "model.onnx").is_file() for name in MODELS):
        return committed
    from ocr_export.repository import write_untrained

    made = tmp_path_factory.mktemp("untrained") / "model_repository"
    write_untrained(made)
    return made


@pytest.fixture(scope="session")
def triton(repository: Path) -> Iterator[EmbeddedTriton]:
    """A real Triton that serves both models, on free ports, for the whole test session.

    Tests that unload a model or kill something start a server of their own.
    """
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0)) as server:
        yield server
