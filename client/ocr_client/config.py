"""`config.yaml` as one frozen record. Mistakes are refused with key, value and what is accepted.

Everything here has a default, so a program may start without a file; the file that ships in the
repository says the same values, with a comment for each (a test compares the two).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Final

import yaml

from ocr_rollout.core import plan as plans
from ocr_rollout.core.fields import FieldError, Fields
from ocr_rollout.core.limits import Limits as JudgeLimits
from ocr_rollout.core.plan import Phase, Plan

from . import extensions, sections
from .errors import ConfigError
from .extensions import Sections
from .notifications.section import notifications
from .otlp.section import otlp
from .pages.settings import PageSettings, pages
from .reviews.settings import ReviewSettings, review
from .settings import (
    CANDIDATE,
    STABLE,
    Limits,
    ModelRouting,
    NotificationSettings,
    OtlpSettings,
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
    "NotificationSettings",
    "OtlpSettings",
    "PageSettings",
    "ReloadSettings",
    "RescueSettings",
    "ReviewSettings",
    "ShadowSettings",
    "StoreSettings",
    "TritonSettings",
]

MOST_BYTES: Final = 1 << 16  # the shipped one has 12,000; a second's work for the parser
DEEPEST: Final = 50  # brackets within each other
# Of all values, aliases counted as often as they stand there.
MOST_CHARACTERS: Final = 1_000_000
MOST_LOOPING: Final = 8  # aliases, where one is of a value around it
MOST_SAID: Final = 1_000  # of an error, which quotes what it found


@dataclasses.dataclass(frozen=True)
class ClientConfig:
    """All of it. Build one in code with `dataclasses.replace`, or read a file with `load`.

    rollout: the plan, where there is one; else `model_routing` alone says the share.
    sections: what belongs to packages above this one, such as the service's.
    """

    model_routing: ModelRouting = dataclasses.field(default_factory=ModelRouting)
    triton: TritonSettings = dataclasses.field(default_factory=TritonSettings)
    limits: Limits = dataclasses.field(default_factory=Limits)
    rollout: Plan | None = None
    store: StoreSettings = dataclasses.field(default_factory=StoreSettings)
    shadow: ShadowSettings = dataclasses.field(default_factory=ShadowSettings)
    rescue: RescueSettings = dataclasses.field(default_factory=RescueSettings)
    reload: ReloadSettings = dataclasses.field(default_factory=ReloadSettings)
    review: ReviewSettings = dataclasses.field(default_factory=ReviewSettings)
    notifications: NotificationSettings = dataclasses.field(default_factory=NotificationSettings)
    pages: PageSettings = dataclasses.field(default_factory=PageSettings)
    otlp: OtlpSettings = dataclasses.field(default_factory=OtlpSettings)
    sections: Sections = dataclasses.field(default_factory=Sections, hash=False)

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
            document = _document(content)
            return cls.parse({} if document is None else document, folder=folder)
        except yaml.YAMLError as error:
            said = f"not YAML: {_one_line(error)}"
        except RecursionError:
            said = "not YAML that can be read: nested too deeply"
        except ConfigError as error:
            said = str(error)
        if len(said) > MOST_SAID:  # it names the value, whatever that holds
            said = f"{said[:MOST_SAID]} ..."
        raise ConfigError(f"{name}: {said}")

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
                review(Fields("review", top.raw("review", {}))),
                notifications(top.raw("notifications", {})),
                pages(Fields("pages", top.raw("pages", {})), folder=folder),
                otlp(top.raw("otlp", None)),
                extensions.read(top, folder=folder),
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


class _Loader(yaml.SafeLoader):
    """Refuses early what is nested too deeply: looking for keys, PyYAML takes seconds for it."""

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        if self.flow_level >= DEEPEST:
            raise RecursionError
        super().fetch_flow_collection_start(token)


def _document(content: bytes) -> object:
    """Raises ConfigError, YAMLError, RecursionError."""
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{len(content):,} bytes; at most {MOST_BYTES:,} are read")
    loader = _Loader(content)
    try:
        node = loader.get_single_node()
        _refuse_swollen(node)
        _refuse_repeated(node)
        return None if node is None else loader.construct_document(node)
    except ValueError as error:  # a number or a date that Python does not hold
        raise ConfigError(f"cannot be used: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()


def _refuse_swollen(node: yaml.Node | None) -> None:
    """Raises ConfigError: a few lines of aliases of aliases hold billions of values.

    Each value counts as often as it stands there. One within itself does not end, so where there are
    such, there may only be a few aliases.
    """
    known: dict[int, int] = {}
    again = loops = 0

    def characters(node: yaml.Node | None) -> int:
        nonlocal again, loops
        if not isinstance(node, yaml.CollectionNode):
            return 1 if node is None else 1 + len(node.value)
        if id(node) in known:
            again += 1
            loops += not known[id(node)]
            return known[id(node)]
        known[id(node)] = 0  # as long as it is being counted
        pairs = isinstance(node, yaml.MappingNode)
        parts = [part for pair in node.value for part in pair] if pairs else node.value
        known[id(node)] = 1 + sum(map(characters, parts))
        return known[id(node)]

    if characters(node) > MOST_CHARACTERS:
        raise ConfigError(f"more than {MOST_CHARACTERS:,} characters, aliases included")
    if loops and again > MOST_LOOPING:
        raise ConfigError("aliases of values that hold themselves")


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
