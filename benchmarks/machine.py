"""The facts of the machine that figures depend on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "opencv-python", "pillow", "onnxruntime", "torch", "tritonclient")


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def load() -> float:
    """Of the last minute."""
    return round(os.getloadavg()[0], 2)


def facts() -> dict[str, str | int | float]:
    """Processor, cores this process may use, load, memory, and versions of what is measured."""
    found: dict[str, str | int | float] = {
        "cpu": _cpu(),
        "cores": cores(),
        "load": load(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return found | {library: _version(library) for library in LIBRARIES}


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
