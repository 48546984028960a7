"""What a recogniser reads: made held-out lines by kind, and real lines by category."""

from __future__ import annotations

import collections
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ocr_preprocessing.fast import fast_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec
from ocr_preprocessing.windows import bucket_for
from ocr_training.batches import collate, fits
from ocr_training.decoding import greedy
from ocr_training.lines import KINDS, LineMaker, MadeLine
from ocr_training.scoring import Score, score


def made_lines(
    fonts: Path, *, seed: int, count: int, characters: str = ""
) -> dict[str, list[MadeLine]]:
    """`count` lines of each kind, from fonts and words that training never sees."""
    maker = LineMaker(fonts, held_out=True, characters=characters)
    return {
        kind: [maker.make(seed, 1000 * k + i, kind) for i in range(count)]
        for k, kind in enumerate(KINDS)
    }


@torch.no_grad()
def read_made(
    model: torch.nn.Module,
    lines: dict[str, list[MadeLine]],
    spec: LineSpec,
    device: torch.device,
) -> dict[str, Score]:
    """Scores by kind, batches padded as in training."""
    result = {}
    for kind, of_kind in lines.items():
        usable = sorted(
            (line for line in of_kind if fits(line, spec)), key=lambda line: line.image.shape[1]
        )
        pairs: list[tuple[str, str]] = []
        for start in range(0, len(usable), 16):
            batch = collate(usable[start : start + 16], spec)
            pairs.extend(zip(batch.texts, _read(model, batch.lines, device), strict=True))
        result[kind] = score(pairs)
    return result


def _read(model: torch.nn.Module, lines: torch.Tensor, device: torch.device) -> list[str]:
    return greedy(model(lines.to(device).float() / 255).float())


Labelled = tuple[npt.NDArray[np.uint8], str, str]


def read_labelled(
    model: torch.nn.Module, lines: Sequence[Labelled], spec: LineSpec, device: torch.device
) -> dict[str, Score]:
    """Scores by category of (line image (32, W) preprocessed, truth, category)."""
    pairs: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    found = labelled_pairs(model, lines, spec, device)
    for (_, _, category), pair in zip(lines, found, strict=True):
        pairs[category].append(pair)
    return {category: score(found) for category, found in sorted(pairs.items())}


@torch.no_grad()
def labelled_pairs(
    model: torch.nn.Module, lines: Sequence[Labelled], spec: LineSpec, device: torch.device
) -> list[tuple[str, str]]:
    """(truth, reading) of each line; receipts' in upper case, as their labels are."""
    pairs = []
    for image, truth, category in lines:
        width = image.shape[1]
        padded = max(bucket_for(width, spec), width + -width % spec.stride)
        canvas = np.full((1, 1, spec.height, padded), spec.pad_value, np.uint8)
        canvas[0, 0, :, :width] = image
        (reading,) = _read(model, torch.from_numpy(canvas), device)
        upper = category.startswith("receipt")
        pairs.append((truth.upper(), reading.upper()) if upper else (truth, reading))
    return pairs


def labelled_lines(path: Path, spec: LineSpec) -> list[Labelled]:
    """The images of a labels.tsv, preprocessed. Raises ValueError on missing columns."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or not {"file", "text", "category", "lang"} <= rows[0].keys():
        raise ValueError(f"{path}: needs the columns file, text, category, lang")
    return [
        (
            fast_line(load_image(path.parent / row["file"]), spec.height),
            row["text"],
            f"{row['category']}/{row['lang']}",
        )
        for row in rows
    ]
