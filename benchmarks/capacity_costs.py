"""What a line, a page and a process cost here, and whether the model foretells one and two cores."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import redis
from benchmarks import machine
from benchmarks.capacity_model import Costs, most_lines
from benchmarks.images import Images, made_pages
from benchmarks.limit import arms_of, commands
from benchmarks.models import with_instances
from benchmarks.readers import readers
from benchmarks.rollout_processes import NOW_S, PLAN, started
from benchmarks.service import serving, written
from benchmarks.stores import redis_server
from benchmarks.traffic import made_lines
from PIL import Image

from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.windows import CANDIDATE
from ocr_rollout.runtime import Member
from ocr_rollout.stores import open_store
from ocr_server import EmbeddedTriton

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = (128, 640)  # of the made lines; both are width buckets
CHECKED = 320
CALLERS = 8
TICKS = os.sysconf("SC_CLK_TCK")
PAGES = 2
FLUSHES = 60
REQUESTS = 200  # of a second, in the dearer of the two measurements of Redis


def measure(seconds: float) -> dict[str, Any]:
    """Raises ServerError where no embedded server can be started, ReaderError."""
    facts = machine.facts()
    costs: dict[str, Costs] = {}
    checked: list[dict[str, Any]] = []
    process, operations, request = _redis()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = {width: _lines(folder / str(width), width) for width in (*WIDTHS, CHECKED)}
        pages = made_pages(folder / "pages", PAGES)
        for arm in arms_of(ROOT / "config.yaml"):
            found = _arm(arm, lines, pages, seconds, folder)
            costs[str(arm)] = Costs(
                **found,
                redis_process_ms=process,
                redis_process_operations=operations,
                redis_request_us=request,
            )
            checked += [
                _check(arm, costs[str(arm)], lines[CHECKED], count, seconds, folder)
                for count in (1, 2)
                if count <= machine.cores()
            ]
    return {
        "machine": facts | {"load_at_end": machine.load()},
        "costs": {arm: dataclasses.asdict(one) for arm, one in costs.items()},
        "checked": checked,
    }


def _lines(folder: Path, width: int) -> Images:
    folder.mkdir()
    made = made_lines(12, width=width)
    for number, pixels in enumerate(made):
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")
    return Images(folder, (("",),) * len(made), f"{len(made)} made lines, {width} wide")


@contextlib.contextmanager
def _site(
    arm: Arm, folder: Path, instances: int
) -> Iterator[tuple[EmbeddedTriton, int, int, Path]]:
    """Triton with one arm, the service before it: its port and process; the version's folder."""
    with (
        with_instances(ROOT / "model_repository", (arm,), instances) as root,
        EmbeddedTriton(root, models=(arm.model,)) as triton,
    ):
        config = written(folder / "capacity.yaml", triton.http_url, {})
        with serving(config) as (port, pid):
            yield triton, port, pid, root / arm.model / str(arm.version)


def _arm(
    arm: Arm, lines: dict[int, Images], pages: Images, seconds: float, folder: Path
) -> dict[str, float]:
    with _site(arm, folder, machine.cores()) as (triton, port, pid, version):
        parts = {"triton": _tree(triton.server.supervisor_pid), "service": [pid]}

        def each_ms(images: Images, page: str = "") -> dict[str, float]:
            """Processor ms of an image by part, and of the caller, while callers keep all busy."""
            command = commands(version, arm, triton.http_url, port, images, page)[3]
            with readers(command) as running:
                before = {name: _spent_ms(pids) for name, pids in parts.items()}
                if page:
                    running[0].send("every", 0, 1, CALLERS)
                    running[0].ended_every()
                    count, caller_s = float(len(images.texts)), 0.0
                else:
                    running[0].send("loop", seconds, CALLERS)
                    whole, caller_s = running[0].ended_loop()
                    # those under way when time was up were worked on, too
                    count = whole + CALLERS
                spent = {name: _spent_ms(pids) - before[name] for name, pids in parts.items()}
            return {name: ms / count for name, ms in spent.items()} | {
                "caller": 1e3 * caller_s / count
            }

        narrow, wide = (each_ms(lines[width]) for width in WIDTHS)
        paged = each_ms(pages, "-page")
    columns = [_columns(width) for width in WIDTHS]
    per_column = (wide["triton"] - narrow["triton"]) / (columns[1] - columns[0])
    page_lines = sum(map(len, pages.texts)) / len(pages.texts)
    decode_ms = float(np.mean([narrow["service"], wide["service"]]))
    return {
        "triton_line_ms": narrow["triton"] - per_column * columns[0],
        "triton_column_ms": per_column,
        "service_line_ms": decode_ms,
        "page_ms": paged["service"],
        "page_lines": page_lines,
        "caller_ms": float(np.mean([narrow["caller"], wide["caller"]])),
    }


