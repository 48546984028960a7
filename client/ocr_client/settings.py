"""The sections of the configuration, as frozen records. Defaults are those of `config.yaml`."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ocr_preprocessing.load import MAX_PIXELS
from ocr_rollout.core.notices import EVENTS, Event, Subscriber
from ocr_rollout.core.routing import Arm, Sticky

STABLE = Arm("convnext", 4)
CANDIDATE = Arm("crnn", 4)


@dataclasses.dataclass(frozen=True)
class ModelRouting:
    """Who answers.

    crnn_enabled: false takes the candidate out, whatever it is called. (The key is older than
        the idea that any two arms can be compared.)
    candidate_weight_bp: `gray_scale_ratio`, the candidate's share while no rollout plan runs,
        in basis points.
    auto_rollback_threshold: share 0..1 of failed candidate requests above which the candidate is
        taken back.
    check_interval_seconds: how often a rollout may go on, and `mode: literal` is judged. (Every
        other rule is looked at each second.)
    salt: mixed into the hash while no plan runs; a plan has its id for that.
    """

    crnn_enabled: bool = True
    candidate_weight_bp: int = 1_000
    auto_rollback_threshold: float = 0.05
    check_interval_seconds: float = 60.0
    stable: Arm = STABLE
    candidate: Arm = CANDIDATE
    sticky: Sticky = "user_image"
    salt: str = "ocr-rollout"


@dataclasses.dataclass(frozen=True)
class TritonSettings:
    """How to reach Triton's HTTP port. Times in seconds.

    urls: HOST:PORT each; the next one is tried where nothing answers.
    deadline_s: for one image, fallback included.
    candidate_deadline_s: of which the candidate may use this much, so that a candidate that
        hangs leaves stable the time to answer.
    connect_timeout_s: for opening a connection.
    concurrency: requests in flight in `recognize_many`.
    breaker_failures: transport faults in a row after which an arm at an address is not asked for
    breaker_open_s: seconds; then one request tries.
    busy_in_flight: from so many requests in flight in this process on, nothing is read twice:
        no shadow, no rescue.
    metrics_urls: HOST:PORT of Triton's Prometheus metrics, for what people look at.
    """

    urls: tuple[str, ...] = ("127.0.0.1:8000",)
    deadline_s: float = 10.0
    candidate_deadline_s: float = 5.0
    connect_timeout_s: float = 1.0
    concurrency: int = 4
    breaker_failures: int = 5
    breaker_open_s: float = 5.0
    busy_in_flight: int = 8
    metrics_urls: tuple[str, ...] = ("127.0.0.1:8002",)


@dataclasses.dataclass(frozen=True)
class Limits:
    """max_pixels: height times width of an image, checked before it is decoded."""

    max_pixels: int = MAX_PIXELS


@dataclasses.dataclass(frozen=True)
class StoreSettings:
    """Where processes share a rollout.

    url: as `ocr_rollout.stores.open_store` takes it, a relative file name made absolute; None:
        this process's memory. It may hold a password, so it is not shown.
    """

    url: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class ShadowSettings:
    """What of stable's traffic the candidate reads, too, off the response path.

    share_bp: of stable's requests, in basis points. concurrency: threads that do it.
    queue: images that may wait for them; more are dropped, and counted.
    """

    share_bp: int = 0
    concurrency: int = 1
    queue: int = 32


@dataclasses.dataclass(frozen=True)
class RescueSettings:
    """Asking stable in the same request where the candidate's answer is empty or garbled.

    deadline_s: for stable's answer, within the request's deadline; then the candidate's stays.
    """

    enabled: bool = True
    deadline_s: float = 1.0


@dataclasses.dataclass(frozen=True)
class ReloadSettings:
    """watch: reading the configuration anew when it changes. poll_s: the net under the watch."""

    watch: bool = True
    poll_s: float = 30.0


TargetKind = Literal["webhook", "dingtalk", "wecom", "feishu", "slack"]
Language = Literal["en", "zh"]


@dataclasses.dataclass(frozen=True)
class Target:
    """Somebody who is told what happens to the rollout.

    name: stays with a message, also where the configuration has changed meanwhile.
    url, secret: as the file gives them. They may be tokens, so they are never shown.
    url_env, secret_env: or the variable that holds it, read at the time of sending; empty: none.
        Who only writes messages, as `ocrctl rollout approve` does, needs no such variable.
    """

    name: str
    kind: TargetKind
    url: str = dataclasses.field(default="", repr=False)
    url_env: str = ""
    secret: str = dataclasses.field(default="", repr=False)
    secret_env: str = ""
    events: tuple[Event, ...] = EVENTS
    language: Language = "en"


@dataclasses.dataclass(frozen=True)
class NotificationSettings:
    """Who is told, and how patiently.

    public_url: where people see the rollout, for a link; empty: none.
    give_up_s: how long a message is tried, from the event on; at least once in any case.
    store_lost_after_s: how long the store must be out of reach to be called lost.
    """

    targets: tuple[Target, ...] = ()
    public_url: str = ""
    give_up_s: float = 3_600.0
    store_lost_after_s: float = 30.0

    @property
    def subscribers(self) -> tuple[Subscriber, ...]:
        return tuple(Subscriber(target.name, target.events) for target in self.targets)


@dataclasses.dataclass(frozen=True)
class OtlpSettings:
    """Where metrics are pushed as OpenTelemetry has it; nowhere, unless an address is given.

    url, headers: as the file gives them, or the variables that hold them, as for `Target`.
        headers: `name=value,name=value`, percent-encoded.
    every_s: seconds between two pushes. service: what OpenTelemetry calls service.name.
    attributes: more of the kind, for each push.
    """

    url: str = dataclasses.field(default="", repr=False)
    url_env: str = ""
    headers: str = dataclasses.field(default="", repr=False)
    headers_env: str = ""
    every_s: float = 60.0
    service: str = "ocr-rollout"
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def enabled(self) -> bool:
        return bool(self.url or self.url_env)
