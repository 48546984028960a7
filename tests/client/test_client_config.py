"""A configuration is refused, never repaired: each error names key, value and what is accepted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, ModelRouting
from ocr_client.errors import ConfigError
from ocr_client.extensions import Sections
from ocr_client.fake import FakeTransport
from ocr_client.settings import CANDIDATE, STABLE
from ocr_rollout.core.plan import DEFAULT_PHASES
from ocr_rollout.core.routing import Arm

ROOT = Path(__file__).parents[2]


def load(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")
    return ClientConfig.load(path)


def test_the_file_in_the_repository_says_the_defaults():
    """A program without a file behaves as one with the file that ships."""
    config = ClientConfig.load(ROOT / "config.yaml")
    assert dataclasses.replace(config, sections=Sections()) == ClientConfig()
    for name, record in config.sections.records.items():
        assert record == type(record)(), name
    assert not config.sections.unread


def test_the_seed_keys_are_read(tmp_path):
    """The four keys of the original configuration, with its own example's values."""
    config = load(
        tmp_path,
        "model_routing:\n  crnn_enabled: true\n  gray_scale_ratio: 0.3\n"
        "  auto_rollback_threshold: 0.05\n  check_interval_seconds: 60\n",
    )
    assert config.model_routing.candidate_weight_bp == 3_000
    assert config.model_routing.auto_rollback_threshold == 0.05
    assert config.model_routing.check_interval_seconds == 60
    assert config.weight_enabled
    assert config.plan().candidate == CANDIDATE


def test_crnn_enabled_false_takes_the_candidate_out_whatever_it_is_called(tmp_path):
    """Even when the candidate is a convnext."""
    config = load(
        tmp_path,
        "model_routing: {crnn_enabled: false, gray_scale_ratio: 1, candidate: 'convnext:9'}",
    )
    assert not config.weight_enabled
    with OCRClient(config, transport=FakeTransport({STABLE: "stable"})) as client:
        assert client.recognize(np.zeros((32, 200), np.uint8)).arm == STABLE


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
    f"model_routing: {{candidate: '{STABLE}'}}": ("candidate", str(STABLE), "another arm"),
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
    "a: &a\n- &b [*a, *a]\n- *b": ("a", "unknown key"),
    "[" * 3_000: ("nested too deeply",),
    # a billion laughs: nine aliases of nine aliases, and so on
    "\n".join(["x0: &x0 lol", *(f"x{n}: &x{n} [{f'*x{n - 1},' * 9}]" for n in range(1, 12))]): (
        "1,000,000 characters, aliases included",
    ),
    f"limits: {{max_pixels: {'9' * 5_000}}}": ("cannot be used", "4300 digits"),
    "a: 2026-13-45": ("cannot be used", "month"),
    "#" * 65_537: ("65,537 bytes", "at most 65,536"),
    "a: &a\n" + "- &b [*a, *a]\n" + "- *b\n" * 9: ("values that hold themselves",),
    f"limits: *{'9x' * 600}": ("not YAML", "9x9", " ..."),
    f"limits: {{max_pixels: {'9x' * 600}}}": ("limits.max_pixels", "9x9", " ..."),
    "rollout: {}": ("rollout.id", "is missing"),
    "rollout: {id: a b}": ("rollout.id", "'a b'", "without blanks"),
    "rollout: {id: a, phase: []}": ("rollout.phase", "did you mean phases"),
    "rollout: {id: a, phases: [{share: 0.1, share: 0.2}]}": ("share", "twice"),
    "rollout: {id: a, phases: [{share: 0.1}, {share: 0.05}]}": ("rollout.phases", "ascending"),
    f"rollout: {{id: a, candidate: '{STABLE}'}}": ("rollout.candidate", "stable already"),
    "rollout: {id: a}\nmodel_routing: {gray_scale_ratio: 0.3}": (
        "gray_scale_ratio",
        "0.3",
        "begins at 0.1",
        "the plan's share wins",
    ),
    "rollout: {id: a}\nmodel_routing: {gray_scale_ratio: 0}": ("gray_scale_ratio", "begins at 0.1"),
    "store: {url: 3}": ("store.url", "3", "sqlite:///FILE"),
    "store: {url: postgres://x}": ("store.url", "sqlite:///FILE"),
    "store: {url: 'sqlite:///'}": ("store.url", "sqlite:///FILE"),
    "store: {uri: x}": ("store.uri", "did you mean url"),
    "shadow: {share: 2}": ("shadow.share", "2", "0..1"),
    "shadow: {concurrency: 0}": ("shadow.concurrency", "0", "1..64"),
    "shadow: {queue: 0}": ("shadow.queue", "0", "1..10000"),
    "rescue: {enabled: 1}": ("rescue.enabled", "1", "true or false"),
    "rescue: {deadline_s: 0}": ("rescue.deadline_s", "0", "above 0"),
    "reload: {watch: sometimes}": ("reload.watch", "true or false"),
    "reload: {poll_s: 0}": ("reload.poll_s", "0", "above 0"),
    "triton: {breaker_failures: 0}": ("triton.breaker_failures", "0", "1..1000"),
    "triton: {breaker_open_s: -1}": ("triton.breaker_open_s", "-1", "above 0"),
    "triton: {busy_in_flight: 0}": ("triton.busy_in_flight", "0", "1..10000"),
    "triton: {metrics_urls: ['http://x:1']}": ("triton.metrics_urls", "without http://"),
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


