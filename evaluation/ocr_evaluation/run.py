"""Reads a set with a bar, and measures what was read, the whole of it or not."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Sequence

from ocr_client.client import OCRClient
from ocr_rollout.core.routing import Arm

from .ab_test import ABTest, measured
from .labels import Dataset
from .progress import bar
from .reading import Read, read_all
from .words import Wording


def run(
    client: OCRClient,
    dataset: Dataset,
    arms: Sequence[Arm],
    wording: Wording,
    *,
    allowed: float | None,
) -> ABTest:
    """A Ctrl-C ends the reading; what was read is measured, `partial`.

    Raises KeyboardInterrupt where that was nothing.
    """
    threads = client.config.triton.concurrency
    began_s = time.monotonic()
    reads: list[Read] = []
    failed = 0
    with contextlib.suppress(KeyboardInterrupt), bar("reading", len(dataset.lines)) as advance:
        lines = read_all(client, arms, dataset.lines, dataset.folder, threads=threads)
        with contextlib.closing(lines):
            for read in lines:
                reads.append(read)
                failed += read.answers is None
                advance(failed)
    if not reads:
        raise KeyboardInterrupt
    return measured(
        dataset,
        arms,
        reads,
        wording,
        allowed=allowed,
        threads=threads,
        took_s=time.monotonic() - began_s,
        at=dt.datetime.now(tz=dt.timezone.utc),
    )
