"""`service:` in config.yaml: read by its own package, checked with the rest."""

import dataclasses
import importlib.metadata
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ocr_client import extensions
from ocr_client.cli.config import app
from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError
from ocr_gateway.options import settings_of
from ocr_gateway.settings import ServiceSettings

ROOT = Path(__file__).parents[2]

MISTAKES = {
    "service: {}\nservce: {}": "servce: unknown key (did you mean service?)",
    "service: 3": "service: 3 is not a mapping",
    "service: {ports: 1}": "service.ports: unknown key",
    "service: {max_body_bytes: 20MB}": "service.max_body_bytes: '20MB' is not accepted",
    "service: {body_s: 0}": "accepted: a number above 0 and at most 3600",
    "service: {concurrency: 0}": "accepted: a whole number 1..256",
    "service: {queue: -1}": "accepted: a whole number 0..10000",
    "service: {wait_s: true}": "service.wait_s: True is not accepted",
    "service: {batch_images: 1.5}": "accepted: a whole number 1..1000",
    "service: {drain_s: .inf}": "accepted: a number above 0 and at most 3600",
}


def parsed(text):
    return ClientConfig.from_bytes(text.encode(), name="config.yaml", folder=None)


def test_the_shipped_file_names_every_key():
    """With its default, or in a comment where the default is that there is none."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    shipped = yaml.safe_load(text)["service"]
    section = text[text.index("\nservice:") :]
    default = dataclasses.asdict(ServiceSettings())
    for key, value in default.items():
        assert f"  {key}:" in section or f"# {key}:" in section, key
        if key in shipped:
            assert shipped[key] == value or list(value) == shipped[key], key
    assert set(shipped) <= set(default)
    assert settings_of(ClientConfig.load(ROOT / "config.yaml")) == ServiceSettings()


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_refused_in_one_line(text):
    """By everybody who reads the file, the client as well."""
    with pytest.raises(ConfigError) as refused:
        parsed(text)
    assert MISTAKES[text] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_without_it_means_the_defaults():
    for text in ("", "service:", "service: {}"):
        assert settings_of(parsed(text)) == ServiceSettings()
    assert settings_of(parsed("service: {queue: 3}")) == ServiceSettings(queue=3)


def test_config_check_sees_it(tmp_path):
    """Exit code 1 and the line of the mistake."""
    (tmp_path / "config.yaml").write_text("service: {queue: -1}")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "config.yaml")])
    assert result.exit_code == 1
    assert "service.queue: -1 is not accepted" in result.stderr


def test_a_section_whose_package_is_missing_is_left_alone_and_said_so(tmp_path, monkeypatch):
    """As where an extra is not installed: everything else is checked all the same."""
    lost = importlib.metadata.EntryPoint("service", "no_such_package:parse", extensions.GROUP)
    monkeypatch.setattr(extensions, "registered", lambda: {"service": lost})
    (tmp_path / "config.yaml").write_text("service: {anything: 1}")
    config = ClientConfig.load(tmp_path / "config.yaml")
    assert config.sections.records == {}
    assert "no_such_package" in config.sections.unread["service"]
    result = CliRunner().invoke(app, ["check", str(tmp_path / "config.yaml")])
    assert result.exit_code == 0
    assert "service    not checked: No module named 'no_such_package'" in result.stdout


def test_the_parser_needs_nothing_of_the_extra():
    """So it is there wherever the package is."""
    import subprocess
    import sys

    script = (
        "import sys\n"
        "from ocr_client.config import ClientConfig\n"
        "ClientConfig.from_bytes(b'service: {queue: 3}', name='x', folder=None)\n"
        "print(sorted({'fastapi', 'starlette', 'uvicorn', 'pydantic'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
