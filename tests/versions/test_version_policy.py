"""config.pbtxt: one line of it changes, and only when that is certain."""

from __future__ import annotations

from pathlib import Path

import bars
import pytest

from ocr_client.versions.policy import PolicyError, served_versions, with_versions
from ocr_client.versions.rules import graph_problems, parse_config, running
from ocr_server import pbtxt, runs
from ocr_server.backends.onnxruntime import graph_checks

ROOT = Path(__file__).parent.parent.parent
TEXT = bars.config_text("crnn", (1,))


def test_rules_are_those_of_the_server():
    """Found by entry points, so that there is one copy of them."""
    assert parse_config(TEXT) == pbtxt.parse(TEXT)
    assert list(running()) == runs.running()
    config = parse_config(TEXT)
    assert graph_problems(config, [], []) == graph_checks.problems(config, [], [])


@pytest.mark.parametrize("versions", [(1,), (2,), (1, 2), (3, 1, 20)])
def test_only_the_versions_change(versions):
    changed = with_versions(TEXT, versions, parse_config)
    assert changed == bars.config_text("crnn", tuple(sorted(versions)))
    assert served_versions(changed, parse_config) == tuple(sorted(versions))


@pytest.mark.parametrize(
    "policy",
    [
        "version_policy { specific { versions: [ 1 ] } }",
        "version_policy: { specific: { versions: [1] } }",
        "version_policy {\n  specific {\n    versions: [\n      1,\n      7\n    ]\n  }\n}",
        "version_policy{specific{versions:[1,2,3]}}",
    ],
)
def test_white_space_and_colons_do_not_matter(policy):
    text = f'name: "crnn"\n{policy}\nmax_batch_size: 16\n'
    changed = with_versions(text, (5,), parse_config)
    assert served_versions(changed, parse_config) == (5,)
    assert changed.startswith('name: "crnn"\n')
    assert changed.endswith("\nmax_batch_size: 16\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('name: "crnn"\n', "not `specific`"),
        ('name: "crnn"\nversion_policy { all { } }\n', "not `specific`"),
        ('name: "crnn"\nversion_policy { latest { num_versions: 1 } }\n', "not `specific`"),
        (
            'name: "crnn"\nversion_policy { specific { versions: 1 versions: 2 } }\n',
            "by hand|as ocrctl",
        ),
        ('version_policy { specific { versions: [ 1 ] } }\nname: "a" name: "b"\n', "given twice"),
        ("version_policy { specific { versions: [ 1 ] }\n", "line"),
        ("version_policy { specific { versions: [ 1, q ] } }\n", "'q' is no number"),
        ("version_policy { specific { versions: [ 1.5 ] } }\n", "1.5 is no number"),
        ("version_policy: 3\n", "not `specific`"),
        ("version_policy { specific: true }\n", "not `specific`"),
    ],
)
def test_what_is_not_certain_is_refused(text, reason):
    def change():
        served_versions(text, parse_config)
        return with_versions(text, (1, 2), parse_config)

    with pytest.raises(PolicyError, match=reason) as error:
        change()
    assert "\n" not in str(error.value)


def test_a_policy_in_a_comment_is_no_policy():
    text = "# version_policy { specific { versions: [ 9 ] } }\n" + TEXT
    assert served_versions(with_versions(text, (1, 2), parse_config), parse_config) == (1, 2)


def test_a_second_policy_in_a_string_is_refused():
    """The text would match twice, so which one is meant is not certain."""
    tricky = (
        TEXT
        + 'parameters { key: "x" value: { string_value: "\\\nversion_policy { specific { versions: [ 2 ] } }" } }'
    )
    with pytest.raises(PolicyError):
        with_versions(tricky, (1, 2), parse_config)


@pytest.mark.parametrize("versions", [(), (0,), (-1, 2)])
def test_no_version_and_version_0_are_refused(versions):
    with pytest.raises(PolicyError, match="from 1 on"):
        with_versions(TEXT, versions, parse_config)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["crnn", "convnext"])
def test_served_configuration_stays_what_export_writes(name):
    """However often versions come and go."""
    from ocr_export.config_pbtxt import config_text
    from ocr_preprocessing.spec import LineSpec

    text = config_text(name, (1,), LineSpec())
    for versions in [(1, 2), (2,), (2, 3), (1,)]:
        text = with_versions(text, versions, parse_config)
        assert text == config_text(name, versions, LineSpec())


def test_shipped_configurations_can_be_changed():
    for path in sorted((ROOT / "model_repository").glob("*/config.pbtxt")):
        text = path.read_text(encoding="utf-8")
        listed = served_versions(text, parse_config)
        changed = with_versions(text, (*listed, 99), parse_config)
        assert with_versions(changed, listed, parse_config) == text
