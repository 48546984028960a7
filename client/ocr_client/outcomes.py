"""What an attempt's end says about the arm: an error of ours -> an outcome of the judge's.

| error | outcome | because |
|---|---|---|
| CallerError | `client_fault` | the image would fail with every arm |
| ArmBrokenError, NoArmError | none | nothing was sent; those were two attempts, each counted |
| ArmTimeoutError, ArmBusyError | `timeout` | its queue is its own, and it fills because it is slow |
| BadAnswerError | `invalid_response` | an answer that is no text |
| other ArmErrors | `server_error` | the model failed, or cannot do what its configuration says |
| ModelMissingError, DrainingError, AccessError | `draining` | an operator's doing, and an operator's to end |
| UnexpectedStatusError, NetworkError | `transport_error` | a model can take its server down with it |

`client_fault` and `draining` never count against an arm (see `ocr_rollout.core.outcomes`). Where a
transport error is the network's fault, stable's requests fail as well, and the judge takes that for
a common cause.
"""

from __future__ import annotations

from typing import Final

from ocr_rollout.core.outcomes import Outcome

from .errors import (
    AccessError,
    ArmBrokenError,
    ArmBusyError,
    ArmError,
    ArmTimeoutError,
    BadAnswerError,
    CallerError,
    DrainingError,
    ModelMissingError,
    NetworkError,
    NoArmError,
    OCRError,
    ServerError,
)

# The first line that matches counts.
TABLE: Final[tuple[tuple[type[OCRError], Outcome | None], ...]] = (
    (CallerError, "client_fault"),
    (ArmBrokenError, None),
    (ArmTimeoutError, "timeout"),
    (ArmBusyError, "timeout"),
    (BadAnswerError, "invalid_response"),
    (ArmError, "server_error"),
    (NoArmError, None),
    (ModelMissingError, "draining"),
    (DrainingError, "draining"),
    (AccessError, "draining"),
    (ServerError, "transport_error"),
    (NetworkError, "transport_error"),
)


def outcome_of(error: OCRError) -> Outcome | None:
    """None: it says nothing about any one arm, so nothing is counted."""
    return next((outcome for kind, outcome in TABLE if isinstance(error, kind)), None)
