"""The `notifications:` section: what is accepted, and that nothing secret is ever shown."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ocr_client.cli.config import app
from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError
from ocr_client.settings import NotificationSettings, Target
from ocr_rollout.core.notices import EVENTS

ROOT = Path(__file__).parents[2]
URL = "https://hooks.example/services/T0K3N"


def told(*targets):
    return ClientConfig.parse({"notifications": {"targets": list(targets)}}).notifications.targets


def test_the_example_in_the_shipped_file_says_the_defaults():
    """With its comment signs taken away; each key is there, and the values are those of no key."""
    text = (ROOT / "config.yaml").read_text("utf-8")
    start = text.index("# notifications:\n")
    end = text.index("\ntriton:", start)
    example = "".join(line[2:] + "\n" for line in text[start:end].splitlines())
    whole = text[:start] + example + text[end:]
    given = ClientConfig.from_bytes(whole.encode(), name="x", folder=None).notifications
    default = NotificationSettings()
    assert (given.public_url, given.give_up_s) == (default.public_url, default.give_up_s)
    assert given.store_lost_after_s == default.store_lost_after_s
    (target,) = given.targets
    bare = told({"name": "ops", "kind": "webhook", "url_env": target.url_env})[0]
    assert (target.events, target.language) == (bare.events, bare.language) == (EVENTS, "en")
    for key in ("url_env", "secret_env", "events", "language"):
        assert f"{key}: " in example
    assert default.targets == ()


def test_a_target_needs_a_name_a_kind_and_an_address():
    """The rest has defaults; events come in their own order."""
    (found,) = told({"name": "a", "kind": "slack", "url": URL, "events": ["rollback", "phase"]})
    assert found == Target("a", "slack", URL, events=("phase", "rollback"))


MISTAKES = {
    # what is given instead of, or besides, a good target: what the error must hold
    "not a list": ({"targets": URL}, "notifications.targets: accepted: a list"),
    "no mapping": ({"targets": [URL]}, "notifications.targets[1]: is not a mapping"),
    "a secret of two lines": ({"secret": "S3CR3T\nx"}, "targets[1].secret: is not accepted"),
    "a number as a secret": ({"secret": 53}, "targets[1].secret: is not accepted"),
    "another scheme": ({"url": "ftp://h/T0K3N"}, "targets[1].url: is not accepted"),
    "a file": ({"url": "file:///etc/T0K3N"}, "targets[1].url: is not accepted"),
    "no host": ({"url": "https:///T0K3N"}, "targets[1].url: is not accepted"),
    "a user": ({"url": "https://u:S3CR3T@h/"}, "targets[1].url: is not accepted"),
    "a blank": ({"url": "https://h/T0 K3N/T0K3N"}, "targets[1].url: is not accepted"),
    "a port too high": ({"url": "https://h:99999/T0K3N"}, "targets[1].url: is not accepted"),
    "the URL as a variable": ({"url": None, "url_env": URL}, "the name of an environment variable"),
    "both": ({"url_env": "HOOK"}, "url and url_env are both given"),
    "neither": ({"url": None}, "has no address; give url, or url_env"),
    "wecom signs nothing": ({"kind": "wecom", "secret": "S3CR3T"}, "wecom knows no signature"),
    "an unknown kind": ({"kind": "email"}, "webhook, dingtalk, wecom, feishu, slack"),
    "an unknown event": ({"events": ["rolback"]}, "a list of phase, gate, rollback"),
    "no event": ({"events": []}, "a list of phase"),
    "an unknown language": ({"language": "fr"}, "en, zh"),
    "an unknown key": ({"uri": "T0K3N"}, "targets[1].uri: unknown key (did you mean url?)"),
    "a name with a blank": ({"name": "a b"}, "1 to 40 letters"),
    "no name": ({"name": None}, "1 to 40 letters"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_without_what_may_be_secret(mistake):
    """Key and what is accepted, in one line."""
    given, words = MISTAKES[mistake]
    section = given
    if "targets" not in given:
        section = {"targets": [{"name": "ops", "kind": "webhook", "url": URL, **given}]}
    with pytest.raises(ConfigError) as caught:
        ClientConfig.parse({"notifications": section})
    assert words in str(caught.value)
    for secret in ("T0K3N", "K3N", "S3CR3T", "53 "):
        assert secret not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (URL, "notifications: is not a mapping"),
        ({"give_up_after": 0}, "notifications.give_up_after: 0"),
        ({"give_up_after": "8d"}, "up to 7d"),
        ({"store_lost_after_s": 0}, "notifications.store_lost_after_s: 0"),
        ({"public_url": "rollout.example"}, "notifications.public_url"),
        ({"target": []}, "did you mean targets"),
        ({"targets": [{"name": "a", "kind": "slack", "url": URL}] * 2}, "'a' stands there twice"),
    ],
)
def test_a_mistake_in_the_section_itself(section, words):
    """No token in it either."""
    with pytest.raises(ConfigError) as caught:
        ClientConfig.parse({"notifications": section})
    assert words in str(caught.value)
    assert "T0K3N" not in str(caught.value)


def test_no_record_shows_a_url_or_a_secret():
    """Wherever a program prints its configuration."""
    config = ClientConfig.parse(
        {
            "notifications": {
                "targets": [{"name": "a", "kind": "webhook", "url": URL, "secret": "S3CR3T"}]
            }
        }
    )
    for text in (repr(config), str(config), repr(config.notifications.targets[0])):
        assert "T0K3N" not in text
        assert "hooks.example" not in text
        assert "S3CR3T" not in text


FILE = f"""
notifications:
  public_url: https://rollout.example/
  targets:
    - {{name: ops, kind: dingtalk, url_env: OPS_URL, secret_env: OPS_SECRET, language: zh}}
    - {{name: dev, kind: slack, url: '{URL}', events: [rollback]}}
"""


def test_config_check_says_who_is_told(tmp_path):
    """Kind, where URL and secret come from, whether they are there, language and events."""
    path = tmp_path / "config.yaml"
    path.write_text(FILE, "utf-8")
    environment = {"OPS_URL": URL, "OPS_SECRET": None}
    run = CliRunner().invoke(app, ["check", str(path)], env=environment)
    assert run.exit_code == 0, run.output
    assert (
        "told       ops: dingtalk, url in OPS_URL, secret in OPS_SECRET (not set here), zh: "
        "phase gate" in run.stdout
    )
    assert "told       dev: slack, url given, en: rollback\n" in run.stdout
    as_json = CliRunner().invoke(app, ["check", str(path), "--json"], env=environment)
    found = json.loads(as_json.stdout)["notifications"]
    assert found["public_url"] == "https://rollout.example/"
    assert found["targets"][0]["unset"] == ["OPS_SECRET"]
    assert found["targets"][1]["signed"] is False
    for output in (run.output, as_json.output):
        assert "T0K3N" not in output
        assert "hooks.example" not in output


def test_config_check_says_when_nobody_is_told(tmp_path):
    """The default."""
    path = tmp_path / "config.yaml"
    path.write_text("{}", "utf-8")
    assert "told       nobody" in CliRunner().invoke(app, ["check", str(path)]).stdout
