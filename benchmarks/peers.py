"""Other recognisers on the same images and cores: how fast, and how right, beside ours.

Each side has a thread for each core: Tesseract and RapidOCR as processes, ours as instances in
Triton, asked through the client.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from benchmarks import tesseract
from benchmarks.images import Images, characters_right, lines_found
from benchmarks.limit import arms_of, commands
from benchmarks.machine import cores
from benchmarks.models import with_instances
from benchmarks.readers import THREADS, Reader, ratio, readers, seconds_for_all
from benchmarks.report import Row, Section
from benchmarks.timing import median

from ocr_client.pages.settings import LINE_FINDER
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton

ROOT = Path(__file__).resolve().parent.parent
RAPIDOCR = ROOT / "build" / "rapidocr" / "bin" / "python"
INSTALL = "python3 -m venv build/rapidocr && build/rapidocr/bin/pip install rapidocr-onnxruntime"
GOALS = {"Tesseract": 5.0, "RapidOCR": 1.5}
SMALL = "crnn_small"
CALLERS = 8

Seconds = Callable[[], float]
Texts = Callable[[], list[str]]


def measure(
    repository: Path, config: Path, images: Images, *, rapidocr: Path, rounds: int, page: bool
) -> Section:
    """Raises ServerError where no embedded server can be started, ReaderError.

    page: whole pages, and stable alone; otherwise lines, both arms, and the small recogniser.
    """
    kind = "pages" if page else "lines"
    arms = arms_of(config)[:1] if page else [*arms_of(config), *_newest(repository, SMALL)]
    ours = [str(arm) for arm in arms]
    with contextlib.ExitStack() as stack:
        served = [*arms, LINE_FINDER] if page else arms
        root = stack.enter_context(with_instances(repository, served, cores()))
        names = tuple(dict.fromkeys(arm.model for arm in served))
        triton = stack.enter_context(EmbeddedTriton(root, models=names))
        sides: dict[str, tuple[Seconds, Texts]] = {}
        for arm in arms:
            command = commands(
                root / arm.model / str(arm.version),
                *(arm, triton.http_url, 0, images, "-page" if page else ""),
            )[2]
            (reader,) = stack.enter_context(readers(command))
            sides[str(arm)] = (_all_by([reader], CALLERS), reader.texts)
        absent = _others(stack, sides, images, rapidocr, page=page)
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(rounds):
            for name in sides if number % 2 else reversed(sides):
                speeds[name].append(len(images.texts) / sides[name][0]())
        right = {
            name: (lines_found if page else characters_right)(images.texts, texts())
            for name, (_, texts) in sides.items()
        }
    rows = [
        Row(name, float(np.median(found)), f"{kind}/s", _accuracy(right[name], page=page))
        for name, found in speeds.items()
    ]
    rows += _ratios(speeds, right, ours, page=page)
    rows += [_absent(name, said, page=page) for name, said in absent.items()]
    return Section(
        f"Other recognisers, {images.source}",
        tuple(rows),
        f"{cores()} threads for each side. Tesseract has {tesseract.LANGUAGES}, page segmentation"
        f" {tesseract.PAGE if page else tesseract.LINE}; its start is left out. RapidOCR:"
        f" {'all of it' if page else 'its recogniser alone'}. Accuracy after NFKC, without spaces, in"
        " any case. Made images are of the kinds that ours were trained on, not of theirs; --labels"
        " and --pages name real ones.",
    )


def _newest(repository: Path, model: str) -> list[Arm]:
    """Its newest version; nothing where the repository has none."""
    numbers = [int(found.name) for found in (repository / model).glob("[0-9]*")]
    return [Arm(model, max(numbers))] if numbers else []


def _all_by(sides: Sequence[Reader], threads: int) -> Seconds:
    return lambda: seconds_for_all(sides, threads)


def _others(
    stack: contextlib.ExitStack,
    sides: dict[str, tuple[Seconds, Texts]],
    images: Images,
    rapidocr: Path,
    *,
    page: bool,
) -> dict[str, str]:
    """Adds those that are here to the sides; of the others how they are installed."""
    absent = {}
    if how := tesseract.missing():
        absent["Tesseract"] = how
    else:
        mode = tesseract.PAGE if page else tesseract.LINE
        program = tesseract.Tesseract(images.paths(), mode, cores())
        sides[f"Tesseract {tesseract.version()}"] = (program.seconds_for_all, program.texts)
    version = _version(rapidocr)
    if not version:
        absent["RapidOCR"] = INSTALL
        return absent
    script = Path(__file__).with_name("rapidocr_process.py")
    command = [str(rapidocr), str(script), "pages" if page else "lines", str(images.folder)]
    running = [Reader(command, THREADS) for _ in range(cores())]
    for one in running:
        stack.callback(one.close)
    for one in running:
        one.wait()
    sides[f"RapidOCR {version}"] = (_all_by(running, 1), running[0].texts)
    return absent


def _version(python: Path) -> str:
    """Of RapidOCR in that Python; empty where it is not there."""
    query = "from importlib.metadata import version as v; print(v('rapidocr-onnxruntime'))"
    with contextlib.suppress(OSError):
        done = subprocess.run([python, "-c", query], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    return ""


def _ratios(
    speeds: dict[str, list[float]], right: dict[str, float], ours: Sequence[str], *, page: bool
) -> list[Row]:
    """Of pages there is no goal: what a page takes, its lines' finding decides as well."""
    rows = []
    for arm in ours:
        for name, theirs in speeds.items():
            goal = GOALS.get(name.split()[0])
            if goal is None:
                continue
            times = median(ratio(speeds[arm], theirs))
            rows.append(
                Row(
                    f"{arm}, times as fast",
                    times.median,
                    "x",
                    f"95 %: {times.low:.1f}..{times.high:.1f};"
                    f" {_accuracy(right[arm], page=page)} to {right[name]:.3f}",
                    "" if page else f">= {goal:g} x",
                    None if page else times.median >= goal,
                    name,
                )
            )
    return rows


def _accuracy(right: float, *, page: bool) -> str:
    return f"{right:.3f} of the lines right" if page else f"1-CER {right:.3f}"


def _absent(name: str, how: str, *, page: bool) -> Row:
    goal = "" if page else f">= {GOALS[name]:g} x"
    return Row(f"times as fast as {name}", None, "", f"NOT MEASURED: {how}", goal)
