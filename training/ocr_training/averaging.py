"""Weights between those that a run started from and those that it came to.

What a run of few lines learns anew it pays for with some of what was known. On the way between the
two ends, a recogniser often reads both better than either end (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models").
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import torch

from ocr_export.checkpoint import Recogniser, load_checkpoint, save_checkpoint


@torch.no_grad()
def between(after: Recogniser, before: Recogniser, share: float) -> Recogniser:
    """share: of `before`, 0..1. Changes `after`'s network. Raises ValueError where they differ."""
    if (after.arch, after.config) != (before.arch, before.config):
        raise ValueError(
            f"a {after.arch} and a {before.arch} of other sizes have no weights between"
        )
    if not 0 <= share <= 1:
        raise ValueError(f"share: {share} is not between 0 and 1")
    old = before.network.state_dict()
    for key, value in after.network.state_dict().items():
        if value.is_floating_point():  # running means and variances, too
            value.lerp_(old[key], share)
    return after


def write_between(after: Path, before: Path, share: float, out: Path) -> None:
    """A checkpoint in FP16 that says what it is made of. Raises ValueError, one line."""
    recogniser = between(load_checkpoint(after), load_checkpoint(before), share)
    digest = hashlib.sha256(before.read_bytes()).hexdigest()
    facts = {**recogniser.training, "averaged": {"share": share, "with_sha256": digest}}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(out, dataclasses.replace(recogniser, training=facts), half=True)
