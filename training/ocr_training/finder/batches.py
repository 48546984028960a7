"""Batches of crops without end, of pages that are made while the network learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import IterableDataset

from .crops import Crop, crop
from .pages import FinderPage, FinderPages
from .targets import Targets, targets

OF_A_PAGE = 8  # crops
POOL = 24  # pages that crops are taken from at a time, so that a batch is of several


@dataclasses.dataclass(frozen=True)
class Batch:
    """images UINT8 (N, 1, S, S); all others (N, S/2, S/2), as of `Targets`."""

    images: torch.Tensor
    kernel: torch.Tensor
    text: torch.Tensor
    weight: torch.Tensor
    height: torch.Tensor
    column: torch.Tensor


class CropBatches(IterableDataset[Batch]):
    """first: crops that were seen before, so that a resumed training sees other pages."""

    def __init__(
        self, fonts: Path, *, seed: int, size: int, count: int, first: int = 0,
        held_out: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._fonts, self._seed, self._size, self._count = fonts, seed, size, count
        self._first, self._held_out = first, held_out

    def __iter__(self) -> Iterator[Batch]:
        maker = FinderPages(self._fonts, held_out=self._held_out)
        page = self._first // OF_A_PAGE
        rng = np.random.default_rng((self._seed, page, 11))
        pool: list[FinderPage] = []
        seen = 0
        while True:
            crops = []
            for _ in range(self._count):
                if len(pool) < POOL:
                    pool.append(maker.make(self._seed, page))
                    page += 1
                elif seen % OF_A_PAGE == 0:
                    pool[int(rng.integers(POOL))] = maker.make(self._seed, page)
                    page += 1
                seen += 1
                crops.append(crop(pool[int(rng.integers(len(pool)))], self._size, rng))
            yield batched(crops)


def batched(crops: list[Crop]) -> Batch:
    """With what there is to find in each."""
    found = [targets(one) for one in crops]

    def stacked(field: str) -> torch.Tensor:
        return torch.from_numpy(np.stack([getattr(one, field) for one in found]))

    names = [field.name for field in dataclasses.fields(Targets)]
    images = torch.from_numpy(np.stack([one.image for one in crops])[:, None])
    return Batch(images, **{name: stacked(name) for name in names})
