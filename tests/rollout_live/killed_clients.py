"""A client process that is forked from one with everything imported, for it is soon killed."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.traffic import Traffic, made_lines

from ocr_client import OCRClient


def serve(config: str, seed: int, seen: Any) -> None:
    """Reads lines until it is killed or its parent is gone.

    seen: shared numbers: answers, and failures that callers noticed.
    """
    parent = os.getppid()
    with (
        OCRClient.from_config(config) as client,
        Traffic(client, made_lines(60, seed=seed), seed=seed) as traffic,
    ):
        while os.getppid() == parent:
            tally = traffic.tally
            seen[0], seen[1] = tally.answers.total(), tally.failures
            time.sleep(0.02)
