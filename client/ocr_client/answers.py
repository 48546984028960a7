"""What Triton's error answers mean, by their words and their HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .errors import (
    AccessError,
    ArmBusyError,
    ArmFailedError,
    ArmRefusedError,
    BadAnswerError,
    DrainingError,
    ModelMissingError,
    OCRError,
    UnexpectedStatusError,
)


class ErrorAnswer(Protocol):
    """tritonclient's InferenceServerException, for one."""

    def status(self) -> Any: ...

    def message(self) -> Any: ...


# Triton's words come before its status, because older servers answer 400 for most things; but for
# 500, whose words are the model's.
PHRASES: tuple[tuple[str, type[OCRError]], ...] = (
    ("is not at ready state", DrainingError),  # "... unknown model" may stand before it
    ("is not ready", DrainingError),
    ("unknown model", ModelMissingError),
    ("is not found", ModelMissingError),
    ("exceeds maximum queue size", ArmBusyError),
    ("request timeout expired", ArmBusyError),
    ("onnx runtime error", ArmFailedError),
)
STATUSES: Mapping[str, type[OCRError]] = {
    "400": ArmRefusedError,
    "401": AccessError,
    "403": AccessError,
    "404": ModelMissingError,
    "500": ArmFailedError,
    "503": DrainingError,
}
# Nothing was computed: another endpoint may have the arm. For these the text says which arms the
# server does have.
ABSENT: Mapping[type[OCRError], str] = {
    ModelMissingError: "not on",
    DrainingError: "not ready (loading, unloaded or shutting down) on",
}
# A proxy's word that nothing answers behind it: a transport fault, seen from further away.
GATEWAY = ("502", "504")


def answer_kind(fault: ErrorAnswer) -> type[OCRError]:
    """Our class for an answer that reports an error."""
    status, text = fault.status(), str(fault.message() or "").lower()
    if not status:
        return BadAnswerError  # tritonclient itself could not read the answer
    if status != "500":
        for phrase, kind in PHRASES:
            if phrase in text:
                return kind
    return STATUSES.get(str(status), UnexpectedStatusError)


def answer_text(fault: ErrorAnswer) -> str:
    """One line: Triton's words and the HTTP status."""
    status = f" (HTTP {fault.status()})" if fault.status() else ""
    return one_line(fault.message() or "no reason given") + status


def one_line(fault: object) -> str:
    """What an exception says, at most 300 characters."""
    text = " ".join(str(fault).split())
    return text[:300] or type(fault).__name__
