"""Where the embedded server keeps things, and which paths it can work with."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .errors import ServerError

APP = "ocr-rollout"
STATE_VARIABLE = "OCR_ROLLOUT_STATE"
CACHE_VARIABLE = "OCR_ROLLOUT_CACHE"

# Triton passes paths to its stub through a shell, unquoted.
_SAFE = re.compile(r"[A-Za-z0-9_./+@%,:=~-]+")


def state_dir() -> Path:
    """Run directories of servers: OCR_ROLLOUT_STATE, else the XDG state folder."""
    return _place(STATE_VARIABLE, "XDG_STATE_HOME", ".local/state")


def cache_dir() -> Path:
    """The server's Python environments: OCR_ROLLOUT_CACHE, else the XDG cache folder."""
    return _place(CACHE_VARIABLE, "XDG_CACHE_HOME", ".cache")


def _place(variable: str, xdg: str, fallback: str) -> Path:
    if own := os.environ.get(variable):
        return safe_path(Path(own), variable)
    base = os.environ.get(xdg) or str(Path.home() / fallback)
    return safe_path(Path(base) / APP, f"{APP} folder")


def safe_path(path: Path, what: str) -> Path:
    """The absolute path. Raises ServerError when a shell would split or expand it."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow the user's links
    if not _SAFE.fullmatch(str(whole)):
        raise ServerError(
            f"{what} {str(whole)!r}: Triton's Python backend cannot work in a path with spaces, "
            f"quotes or other shell characters; move it or set {STATE_VARIABLE}/{CACHE_VARIABLE}"
        )
    return whole
