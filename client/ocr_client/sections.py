"""Each section of a parsed document -> its record. Raises FieldError naming key and value."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from ocr_rollout.core import fields
from ocr_rollout.core.fields import FieldError, Fields, quoted, switch
from ocr_rollout.core.routing import SEPARATOR, Sticky
from ocr_rollout.stores.errors import StoreError, StoreURLError
from ocr_rollout.stores.open import ACCEPTED, open_store

from .settings import (
    Limits,
    ModelRouting,
    ReloadSettings,
    RescueSettings,
    ShadowSettings,
    StoreSettings,
    TritonSettings,
)

_FILE = "sqlite:///"
_DEFAULT_FILE = f"{_FILE}rollout.db"


def model_routing(section: Fields) -> ModelRouting:
    default = ModelRouting()
    routing = ModelRouting(
        crnn_enabled=section.read("crnn_enabled", default.crnn_enabled, switch),
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
        salt=section.read("salt", default.salt, salt),
    )
    section.close()
    if routing.stable == routing.candidate:
        raise FieldError(
            f"model_routing.candidate: '{routing.candidate}' is stable already; "
            "accepted: another arm (to serve one arm only, set crnn_enabled: false)"
        )
    return routing


def triton(section: Fields) -> TritonSettings:
    default = TritonSettings()
    deadline_s = section.read("deadline_s", default.deadline_s, fields.number(above=0, most=600))
    settings = TritonSettings(
        urls=section.read("urls", default.urls, urls),
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
        breaker_failures=section.read(
            "breaker_failures", default.breaker_failures, fields.whole(1, 1_000)
        ),
        breaker_open_s=section.read(
            "breaker_open_s", default.breaker_open_s, fields.number(above=0, most=600)
        ),
        busy_in_flight=section.read(
            "busy_in_flight", default.busy_in_flight, fields.whole(1, 10_000)
        ),
        metrics_urls=section.read("metrics_urls", default.metrics_urls, urls_or_none),
    )
    section.close()
    return settings


def limits(section: Fields) -> Limits:
    settings = Limits(section.read("max_pixels", Limits().max_pixels, fields.whole(1, 2**31 - 1)))
    section.close()
    return settings


def store(section: Fields, *, folder: Path | None, shared: bool) -> StoreSettings:
    """folder: what a relative file name is relative to; None: the working directory.

    shared: there is a plan, which all processes have to agree on, so memory is not enough.
    """
    raw = section.raw("url", _DEFAULT_FILE if shared else None)
    section.close()
    if raw is None:
        return StoreSettings()
    if not isinstance(raw, str):
        raise FieldError(f"store.url: {quoted(raw)} is not accepted; accepted: {ACCEPTED}")
    name = raw.removeprefix(_FILE)
    if raw.startswith(_FILE) and name and not name.startswith("/") and folder is not None:
        raw = f"{_FILE}{folder.absolute() / name}"
    try:
        open_store(raw).close()  # nothing is opened before the first call
    except StoreURLError:
        shown = f"{raw.partition(':')[0]}:..." if "@" in raw else raw  # it may hold a password
        raise FieldError(
            f"store.url: {quoted(shown)} is not accepted; accepted: {ACCEPTED}"
        ) from None
    except StoreError as error:  # a package is missing: it says which
        raise FieldError(f"store.url: {error}") from None
    return StoreSettings(raw)


def shadow(section: Fields) -> ShadowSettings:
    default = ShadowSettings()
    settings = ShadowSettings(
        share_bp=section.read("share", default.share_bp, fields.share),
        concurrency=section.read("concurrency", default.concurrency, fields.whole(1, 64)),
        queue=section.read("queue", default.queue, fields.whole(1, 10_000)),
    )
    section.close()
    return settings


def rescue(section: Fields) -> RescueSettings:
    default = RescueSettings()
    settings = RescueSettings(
        enabled=section.read("enabled", default.enabled, switch),
        deadline_s=section.read("deadline_s", default.deadline_s, fields.number(above=0, most=600)),
    )
    section.close()
    return settings


def reload(section: Fields) -> ReloadSettings:
    default = ReloadSettings()
    settings = ReloadSettings(
        watch=section.read("watch", default.watch, switch),
        poll_s=section.read("poll_s", default.poll_s, fields.number(above=0, most=86_400)),
    )
    section.close()
    return settings


# The values that only this configuration has. Each parser raises ValueError saying what is
# accepted.


def salt(value: object) -> str:
    if isinstance(value, str) and value and SEPARATOR not in value:
        return value
    raise ValueError("a text that is not empty and holds no U+001F")


def urls(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(map(is_address, value)):
        return tuple(value)
    raise ValueError("a list of HOST:PORT without http://, e.g. ['127.0.0.1:8000']")


def urls_or_none(value: object) -> tuple[str, ...]:
    return () if value == [] else urls(value)


def is_address(value: object) -> bool:
    """Whether it is HOST:PORT, with an IPv6 host in brackets."""
    if not isinstance(value, str) or "/" in value or "@" in value or value.split() != [value]:
        return False
    host, colon, port = value.rpartition(":")
    plain = ":" not in host or (host.startswith("[") and host.endswith("]"))
    return bool(host and colon and plain and port.isascii() and port.isdigit()) and (
        0 < int(port) < 65_536
    )
