"""Lines with a known answer for each arm: made ones by arithmetic, real ones as they were read before.

What an arm of `answers` answers follows from the image. What a trained arm answers was asked of it
once, by name, on a healthy server; text and confidence together tell two trained arms apart, and
images on which they agree in both are left out.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocr_client import OCRClient
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm

from .answers import MadeArm, expected, number

SWAPPED_FROM: Final = 100  # versions from here on are healthy ones that come and go
MADE_LINES: Final = 600  # for each process, no two alike
NARROWEST, WIDEST = 100, 500  # pixels
REAL_TIMES: Final = 6  # cuts of each sample
NEAR: Final = 2e-3  # of a confidence: a batch rounds a little differently
APART: Final = 1e-2

Known = tuple[str, float]  # text, confidence


@dataclasses.dataclass(frozen=True)
class Line:
    """gray: (32 or so, W) UINT8. number: of `answers`. known: of trained arms."""

    gray: Gray
    number: int
    known: Mapping[str, Known]


@dataclasses.dataclass(frozen=True)
class Material:
    """lines: to be asked for. made: the arms of `answers`, by name."""

    lines: tuple[Line, ...]
    made: Mapping[str, MadeArm]

    @classmethod
    def load(cls, path: str, *, seed: str) -> Material:
        """path: of what `write` wrote. seed: of the made lines; each process has its own."""
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        made = {
            name: MadeArm(Arm.parse(name), kind, share) for name, kind, share in document["made"]
        }
        if document["real"] is None:
            return cls(tuple(made_lines(MADE_LINES, seed)), made)
        with np.load(document["real"]) as pixels:
            lines = [
                Line(pixels[f"{k}"], _number(pixels[f"{k}"]), _known(known))
                for k, known in enumerate(document["known"])
            ]
        return cls(tuple(lines), made)

    def told(self, line: Line, arm: Arm) -> str | None:
        """What an arm says of a line; None: it raises, or nobody knows."""
        if str(arm) in line.known:
            return line.known[str(arm)][0]
        made = self.made.get(str(arm))
        if made is None and arm.version >= SWAPPED_FROM:
            made = MadeArm(arm)
        return None if made is None else expected(made, line.number)

    def right(self, line: Line, arm: Arm, text: str, confidence: float) -> bool:
        """Whether that is this arm's answer to this line."""
        known = line.known.get(str(arm))
        if known is not None and abs(known[1] - confidence) > NEAR:
            return False
        return text == self.told(line, arm)

    def whose(self, line: Line, text: str, confidence: float) -> Arm | None:
        """The arm that would have said so."""
        names = [Arm.parse(name) for name in (*line.known, *self.made)]
        return next((arm for arm in names if self.right(line, arm, text, confidence)), None)


def made_lines(count: int, seed: str) -> list[Line]:
    """Dark strokes on grained paper, 32 high, in most of the width buckets."""
    chance = random.Random(seed)
    rng = np.random.default_rng(chance.randrange(2**32))
    lines = []
    for _ in range(count):
        width = chance.randrange(NARROWEST, WIDEST)
        gray = rng.integers(225, 256, (32, width), np.uint8)
        for left in rng.integers(4, width - 8, width // 12):
            gray[6:26, left : left + 3] = rng.integers(0, 100)
        lines.append(Line(gray, _number(gray), {}))
    return lines


def write(path: Path, made: tuple[MadeArm, ...], real: list[Line] | None = None) -> Path:
    """What client processes load."""
    document: dict[str, Any] = {
        "made": [[str(one.arm), one.kind, one.share] for one in made],
        "real": None,
    }
    if real is not None:
        pixels = path.with_suffix(".npz")
        np.savez(pixels, **{str(k): line.gray for k, line in enumerate(real)})  # type: ignore[arg-type]
        document |= {"real": str(pixels), "known": [dict(line.known) for line in real]}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def asked_before(client: OCRClient, arms: tuple[Arm, ...], samples: Path) -> list[Line]:
    """Real lines with what each trained arm reads in them, on a server that nothing befalls."""
    chance = random.Random(0)
    lines: list[Line] = []
    for path in sorted(samples.glob("*.png")):
        whole = load_image(path)
        for _ in range(REAL_TIMES):
            gray = np.ascontiguousarray(
                whole[chance.randrange(3) :, chance.randrange(1, 9) : -chance.randrange(1, 9)]
            )
            known = {}
            for arm in arms:
                found = client.recognize(gray, arm=arm)
                known[str(arm)] = found.text, found.confidence
            line = Line(gray, _number(gray), known)
            if all(map(_text_of(known), known)) and _apart(line, [*lines]):
                lines.append(line)
    return lines


def _text_of(known: Mapping[str, Known]) -> Any:
    return lambda name: bool(known[name][0])


def _apart(line: Line, others: list[Line]) -> bool:
    """Every answer about it differs from every other answer about it, and about the others."""
    own = list(line.known.values())
    theirs = [known for other in others for known in other.known.values()]
    pairs = [(a, b) for k, a in enumerate(own) for b in (*own[k + 1 :], *theirs)]
    return all(a[0] != b[0] or abs(a[1] - b[1]) > APART for a, b in pairs)


def _number(gray: Gray) -> int:
    windows = prepare_line(gray, LineSpec()).windows
    return number(windows[0].pixels) if len(windows) == 1 else -1


def _known(document: Mapping[str, Any]) -> dict[str, Known]:
    return {name: (text, confidence) for name, (text, confidence) in document.items()}
