"""1, 2, 4, 8 client processes at one Triton, as teams run them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.images import Images
from benchmarks.limit import arms_of, commands
from benchmarks.machine import cores
from benchmarks.models import with_instances
from benchmarks.readers import rate, ratio, readers
from benchmarks.report import Row, Section
from benchmarks.timing import median

from ocr_server import EmbeddedTriton

COUNTS = (1, 2, 4, 8)
THREADS = 2  # each
TITLE = "Client processes at one Triton"
KEPT = 0.9  # of one process's throughput, by eight


def measure(
    repository: Path, config: Path, images: Images, *, rounds: int, slice_s: float
) -> Section:
    """Of stable. Raises ServerError where no embedded server can be started, ReaderError."""
    arm = arms_of(config)[0]
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    with (
        with_instances(repository, (arm,), cores()) as root,
        EmbeddedTriton(root, models=(arm.model,)) as triton,
    ):
        version = root / arm.model / str(arm.version)
        command = commands(version, arm, triton.http_url, 0, images)[2]
        with readers(*[command] * max(COUNTS)) as running:
            for number in range(rounds):
                for count in COUNTS if number % 2 else reversed(COUNTS):
                    rates[count].append(rate(running[:count], slice_s, THREADS))
    rows = []
    for count, found in rates.items():
        share = median(ratio(found, rates[COUNTS[0]]))
        detail = f"x {share.median:.2f}, 95 %: {share.low:.2f}..{share.high:.2f}"
        last = count == COUNTS[-1]
        rows.append(
            Row(
                f"{arm}: {count} process{'es' if count > 1 else ''}",
                float(np.median(found)),
                "lines/s",
                detail if count > 1 else f"n {rounds}",
                f">= {KEPT:g} x" if last else "",
                share.median >= KEPT if last else None,
                "one process" if count > 1 else "",
            )
        )
    note = f"{THREADS} callers in each process, {cores()} instances of one thread in Triton."
    return Section(TITLE, tuple(rows), note)
