"""A page through client and service, against finding its lines and reading them in one process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.images import Images, lines_found
from benchmarks.limit import LIMIT, above, arms_of, commands
from benchmarks.machine import cores
from benchmarks.models import with_instances
from benchmarks.readers import Reader, in_turn, ratio, readers, seconds_for_all
from benchmarks.report import Row, Section
from benchmarks.service import serving, written
from benchmarks.timing import interleave, median

from ocr_client.pages.settings import LINE_FINDER
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton

TITLE = "A page through client and service, against one process with nothing between"
CALLERS = 4
A4_FINDING_MS, A4_MS, A4_MB = 150.0, 1_500.0, 600.0
NAMES = (LIMIT, "client", "service")


def measure(repository: Path, config: Path, images: Images, a4: Images, *, rounds: int) -> Section:
    """Of stable. a4: one page. Raises ServerError where no embedded server can be started, ReaderError."""
    arm = arms_of(config)[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        with_instances(repository, (arm, LINE_FINDER), cores()) as root,
        EmbeddedTriton(root, models=(arm.model, LINE_FINDER.model)) as triton,
    ):
        settings = written(Path(folder) / "config.yaml", triton.http_url, {})
        with serving(settings) as (port, _):
            version = root / arm.model / str(arm.version)
            sides = commands(version, arm, triton.http_url, port, images, "-page")[1:]
            rows = _rows(arm, sides, images, rounds)
            rows += _a4(arm, triton.http_url, a4, rounds)
    lines = sum(map(len, images.texts)) / len(images.texts)
    return Section(
        TITLE,
        tuple(rows),
        f"{images.source}, {lines:.0f} lines each in the mean, lines found by the same code on each"
        f" side. One page at a time, then {CALLERS} callers; {cores()} instances of one thread in"
        f" Triton, and {cores()} processes of the limit.",
    )


def _rows(
    arm: Arm,
    sides: Sequence[Sequence[object]],
    images: Images,
    rounds: int,
) -> list[Row]:
    bare, client, service = sides
    with readers(*[bare] * cores(), client, service) as running:
        single = [running[0], *running[-2:]]
        found = interleave(in_turn(single, len(images.texts)), rounds=rounds, warm_up=1)
        times = dict(zip(NAMES, found.values(), strict=True))
        rows = [
            Row(f"{arm}, one at a time: {name}", float(np.median(ms)), "ms a page", f"n {len(ms)}")
            for name, ms in times.items()
        ]
        rows += [
            above(f"{arm}, one at a time: {name}", times[name], times[LIMIT], LIMIT)
            for name in NAMES[1:]
        ]
        rows += _throughput(arm, running, len(images.texts), max(2, rounds // 6))
        right = lines_found(images.texts, running[-2].texts())
    said = "NFKC, no spaces, any case"
    return [*rows, Row(f"{arm}: lines of the pages read without a mistake", right, "", said)]


def _a4(arm: Arm, url: str, page: Images, rounds: int) -> list[Row]:
    """What one page costs, and the memory of a process that has read no other."""
    folder = page.folder
    finder, client = ["finding", url, folder], ["client-page", url, arm, folder]
    with readers(finder, client) as running:
        times = interleave(in_turn(running, 1), rounds=rounds, warm_up=1)
        found, read = (float(np.median(ms)) for ms in times.values())
        peak_mb = running[1].peak() / 1e6
    what = f"a scanned A4 page of {len(page.texts[0])} lines"
    goals = (
        (f"{what}: finding its lines", found, "ms", A4_FINDING_MS),
        (f"{what}: through the client", read, "ms", A4_MS),
        (f"{what}: the client's process at its highest", peak_mb, "MB", A4_MB),
    )
    return [
        Row(
            name,
            value,
            unit,
            f"n {rounds}" if unit == "ms" else "",
            f"<= {most:g} {unit}",
            value <= most,
        )
        for name, value, unit, most in goals
    ]


def _throughput(arm: Arm, running: Sequence[Reader], pages: int, rounds: int) -> list[Row]:
    *bare, client, service = running
    calls = {
        LIMIT: lambda: seconds_for_all(bare, 1),
        "client": lambda: seconds_for_all([client], CALLERS),
        "service": lambda: seconds_for_all([service], CALLERS),
    }
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in calls if number % 2 else reversed(calls):
            rates[name].append(pages / calls[name]())
    rows = [
        Row(f"{arm}, throughput: {name}", float(np.median(found)), "pages/s", f"n {rounds}")
        for name, found in rates.items()
    ]
    for name in NAMES[1:]:
        share = median(ratio(rates[name], rates[LIMIT]))
        detail = f"95 %: {share.low:.2f}..{share.high:.2f}"
        title = f"{arm}, {CALLERS} callers: {name}, share of it"
        rows.append(Row(title, share.median, "x", detail, against=f"{LIMIT}'s throughput"))
    return rows