def test_an_id_is_all_that_a_rollout_needs(tmp_path):
    """The default plan; arms, errors and stickiness are model_routing's."""
    config = load(
        tmp_path,
        "rollout: {id: crnn-1}\n"
        "model_routing: {candidate: 'crnn:9', sticky: user, auto_rollback_threshold: 0.1}\n",
    )
    plan = config.plan()
    assert (plan.rollout_id, plan.phases) == ("crnn-1", DEFAULT_PHASES)
    assert (plan.stable, plan.candidate) == (STABLE, Arm("crnn", 9))
    assert (plan.sticky, plan.limits.errors) == ("user", 0.1)
    assert config.weight_enabled


def test_the_example_in_the_shipped_file_is_the_default_plan(tmp_path):
    """With its comment signs taken away it is YAML, and what `id` alone stands for."""
    text = (ROOT / "config.yaml").read_text("utf-8")
    start, end = text.index("# rollout:\n"), text.index("\nstore:")
    example = "".join(line[2:] + "\n" for line in text[start:end].splitlines())
    given = load(tmp_path, text[:start] + example + text[end:])
    assert given.rollout is not None
    assert given.rollout == load(tmp_path, "rollout: {id: crnn-1}").rollout
    assert given.model_routing == ModelRouting()


def test_a_ratio_alone_is_a_plan_of_one_phase(tmp_path):
    """The four keys work alone: share, arms and threshold; nothing is held out or waited for."""
    config = load(
        tmp_path, "model_routing: {gray_scale_ratio: 0.3, auto_rollback_threshold: 0.02, salt: s}"
    )
    plan = config.plan()
    assert [phase.share_bp for phase in plan.phases] == [3_000]
    assert plan.weight_bp(0) == 3_000
    assert (plan.rollout_id, plan.limits.errors, plan.on_failure) == ("s", 0.02, "rollback")
    assert config.weight_enabled
    assert config.store.url is None


@pytest.mark.parametrize(
    "text", ["model_routing: {crnn_enabled: false}", "model_routing: {gray_scale_ratio: 0}"]
)
def test_without_a_share_or_with_the_switch_off_nobody_follows_the_plan(tmp_path, text):
    """There is a plan all the same, for whoever asks what it would be."""
    config = load(tmp_path, text)
    assert not config.weight_enabled
    assert config.plan().candidate == CANDIDATE


def test_the_switch_is_stronger_than_a_plan(tmp_path):
    """The emergency switch of the seed keys."""
    config = load(tmp_path, "model_routing: {crnn_enabled: false}\nrollout: {id: a}")
    assert not config.weight_enabled


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("rollout: {id: a}", "sqlite:///{folder}/rollout.db"),
        ("rollout: {id: a}\nstore: {url: null}", "sqlite:///{folder}/rollout.db"),
        ("rollout: {id: a}\nstore: {url: 'memory:'}", "memory:"),
        ("store: {url: 'sqlite:///state/a.db'}", "sqlite:///{folder}/state/a.db"),
        ("store: {url: 'sqlite:////var/a.db'}", "sqlite:////var/a.db"),
        ("store: {url: 'redis://h:1/2'}", "redis://h:1/2"),
    ],
)
def test_the_store_is_where_the_file_says(tmp_path, text, url):
    """Relative names begin at the file's folder, wherever the program was started."""
    assert load(tmp_path, text).store.url == url.format(folder=tmp_path)
    assert not list(tmp_path.glob("*.db"))


def test_a_password_is_never_shown():
    """Neither in an error nor in the record."""
    for url in ("redis:/user:secret@host", "redis://:secret@host:port", "x://u:secret@h"):
        with pytest.raises(ConfigError, match=r"store\.url") as caught:
            ClientConfig.parse({"store": {"url": url}})
        assert "secret" not in str(caught.value)
    assert "secret" not in repr(ClientConfig.parse({"store": {"url": "redis://:secret@h"}}))


def test_a_configuration_need_not_be_a_file():
    """From a configuration centre: errors begin with where it came from."""
    config = ClientConfig.from_bytes(b"rollout: {id: a}", name="http://x/config", folder=None)
    assert config.store.url == "sqlite:///rollout.db"
    with pytest.raises(ConfigError, match=r"^http://x/config: rollout\.id: is missing"):
        ClientConfig.from_bytes(b"rollout: {}", name="http://x/config", folder=None)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """And so is one that is a directory, or no text."""
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file"):
        ClientConfig.load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a directory"):
        ClientConfig.load(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ConfigError, match="not YAML"):
        ClientConfig.load(tmp_path / "binary")


@pytest.mark.parametrize(
    "document",
    [
        "store: {url: 'redis://user:hidden-host:6379/0'}",  # the @ is missing
        "store: {url: ['redis://user:hidden@host']}",
        "store: 'redis://user:hidden@host:6379/0'",
        "store: {url'redis://user:hidden@host:6379/0'}",  # the colon is missing
        "triton: {urls: ['http://user:hidden@host:8000']}",
        "notifications: {public_url: 'https://x.example/hidden', give_up_after: 1h, targets: 3}",
        "notifications: 'https://x.example/robot?token=hidden'",
        "otlp: 'http://x.example/hidden'",
    ],
)
def test_error_tells_nothing_of_an_address_but_how_it_begins(document):
    with pytest.raises(ConfigError) as caught:
        ClientConfig.from_bytes(document.encode(), name="config.yaml", folder=None)
    assert "hidden" not in str(caught.value)


def test_no_secret_stands_in_the_repr_of_a_configuration():
    config = ClientConfig.from_bytes(
        b"""
store: {url: 'redis://user:hidden@127.0.0.1:6379/0'}
otlp: {url: 'http://x.example/hidden', headers: 'authorization=hidden'}
notifications:
  targets:
    - {name: ops, kind: webhook, url: 'https://x.example/hidden', secret: hidden}
""",
        name="config.yaml",
        folder=None,
    )
    assert "ops" in repr(config)
    assert "hidden" not in repr(config)
