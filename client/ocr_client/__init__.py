"""Reads text lines through Triton, routed between two models.

The names below are the public ones; they load what they need when they are first used, so that
`ocrctl --help` does not wait for OpenCV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocr_rollout.core.routing import Arm as Arm

    from .client import OCRClient as OCRClient
    from .config import ClientConfig as ClientConfig
    from .errors import OCRError as OCRError
    from .results import Character as Character
    from .results import LineResult as LineResult
    from .results import PageResult as PageResult

_HOMES = {
    "Arm": "ocr_rollout.core.routing",
    "Character": "ocr_client.results",
    "ClientConfig": "ocr_client.config",
    "LineResult": "ocr_client.results",
    "OCRClient": "ocr_client.client",
    "OCRError": "ocr_client.errors",
    "PageResult": "ocr_client.results",
}

__all__ = [
    "Arm",
    "Character",
    "ClientConfig",
    "LineResult",
    "OCRClient",
    "OCRError",
    "PageResult",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
