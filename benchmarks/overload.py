"""More connections than the service has places: who is answered, who is refused, what it costs."""

from __future__ import annotations

import dataclasses
import http.client
import os
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from benchmarks.report import Row

DEADLINE_S = 15.0  # service.wait_s and triton.deadline_s
IMPATIENCE_S = 0.05  # far below what Retry-After asks for
GROWTH_MIB = 16.0  # of the process, from the first third of the time to the last
WARM_UP_S = 3.0


@dataclasses.dataclass
class Tally:
    """statuses: of all answers; 503 only where it has a Retry-After, otherwise 503.5."""

    statuses: Counter[float] = dataclasses.field(default_factory=Counter)
    accepted_s: list[float] = dataclasses.field(default_factory=list)
    broken: list[str] = dataclasses.field(default_factory=list)


def overload(port: int, pid: int, image: bytes, *, connections: int, seconds: float) -> list[Row]:
    """seconds: measured; some more pass before, so that memory has grown to what it needs."""
    tallies = [Tally() for _ in range(connections)]
    begin = time.monotonic() + WARM_UP_S
    end = begin + seconds
    threads = [
        threading.Thread(target=_call, args=(port, image, tally, begin, end), daemon=True)
        for tally in tallies
    ]
    for thread in threads:
        thread.start()
    resident = _watched(pid, begin, end)
    for thread in threads:
        thread.join(DEADLINE_S * 2)
    return _rows(tallies, resident, connections, seconds)


def _call(port: int, image: bytes, tally: Tally, begin: float, end: float) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S * 2)
    headers = {"Content-Type": "image/png"}
    while (started := time.monotonic()) < end:
        try:
            connection.request("POST", "/ocr", image, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            tally.broken.append(type(error).__name__)
            connection.close()
            continue
        finally:
            took = time.monotonic() - started
        status: float = response.status
        if status == 503 and not (response.headers["Retry-After"] or "").isdigit():
            status = 503.5
        if status == 503:
            time.sleep(IMPATIENCE_S)
        if started < begin:
            continue
        tally.statuses[status] += 1
        if status == 200:
            tally.accepted_s.append(took)


def _watched(pid: int, begin: float, end: float) -> list[float]:
    """MiB of resident memory, four times a second."""
    found: list[float] = []
    pages = Path(f"/proc/{pid}/statm")
    while (now := time.monotonic()) < end:
        if now >= begin:
            count = int(pages.read_text(encoding="ascii").split()[1])
            found.append(count * os.sysconf("SC_PAGE_SIZE") / 2**20)
        time.sleep(0.25)
    return found


def _rows(
    tallies: list[Tally], resident: list[float], connections: int, seconds: float
) -> list[Row]:
    statuses = sum((tally.statuses for tally in tallies), Counter[float]())
    accepted = [took for tally in tallies for took in tally.accepted_s]
    broken = sum(len(tally.broken) for tally in tallies)
    other = sum(count for status, count in statuses.items() if status not in {200, 503}) + broken
    p99 = float(np.percentile(accepted, 99)) if accepted else float("inf")
    third = max(1, len(resident) // 3)
    growth = float(np.median(resident[-third:]) - np.median(resident[:third]))
    name = f"{connections} connections"
    return [
        Row(f"{name}: answered", statuses[200] / seconds, "images/s", f"in {seconds:g} s"),
        Row(f"{name}: refused with 503 and Retry-After", statuses[503] / seconds, "a second"),
        Row(
            f"{name}: any other status, or a broken connection",
            other,
            "",
            ", ".join(f"{status:g}: {count}" for status, count in sorted(statuses.items())),
            "0",
            other == 0 and statuses[200] > 0,
        ),
        Row(
            f"{name}: 99 % of those answered within",
            p99,
            "s",
            f"median {float(np.median(accepted)):.2f} s" if accepted else "",
            f"<= {DEADLINE_S:g} s (the deadline)",
            p99 <= DEADLINE_S,
        ),
        Row(
            f"{name}: growth of the service's memory",
            growth,
            "MiB",
            f"of {np.median(resident):.0f} MiB" if resident else "",
            f"<= {GROWTH_MIB:g} MiB",
            growth <= GROWTH_MIB,
        ),
    ]
