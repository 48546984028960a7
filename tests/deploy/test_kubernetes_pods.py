"""The pods of deploy/kubernetes: what they may do, what they refer to, whom they may speak to."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import deployed
import pytest
from policies import Peer, allowed, matches

from ocr_server.flags import EXIT_TIMEOUT_S

SIZES = deployed.SIZES
NAME = "app.kubernetes.io/name"
MONITORING = Peer({}, {"ocr-rollout/metrics": "true"})
INGRESS = Peer({}, {"ocr-rollout/access": "true"})
DNS = Peer({}, {"kubernetes.io/metadata.name": "kube-system"})
STRANGER = Peer({}, {"kubernetes.io/metadata.name": "default"})


@pytest.mark.parametrize("size", SIZES)
def test_every_container_meets_the_restricted_profile(size: str) -> None:
    """Which the namespace enforces; and a limit of memory, a pinned image, a root that is read-only."""
    namespace = deployed.one(deployed.built(size), "Namespace", "ocr")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for item in deployed.workloads(deployed.everything(size)):
        pod = deployed.pod_of(item)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in deployed.containers(item):
            name = f"{item['metadata']['name']}/{container['name']}"
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name
            assert re.search(r":[a-z]*-?v?\d", container["image"]), name


@pytest.mark.parametrize("size", SIZES)
def test_references_between_objects_hold(size: str) -> None:
    """Volumes, claims, selectors, ports, and the keys of the Secret that base/ says how to make."""
    text = (deployed.KUBERNETES / "base/kustomization.yaml").read_text(encoding="utf-8")
    keys = set(re.findall(r"--from-literal=([a-z-]+)=", text))
    asked = set()
    objects = deployed.everything(size)
    there = {(it["kind"], it["metadata"]["name"]) for it in objects}
    for item in deployed.workloads(objects):
        pod = deployed.pod_of(item)
        volumes = {it["name"]: it for it in pod.get("volumes", ())}
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in there
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
            if "secret" in volume:
                assert volume["secret"]["secretName"] == "ocr-keys"
                asked |= {it["key"] for it in volume["secret"]["items"]}
        volumes |= {
            it["metadata"]["name"]: it for it in item["spec"].get("volumeClaimTemplates", ())
        }
        mounted = {
            it["name"] for each in deployed.containers(item) for it in each.get("volumeMounts", ())
        }
        assert mounted == set(volumes), item["metadata"]["name"]
        for container in deployed.containers(item):
            # A file mounted by subPath never changes, and the configuration has to.
            assert all("subPath" not in it for it in container.get("volumeMounts", ()))
            for variable in container.get("env", ()):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference is not None:
                    assert reference["name"] == "ocr-keys"
                    asked.add(reference["key"])
        selector = item["spec"].get("selector")
        if selector is not None:
            assert matches(selector, item["spec"]["template"]["metadata"]["labels"])
    assert asked == keys


@pytest.mark.parametrize("size", SIZES)
def test_services_and_budgets_select_the_pods_they_mean(size: str) -> None:
    objects = deployed.built(size)
    pods = {it["metadata"]["name"]: it["spec"]["template"] for it in deployed.workloads(objects)}
    for service in (it for it in objects if it["kind"] == "Service"):
        name, selector = service["metadata"]["name"], service["spec"]["selector"]
        found = [pod for pod in pods if matches({"matchLabels": selector}, labels_of(pods[pod]))]
        assert found == [name]
        ports = {port["name"] for it in pods[name]["spec"]["containers"] for port in it["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    budgets = {it["metadata"]["name"]: it["spec"] for it in objects if "Disruption" in it["kind"]}
    assert set(budgets) == {"triton", "service"}
    for name, budget in budgets.items():
        assert budget["maxUnavailable"] == 1
        assert matches(budget["selector"], labels_of(pods[name]))
        (spread,) = pods[name]["spec"]["topologySpreadConstraints"]
        assert matches(spread["labelSelector"], labels_of(pods[name]))
        assert deployed.one(objects, *kind_of(objects, name))["spec"]["replicas"] >= 2


def labels_of(template: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = template["metadata"]["labels"]
    return labels


def kind_of(objects: tuple[dict[str, Any], ...], name: str) -> tuple[str, str]:
    (found,) = [it for it in deployed.workloads(objects) if it["metadata"]["name"] == name]
    return found["kind"], name


@pytest.mark.parametrize("size", SIZES)
def test_who_may_speak_to_whom(size: str) -> None:
    """Every pair, port by port: what is not in the table is refused."""
    policies = [it for it in deployed.built(size) if it["kind"] == "NetworkPolicy"]
    pods = {
        labels_of(it["spec"]["template"])[NAME]: Peer(labels_of(it["spec"]["template"]))
        for it in deployed.workloads(deployed.everything(size))
    }
    assert set(pods) == {"triton", "service", "redis", "control"}
    peers = {**pods, "ingress": INGRESS, "monitoring": MONITORING, "dns": DNS, "any": STRANGER}
    ports = [(8000, "TCP"), (8001, "TCP"), (8002, "TCP"), (5000, "TCP"), (6379, "TCP")]
    found = {
        (source, target, port)
        for source, target in itertools.permutations(peers, 2)
        for port, protocol in [*ports, (443, "TCP"), (53, "UDP"), (53, "TCP")]
        if (source in pods or target in pods)
        and allowed(policies, peers[source], peers[target], port, protocol)
    }
    assert found == {
        ("service", "triton", 8000),
        ("service", "triton", 8002),
        ("control", "triton", 8000),
        ("control", "triton", 8001),
        ("monitoring", "triton", 8002),
        ("service", "redis", 6379),
        ("control", "redis", 6379),
        ("ingress", "service", 5000),
        ("monitoring", "service", 5000),
        ("service", "dns", 53),
        ("control", "dns", 53),
    }


def test_our_programs_are_given_the_variables_that_compose_gives_them() -> None:
    """Those a test there finds in our sources."""
    known = deployed.composed()["services"]
    for item, name in (
        (deployed.one(deployed.built("base"), "Deployment", "service"), "service"),
        (deployed.built("publish")[0], "control"),
    ):
        given = {it["name"] for it in deployed.pod_of(item)["containers"][0]["env"]}
        assert given <= set(known[name]["environment"])
        assert "OCR_ROLLOUT_REDIS_PASSWORD" in given


def test_everything_has_the_time_that_it_takes_to_end() -> None:
    pods = {
        it["metadata"]["name"]: deployed.pod_of(it)["terminationGracePeriodSeconds"]
        for it in deployed.workloads(deployed.everything("base"))
    }
    composed = deployed.composed()["services"]
    pause = 5  # preStop of the service
    assert pods["triton"] > EXIT_TIMEOUT_S
    assert pods["service"] >= pause + int(
        composed["service"]["stop_grace_period"].removesuffix("s")
    )


def seed(folder: Path, host: str) -> subprocess.Popen[bytes]:
    """The seeding script of Triton's pod, with its two folders moved under `folder`."""
    pod = deployed.pod_of(deployed.one(deployed.built("base"), "StatefulSet", "triton"))
    shell, option, script = pod["initContainers"][0]["command"]
    moved = script.replace("/srv/ocr", str(folder / "volume")).replace(
        "/models", str(folder / "models")
    )
    return subprocess.Popen([shell, option, moved], env={**os.environ, "HOSTNAME": host})


def test_the_shipped_models_come_onto_an_empty_volume_once(tmp_path: Path) -> None:
    """Both pods at the same time, and another start, which must not bring old files back."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "models/crnn/1").mkdir(parents=True)
    (tmp_path / "models/crnn/1/model.onnx").write_bytes(b"x" * 100_000)
    for _ in range(5):
        both = [seed(tmp_path, f"triton-{number}") for number in range(2)]
        assert [process.wait() for process in both] == [0, 0]
        assert [path.name for path in (tmp_path / "volume").iterdir()] == ["model_repository"]
        assert (tmp_path / "volume/model_repository/crnn/1/model.onnx").stat().st_size == 100_000
        (tmp_path / "volume/model_repository/crnn/1/model.onnx").unlink()
        assert seed(tmp_path, "triton-0").wait() == 0
        assert not (tmp_path / "volume/model_repository/crnn/1/model.onnx").exists()
        subprocess.run(["rm", "-r", tmp_path / "volume/model_repository"], check=True)
