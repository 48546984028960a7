"""Does by hand what `docker build` does: hands over the context, makes the wheel, installs."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import deployed

LOCK = deployed.ROOT / "requirements/service.lock"


def context(ignore: Path) -> set[str]:
    """What a clone hands to the build: for each file the last matching line of .dockerignore."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=deployed.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in ignore.read_text().splitlines() if line and line[0] != "#"]
    return {
        name
        for name in done.stdout.splitlines()
        if (deployed.ROOT / name).is_file() and not _ignored(name, lines)
    }


def _ignored(name: str, lines: list[str]) -> bool:
    parts = Path(name).parts
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    verdict = False
    for line in lines:
        pattern = line.removeprefix("!")
        if any(fnmatch(it, pattern) or fnmatch(f"/{it}", pattern) for it in above):
            verdict = not line.startswith("!")
    return verdict


def locked() -> list[str]:
    """Names of the packages in the service's lock."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)


def install(source: Path, root: Path) -> None:
    """/opt/ocr of the image, as `root`: our wheel made of the context, and what the lock names.

    source: an empty folder for the context. The packages are those that these tests run with, by
    links, instead of 300 MB from the network.
    """
    for name in context(deployed.ROOT / ".dockerignore"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(deployed.ROOT / name, target)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheels = source / "wheels"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source], check=True
    )
    (wheel,) = wheels.glob("*.whl")
    python = str(root / "bin/python")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    (packages,) = root.glob("lib/python*/site-packages")
    for name in locked():
        _link(name, packages)


def _link(name: str, packages: Path) -> None:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # for another Python or system
    for top in {path.parts[0] for path in distribution.files or () if path.parts[0] != ".."}:
        target = packages / top
        if not target.exists():
            target.symlink_to(Path(str(distribution.locate_file(top))))
