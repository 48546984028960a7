"""A line through client and service, against what is possible at all in one process.

The limit: decoding, preprocessing, a bare ONNX Runtime session and the text, in one process with
as many threads as Triton's instance has. Throughput's limit is the best of what such processes
reach on the same cores.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.images import Images
from benchmarks.machine import cores
from benchmarks.models import with_instances
from benchmarks.readers import Reader, in_turn, rate, ratio, readers
from benchmarks.report import Row, Section
from benchmarks.service import serving, written
from benchmarks.timing import Times, interleave, median

from ocr_client import ClientConfig
from ocr_evaluation.reading import chosen
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton

ORIGINAL_MS = 850.0  # what the original service takes for an image, CRNN, as its authors state
TIMES = 20.0
CLIENT_MS, SERVICE_MS = 1.5, 4.0
LEAST_SHARE = 0.7
CALLERS = 8
TITLE = "A line through client and service, against one process with nothing between"
LIMIT = "in-process limit"
SESSION = "bare session"
SIDES = (SESSION, LIMIT, "client", "service")


def arms_of(config: Path) -> list[Arm]:
    """Stable and candidate of a configuration."""
    return chosen((), ClientConfig.load(config))


def measure(
    repository: Path, config: Path, images: Images, *, rounds: int, slice_s: float
) -> Section:
    """Raises ServerError where no embedded server can be started, ReaderError."""
    arms = arms_of(config)
    names = tuple(dict.fromkeys(arm.model for arm in arms))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for instances, one_by_one in ((1, True), (cores(), False)):
            with (
                with_instances(repository, arms, instances) as root,
                EmbeddedTriton(root, models=names) as triton,
            ):
                settings = written(Path(folder) / "config.yaml", triton.http_url, {})
                with serving(settings) as (port, _):
                    for arm in arms:
                        version = root / arm.model / str(arm.version)
                        sides = commands(version, arm, triton.http_url, port, images)
                        if one_by_one:
                            rows += _one_by_one(arm, sides, len(images.texts), rounds)
                        else:
                            rows += _side_by_side(arm, sides, max(3, rounds // 40), slice_s)
    return Section(
        TITLE,
        tuple(rows),
        f"In-process limit: decode, preprocess, bare session, text, in one process. {images.source},"
        " each side in processes of its own, which take turns and read the same image"
        f" in each round. Throughput: {CALLERS} callers, {cores()} instances of one thread in Triton"
        f" (one at a time: 1, as shipped); the limit's best of {cores()} processes with a thread each"
        f" and one process with {cores()} threads. Paired differences have their 95 % interval.",
    )


def commands(
    version: Path, arm: Arm, url: str, port: int, images: Images, page: str = ""
) -> list[list[object]]:
    """Arguments of `benchmarks.reader`, in the order of SIDES. page: "-page" for pages."""
    folder = images.folder
    return [
        ["session", version, folder],
        [f"limit{page}", version, folder],
        [f"client{page}", url, arm, folder],
        [f"service{page}", port, arm, folder],
    ]


def _one_by_one(arm: Arm, sides: Sequence[Sequence[object]], images: int, rounds: int) -> list[Row]:
    with readers(*sides) as running:
        found = interleave(in_turn(running, images), rounds=rounds, warm_up=5)
    times = dict(zip(SIDES, found.values(), strict=True))
    rows = [Row(f"{arm}, one at a time: {name}", *_medians(times[name])) for name in SIDES]
    for name, most in (("client", CLIENT_MS), ("service", SERVICE_MS)):
        rows.append(above(f"{arm}, one at a time: {name}", times[name], times[LIMIT], LIMIT, most))
        rows.append(above(f"{arm}, one at a time: {name}", times[name], times[SESSION], SESSION))
    speed = ORIGINAL_MS / float(np.median(times["service"]))
    rows.append(
        Row(
            f"{arm}, one at a time: service, times as fast",
            speed,
            "x",
            against=f"the original's {ORIGINAL_MS:g} ms",
            goal=f">= {TIMES:g} x",
            met=speed >= TIMES,
        )
    )
    return rows


def _medians(times: Times) -> tuple[float, str, str]:
    """Value, unit and detail of a row."""
    low, high = np.percentile(times, [5, 95])
    return float(np.median(times)), "ms", f"90 % of {len(times)}: {low:.1f}..{high:.1f}"


def above(name: str, ours: Times, theirs: Times, against: str, most: float | None = None) -> Row:
    """Difference of the medians, with the paired one and its interval beside it."""
    between = float(np.median(ours) - np.median(theirs))
    pairs = median(ours - theirs)
    detail = f"of pairs {pairs.median:+.2f}, 95 %: {pairs.low:+.2f}..{pairs.high:+.2f}"
    goal = "" if most is None else f"<= {most:g} ms"
    met = None if most is None else between <= most
    return Row(f"{name}, p50 above", between, "ms", detail, goal, met, against)


def _side_by_side(
    arm: Arm, sides: Sequence[Sequence[object]], rounds: int, slice_s: float
) -> list[Row]:
    _, bare, client, service = sides
    with readers(*[bare] * cores(), client, service) as running:
        rates: dict[str, list[float]] = {name: [] for name in ("each", "threads", *SIDES[2:])}
        for number in range(rounds):
            order = list(rates) if number % 2 else list(reversed(rates))
            for name in order:
                rates[name].append(_rate(name, running, slice_s))
    best = max(("each", "threads"), key=lambda name: float(np.median(rates[name])))
    rows = [
        Row(
            f"{arm}, throughput: {LIMIT}",
            float(np.median(rates[best])),
            "lines/s",
            f"processes {np.median(rates['each']):.1f}, threads {np.median(rates['threads']):.1f}",
        )
    ]
    for name in SIDES[2:]:
        share = median(ratio(rates[name], rates[best]))
        rows.append(
            Row(
                f"{arm}, {CALLERS} callers: {name}",
                float(np.median(rates[name])),
                "lines/s",
            )
        )
        rows.append(
            Row(
                f"{arm}, {CALLERS} callers: {name}, share of it",
                share.median,
                "x",
                f"95 %: {share.low:.2f}..{share.high:.2f}, n {rounds}",
                f">= {LEAST_SHARE:g} x",
                share.median >= LEAST_SHARE,
                f"{LIMIT}'s best throughput",
            )
        )
    return rows


def _rate(name: str, running: Sequence[Reader], seconds: float) -> float:
    *bare, client, service = running
    if name == "each":
        return rate(bare, seconds, 1)
    if name == "threads":
        return rate(bare[:1], seconds, cores())
    return rate([client if name == "client" else service], seconds, CALLERS)
