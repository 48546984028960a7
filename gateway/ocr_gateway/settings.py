"""The section `service:` of the configuration. It needs none of what the extra brings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ocr_rollout.core import fields
from ocr_rollout.core.fields import Fields

from . import origins

SECTION = "service"


@dataclasses.dataclass(frozen=True)
class ServiceSettings:
    """Of one service process. Read when it starts; times in seconds.

    max_body_bytes: of a request; more is refused while it comes. Of all requests together,
        `concurrency` times as much is taken.
    body_s: for a body to arrive.
    batch_images: in one request.
    concurrency: images read at a time. queue: images that may wait for that; more are refused
        with 503 and `Retry-After`. wait_s: how long they may; with `triton.deadline_s` it is the
        deadline of a request.
    drain_s: what a shutdown leaves those under way.
    admin_token_file, reviewer_token_file: see `tokens`.
    allowed_origins, allowed_hosts: see `origins`.
    """

    max_body_bytes: int = 20 * 1024 * 1024
    body_s: float = 30.0
    batch_images: int = 32
    concurrency: int = 8
    queue: int = 64
    wait_s: float = 5.0
    drain_s: float = 20.0
    admin_token_file: Path | None = None
    reviewer_token_file: Path | None = None
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()


def parse(section: Fields, *, folder: Path | None) -> ServiceSettings:
    """The entry point `ocr_client.sections`. Raises FieldError naming key and value."""
    default = ServiceSettings()
    settings = ServiceSettings(
        max_body_bytes=section.read(
            "max_body_bytes", default.max_body_bytes, fields.whole(1_024, 2**30)
        ),
        body_s=section.read("body_s", default.body_s, fields.number(above=0, most=3_600)),
        batch_images=section.read("batch_images", default.batch_images, fields.whole(1, 1_000)),
        concurrency=section.read("concurrency", default.concurrency, fields.whole(1, 256)),
        queue=section.read("queue", default.queue, fields.whole(0, 10_000)),
        wait_s=section.read("wait_s", default.wait_s, fields.number(above=0, most=600)),
        drain_s=section.read("drain_s", default.drain_s, fields.number(above=0, most=3_600)),
        admin_token_file=section.read("admin_token_file", None, fields.optional(_file(folder))),
        reviewer_token_file=section.read(
            "reviewer_token_file", None, fields.optional(_file(folder))
        ),
        allowed_origins=section.read("allowed_origins", (), _each(origins.origin)),
        allowed_hosts=section.read("allowed_hosts", (), _each(origins.host_pattern)),
    )
    section.close()
    return settings


def _file(folder: Path | None) -> Callable[[object], Path]:
    """A path, relative to the configuration's folder."""

    def parsed(value: object) -> Path:
        if isinstance(value, str) and value and "\0" not in value:
            return (folder or Path.cwd()) / value
        raise ValueError("the path of a file")

    return parsed


def _each(parse_one: Callable[[object], str]) -> Callable[[object], tuple[str, ...]]:
    def parsed(value: object) -> tuple[str, ...]:
        if isinstance(value, list):
            return tuple(map(parse_one, value))
        raise ValueError("a list")

    return parsed
