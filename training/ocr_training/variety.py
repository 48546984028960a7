"""What training meets and evaluation does not, so that figures of evaluation stay comparable.

Each share was set after counting what `crnn:2` lost on real lines (docs/decisions/training.md).
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Variety:
    """Shares of the lines of a kind, 0..1.

    phrases: texts of `phrases`. sizes, gaps: as in `sizes`. small: sources of few rows.
    steep: as in `warp`; neighbours: of those. texture, behind, dotted: as in `surfaces`.
    running: as in `strokes.Hand`.
    """

    phrases: float = 0.0
    sizes: float = 0.0
    gaps: float = 0.0
    small: float = 0.0
    steep: float = 0.0
    neighbours: float = 0.0
    texture: float = 0.0
    behind: float = 0.0
    dotted: float = 0.0
    running: float = 0.0


NONE = Variety()
TRAINED = {
    "print": Variety(phrases=0.18, sizes=0.10, gaps=0.03, small=0.30, texture=0.02, behind=0.02),
    "scan": Variety(phrases=0.10, sizes=0.08, gaps=0.04, small=0.08),
    "photo": Variety(
        phrases=0.30, sizes=0.28, gaps=0.14, small=0.20, steep=0.03, texture=0.08, dotted=0.03
    ),
    "handwriting": Variety(running=0.5),
    "sign": Variety(
        phrases=0.50,
        sizes=0.12,
        gaps=0.12,
        small=0.08,
        steep=0.42,
        neighbours=0.3,
        texture=0.35,
        behind=0.22,
        dotted=0.06,
    ),
}


def happens(rng: np.random.Generator, share: float) -> bool:
    """Never draws for a share of 0, so evaluation's lines do not change with the shares above."""
    return share > 0 and rng.random() < share
