"""Which arm answers: arithmetic on a hash, so the same request always meets the same arm.

```
request ─ route_key ─ md5 ─ bucket 0..9999      0         weight            10000
                                                ├ candidate ┼──── stable ─────┤
```
The candidate owns `[0, weight)`. Raising the weight only ever moves requests from stable to
candidate, and at weight 0 the candidate is not in the table at all, so nothing can leak to it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import Literal, get_args

HASH_VERSION = "1"  # a change of anything below moves every request: then count this up
BUCKETS = 10_000  # a bucket is a basis point, 0.01 % of the traffic
SEPARATOR = "\x1f"  # without it user "ab" with image "c" would be user "a" with image "bc"

Sticky = Literal["user_image", "user", "request"]
Reason = Literal["candidate_range", "stable_range", "candidate_out", "forced"]

_ARM = re.compile(r"(?P<model>[A-Za-z0-9][A-Za-z0-9._-]*):(?P<version>[1-9][0-9]*)", re.ASCII)


class RoutingError(ValueError):
    """Arms, weights or keys that cannot be routed. One line: what was given, what is accepted."""


@dataclasses.dataclass(frozen=True, order=True)
class Arm:
    """A model and a version that can answer. Written `crnn:1`."""

    model: str
    version: int

    def __str__(self) -> str:
        return f"{self.model}:{self.version}"

    @classmethod
    def parse(cls, text: str) -> Arm:
        """Raises RoutingError unless the text is MODEL:VERSION with a version of 1 or more."""
        match = _ARM.fullmatch(text)
        if match is None:
            raise RoutingError(f"{text!r} is not an arm; write MODEL:VERSION, e.g. crnn:1")
        return cls(match["model"], int(match["version"]))


@dataclasses.dataclass(frozen=True)
class Assignment:
    """Where one request goes, and why.

    bucket: 0..9999, also for a forced arm: it is a fact about the request.
    reason: `candidate_range` and `stable_range` say in whose range the bucket lies,
        `candidate_out` that there is no candidate to ask, `forced` that the caller named the arm.
    """

    arm: Arm
    bucket: int
    reason: Reason


@dataclasses.dataclass(frozen=True)
class RouteTable:
    """Half-open ranges of buckets, immutable: a new configuration is a new table.

    weight_bp: the candidate's share in basis points, 0..10000.
    """

    stable: Arm
    candidate: Arm | None = None
    weight_bp: int = 0

    def __post_init__(self) -> None:
        """Raises RoutingError when the weight is out of range or lacks an arm to give it to."""
        if not 0 <= self.weight_bp <= BUCKETS:
            raise RoutingError(f"weight {self.weight_bp} is not within 0..{BUCKETS} basis points")
        if self.weight_bp and self.candidate is None:
            raise RoutingError(f"weight {self.weight_bp} without a candidate; name one or give 0")
        if self.candidate == self.stable:
            raise RoutingError(f"{self.stable} is both stable and candidate; name two arms")
        if not self.weight_bp:
            object.__setattr__(self, "candidate", None)  # out of the table, whatever it is called


def choose_arm(table: RouteTable, bucket: int, *, forced: Arm | None = None) -> Assignment:
    """Raises RoutingError when the bucket is not one of 0..9999."""
    if not 0 <= bucket < BUCKETS:
        raise RoutingError(f"bucket {bucket} is not within 0..{BUCKETS - 1}")
    if forced is not None:
        return Assignment(forced, bucket, "forced")
    if table.candidate is None:
        return Assignment(table.stable, bucket, "candidate_out")
    if bucket < table.weight_bp:
        return Assignment(table.candidate, bucket, "candidate_range")
    return Assignment(table.stable, bucket, "stable_range")


def bucket_of(key: str, salt: str) -> int:
    """Bucket 0..9999 of a route key. One salt per purpose, or the purposes correlate.

    The first 8 bytes of md5(version, salt, key), big-endian, modulo 10,000: the bias of the
    remainder is below 1e-15. md5 spreads well and every language has it; nothing here is secret.
    Raises RoutingError when the salt holds the separator.
    """
    if SEPARATOR in salt:
        raise RoutingError("a salt must not hold the character U+001F, which separates the parts")
    text = SEPARATOR.join((HASH_VERSION, salt, key))
    # surrogatepass: a user id may come from a command line, with bytes that are no UTF-8.
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def route_key(sticky: Sticky, *, user_id: str | None, image_digest: str, request_id: str) -> str:
    """The part of a request that decides its bucket. Raises RoutingError on another `sticky`.

    user_image: the same user with the same image meets the same arm (default).
    user: a user meets one arm whatever the image. Requests without a user go by their image:
        as one nameless user they would all move at once.
    request: every request is drawn for itself.

    image_digest: hexadecimal, so it never holds the separator and the parts stay apart.
    """
    if sticky == "request":
        return SEPARATOR.join(("request", request_id))
    if sticky == "user" and user_id is not None:
        return SEPARATOR.join(("user", user_id))
    if sticky in get_args(Sticky):
        return SEPARATOR.join(("user_image", user_id or "", image_digest))
    raise RoutingError(f"sticky {sticky!r} is not one of {', '.join(get_args(Sticky))}")


def basis_points(share: float) -> int:
    """A share 0..1 in basis points. Raises RoutingError off the 0.0001 grid: never rounded."""
    points = share * BUCKETS
    if not 0 <= points <= BUCKETS or abs(points - round(points)) > 1e-6:  # also not-a-number
        raise RoutingError(f"{share} is not a share of 0..1 in steps of 0.0001")
    return round(points)
