"""`ocrctl ab-test` on 500 images, against decoding, preprocessing and two sessions in one process."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import processor_time
from benchmarks.report import Row, Section
from benchmarks.timing import interleave, median

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import TritonSettings
from ocr_evaluation.ab_test import measured
from ocr_evaluation.labels import Dataset, Line, load
from ocr_evaluation.made.kinds import KINDS
from ocr_evaluation.made.picture import PictureMaker
from ocr_evaluation.reading import Read, chosen, read_all
from ocr_evaluation.words import Wording
from ocr_export.repository import Version
from ocr_preprocessing.load import load_image
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton
from ocr_training.card.reader import Reader
from ocr_training.dataset import write_labelled

TITLE = "ab-test, against two bare sessions in one process"
EACH = 100  # images of each kind
CHUNK = 50  # images that one side reads before the other's turn
LEAST = 0.7


def measure(repository: Path, fonts: Path, config: Path, rounds: int) -> Section:
    """Raises FileNotFoundError without fonts, ServerError where no embedded server can be started."""
    arms = chosen((), ClientConfig.load(config))
    versions = [Version.at(repository / arm.model / str(arm.version)) for arm in arms]
    with tempfile.TemporaryDirectory() as folder:
        write_labelled(PictureMaker(fonts).pictures(KINDS, EACH, seed=1), Path(folder) / "set")
        dataset = load(Path(folder) / "set")
        readers = [Reader(version) for version in versions]
        names = tuple(dict.fromkeys(arm.model for arm in arms))
        with EmbeddedTriton(repository, models=names) as triton:
            triton_settings = TritonSettings(urls=(triton.http_url,))
            with OCRClient(ClientConfig(triton=triton_settings)) as client:
                rows = _rows(client, arms, dataset, readers, max(1, rounds // 100))
    return Section(
        TITLE,
        tuple(rows),
        f"{len(KINDS)} x {EACH} made images, {' and '.join(map(str, arms))}. Both sides take {CHUNK}"
        " images in turn. Bare: one process, as many threads as Triton has instances of the two, each"
        " image decoded once, sessions as config.pbtxt has them; this ONNX Runtime, not the server's.",
    )


def _rows(
    client: OCRClient, arms: Sequence[Arm], dataset: Dataset, readers: Sequence[Reader], passes: int
) -> list[Row]:
    """Kinds are mixed, so that each turn is as much work as the next."""
    lines = [line for k in range(EACH) for line in dataset.lines[k::EACH]]
    turns = [lines[k : k + CHUNK] for k in range(0, len(lines), CHUNK)]
    threads = client.config.triton.concurrency
    reads: dict[Line, Read] = {}
    asked, bare = itertools.cycle(turns), itertools.cycle(turns)
    busy_s = {"ab-test": 0.0, "bare": 0.0}
    with ThreadPoolExecutor(len(readers)) as pool:

        def ab_test() -> None:
            found = read_all(client, arms, next(asked), dataset.folder, threads=threads)
            with _counted(busy_s, "ab-test"):
                reads.update((read.line, read) for read in found)

        def sessions() -> None:
            with _counted(busy_s, "bare"):
                list(pool.map(lambda line: _read(dataset.folder, line, readers), next(bare)))

        times = interleave(
            {"ab-test": ab_test, "bare": sessions}, rounds=passes * len(turns), warm_up=1
        )
    if any(read.answers is None for read in reads.values()):
        raise RuntimeError("not every line was read; the figures would be of fewer")
    n = len(lines)
    figures_s, figures_busy_s = _figures_s(dataset, arms, list(reads.values()), threads)
    seconds = {name: float(ms.sum()) / 1e3 / passes for name, ms in times.items()}
    reading = median(times["bare"] / times["ab-test"])
    whole = seconds["bare"] / (seconds["ab-test"] + figures_s)
    share = passes + 1 / len(turns)  # the turns that warm up are counted here
    busy = {name: found / share for name, found in busy_s.items()}
    spent = busy["bare"] / (busy["ab-test"] + figures_busy_s)
    least = f">= {LEAST:g} x"
    spread = f"of turns, 95 %: {reading.low:.2f}..{reading.high:.2f}"
    return [
        Row("bare: decoding, preprocessing, both sessions", n / seconds["bare"], "images/s"),
        Row("ab-test: reading", n / seconds["ab-test"], "images/s", f"{threads} under way"),
        Row(f"ab-test: figures of {n} lines", figures_s, "s", "once, at the end"),
        Row("ab-test: reading / bare", reading.median, "x", spread),
        Row("ab-test / bare", whole, "x", "figures included", least, whole >= LEAST),
        Row(
            "the same by processor time, Triton's included",
            spent,
            "x",
            f"{1e3 * busy['bare'] / n:.1f} ms an image for {1e3 * busy['ab-test'] / n:.1f}",
            least,
            spent >= LEAST,
        ),
    ]


@contextlib.contextmanager
def _counted(busy_s: dict[str, float], name: str) -> Iterator[None]:
    before = processor_time.of_tree()
    yield
    busy_s[name] += processor_time.of_tree() - before


def _read(folder: Path, line: Line, readers: Sequence[Reader]) -> None:
    gray = load_image((folder / line.file).read_bytes())
    for reader in readers:
        reader.read(gray)


def _figures_s(
    dataset: Dataset, arms: Sequence[Arm], reads: Sequence[Read], threads: int
) -> tuple[float, float]:
    """Seconds of what follows the reading, and of processor time."""
    start, busy = time.perf_counter(), time.process_time()
    now = dt.datetime.now(tz=dt.timezone.utc)
    measured(dataset, arms, reads, Wording(), allowed=None, threads=threads, took_s=1.0, at=now)
    return time.perf_counter() - start, time.process_time() - busy
