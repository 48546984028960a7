"""What the stages do to accuracy: fast, exact and plain resizing, on real and on made lines."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from benchmarks.models import session
from benchmarks.report import Row, Section

from ocr_client.decode import decode_line
from ocr_export.checkpoint import ARCHITECTURES
from ocr_export.repository import Version
from ocr_preprocessing.exact import exact_line
from ocr_preprocessing.fast import Gray, fast_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec
from ocr_preprocessing.windows import cut_windows
from ocr_training.evaluation import labels
from ocr_training.lines import LineMaker
from ocr_training.scoring import edit_distance, normalise

Sample = tuple[Gray, str, str]  # image (H, W), truth, category


def plain_line(gray: Gray, height: int = 32) -> Gray:
    """Gray and resizing only: what the stages are measured against."""
    rows, columns = gray.shape
    width = max(1, round(columns * height / rows))
    kernel = cv2.INTER_AREA if rows > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(gray, (width, height), interpolation=kernel), np.uint8)


STAGES: dict[str, Callable[[Gray], Gray]] = {
    "plain": plain_line,
    "exact": exact_line,
    "fast": fast_line,
}


def on_real_lines(repository: Path, labels_tsv: Path) -> Section:
    """labels_tsv: columns file, text, category, lang; files relative to it."""
    samples = [(load_image(file), text, kind) for file, text, kind in labels(labels_tsv)]
    rows = _rows(repository, samples)
    return Section(
        f"Accuracy on {len(samples)} real lines by stages",
        tuple(rows),
        "1-CER under NFKC without spaces. The goal: fast is not below exact. The models were"
        " trained on lines of the fast path, which favours it.",
    )


def on_made_lines(repository: Path, fonts: Path, count: int) -> Section:
    """Blurred and dark lines in fonts and words that training never saw, `count` of each."""
    samples = list(_made(fonts, count))
    return Section(
        f"Gain of the stages on {len(samples)} made lines (the original claims 22 % more read)",
        tuple(_rows(repository, samples, gain=True)),
        "Gain: lines read whole, over plain resizing. The models were trained on lines of the"
        " fast path, which favours it.",
    )


def _made(fonts: Path, count: int) -> Iterator[Sample]:
    maker = LineMaker(fonts, held_out=True)
    for index in range(count):
        image, line = maker.raw(20_261_122, index, "print")
        random = np.random.default_rng((7, index))
        clean = image.astype(np.float64)
        yield image, line.text, "as made"
        # In shares of the height, so that small and large lines are equally blurred.
        sigma = image.shape[0] * random.uniform(0.03, 0.06)
        blurred = cv2.GaussianBlur(clean, (0, 0), sigma) + random.normal(0, 3, clean.shape)
        yield _pixels(blurred), line.text, "blurred"
        dark = clean * random.uniform(0.08, 0.25) + random.normal(0, 3, clean.shape)
        yield _pixels(dark), line.text, "dark"


def _pixels(levels: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Gray:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def _rows(repository: Path, samples: Iterable[Sample], *, gain: bool = False) -> list[Row]:
    rows = []
    for name in ARCHITECTURES:
        version = Version.at(repository / name / "1")
        if not version.model.is_file():
            continue
        reader = session(version.model.read_bytes(), threads=0)
        found: dict[str, dict[str, list[tuple[str, str]]]] = collections.defaultdict(dict)
        for gray, truth, kind in samples:
            fold = str.upper if kind.startswith("receipt") else str
            for stages, prepare in STAGES.items():
                text = _read(reader, prepare(gray))
                pair = (fold(normalise(truth)), fold(normalise(text)))
                for key in (kind, "all"):
                    found[key].setdefault(stages, []).append(pair)
        for kind, by_stages in sorted(found.items()):
            rows += _compared(f"{name}, {kind}", by_stages, gain=gain, goal=kind == "all")
    if not rows:
        raise FileNotFoundError(f"{repository}: no trained model there")
    return rows


def _compared(
    title: str, by_stages: dict[str, list[tuple[str, str]]], *, gain: bool, goal: bool
) -> list[Row]:
    whole = {stages: sum(a == b for a, b in pairs) for stages, pairs in by_stages.items()}
    right = {
        stages: 1 - sum(edit_distance(a, b) for a, b in pairs) / sum(len(a) for a, _ in pairs)
        for stages, pairs in by_stages.items()
    }
    rows = []
    for stages, pairs in by_stages.items():
        detail = f"{whole[stages]} of {len(pairs)} lines whole"
        if gain and stages != "plain" and whole["plain"]:
            detail += f" ({whole[stages] / whole['plain'] - 1:+.0%} over plain)"
        compare = goal and not gain and stages == "fast"
        rows.append(
            Row(
                f"{title}: {stages}",
                right[stages],
                "1-CER",
                detail,
                ">= exact" if compare else "",
                right["fast"] >= right["exact"] if compare else None,
            )
        )
    return rows


def _read(reader: onnxruntime.InferenceSession, line: Gray) -> str:
    windows = cut_windows(line, LineSpec())
    answers = [
        tuple(output[0] for output in reader.run(None, {"image": window.pixels[np.newaxis]}))
        for window in windows.windows
    ]
    codepoints, confidence = windows.join([(codes, sure) for codes, sure in answers])
    return decode_line(codepoints, confidence, windows.x_range).text
