"""A repository with a server over it, for each test folder of its own where it breaks something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import bars
import pytest

from ocr_client.control import Endpoint
from ocr_client.versions.fleet import Fleet
from ocr_client.versions.golden import GoldenSet
from ocr_client.versions.places import Repository
from ocr_client.versions.serve import Standard
from ocr_client.versions.site import Site
from ocr_server import EmbeddedTriton, Ports


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bars.write_golden(tmp_path_factory.mktemp("golden") / "bars")


@pytest.fixture
def standard(golden: Path) -> Standard:
    return Standard(GoldenSet.read(golden))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, EmbeddedTriton]]:
    """`crnn:1` and `convnext:1` of bars on a Triton of this module's own. Tests leave them so."""
    root = bars.write_repository(tmp_path_factory.mktemp("served") / "models")
    with EmbeddedTriton(root, ports=Ports(0, 0, 0)) as triton:
        yield root, triton


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make_site(said: list[str]) -> Callable[[Path, EmbeddedTriton], Site]:
    def make(root: Path, triton: EmbeddedTriton, **changes: object) -> Site:
        endpoint = Endpoint(triton.http_url, triton.grpc_url, triton.control_key)
        return Site(Repository.at(root), Fleet((endpoint,)), say=said.append, **changes)

    return make


@pytest.fixture
def site(
    served: tuple[Path, EmbeddedTriton], make_site: Callable[[Path, EmbeddedTriton], Site]
) -> Site:
    return make_site(*served)
