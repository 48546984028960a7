"""The `review:` section of the configuration."""

from __future__ import annotations

import dataclasses
import re

from ocr_rollout.core import fields
from ocr_rollout.core.fields import Fields
from ocr_rollout.core.reviews import UNSAID
from ocr_rollout.stores.samples import MAX_IMAGE_BYTES

LONGEST_S = 366 * 86_400.0
_KIND = re.compile(r"[a-z][a-z0-9_]{0,29}")


@dataclasses.dataclass(frozen=True)
class ReviewSettings:
    """What is put aside for people to check. Nothing, unless a share is given.

    stable_bp, candidate_bp: of the requests of each arm, in basis points.
    disputes_bp: of the images that both arms read differently (`shadow`).
    keep_images: with the pixels; otherwise texts alone.
    max_image_bytes: of one image; a larger one is made smaller, or left out.
    retention_s: then they are deleted, reviewed or not.
    keep: so many of a kind at most; the oldest make room.
    kinds: what a reviewer may call a line.
    """

    stable_bp: int = 0
    candidate_bp: int = 0
    disputes_bp: int = 0
    keep_images: bool = False
    max_image_bytes: int = 100_000
    retention_s: float = 30 * 86_400.0
    keep: int = 2_000
    kinds: tuple[str, ...] = ("print", "scan", "photo", "handwriting", "sign", "receipt")


def review(section: Fields) -> ReviewSettings:
    """Raises FieldError naming key and value."""
    default = ReviewSettings()
    settings = ReviewSettings(
        stable_bp=section.read("stable", default.stable_bp, fields.share),
        candidate_bp=section.read("candidate", default.candidate_bp, fields.share),
        disputes_bp=section.read("disputes", default.disputes_bp, fields.share),
        keep_images=section.read("keep_images", default.keep_images, fields.switch),
        max_image_bytes=section.read(
            "max_image_bytes", default.max_image_bytes, fields.whole(1_000, MAX_IMAGE_BYTES)
        ),
        retention_s=section.read("retention", default.retention_s, _retention),
        keep=section.read("keep", default.keep, fields.whole(1, 100_000)),
        kinds=section.read("kinds", default.kinds, _kinds),
    )
    section.close()
    return settings


def _retention(value: object) -> float:
    seconds = fields.duration(value)
    if not 60 <= seconds <= LONGEST_S:
        raise ValueError("60 s to 366d, e.g. 30d")
    return seconds


def _kinds(value: object) -> tuple[str, ...]:
    accepted = f"a list of 1 to 20 different words of a-z 0-9 _, without {UNSAID}"
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        raise ValueError(accepted)
    if any(not isinstance(kind, str) or _KIND.fullmatch(kind) is None for kind in value):
        raise ValueError(accepted)
    if UNSAID in value or len(set(value)) < len(value):
        raise ValueError(accepted)
    return tuple(value)
