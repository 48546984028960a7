"""Plain data as text, and the checks that every store makes before it writes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from ocr_rollout.stores.deltas import CountDelta
from ocr_rollout.stores.errors import DocumentError
from ocr_rollout.stores.protocol import (
    BUCKETS,
    CountBatch,
    Document,
    ReviewStep,
    Sample,
    Transition,
)
from ocr_rollout.stores.samples import KINDS, MAX_IMAGE_BYTES

MAX_BYTES = 1 << 20  # of one document; the state has a few kB, a sample a few hundred bytes
MAX_COUNT = 1 << 53  # of times and numbers: what every store and Lua keep exactly
MAX_ADDED = 1 << 40  # at once; 8,000 of them in one batch still add up exactly in Lua
_NAME = re.compile(r"[!-~]{1,200}")


def encode(document: Document) -> str:
    """ASCII JSON. Raises DocumentError unless `decode` gives an equal document back."""
    try:
        text = json.dumps(document, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"not plain data: {_line(error)}") from error
    if not isinstance(document, Mapping) or decode(text) != _plain(document):
        raise DocumentError("not plain data: its keys must be text, and its top a mapping")
    if len(text) > MAX_BYTES:
        raise DocumentError(f"a document of {len(text)} bytes; at most {MAX_BYTES} are kept")
    return text


def decode(text: str) -> dict[str, Any]:
    """Raises JSONDecodeError, also on numbers and depths that Python does not hold."""
    try:
        return cast("dict[str, Any]", json.loads(text))
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise json.JSONDecodeError(_line(error), text, 0) from None


def generation_of(document: Document) -> int:
    """Raises DocumentError unless the state names its generation, 1 or more."""
    generation = document.get("generation") if isinstance(document, Mapping) else None
    if not (_is_whole(generation) and 1 <= cast("int", generation) < MAX_COUNT):
        raise DocumentError(f"the state's generation {generation!r:.80} is not 1 or more")
    return cast("int", generation)


def check_transition(transition: Transition) -> None:
    """Raises DocumentError when a generation or id cannot be."""
    if generation_of(transition.document) != transition.expected + 1:
        raise DocumentError(
            f"the state's generation {transition.document['generation']} does not follow "
            f"{transition.expected}, which it was decided on"
        )
    check_name("log entry's id", transition.audit.id)
    for message in transition.messages:
        check_name("message's id", message.id)


def check_batch(batch: CountBatch) -> None:
    """Raises DocumentError when a name or number is out of range."""
    check_name("source", batch.source)
    check_time("time of a batch", batch.at_s)
    if not 1 <= batch.sequence < MAX_COUNT:
        raise DocumentError(f"sequence {batch.sequence} is not 1 or more")
    for delta in batch.deltas:
        _check_delta(delta)
    for keyed in batch.keyed:
        for delta in keyed.deltas:
            _check_delta(delta)
        check_name("scope", keyed.scope)
        _check_whole("window", keyed.window_s)
        _check_whole("expiry of a window", keyed.window_expires_s)
        if not (_is_whole(keyed.bucket) and 0 <= keyed.bucket < BUCKETS):
            raise DocumentError(f"bucket {keyed.bucket!r} is not within 0..{BUCKETS - 1}")


def check_sample(sample: Sample) -> None:
    """Raises DocumentError when an id, a kind, a time or an image cannot be."""
    check_name("sample's id", sample.id)
    if sample.kind not in KINDS:
        raise DocumentError(
            f"kind {sample.kind!r:.80} of a sample is not one of {', '.join(KINDS)}"
        )
    if sample.image is not None and len(sample.image) > MAX_IMAGE_BYTES:
        raise DocumentError(
            f"an image of {len(sample.image)} bytes; at most {MAX_IMAGE_BYTES} are kept"
        )
    check_time("time of a sample", sample.at_s)
    check_time("expiry of a sample", sample.expires_s)


def check_review(step: ReviewStep) -> None:
    """Raises DocumentError when an id, time or count cannot be."""
    check_name("sample's id", step.sample_id)
    check_time("time of a review", step.at_s)
    for delta in step.counts:
        _check_delta(delta)


def check_time(what: str, at_s: float) -> None:
    """Raises DocumentError unless it is a number of seconds."""
    if isinstance(at_s, bool) or not isinstance(at_s, (int, float)) or not math.isfinite(at_s):
        raise DocumentError(f"{what} {at_s!r:.80} is not a number of seconds")


def check_name(what: str, name: str) -> None:
    """Raises DocumentError unless it is 1 to 200 printable ASCII characters without blanks."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise DocumentError(f"{what} {name!r:.80} is not 1 to 200 ASCII characters without blanks")


def _check_delta(delta: CountDelta) -> None:
    check_name("series", delta.series)
    _check_whole("time bucket", delta.start_s)
    _check_whole("expiry of a time bucket", delta.expires_s)
    for name, value in delta.counts.items():
        check_name("count", name)
        if not (_is_whole(value) and 0 <= value < MAX_ADDED):
            raise DocumentError(f"count {name} {value!r:.80} is not within 0..{MAX_ADDED - 1}")


def _check_whole(what: str, value: int) -> None:
    if not (_is_whole(value) and 0 <= value < MAX_COUNT):
        raise DocumentError(f"{what} {value!r:.80} is not a whole number of 0 or more")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """As JSON has it: tuples are lists. Raises nothing: `encode` has walked it already."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
