"""The serving path against the four full stages, from BGR pixels to what the model takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.lines import crops
from benchmarks.report import Row, Section
from benchmarks.timing import interleave, median

from ocr_preprocessing.exact import preprocess_image
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

GOAL = 20.0
CONDITIONS = {"clean": 2.0, "noisy": 80.0}  # gray levels of noise at full resolution


def measure(rounds: int) -> Section:
    spec = LineSpec()
    rows: list[Row] = []
    for condition, noise in CONDITIONS.items():
        times = interleave(
            {
                "exact": _over(crops(8, noise=noise), preprocess_image),
                "fast": _over(
                    crops(8, noise=noise), lambda crop: prepare_line(load_image(crop), spec)
                ),
            },
            rounds=rounds,
            warm_up=2,
        )
        ratio = median(times["exact"] / times["fast"])
        rows += [
            *(
                Row(f"{condition}: {path}", float(np.median(ms)), "ms a crop")
                for path, ms in times.items()
            ),
            Row(
                f"{condition}: exact / fast",
                ratio.median,
                "x",
                f"95 %: {ratio.low:.0f}..{ratio.high:.0f}",
                f">= {GOAL:.0f} x",
                ratio.median >= GOAL,
                "the four full stages",
            ),
        ]
    return Section(
        "Preprocessing of 100x1000 crops: serving path against the four full stages",
        tuple(rows),
        "Both begin with BGR pixels. Noisy crops are those on which the serving path denoises.",
    )


def _over(images: list[Gray], path: Callable[[Gray], object]) -> Callable[[], object]:
    turn = iter(range(1 << 60))
    return lambda: path(images[next(turn) % len(images)])
