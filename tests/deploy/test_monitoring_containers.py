"""Prometheus and Grafana of docker-compose.yml, and the files that they are given."""

from __future__ import annotations

from pathlib import Path

import deployed
import pytest
import yaml

SERVICES = deployed.composed()["services"]

# Written beside this; from the commit that brings the first of them, nothing here is skipped.
pytestmark = pytest.mark.skipif(
    not any((deployed.ROOT / "deploy" / name).exists() for name in ("prometheus", "grafana")),
    reason="deploy/prometheus and deploy/grafana are not there yet",
)


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_what_is_mounted_exists_and_is_read_only(name: str) -> None:
    deployed.refuse_mounts(name)


def test_prometheus_scrapes_what_runs_here() -> None:
    """Every target is a container of this file, which shares a network with Prometheus."""
    folder = deployed.ROOT / "deploy/prometheus"
    document = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    for pattern in document.get("rule_files", ()):
        assert list(folder.glob(Path(pattern).name)), pattern
    targets = [
        target
        for job in document["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    assert targets
    for host in {target.partition(":")[0] for target in targets} - {"localhost", "127.0.0.1"}:
        shared = set(SERVICES[host]["networks"]) & set(SERVICES["prometheus"]["networks"])
        assert shared, host


def test_grafana_finds_its_dashboards_where_they_are_mounted() -> None:
    folder = deployed.ROOT / "deploy/grafana"
    mounted = {volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]}
    providers = [
        provider
        for path in (folder / "provisioning/dashboards").glob("*.y*ml")
        for provider in yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]
    ]
    assert providers
    for provider in providers:
        assert provider["options"]["path"].rstrip("/") in mounted
