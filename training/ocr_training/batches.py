"""Batches of made lines, padded to the width buckets they are served with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from ocr_export import alphabet
from ocr_preprocessing.spec import LineSpec
from ocr_preprocessing.windows import bucket_for
from ocr_training.lines import LineMaker, MadeLine

POOL = 768  # lines made before they are sorted by width
COLUMNS = 14 * 256  # of pixels in a batch: small ones, for steps are worth more than their size
CORE = 0.44  # of a character's width is surely the character (see ocr.md)
UNKNOWN = -1


@dataclasses.dataclass
class Batch:
    """lines: UINT8 (N, 1, 32, W). targets: classes of all texts, end to end; lengths: (N,).

    frames: (N, W / stride) class of every step, 0 for blank, UNKNOWN between the two.
    tries: how often each line came back (see `replay`); empty for lines never seen before.
    """

    lines: torch.Tensor
    targets: torch.Tensor
    lengths: torch.Tensor
    frames: torch.Tensor
    texts: list[str]
    kinds: list[str]
    tries: list[int] = dataclasses.field(default_factory=list)


class MadeBatches(IterableDataset[Batch]):
    """The endless stream of batches of a seed, from pool `first_pool` on.

    short_lines: the first so many lines have at most 8 characters (curriculum).
    """

    def __init__(
        self,
        fonts: Path,
        spec: LineSpec,
        *,
        seed: int,
        first_pool: int = 0,
        short_lines: int = 0,
        characters: str = "",
        columns: int = COLUMNS,
    ) -> None:
        self._fonts, self._spec, self._seed = fonts, spec, seed
        self._characters, self._columns = characters, columns
        self._first_pool, self._short_lines = first_pool, short_lines

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        maker = LineMaker(self._fonts, characters=self._characters)
        pool = self._first_pool
        while True:
            short = pool * POOL < self._short_lines
            rng = np.random.default_rng((self._seed, pool, 1))
            lengths = 1 + rng.integers(8, size=POOL) if short else np.zeros(POOL, int)
            lines = [
                maker.make(self._seed, pool * POOL + i, length=int(lengths[i])) for i in range(POOL)
            ]
            yield from pool_batches(lines, self._spec, rng, self._columns)
            pool += 1


def pool_batches(
    lines: list[MadeLine], spec: LineSpec, rng: np.random.Generator, columns: int = COLUMNS
) -> Iterator[Batch]:
    """Lines sorted by width, cut into batches of about `columns` of pixels, shuffled."""
    usable = [line for line in lines if fits(line, spec)]
    usable.sort(key=lambda line: line.image.shape[1])
    groups: list[list[MadeLine]] = [[]]
    for line in usable:
        if (len(groups[-1]) + 1) * bucket_for(line.image.shape[1], spec) > columns:
            groups.append([])
        groups[-1].append(line)
    for index in rng.permutation(len(groups)):
        if groups[index]:
            yield collate(groups[index], spec, rng)


def fits(line: MadeLine, spec: LineSpec) -> bool:
    """Whether CTC can emit the text in the line's steps, and a bucket holds it."""
    repeats = sum(a == b for a, b in zip(line.text, line.text[1:], strict=False))
    steps = line.image.shape[1] // spec.stride
    return bool(len(line.text) + repeats <= steps and line.image.shape[1] <= spec.width_buckets[-1])


def collate(lines: list[MadeLine], spec: LineSpec, rng: np.random.Generator | None = None) -> Batch:
    """Pads to the bucket of the widest; with `rng`, now and then to a wider one."""
    width = max(bucket_for(line.image.shape[1], spec) for line in lines)
    if rng is not None and rng.random() < 0.1:
        width = next((wider for wider in spec.width_buckets if wider > width), width)
    images = np.full((len(lines), 1, spec.height, width), spec.pad_value, np.uint8)
    frames = np.zeros((len(lines), width // spec.stride), np.int64)
    classes = alphabet.class_of()
    targets: list[int] = []
    for i, line in enumerate(lines):
        images[i, 0, :, : line.image.shape[1]] = line.image
        codes = [classes[character] for character in line.text]
        targets.extend(codes)
        frames[i] = frame_classes(codes, line.spans / spec.stride, frames.shape[1])
    return Batch(
        torch.from_numpy(images),
        torch.tensor(targets),
        torch.tensor([len(line.text) for line in lines]),
        torch.from_numpy(frames),
        [line.text for line in lines],
        [line.kind for line in lines],
    )


def frame_classes(
    codes: list[int], spans: npt.NDArray[np.floating], steps: int
) -> npt.NDArray[np.int64]:
    """Class of each step. spans: (characters, 2) in steps. The core of a character is its
    class, the rest of its width unknown, everything else blank.
    """
    frames = np.zeros(steps, np.int64)
    for left, right in spans:
        frames[max(0, int(left)) : max(0, int(np.ceil(right)))] = UNKNOWN
    for code, (left, right) in zip(codes, spans, strict=True):
        middle, reach = (left + right) / 2, (right - left) * CORE / 2
        first = int(np.clip(round(middle - reach - 0.5), 0, steps - 1))
        last = int(np.clip(round(middle + reach - 0.5), first, steps - 1))
        frames[first : last + 1] = code
    return frames
