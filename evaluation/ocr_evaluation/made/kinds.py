"""The five kinds, and what is done to how many of their images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Kind = Literal["print", "scan", "invoice", "handwriting", "sign"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# What stands in the column `slices`, in the order in which it is done.
WORDS: Final[Mapping[str, str]] = {
    "inverse": "light letters on a dark ground",
    "outline": "hollow letters, or a border around them",
    "texture": "slats, stone, joints or patches behind the letters",
    "ruled": "lines or squares of writing paper",
    "bleed-through": "the other side of the sheet",
    "thermal": "thermal print: pale, faded in patches and in rows",
    "watermark": "large slanted text across",
    "underline": "a stroke below, or below a part",
    "strike": "a stroke through a part",
    "box": "the frame of a table's cell",
    "stamp": "a red seal across",
    "stain": "a ring or blot that lets the letters through",
    "curl": "a page that does not lie flat",
    "skew": "not level, by half a degree or more",
    "perspective": "seen from the side or from below",
    "shadow": "a soft edge of less light across",
    "glare": "a patch of too much light",
    "occlusion": "parts of letters hidden",
    "dark": "less than half of the light",
    "blur": "out of focus, or moved",
    "noise": "grain of a sensor",
    "compressed": "JPEG of quality 25 to 50",
}
# Shares of the images of a kind, chosen so that Tesseract and RapidOCR score on them about what
# they score on real lines of the kind; the figures are in docs/decisions/made-sets.md.
SHARES: Final[Mapping[Kind, Mapping[str, float]]] = {
    "print": {
        "inverse": 0.08,
        "underline": 0.03,
        "box": 0.04,
        "watermark": 0.02,
        "blur": 0.07,
        "noise": 0.04,
        "compressed": 0.05,
    },
    "scan": {
        "bleed-through": 0.25,
        "watermark": 0.03,
        "underline": 0.05,
        "strike": 0.01,
        "box": 0.05,
        "stain": 0.15,
        "curl": 0.08,
        "skew": 0.25,
        "shadow": 0.06,
        "dark": 0.03,
        "blur": 0.15,
        "noise": 0.2,
    },
    "invoice": {
        "thermal": 0.35,
        "watermark": 0.03,
        "underline": 0.03,
        "box": 0.1,
        "stamp": 0.07,
        "stain": 0.04,
        "curl": 0.2,
        "skew": 0.25,
        "perspective": 0.35,
        "shadow": 0.25,
        "glare": 0.05,
        "occlusion": 0.03,
        "dark": 0.06,
        "blur": 0.15,
        "noise": 0.25,
        "compressed": 0.1,
    },
    "handwriting": {
        "ruled": 0.6,
        "bleed-through": 0.06,
        "underline": 0.05,
        "strike": 0.02,
        "stain": 0.04,
        "curl": 0.1,
        "skew": 0.3,
        "perspective": 0.1,
        "shadow": 0.2,
        "dark": 0.06,
        "blur": 0.15,
        "noise": 0.25,
    },
    "sign": {
        "inverse": 0.5,
        "outline": 0.15,
        "texture": 0.2,
        "box": 0.05,
        "skew": 0.25,
        "perspective": 0.5,
        "shadow": 0.25,
        "glare": 0.06,
        "occlusion": 0.05,
        "dark": 0.08,
        "blur": 0.2,
        "noise": 0.25,
        "compressed": 0.1,
    },
}
