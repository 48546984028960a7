"""Triton's stub processes as the kernel sees them: one for each instance of each version.

The watchdog asks the kernel because Triton may not tell: a stub that ends while several requests
wait for it often leaves Triton waiting too, without an answer to anybody (seen on 24.10).
"""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STUB = "triton_python_backend_stub"
Key = tuple[str, str]


def alive(triton_pid: int) -> collections.Counter[Key]:
    """(model, version) -> how many of its stubs live. A dead one has no command line any more."""
    found: collections.Counter[Key] = collections.Counter()
    for children in Path(f"/proc/{triton_pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                key = _served_by(child)
                if key is not None:
                    found[key] += 1
    return found


def wanted(config: Mapping[str, Any]) -> int:
    """How many instances a model's configuration, as Triton completed it, asks for."""
    return sum(int(group.get("count", 1)) for group in config.get("instance_group", ())) or 1


def _served_by(pid: str) -> Key | None:
    """The first argument of a stub is the model's file: .../MODEL/VERSION/FILE."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if words[0].endswith(f"/{STUB}") and len(words) > 1:
            version = Path(words[1]).parent
            return version.parent.name, version.name
    return None