def _columns(width: int) -> int:
    """Of the tensor: the width bucket that a line falls into."""
    return next(bucket for bucket in LineSpec().width_buckets if bucket >= width)


def _check(
    arm: Arm, costs: Costs, images: Images, count: int, seconds: float, folder: Path
) -> dict[str, Any]:
    """Triton, service and callers on so many cores, which all that a line needs shares.

    Foretold from the processor time that they got: on a machine that others use, too, it is less.
    """
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:count])
    try:
        with _site(arm, folder, count) as (triton, port, pid, version):
            command = commands(version, arm, triton.http_url, port, images)[3]
            busy = [*_tree(triton.server.supervisor_pid), pid]
            with readers(command) as running:
                before_ms = _spent_ms(busy)
                running[0].send("loop", seconds, CALLERS)
                done, caller_s = running[0].ended_loop()
                spent_s = (_spent_ms(busy) - before_ms) / 1e3 + caller_s
    finally:
        os.sched_setaffinity(0, all_cores)
    got = min(float(count), spent_s / seconds)
    foretold = most_lines(costs, _columns(CHECKED), got)
    measured = done / seconds
    return {
        "arm": str(arm),
        "cores": count,
        "cores_got": round(got, 2),
        "width": CHECKED,
        "predicted": foretold,
        "measured": measured,
        "error": foretold / measured - 1,
    }


def _redis() -> tuple[float, float, float]:
    """Of Redis: processor ms and operations of a process each second, us of a request."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        if url is None:
            raise FileNotFoundError("redis-server is missing: apt-get install redis-server")
        idle_ms, operations = _flushed(url, 1)
        busy_ms, _ = _flushed(url, REQUESTS)
    return idle_ms, operations, 1e3 * (busy_ms - idle_ms) / (REQUESTS - 1)


def _flushed(url: str, requests: int) -> tuple[float, float]:
    """Processor ms and operations of one second of a process that counts so many requests."""
    with redis.Redis.from_url(url) as server:
        server.flushall()
    store, clock = open_store(url), [float(NOW_S)]
    started(store, PLAN)
    member = Member(PLAN, store, clock=lambda: clock[0])
    loop = member._loop  # noqa: SLF001  # a second of made time at each tick
    loop.tick()
    spent: list[tuple[float, float]] = []
    with redis.Redis.from_url(url) as server:
        for flush in range(FLUSHES + 1):
            if flush in (0, FLUSHES):
                spent.append(_redis_spent(server))
            for number in range(requests):
                bucket = (flush * requests + number) % 10_000
                member.record(member.view, CANDIDATE, "ok", 20.0 + number % 12, bucket)
            clock[0] += 1.0
            loop.tick()
    store.close()
    first, last = spent
    return (last[0] - first[0]) / FLUSHES, (last[1] - first[1]) / FLUSHES


def _redis_spent(server: redis.Redis) -> tuple[float, float]:
    """Processor ms and commands since it began."""
    cpu, stats = server.info("cpu"), server.info("stats")
    ms = 1e3 * (cpu["used_cpu_user"] + cpu["used_cpu_sys"])
    return ms, float(stats["total_commands_processed"])


def _tree(pid: int) -> list[int]:
    """A process and its living descendants."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            parents[int(folder.name)] = int(words[1])
    mine = {pid}
    while more := {child for child, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return sorted(mine)


def _spent_ms(pids: Sequence[int]) -> float:
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
            words = stat.rpartition(")")[2].split()
            total += int(words[11]) + int(words[12])
    return 1e3 * total / TICKS
