"""The sections of the configuration, as frozen records. Defaults are those of `config.yaml`."""

from __future__ import annotations

import dataclasses

from ocr_preprocessing.load import MAX_PIXELS
from ocr_rollout.core.routing import Arm, Sticky

STABLE = Arm("convnext", 2)
CANDIDATE = Arm("crnn", 2)


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
