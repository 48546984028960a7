"""What the stages do to accuracy: fast, exact and plain resizing, on real and on made lines."""

from __future__ import annotations

import collections
import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from benchmarks.models import session
from benchmarks.report import Row, Section
from benchmarks.stages import ALONE, STAGES

from ocr_client.decode import decode_line
from ocr_export.config_pbtxt import read_parameters
from ocr_export.repository import Version
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.finder_spec import finds_lines
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec
from ocr_preprocessing.windows import cut_windows
from ocr_rollout.core.texts import edit_distance, plain
from ocr_training.lines import LineMaker

LEAST_RIGHT = 0.5  # 1-CER, from which on a comparison of stages says something

Sample = tuple[Gray, str, str]  # image (H, W), truth, category


def on_real_lines(repository: Path, labels_tsv: Path) -> Section:
    """labels_tsv: columns file, text, category, lang; files relative to it."""
    samples = list(_labelled(labels_tsv))
    rows = _rows(repository, samples, STAGES | ALONE)
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
        tuple(_rows(repository, samples, STAGES, gain=True)),
        "Gain: lines read whole, over plain resizing. The models were trained on lines of the"
        " fast path, which favours it.",
    )


def _labelled(path: Path) -> Iterator[Sample]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            image = load_image(path.parent / row["file"])
            yield image, row["text"], f"{row['category']}/{row['lang']}"


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


def _pixels(levels: npt.NDArray[np.float64]) -> Gray:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def _rows(
    repository: Path,
    samples: Iterable[Sample],
    stages: dict[str, Callable[[Gray], Gray]],
    *,
    gain: bool = False,
) -> list[Row]:
    """Of the newest version of every model there."""
    readers = {
        version.label: session(version.model.read_bytes(), threads=1)
        for version in _newest(repository)
    }
    if not readers:
        raise FileNotFoundError(f"{repository}: no trained model there")
    found: dict[str, dict[str, dict[str, list[tuple[str, str]]]]] = {
        name: collections.defaultdict(dict) for name in readers
    }
    for gray, truth, kind in samples:
        fold = str.upper if kind.startswith("receipt") else str
        lines = {name: prepare(gray) for name, prepare in stages.items()}
        for model, reader in readers.items():
            texts: dict[bytes, str] = {}  # a line that needs no denoising is the same without it
            for name, line in lines.items():
                key = line.tobytes()
                if key not in texts:
                    texts[key] = _read(reader, line)
                pair = (fold(plain(truth)), fold(plain(texts[key])))
                for group in (kind, "all"):
                    found[model][group].setdefault(name, []).append(pair)
    rows = []
    for model, by_kind in found.items():
        for kind, by_stages in sorted(by_kind.items()):
            rows += _compared(f"{model}, {kind}", by_stages, gain=gain, goal=kind == "all")
    return rows


def _newest(repository: Path) -> list[Version]:
    newest = {}
    for path in repository.glob("*/*/model.onnx"):
        version = Version.at(path.parent)
        if finds_lines(read_parameters(version.config.read_text(encoding="utf-8"))):
            continue
        if version.name not in newest or version.number > newest[version.name].number:
            newest[version.name] = version
    return [newest[name] for name in sorted(newest)]


def _compared(
    title: str, by_stages: dict[str, list[tuple[str, str]]], *, gain: bool, goal: bool
) -> list[Row]:
    whole = {stages: sum(a == b for a, b in pairs) for stages, pairs in by_stages.items()}
    errors = {
        stages: np.array([edit_distance(a, b) for a, b in pairs])
        for stages, pairs in by_stages.items()
    }
    lengths = np.array([len(truth) for truth, _ in by_stages["plain"]])
    rows = []
    for stages, wrong in errors.items():
        detail = f"{whole[stages]} of {len(wrong)} lines whole"
        if gain and stages != "plain" and whole["plain"]:
            detail += f" ({whole[stages] / whole['plain'] - 1:+.0%} over plain)"
        right = 1 - wrong.sum() / lengths.sum()
        rows.append(Row(f"{title}: {stages}", right, "1-CER", detail))
    if goal and not gain:
        least = min(row.value for row in rows)
        for other, wanted in (("exact", ">= 0"), ("plain", "")):
            above = (errors[other] - errors["fast"]).sum() / lengths.sum()
            low, high = _interval(errors[other] - errors["fast"], lengths)
            # Differences between two sorts of nonsense prove nothing.
            judged = wanted and least >= LEAST_RIGHT
            doubt = "" if judged or not wanted else f"; not judged below {LEAST_RIGHT:g} 1-CER"
            rows.append(
                Row(
                    f"{title}: fast above {other}",
                    above * 100,
                    "points",
                    f"95 %: {low * 100:+.2f}..{high * 100:+.2f}",
                    wanted + doubt,
                    bool(above >= 0) if judged else None,
                )
            )
    return rows


def _interval(gained: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> tuple[float, float]:
    """95 % of the difference in 1-CER, by resampling lines."""
    lines = np.random.default_rng(0).integers(0, len(lengths), (1000, len(lengths)))
    low, high = np.percentile(gained[lines].sum(1) / lengths[lines].sum(1), [2.5, 97.5])
    return float(low), float(high)


def _read(reader: onnxruntime.InferenceSession, line: Gray) -> str:
    windows = cut_windows(line, LineSpec())
    answers = [
        tuple(output[0] for output in reader.run(None, {"image": window.pixels[np.newaxis]}))
        for window in windows.windows
    ]
    codepoints, confidence = windows.join([(codes, sure) for codes, sure in answers])
    return decode_line(codepoints, confidence, windows.x_range).text
