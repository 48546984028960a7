"""`config.yaml` as one frozen record. Mistakes are refused with key, value and what is accepted.

Everything here has a default, so a program may start without a file; the file that ships in the
repository says the same values, with a comment for each (a test compares the two).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import get_args

import yaml

from ocr_preprocessing.load import MAX_PIXELS
from ocr_rollout.core import fields
from ocr_rollout.core.fields import FieldError, Fields
from ocr_rollout.core.routing import Arm, RouteTable, Sticky

from . import sections
from .errors import ConfigError

STABLE = Arm("convnext", 1)
CANDIDATE = Arm("crnn", 1)


@dataclasses.dataclass(frozen=True)
class ModelRouting:
    """Who answers.

    crnn_enabled: false takes the candidate out, whatever it is called. (The key is older than
        the idea that any two arms can be compared.)
    candidate_weight_bp: `gray_scale_ratio`, the candidate's share while no rollout plan runs,
        in basis points.
    auto_rollback_threshold: share 0..1 of failed candidate requests above which a rollout goes
        back to stable; read and checked here, used by the rollout.
    check_interval_seconds: how often a rollout looks at its figures; used by the rollout.
    """

    crnn_enabled: bool = True
    candidate_weight_bp: int = 1_000
    auto_rollback_threshold: float = 0.05
    check_interval_seconds: float = 60.0
    stable: Arm = STABLE
    candidate: Arm = CANDIDATE
    sticky: Sticky = "user_image"
    salt: str = "ocr-rollout"

    def table(self) -> RouteTable:
        """The route table while no rollout plan runs."""
        weight_bp = self.candidate_weight_bp if self.crnn_enabled else 0
        return RouteTable(self.stable, self.candidate, weight_bp)


@dataclasses.dataclass(frozen=True)
class TritonSettings:
    """How to reach Triton's HTTP port. Times in seconds.

    urls: HOST:PORT each; the next one is tried where nothing answers.
    deadline_s: for one image, fallback included.
    candidate_deadline_s: of which the candidate may use this much, so that a candidate that
        hangs leaves stable the time to answer.
    connect_timeout_s: for opening a connection.
    concurrency: requests in flight in `recognize_many`.
    """

    urls: tuple[str, ...] = ("127.0.0.1:8000",)
    deadline_s: float = 10.0
    candidate_deadline_s: float = 5.0
    connect_timeout_s: float = 1.0
    concurrency: int = 4


@dataclasses.dataclass(frozen=True)
class Limits:
    """max_pixels: height times width of an image, checked before it is decoded."""

    max_pixels: int = MAX_PIXELS


@dataclasses.dataclass(frozen=True)
class ClientConfig:
    """All of it. Build one in code with `dataclasses.replace`, or read a file with `load`."""

    model_routing: ModelRouting = dataclasses.field(default_factory=ModelRouting)
    triton: TritonSettings = dataclasses.field(default_factory=TritonSettings)
    limits: Limits = dataclasses.field(default_factory=Limits)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ClientConfig:
        """Raises ConfigError, one line, on a file that cannot be read or holds a mistake."""
        name = os.fspath(path)
        try:
            # bytes: the parser finds the encoding, and says where it is broken
            content = Path(path).read_bytes()
            _refuse_repeated(yaml.compose(content), depth=2)
            document = yaml.safe_load(content)
            return cls.parse({} if document is None else document)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"{name}: {reason}; name a file with --config") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"{name}: not YAML: {_one_line(error)}") from None
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None

    @classmethod
    def parse(cls, document: object) -> ClientConfig:
        """A parsed document -> configuration. Raises ConfigError naming the key."""
        try:
            top = Fields("", document)
            routing = _model_routing(Fields("model_routing", top.raw("model_routing", {})))
            triton = _triton(Fields("triton", top.raw("triton", {})))
            limits = _limits(Fields("limits", top.raw("limits", {})))
            top.close()
        except FieldError as error:
            raise ConfigError(str(error)) from None
        return cls(routing, triton, limits)


def _model_routing(section: Fields) -> ModelRouting:
    default = ModelRouting()
    routing = ModelRouting(
        crnn_enabled=section.read("crnn_enabled", default.crnn_enabled, sections.switch),
        candidate_weight_bp=section.read(
            "gray_scale_ratio", default.candidate_weight_bp, fields.share
        ),
        auto_rollback_threshold=section.read(
            "auto_rollback_threshold",
            default.auto_rollback_threshold,
            fields.number(above=0, most=1),
        ),
        check_interval_seconds=section.read(
            "check_interval_seconds",
            default.check_interval_seconds,
            fields.number(above=0, most=86_400),
        ),
        stable=section.read("stable", default.stable, fields.arm),
        candidate=section.read("candidate", default.candidate, fields.arm),
        sticky=section.read("sticky", default.sticky, fields.word(*get_args(Sticky))),
        salt=section.read("salt", default.salt, sections.salt),
    )
    section.close()
    if routing.stable == routing.candidate:
        raise FieldError(
            f"model_routing.candidate: '{routing.candidate}' is stable already; "
            "accepted: another arm (to serve one arm only, set crnn_enabled: false)"
        )
    return routing


def _triton(section: Fields) -> TritonSettings:
    default = TritonSettings()
    deadline_s = section.read("deadline_s", default.deadline_s, fields.number(above=0, most=600))
    triton = TritonSettings(
        urls=section.read("urls", default.urls, sections.urls),
        deadline_s=deadline_s,
        candidate_deadline_s=section.read(
            "candidate_deadline_s",
            min(default.candidate_deadline_s, deadline_s / 2),
            fields.number(above=0, most=deadline_s, most_is="deadline_s"),
        ),
        connect_timeout_s=section.read(
            "connect_timeout_s",
            min(default.connect_timeout_s, deadline_s),
            fields.number(above=0, most=deadline_s, most_is="deadline_s"),
        ),
        concurrency=section.read("concurrency", default.concurrency, fields.whole(1, 64)),
    )
    section.close()
    return triton


def _limits(section: Fields) -> Limits:
    limits = Limits(section.read("max_pixels", Limits().max_pixels, fields.whole(1, 2**31 - 1)))
    section.close()
    return limits


def _refuse_repeated(node: yaml.Node | None, depth: int) -> None:
    """Raises ConfigError on a key that stands twice in a mapping: YAML would drop the first.

    depth: levels of mappings to look at; an alias can make a document endless.
    """
    if not isinstance(node, yaml.MappingNode) or not depth:
        return
    seen = set()
    for key, value in node.value:
        if str(key.value) in seen:
            line = key.start_mark.line + 1
            raise ConfigError(f"{key.value}: stands there twice (line {line}); accepted: once")
        seen.add(str(key.value))
        _refuse_repeated(value, depth - 1)


def _one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    return " ".join(str(error).split())
