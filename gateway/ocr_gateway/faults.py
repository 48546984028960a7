"""What a reading that failed becomes for a caller over HTTP.

The caller's own faults are explained. All others are one sentence: addresses and models are for
the log, which has them beside the request's id.
"""

from __future__ import annotations

import logging
from typing import Final

from ocr_client.errors import (
    AccessError,
    ArmBrokenError,
    ArmBusyError,
    ArmError,
    ArmTimeoutError,
    BadArmError,
    CallerError,
    ModelMissingError,
    NetworkError,
    OCRError,
    ServerError,
)
from ocr_rollout.core.routing import Arm

from .problems import Problem

log = logging.getLogger("ocr_gateway")

RETRY_AFTER_S: Final = 2
UNAVAILABLE: Final = "no model answers at this moment; try again"
BROKEN: Final = "the model did not give an answer that can be used"

# The first line that matches counts. 503: worth another try; 502: it would fail again.
STATUSES: Final[tuple[tuple[type[OCRError], int, str], ...]] = (
    (BadArmError, 422, "bad-arm"),
    (CallerError, 422, "bad-image"),
    (ArmTimeoutError, 503, "unavailable"),
    (ArmBusyError, 503, "unavailable"),
    (ArmBrokenError, 503, "unavailable"),
    (ArmError, 502, "model-failed"),
    (AccessError, 502, "model-failed"),
    (ServerError, 503, "unavailable"),
    (NetworkError, 503, "unavailable"),
)


def problem_of(error: OCRError, *, request_id: str, named_arm: Arm | None) -> Problem:
    """named_arm: which one the caller asked for, so that a missing one is the caller's mistake."""
    if named_arm is not None and isinstance(error, ModelMissingError):
        return Problem(404, "unknown-arm", f"no arm {named_arm} is served here")
    status, kind = next(
        (status, kind) for type_, status, kind in STATUSES if isinstance(error, type_)
    )
    if status == 422:
        return Problem(status, kind, str(error))
    fields = {"request_id": request_id, "error": type(error).__name__}
    log.warning("not read: %s", error, extra={"fields": fields})
    if status == 503:
        return Problem(status, kind, UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)})
    return Problem(status, kind, BROKEN)
