"""docker-compose.yml starts the container with the flags that the embedded server was tried with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_server import EmbeddedTriton, flags
from ocr_server.flags import EXIT_TIMEOUT_S

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    filled = re.sub(r"\$\{OCR_CONTROL_KEY:\?[^}]*\}", "secret", text)
    return yaml.safe_load(filled)["services"]["triton"]


def test_the_container_has_the_shared_flags(service: dict[str, Any]) -> None:
    """Only what must differ does: in a container the address is the container's own."""
    assert service["command"][0] == "tritonserver"
    assert service["command"][1:] == flags(
        repository="/models",
        models=("convnext", "crnn"),
        control_key="secret",
        address="0.0.0.0",
    )


@pytest.mark.server
def test_the_embedded_server_runs_with_each_of_these_flags(
    service: dict[str, Any], triton: EmbeddedTriton
) -> None:
    """24.10 knows them all: it ends at once on a flag that it does not know."""
    command = Path(f"/proc/{triton.server.triton_pid}/cmdline").read_text().split("\0")
    used = {argument.split("=")[0] for argument in command}
    assert {argument.split("=")[0] for argument in service["command"][1:]} <= used
    same = set(service["command"]) & set(command)
    assert {"--model-control-mode=explicit", "--disable-auto-complete-config"} <= same
    assert {"--load-model=convnext", "--load-model=crnn", "--exit-on-error=false"} <= same


def test_every_published_port_is_on_loopback(service: dict[str, Any]) -> None:
    assert sorted(service["ports"]) == [f"127.0.0.1:{port}:{port}" for port in (8000, 8001, 8002)]


def test_the_container_is_hardened(service: dict[str, Any]) -> None:
    assert service["user"] == "1000:1000"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert "-fsS" in service["healthcheck"]["test"]  # without -f it would always be healthy
    assert int(service["stop_grace_period"].removesuffix("s")) > EXIT_TIMEOUT_S
    assert service["image"].endswith(":26.11-py3")
