"""docker-compose.yml: what it starts, with what, and who can reach whom."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import deployed
import pytest

from ocr_client.config import ClientConfig
from ocr_gateway.settings import ServiceSettings
from ocr_gateway.tokens import load
from ocr_server import EmbeddedTriton, flags
from ocr_server.flags import EXIT_TIMEOUT_S

SERVICES: dict[str, dict[str, Any]] = deployed.composed()["services"]
CONFIG = deployed.ROOT / "deploy/compose/config.yaml"
SERVED = sorted(
    path.parent.name for path in (deployed.ROOT / "model_repository").glob("*/config.pbtxt")
)
VARIABLES = {
    "OCR_CONTROL_KEY",
    "OCR_REDIS_PASSWORD",
    "OCR_GRAFANA_PASSWORD",
    "OCR_ADMIN_TOKEN_FILE",
    "OCR_SERVICE_USER",
}
PROFILES = {
    (): {"triton"},
    ("redis",): {"triton", "redis"},
    ("service",): {"triton", "redis", "service"},
    ("control",): {"triton", "redis", "control"},
    ("monitoring",): {"triton", "prometheus", "grafana"},
    ("service", "control", "monitoring"): set(SERVICES),
}


def docker_compose(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Only with these variables, so that a key of whoever runs the tests helps nobody."""
    return subprocess.run(
        [deployed.program("docker-compose"), *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clone, as far as Compose is concerned."""
    (tmp_path / "deploy/compose").mkdir(parents=True)
    for name in ("docker-compose.yml", ".env.example", "deploy/compose/make-keys"):
        shutil.copy(deployed.ROOT / name, tmp_path / name)
    return tmp_path


def make_keys(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "deploy/compose/make-keys"], capture_output=True, text=True, check=False
    )


def made(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_make_keys_makes_random_ones_that_only_their_owner_reads(folder: Path) -> None:
    """And never twice: what is running knows the first ones."""
    assert make_keys(folder).returncode == 0
    values = made(folder)
    assert set(values) == VARIABLES
    keys = [values[f"OCR_{name}"] for name in ("CONTROL_KEY", "REDIS_PASSWORD", "GRAFANA_PASSWORD")]
    assert all(re.fullmatch(r"[0-9a-f]{48}", key) for key in keys)
    assert len(set(keys)) == 3
    token = folder / values["OCR_ADMIN_TOKEN_FILE"]
    for path in (folder / ".env", token.parent, token):
        assert path.stat().st_mode & 0o077 == 0, path
    user, _, group = values["OCR_SERVICE_USER"].partition(":")
    assert user == str(token.stat().st_uid) != "0"
    assert group.isdigit()
    before = (folder / ".env").read_bytes(), token.read_bytes()
    again = make_keys(folder)
    assert again.returncode == 1
    assert again.stderr.startswith("make-keys: .env is there already")
    assert ((folder / ".env").read_bytes(), token.read_bytes()) == before


def test_the_service_takes_the_admin_token_that_make_keys_makes(folder: Path, monkeypatch) -> None:
    """As its owner, in the gateway's own words for whom else it would refuse."""
    make_keys(folder)
    token = folder / "secrets/admin-token"
    monkeypatch.setattr(os, "geteuid", lambda: token.stat().st_uid)
    variables = {"OCR_ROLLOUT_ADMIN_TOKEN_FILE": str(token)}
    tokens = load(ServiceSettings(), variables)
    assert tokens.role_of(token.read_text()) == "admin"


def test_compose_takes_it_with_these_keys(folder: Path) -> None:
    make_keys(folder)
    for profiles, expected in PROFILES.items():
        named = [word for profile in profiles for word in ("--profile", profile)]
        done = docker_compose(*named, "config", "--services", folder=folder)
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) == expected


@pytest.mark.parametrize("missing", sorted(VARIABLES))
def test_a_missing_key_is_named_with_what_to_do(folder: Path, missing: str) -> None:
    there = dict.fromkeys(VARIABLES - {missing}, "x")
    done = docker_compose("config", "--quiet", folder=folder, **there)
    assert done.returncode != 0
    assert (
        f"{missing} is missing a value: it is not set; run deploy/compose/make-keys" in done.stderr
    )


def test_git_never_sees_the_keys() -> None:
    for name in (".env", "secrets/admin-token"):
        done = subprocess.run(["git", "check-ignore", "-q", name], cwd=deployed.ROOT, check=False)
        assert done.returncode == 0, name


def test_triton_has_the_shared_flags() -> None:
    """Only what must differ does: in a container the address is the container's own."""
    command = SERVICES["triton"]["command"]
    assert command[0] == "tritonserver"
    assert command[1:] == flags(
        repository="/models",
        models=SERVED,
        control_key=deployed.key("OCR_CONTROL_KEY"),
        address="0.0.0.0",
    )


@pytest.mark.server
def test_the_embedded_server_runs_with_each_of_these_flags(triton: EmbeddedTriton) -> None:
    """24.10 knows them all: it ends at once on a flag that it does not know."""
    command = Path(f"/proc/{triton.server.triton_pid}/cmdline").read_text().split("\0")
    used = {argument.split("=")[0] for argument in command}
    assert {word.split("=")[0] for word in SERVICES["triton"]["command"][1:]} <= used
    same = set(SERVICES["triton"]["command"]) & set(command)
    assert {"--model-control-mode=explicit", "--disable-auto-complete-config"} <= same
    assert {*(f"--load-model={model}" for model in SERVED), "--exit-on-error=false"} <= same


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    if name in {"service", "control"}:
        assert service["user"] == deployed.key("OCR_SERVICE_USER")  # never root's: see make-keys
    else:
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert "privileged" not in service
    assert int(service["stop_grace_period"].removesuffix("s")) >= 20
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+[0-9a-z.-]*", service["image"]), "a pinned tag"
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_triton_is_given_the_time_that_it_takes_to_end() -> None:
    assert int(SERVICES["triton"]["stop_grace_period"].removesuffix("s")) > EXIT_TIMEOUT_S
    assert SERVICES["triton"]["image"].endswith(":26.11-py3")


def test_every_health_check_can_fail() -> None:
    """Curl with -f, wget by itself, redis-cli with -e; the service's stands in its image."""
    checks = {
        name: service.get("healthcheck", {}).get("test") for name, service in SERVICES.items()
    }
    assert checks.pop("service") is checks.pop("control") is None
    assert "/readyz" in deployed.array("HEALTHCHECK")[-1]
    for name, check in checks.items():
        program, options = check[1], check[2:]
        assert check[0] == "CMD", name
        assert {"curl": "-fsS", "wget": "-q", "redis-cli": "-e"}[program] in options, name


@pytest.mark.parametrize("name", sorted(PROFILES["service",] | {"control"}))
def test_what_is_mounted_exists_and_is_read_only(name: str) -> None:
    deployed.refuse_mounts(name)


def test_who_shares_a_network_with_whom() -> None:
    members = {
        network: {name for name, it in SERVICES.items() if network in it["networks"]}
        for network in deployed.composed()["networks"]
    }
    assert members == {
        "inference": {"triton", "service", "control"},
        "store": {"redis", "service", "control"},
        "metrics": {"triton", "service", "prometheus"},
        "dashboards": {"prometheus", "grafana"},
    }


def test_the_services_configuration_fits_the_other_containers() -> None:
    """Addresses are containers of this file, arms lie in the repository, and ready means stable."""
    config = ClientConfig.load(CONFIG)
    routing = config.model_routing
    assert config.triton.urls == ("triton:8000",)
    assert config.triton.metrics_urls == ("triton:8002",)
    assert config.store.url == "redis://redis:6379/0"
    for arm in (routing.stable, routing.candidate):
        assert f"--load-model={arm.model}" in SERVICES["triton"]["command"]
        assert (deployed.ROOT / f"model_repository/{arm.model}/{arm.version}/model.onnx").is_file()
    url = SERVICES["triton"]["healthcheck"]["test"][-1]
    assert url.endswith(
        f"/v2/models/{routing.stable.model}/versions/{routing.stable.version}/ready"
    )
    for name in ("service", "control"):
        assert "./deploy/compose:/etc/ocr:ro" in SERVICES[name]["volumes"]
        assert SERVICES[name]["environment"]["OCR_ROLLOUT_CONFIG"] == "/etc/ocr/config.yaml"


@pytest.mark.server
def test_the_health_check_of_triton_says_yes_and_no(triton: EmbeddedTriton) -> None:
    """To its own version, and to one that is not there."""
    command = [*SERVICES["triton"]["healthcheck"]["test"][1:]]
    there = command[-1].replace("127.0.0.1:8000", triton.http_url)
    elsewhere = re.sub(r"/versions/\d+/", "/versions/99/", there)
    for url, healthy in ((there, True), (elsewhere, False)):
        done = subprocess.run([*command[:-1], url], capture_output=True, check=False)
        assert (done.returncode == 0) is healthy, done.stderr


def test_every_variable_of_ours_is_read_by_our_programs() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("client", "rollout", "gateway")
        for path in (deployed.ROOT / folder).rglob("*.py")
    )
    names = SERVICES["service"]["environment"].keys() | SERVICES["control"]["environment"].keys()
    for name in names:
        assert f'"{name}"' in sources, name


def test_every_command_of_ocrctl_is_one() -> None:
    shown = [words for path in (deployed.COMPOSE, CONFIG) for words in deployed.shown(path)]
    assert len(shown) == 2
    program, *doctor = SERVICES["control"]["command"]
    assert program == "ocrctl"
    for words in (SERVICES["service"]["command"], doctor, deployed.array("CMD"), *shown):
        deployed.refuse_unknown(words)
