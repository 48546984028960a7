"""deploy/kubernetes: objects that fit the schemas, each other, and the product."""

from __future__ import annotations

from typing import Any

import deployed
import kubernetes_validate
import pytest
import yaml

from ocr_gateway.options import settings_of
from ocr_gateway.origins import known_host
from ocr_server import flags

SIZES = deployed.SIZES
EVERY = [*SIZES, *SIZES.values()]
OLDEST = "1.30"  # named in base/kustomization.yaml


def triton(size: str) -> dict[str, Any]:
    return deployed.pod_of(deployed.one(deployed.built(size), "StatefulSet", "triton"))[
        "containers"
    ][0]


@pytest.mark.parametrize("folder", EVERY)
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_object_fits_the_published_schema(folder: str, version: str) -> None:
    objects = deployed.built(folder)
    assert objects
    for item in objects:
        kubernetes_validate.validate(item, version, strict=True)
        assert item["kind"] == "Namespace" or item["metadata"]["namespace"] == "ocr"


def test_the_schemas_refuse_what_is_wrong() -> None:
    """So that the test above can fail: one key misspelt, one type wrong."""
    item = dict(deployed.one(deployed.built("base"), "StatefulSet", "redis"))
    for wrong in ({"replica": 1}, {"replicas": "one"}):
        bad = {**item, "spec": {**item["spec"], **wrong}}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(bad, OLDEST, strict=True)


@pytest.mark.parametrize("size", SIZES)
def test_triton_has_the_shared_flags(size: str) -> None:
    """Those of the container in docker-compose.yml, which a test tries on the embedded server."""
    container = triton(size)
    assert container["args"] == [
        "tritonserver",
        *flags(
            repository="/srv/ocr/model_repository",
            models=("convnext", "crnn", "crnn_small", "line_finder"),
            control_key="$(OCR_CONTROL_KEY)",
            address="0.0.0.0",
        ),
    ]
    assert container["image"] == deployed.composed()["services"]["triton"]["image"]
    assert [it["name"] for it in container["env"]] == ["OCR_CONTROL_KEY"]


@pytest.mark.parametrize("size", SIZES)
def test_ready_means_that_the_stable_version_answers(size: str) -> None:
    stable = deployed.config_of(size).model_routing.stable
    path = f"/v2/models/{stable.model}/versions/{stable.version}/ready"
    assert triton(size)["readinessProbe"]["httpGet"] == {"path": path, "port": "http"}
    for probe in ("livenessProbe", "startupProbe"):
        assert triton(size)[probe]["httpGet"]["path"] == "/v2/health/live"
    service = deployed.pod_of(deployed.one(deployed.built(size), "Deployment", "service"))[
        "containers"
    ][0]
    assert service["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert service["livenessProbe"]["httpGet"]["path"] == "/healthz"


@pytest.mark.parametrize("size", SIZES)
def test_clients_and_the_publish_job_know_every_replica_of_triton(size: str) -> None:
    """An address that is missing gets no traffic; a replica that is not named, no new version."""
    count = deployed.one(deployed.built(size), "StatefulSet", "triton")["spec"]["replicas"]
    names = [f"triton-{number}.triton" for number in range(count)]
    config = deployed.config_of(size)
    assert config.triton.urls == tuple(f"{name}:8000" for name in names)
    assert config.triton.metrics_urls == tuple(f"{name}:8002" for name in names)
    (job,) = deployed.built(SIZES[size])
    arguments = deployed.pod_of(job)["containers"][0]["args"]
    endpoints = [word for word in arguments if word.startswith("--endpoint=")]
    assert endpoints == [f"--endpoint={name}:8000,{name}:8001" for name in names]
    headless = deployed.one(deployed.built(size), "Service", "triton")["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True
    assert {it["name"]: it["port"] for it in headless["ports"]} == {
        "http": 8000,
        "grpc": 8001,
        "metrics": 8002,
    }


@pytest.mark.parametrize("size", SIZES)
def test_the_service_answers_to_each_name_that_the_cluster_has_for_it(size: str) -> None:
    """And to a pod's address, which probes and Prometheus use; not to a stranger's name."""
    item = deployed.one(deployed.built(size), "Service", "service")["metadata"]
    allowed = settings_of(deployed.config_of(size)).allowed_hosts
    name = item["name"]
    for suffix in ("", ".svc", ".svc.cluster.local"):
        assert known_host(f"{name}.{item['namespace']}{suffix}", allowed)
    assert known_host(name, allowed)
    assert known_host("10.1.2.3:5000", allowed)
    assert not known_host("attacker.example.com", allowed)


def test_the_large_configuration_differs_from_the_base_in_addresses_only() -> None:
    base, large = (
        yaml.safe_load((deployed.KUBERNETES / size / "config/config.yaml").read_text())
        for size in SIZES
    )
    del base["triton"], large["triton"]
    assert base == large


def test_every_command_of_ocrctl_is_one() -> None:
    """Of the containers, and of the comments that people copy."""
    run = [
        container["args"]
        for folder in EVERY
        for item in deployed.workloads(deployed.built(folder))
        for container in deployed.containers(item)
        if container["image"].startswith("ocr-rollout/service:")
    ]
    assert {words[0] for words in run} == {"serve", "models"}
    shown = [
        words for path in deployed.KUBERNETES.rglob("*.yaml") for words in deployed.shown(path)
    ]
    assert shown
    for words in (*run, *shown):
        deployed.refuse_unknown(words)
