"""`config.yaml` as one frozen record. Mistakes are refused with key, value and what is accepted.

Everything here has a default, so a program may start without a file; the file that ships in the
repository says the same values, with a comment for each (a test compares the two).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import yaml

from ocr_rollout.core import plan as plans
from ocr_rollout.core.fields import FieldError, Fields
from ocr_rollout.core.limits import Limits as JudgeLimits
from ocr_rollout.core.plan import Phase, Plan

from . import sections
from .errors import ConfigError
from .settings import (
    CANDIDATE,
    STABLE,
    Limits,
    ModelRouting,
    ReloadSettings,
    RescueSettings,
    ShadowSettings,
    StoreSettings,
    TritonSettings,
)

__all__ = [
    "CANDIDATE",
    "STABLE",
    "ClientConfig",
    "Limits",
    "ModelRouting",
    "ReloadSettings",
    "RescueSettings",
    "ShadowSettings",
    "StoreSettings",
    "TritonSettings",
]


@dataclasses.dataclass(frozen=True)
class ClientConfig:
    """All of it. Build one in code with `dataclasses.replace`, or read a file with `load`.

    rollout: the plan, where there is one; else `model_routing` alone says the share.
    """

    model_routing: ModelRouting = dataclasses.field(default_factory=ModelRouting)
    triton: TritonSettings = dataclasses.field(default_factory=TritonSettings)
    limits: Limits = dataclasses.field(default_factory=Limits)
    rollout: Plan | None = None
    store: StoreSettings = dataclasses.field(default_factory=StoreSettings)
    shadow: ShadowSettings = dataclasses.field(default_factory=ShadowSettings)
    rescue: RescueSettings = dataclasses.field(default_factory=RescueSettings)
    reload: ReloadSettings = dataclasses.field(default_factory=ReloadSettings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ClientConfig:
        """Raises ConfigError, one line, on a file that cannot be read or holds a mistake."""
        name = os.fspath(path)
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"{name}: {reason}; name a file with --config") from None
        return cls.from_bytes(content, name=name, folder=Path(path).absolute().parent)

    @classmethod
    def from_bytes(cls, content: bytes, *, name: str, folder: Path | None) -> ClientConfig:
        """Raises ConfigError, one line that begins with `name`: what the content came from.

        content: YAML, bytes because the parser finds the encoding and says where it is broken.
        folder: where relative file names in it begin; None: at the working directory.
        """
        try:
            _refuse_repeated(yaml.compose(content))
            document = yaml.safe_load(content)
            return cls.parse({} if document is None else document, folder=folder)
        except yaml.YAMLError as error:
            raise ConfigError(f"{name}: not YAML: {_one_line(error)}") from None
        except RecursionError:
            raise ConfigError(f"{name}: not YAML that can be read: nested too deeply") from None
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None

    @classmethod
    def parse(cls, document: object, *, folder: Path | None = None) -> ClientConfig:
        """A parsed document -> configuration. Raises ConfigError naming the key."""
        try:
            top = Fields("", document)
            routed = Fields("model_routing", top.raw("model_routing", {}))
            routing = sections.model_routing(routed)
            plan = _plan(top.raw("rollout", None), routing)
            if plan is not None and routed.has("gray_scale_ratio"):
                plans.refuse_conflict(plan, routing.candidate_weight_bp)
            config = cls(
                routing,
                sections.triton(Fields("triton", top.raw("triton", {}))),
                sections.limits(Fields("limits", top.raw("limits", {}))),
                plan,
                sections.store(
                    Fields("store", top.raw("store", {})),
                    folder=folder,
                    shared=plan is not None,
                ),
                sections.shadow(Fields("shadow", top.raw("shadow", {}))),
                sections.rescue(Fields("rescue", top.raw("rescue", {}))),
                sections.reload(Fields("reload", top.raw("reload", {}))),
            )
            top.close()
        except FieldError as error:
            raise ConfigError(str(error)) from None
        return config

    @property
    def weight_enabled(self) -> bool:
        """Whether the candidate may have traffic at all."""
        routing = self.model_routing
        return routing.crnn_enabled and (
            self.rollout is not None or routing.candidate_weight_bp > 0
        )

    def plan(self) -> Plan:
        """The plan, or, where only a ratio is given, the one phase that the ratio is.

        Then nothing leads from one share to the next but another configuration; what the ratio
        has of a rollout is its end: the candidate is judged and taken back.
        """
        if self.rollout is not None:
            return self.rollout
        routing = self.model_routing
        # A plan cannot be at 0; with a ratio of 0 nobody follows it (`weight_enabled`).
        share_bp = max(routing.candidate_weight_bp, 1)
        return Plan(
            rollout_id=routing.salt,
            stable=routing.stable,
            candidate=routing.candidate,
            phases=(Phase(share_bp, aim="gray_scale_ratio"),),
            sticky=routing.sticky,
            holdout_bp=0,
            limits=JudgeLimits(errors=routing.auto_rollback_threshold),
        )


def _plan(document: object, routing: ModelRouting) -> Plan | None:
    if document is None:
        return None
    return plans.parse(
        document,
        stable=routing.stable,
        candidate=routing.candidate,
        errors=routing.auto_rollback_threshold,
        sticky=routing.sticky,
    )


def _refuse_repeated(node: yaml.Node | None) -> None:
    """Raises ConfigError on a key that stands twice in a mapping: YAML would drop the first."""
    waiting: list[yaml.Node | None] = [node]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:  # an alias, or a loop
            continue
        seen.add(id(node))
        if not isinstance(node, yaml.MappingNode):
            waiting.extend(node.value)
            continue
        keys = set()
        for key, value in node.value:
            if str(key.value) in keys:
                line = key.start_mark.line + 1
                raise ConfigError(f"{key.value}: stands there twice (line {line}); accepted: once")
            keys.add(str(key.value))
            waiting.append(value)


def _one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    return " ".join(str(error).split())
