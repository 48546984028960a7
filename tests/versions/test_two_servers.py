"""Two Tritons over one repository: a version is ready when it is on both."""

from __future__ import annotations

import dataclasses
import json

import bars
import pytest

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, ModelRouting, TritonSettings
from ocr_client.control import Control, Endpoint
from ocr_client.versions.doctor import examine
from ocr_client.versions.errors import EndpointDownError, LoadFailedError, VersionsError
from ocr_client.versions.fleet import Fleet, endpoints_of
from ocr_client.versions.reconcile import reconcile
from ocr_client.versions.retiring import retire
from ocr_client.versions.rules import parse_config
from ocr_client.versions.serve import publish
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports

pytestmark = pytest.mark.server


@pytest.fixture
def second(served):
    root, _ = served
    with EmbeddedTriton(root, ports=Ports(0, 0, 0)) as triton:
        yield triton


def test_a_version_is_ready_when_both_have_it(site, second, standard, tmp_path):
    """Both are found by themselves; both are proven; both give it up."""
    root = site.repository.root
    both = endpoints_of(root)
    assert {endpoint.http for endpoint in both} >= {second.http_url, site.fleet.endpoints[0].http}
    pair = dataclasses.replace(site, fleet=Fleet(both))
    ready = publish(pair, "crnn", bars.write_version(tmp_path / "new", version=2), standard)
    assert set(ready.endpoints) == {endpoint.http for endpoint in both}
    assert len(ready.verdicts) == len(both)
    for endpoint in both:
        assert pair.fleet.control.ready(endpoint, "crnn", ready.arm.version)
    retire(pair, ready.arm, tuple)
    for endpoint in both:
        assert not pair.fleet.index(endpoint, "crnn").get(ready.arm.version, _Gone()).ready


class _Gone:
    ready = False


def test_a_server_that_lacks_the_version_later_leaves_its_pool(site, second, standard, tmp_path):
    """Callers go on with the other one and notice nothing; doctor does."""
    first = site.fleet.endpoints[0]
    other = Endpoint(second.http_url, second.grpc_url, second.control_key)
    pair = dataclasses.replace(site, fleet=Fleet((first, other)))
    source = bars.write_version(tmp_path / "new", version=6)
    arm = publish(pair, "crnn", source, standard, version=6).arm
    urls = (first.http, other.http)
    with OCRClient(ClientConfig(triton=TritonSettings(urls=urls))) as client:
        assert client.recognize(bars.line(3), arm=arm).text == "III"
        alone = json.dumps(parse_config(bars.config_text("crnn", (1,))))
        Fleet((other,)).load("crnn", alone)
        Fleet((other,)).wait_gone(arm)
        for _ in range(20):
            result = client.recognize(bars.line(3), arm=arm)
            assert (result.text, result.arm, result.fell_back) == ("III", arm, False)
    config = ClientConfig(
        ModelRouting(crnn_enabled=False, stable=bars.STABLE, candidate=bars.CANDIDATE),
        TritonSettings(urls=urls),
    )
    wrong = [item for item in examine(pair, config) if item.severity == "error"]
    assert [(item.subject, item.mend) for item in wrong] == [("crnn:6", "ocrctl models recover")]
    list(reconcile(pair))
    assert pair.fleet.control.ready(other, "crnn", 6)
    retire(pair, arm, tuple)


def test_a_second_server_that_refuses_takes_the_version_from_the_first(
    site, second, standard, tmp_path
):
    """It had loaded and was ready on the first."""

    class SecondRefuses:
        def __init__(self, real: Control) -> None:
            self._real = real

        def __getattr__(self, name: str):
            return getattr(self._real, name)

        def load(
            self, endpoint: Endpoint, model: str, config: str | None, timeout_s: float
        ) -> None:
            if endpoint.http == second.http_url and config is not None:
                raise LoadFailedError(f"{endpoint.grpc}: out of memory")
            self._real.load(endpoint, model, config, timeout_s)

    first = site.fleet.endpoints[0]
    other = Endpoint(second.http_url, second.grpc_url, second.control_key)
    fleet = Fleet((first, other), SecondRefuses(site.fleet.control))
    before = bars.tree(site.repository.root)
    with pytest.raises(VersionsError, match="out of memory"):
        publish(
            dataclasses.replace(site, fleet=fleet),
            "crnn",
            bars.write_version(tmp_path / "new", version=3),
            standard,
        )
    assert bars.tree(site.repository.root) == before
    for endpoint in (first, other):
        states = {n: s.state for n, s in fleet.index(endpoint, "crnn").items() if s.ready}
        assert states == {1: "READY"}


def test_recover_brings_a_server_that_differs_into_line(site, second, standard, tmp_path):
    """Published while one of them was not named: it does not see it until somebody says so."""
    other = Endpoint(second.http_url, second.grpc_url, second.control_key)
    arm = publish(site, "crnn", bars.write_version(tmp_path / "new", version=4), standard).arm
    pair = dataclasses.replace(site, fleet=Fleet((*site.fleet.endpoints, other)))
    assert not pair.fleet.control.ready(other, "crnn", arm.version)
    assert list(reconcile(pair)) == [f"crnn: loaded anew, versions 1, {arm.version}"]
    assert pair.fleet.control.ready(other, "crnn", arm.version)
    assert list(reconcile(pair)) == []
    retire(pair, arm, tuple)


def test_a_server_that_is_gone_is_refused_before_anything(site, standard, tmp_path):
    gone = Endpoint("127.0.0.1:1", "127.0.0.1:1")
    pair = dataclasses.replace(site, fleet=Fleet((*site.fleet.endpoints, gone)))
    with pytest.raises(EndpointDownError):
        publish(pair, "crnn", bars.write_version(tmp_path / "new", version=5), standard)
    with pytest.raises(EndpointDownError):
        retire(pair, Arm("crnn", 1), tuple)
