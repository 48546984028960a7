"""A configuration is refused, never repaired: each error names key, value and what is accepted."""

from pathlib import Path

import pytest

from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError
from ocr_rollout.core.routing import Arm

ROOT = Path(__file__).parents[2]


def load(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")
    return ClientConfig.load(path)


def test_the_file_in_the_repository_says_the_defaults():
    """A program without a file behaves as one with the file that ships."""
    assert ClientConfig.load(ROOT / "config.yaml") == ClientConfig()


def test_the_seed_keys_are_read(tmp_path):
    """The four keys of the original configuration, with its own example's values."""
    config = load(
        tmp_path,
        "model_routing:\n  crnn_enabled: true\n  gray_scale_ratio: 0.3\n"
        "  auto_rollback_threshold: 0.05\n  check_interval_seconds: 60\n",
    ).model_routing
    assert config.candidate_weight_bp == 3_000
    assert config.auto_rollback_threshold == 0.05
    assert config.check_interval_seconds == 60
    assert config.table().candidate == Arm("crnn", 1)


def test_crnn_enabled_false_takes_the_candidate_out_whatever_it_is_called(tmp_path):
    """Even when the candidate is a convnext."""
    config = load(
        tmp_path,
        "model_routing: {crnn_enabled: false, gray_scale_ratio: 1, candidate: 'convnext:2'}",
    )
    assert config.model_routing.table().candidate is None
    assert config.model_routing.table().weight_bp == 0


@pytest.mark.parametrize("text", ["", "# nothing\n", "triton:\n", "{}"])
def test_every_key_may_be_left_out(tmp_path, text):
    """An empty file, and a section with everything commented out, are the defaults."""
    assert load(tmp_path, text) == ClientConfig()


def test_a_short_deadline_shortens_what_lies_within_it(tmp_path):
    """Defaults that would not fit into the given deadline follow it."""
    triton = load(tmp_path, "triton: {deadline_s: 0.5}").triton
    assert triton.candidate_deadline_s == 0.25
    assert triton.connect_timeout_s == 0.5


MISTAKES = {
    # text: what the error must hold, in this order
    "model_routng: {}": ("model_routng", "unknown key", "did you mean model_routing"),
    "model_routing: {gray_ratio: 0.1}": ("model_routing.gray_ratio", "unknown key", "salt"),
    "model_routing: {gray_scale_ratio: 1.5}": ("gray_scale_ratio", "1.5", "0..1"),
    "model_routing: {gray_scale_ratio: 0.00001}": ("gray_scale_ratio", "1e-05", "0.0001"),
    "model_routing: {gray_scale_ratio: .nan}": ("gray_scale_ratio", "nan", "0..1"),
    "model_routing: {gray_scale_ratio: 10%}": ("gray_scale_ratio", "'10%'", "0..1"),
    "model_routing: {gray_scale_ratio: true}": ("gray_scale_ratio", "True", "0..1"),
    "model_routing: {crnn_enabled: 1}": ("crnn_enabled", "1", "true or false"),
    "model_routing: {crnn_enabled: 'no'}": ("crnn_enabled", "'no'", "true or false"),
    "model_routing: {auto_rollback_threshold: 5}": ("auto_rollback_threshold", "5", "at most 1"),
    "model_routing: {auto_rollback_threshold: 0}": ("auto_rollback_threshold", "0", "above 0"),
    "model_routing: {check_interval_seconds: -1}": ("check_interval_seconds", "-1", "above 0"),
    "model_routing: {check_interval_seconds: .inf}": ("check_interval_seconds", "inf", "86400"),
    "model_routing: {stable: convnext}": ("stable", "'convnext'", "MODEL:VERSION"),
    "model_routing: {candidate: crnn:latest}": ("candidate", "'crnn:latest'", "MODEL:VERSION"),
    "model_routing: {candidate: 1:30}": ("candidate", "90", "in quotes"),  # YAML 1.1 reads 1:30
    "model_routing: {candidate: 'convnext:1'}": ("candidate", "convnext:1", "another arm"),
    "model_routing: {sticky: image}": ("sticky", "'image'", "user_image, user, request"),
    "model_routing: {sticky: [user]}": ("sticky", "['user']", "user_image, user, request"),
    "model_routing: {salt: ''}": ("salt", "''", "not empty"),
    "model_routing: {salt: 7}": ("salt", "7", "a text"),
    "model_routing: 3": ("model_routing", "3", "not a mapping"),
    "triton: {urls: 127.0.0.1:8000}": ("triton.urls", "'127.0.0.1:8000'", "a list"),
    "triton: {urls: []}": ("triton.urls", "[]", "a list"),
    "triton: {urls: ['http://127.0.0.1:8000']}": ("triton.urls", "http://", "without http://"),
    "triton: {urls: ['127.0.0.1']}": ("triton.urls", "127.0.0.1", "HOST:PORT"),
    "triton: {urls: ['127.0.0.1:99999']}": ("triton.urls", "99999", "HOST:PORT"),
    "triton: {deadline_s: 0}": ("triton.deadline_s", "0", "above 0"),
    "triton: {deadline_s: 2, candidate_deadline_s: 3}": ("candidate_deadline_s", "3", "deadline_s"),
    "triton: {connect_timeout_s: 11}": ("connect_timeout_s", "11", "at most 10 (deadline_s)"),
    "triton: {concurrency: 0}": ("triton.concurrency", "0", "1..64"),
    "triton: {concurrency: 2.5}": ("triton.concurrency", "2.5", "whole number"),
    "limits: {max_pixels: 1e6}": ("limits.max_pixels", "1e6", "whole number"),
    "limits: {max_pixel: 1}": ("limits.max_pixel", "did you mean max_pixels"),
    "- a": ("the document", "['a']", "not a mapping"),
    "0": ("the document", "0", "not a mapping"),
    "triton: {}\ntriton: {}": ("triton", "twice", "line 2"),
    "triton: {concurrency: 1, concurrency: 2}": ("concurrency", "twice"),
    "triton: [": ("not YAML", "line 1"),
    "\x00": ("not YAML",),
    "? [a]\n: 1": ("not YAML",),
    "!!python/object:os.system {}": ("not YAML",),
    "triton: &a {urls: *a}": ("urls", "HOST:PORT"),
}


@pytest.mark.parametrize("text", MISTAKES, ids=str)
def test_a_mistake_is_refused_in_one_line(tmp_path, text):
    """With the file, the key, the value, and what is accepted."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'config.yaml'}: ")
    assert "\n" not in message
    at = 0
    for words in MISTAKES[text]:
        assert words in message[at:], message
        at = message.index(words, at)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """And so is one that is a directory, or no text."""
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file"):
        ClientConfig.load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a directory"):
        ClientConfig.load(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ConfigError, match="not YAML"):
        ClientConfig.load(tmp_path / "binary")
