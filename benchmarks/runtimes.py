"""PyTorch against ONNX Runtime on the same graph, weights and tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from benchmarks.lines import crops
from benchmarks.models import session, twin, versions
from benchmarks.report import Row, Section
from benchmarks.timing import interleave, median

from ocr_export.checkpoint import Recogniser
from ocr_export.graph import LineReader
from ocr_export.onnx_file import to_onnx
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

CLAIM = 0.30


def measure(repository: Path, rounds: int) -> Section:
    rows: list[Row] = []
    default_threads = torch.get_num_threads()
    with versions(repository) as found:
        for name, version in found.items():
            recogniser = twin(version)
            for threads in (1, 0):
                torch.set_num_threads(threads or default_threads)
                rows += _compare(name, recogniser, threads, rounds)
    torch.set_num_threads(default_threads)
    return Section(
        "PyTorch against ONNX Runtime, one 32x320 line",
        tuple(rows),
        "Best of three runs in a row, in turn. The original claims 30 % less time: less = 1 -"
        " ONNX / PyTorch.",
    )


def _compare(name: str, recogniser: Recogniser, threads: int, rounds: int) -> list[Row]:
    pixels = prepare_line(load_image(crops(1, noise=2.0)[0]), LineSpec()).windows[0].pixels
    tensor = pixels[np.newaxis]
    image = torch.from_numpy(tensor)
    reader = LineReader(recogniser).eval()
    runtime = session(to_onnx(recogniser), threads)

    def by_torch() -> object:
        with torch.inference_mode():
            return reader(image)

    calls: dict[str, Callable[[], object]] = {
        "PyTorch": by_torch,
        "ONNX Runtime": lambda: runtime.run(None, {"image": tensor}),
    }
    times = interleave(calls, rounds=rounds, block=3)
    less = median(1 - times["ONNX Runtime"] / times["PyTorch"])
    title = f"{name}, {'default threads' if threads == 0 else 'one thread'}"
    return [
        *(Row(f"{title}: {side}", float(np.median(ms)), "ms") for side, ms in times.items()),
        Row(
            f"{title}: ONNX takes less by",
            less.median * 100,
            "%",
            f"95 %: {less.low * 100:.0f}..{less.high * 100:.0f}",
            f"claim: {CLAIM * 100:.0f} %",
            less.median >= CLAIM,
            "PyTorch",
        ),
    ]
