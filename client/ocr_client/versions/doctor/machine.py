"""What the machine has for the next swap: disk, memory, cores; and whether its clocks agree."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ocr_client.config import ClientConfig
from ocr_client.versions.errors import RepositoryError
from ocr_client.versions.intake import SPARE_BYTES
from ocr_client.versions.places import spec_parameters
from ocr_client.versions.rules import parse_config
from ocr_client.versions.site import Site
from ocr_client.versions.traffic import Use
from ocr_rollout.core.routing import Arm
from ocr_rollout.stores.errors import StoreError
from ocr_rollout.stores.open import open_store

from .finding import Finding, Mender, quoted

SKEW_S = 2.0
STUB_BYTES = 200 << 20  # of an embedded version before its weights: interpreter and runtime
COPIES = 3  # of the weights while a session is made: the file, the graph, the packed weights
CLOCK = "timedatectl set-ntp true"


def findings(
    site: Site, config: ClientConfig, used: tuple[Use, ...], mender: Mender
) -> Iterator[Finding]:
    largest = max(
        (path.stat().st_size for path in site.repository.root.glob("*/*/model.onnx")), default=0
    )
    yield from _disk(site, largest)
    yield from _memory(site, largest, used, mender)
    yield from _cores(site)
    yield from _clocks(site, config)


def _disk(site: Site, largest: int) -> Iterator[Finding]:
    place = site.repository.work if site.repository.work.is_dir() else site.repository.root.parent
    free, needed = shutil.disk_usage(place).free, largest + SPARE_BYTES
    if free < needed:
        kept = site.repository.work / "retired"
        what = f"{free >> 20} MB free, the next swap needs {needed >> 20} MB"
        mend = f"rm -r {quoted(kept)}" if kept.is_dir() else "free some space"
        yield Finding("warning", "disk", what, mend)


def _memory(site: Site, largest: int, used: tuple[Use, ...], mender: Mender) -> Iterator[Finding]:
    needed = STUB_BYTES + COPIES * largest
    free = _available()
    if free is None or free >= needed:
        return
    busy = {use.arm for use in used}
    idle = [
        Arm(model, number)
        for model in site.repository.models()
        for number in site.repository.model(model).there()
        if Arm(model, number) not in busy
    ]
    what = f"{free >> 20} MB free, the next swap needs about {needed >> 20} MB for a while"
    mend = mender.models("retire", idle[0], "--keep") if idle else "stop something else here"
    yield Finding("warning", "memory", what, mend)


def _cores(site: Site) -> Iterator[Finding]:
    """ONNX Runtime's threads spin while they wait, so more of them than cores slow everybody."""
    cores = len(os.sched_getaffinity(0))
    for name in site.repository.models():
        model = site.repository.model(name)
        try:
            config = parse_config(model.config_text())
        except (RepositoryError, ValueError):  # told by `files`
            continue
        groups = config.get("instance_group", [])
        instances = sum(int(group.get("count", 1)) for group in groups) or 2  # Triton's default
        said = spec_parameters(config).get("intra_op_thread_count", "0")
        threads = int(said) if said.isdigit() and int(said) else cores  # 0: as many as cores
        if instances * threads > cores:
            yield Finding(
                "warning",
                name,
                f"{instances} instances of {threads} threads on {cores} cores",
                f"sed -i -E 's/(KIND_CPU count: )[0-9]+/\\11/; s/(intra_op_thread_count\" value: "
                f"\\{{ string_value: \")[0-9]+/\\11/' {quoted(model.config)}",
            )


def _clocks(site: Site, config: ClientConfig) -> Iterator[Finding]:
    if site.repository.work.is_dir():
        skew = _disk_skew(site.repository.work)
        if skew is not None and abs(skew) > SKEW_S:
            what = (
                f"the disk's clock is {skew:+.0f} s off this machine's: Triton goes by time stamps"
            )
            yield Finding("warning", "clock", what, CLOCK)
    url = config.store.url
    if url is None or (url.startswith("sqlite:///") and not Path(url[10:]).exists()):
        return
    try:
        store = open_store(url)
        try:
            last = store.history(after=-1)
        finally:
            store.close()
    except StoreError:  # told above
        return
    ahead = float(last[-1].entry.document.get("at_s", 0.0)) - time.time() if last else 0.0
    if ahead > SKEW_S:
        what = f"the rollout's last entry was written {ahead:.0f} s in the future, by another clock"
        yield Finding("warning", "clock", what, CLOCK)


def _disk_skew(folder: Path) -> float | None:
    """A network disk has a clock of its own, and stamps files by it."""
    try:
        with tempfile.NamedTemporaryFile(prefix="new-", dir=folder) as file:
            file.write(b"?")
            file.flush()
            return os.fstat(file.fileno()).st_mtime - time.time()
    except OSError:  # read-only for who asks; then nothing is written here anyway
        return None


def _available() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError):
        pass
    return None
