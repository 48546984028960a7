"""Made text lines: image, text and the place of every character; a function of (seed, index)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.fast import fast_line
from ocr_training import degrade, fonts
from ocr_training.corpus import Corpus
from ocr_training.glyphs import EM, GlyphCache
from ocr_training.layout import Ink, Style, Typesetter
from ocr_training.strokes import Strokes

HEIGHT = 32
KINDS = {"print": 0.32, "scan": 0.13, "photo": 0.24, "handwriting": 0.12, "sign": 0.19}
LATIN_ROLES = {
    "print": ("serif", "sans", "mono"),
    "scan": ("serif", "sans"),
    "photo": ("mono", "sans", "serif"),
    "handwriting": ("hand",),
    "sign": ("poster", "sans", "serif"),
}
CHINESE_ROLES = {
    "print": ("song", "hei", "kai", "display"),
    "scan": ("song", "kai", "hei"),
    "photo": ("hei", "song"),
    "handwriting": ("brush", "kai"),
    "sign": ("hei", "display", "brush", "kai", "song"),
}


@dataclasses.dataclass(frozen=True)
class MadeLine:
    """image: gray UINT8 (32, W). spans: (characters, 2) left and right in pixels of `image`."""

    image: npt.NDArray[np.uint8]
    text: str
    kind: str
    spans: npt.NDArray[np.float32]


class LineMaker:
    """Makes lines of the five kinds from the fonts in `folder` (see `make fonts`).

    held_out: fonts and words that training never sees, for evaluation.
    characters: if given, texts are drawn from these alone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        held_out: bool = False,
        characters: str = "",
    ) -> None:
        """Raises FileNotFoundError when the fonts are missing."""
        self._corpus = Corpus(folder, held_out=held_out, characters=characters)
        self._typesetter = Typesetter(GlyphCache(folder), Strokes(folder / "strokes.json"))
        self._faces: dict[tuple[str, str], list[tuple[fonts.Font, frozenset[str]]]] = {}
        catalogue = fonts.catalogue(folder)
        for script in ("chinese", "latin"):
            of_script = [font for font in catalogue if font.script == script]
            # A small folder holds out nothing: then the same fonts serve both.
            chosen = [font for font in of_script if font.held_out == held_out] or of_script
            for font in chosen:
                face = (font, fonts.coverage(folder, font))
                self._faces.setdefault((script, font.role), []).append(face)
                self._faces.setdefault((script, "any"), []).append(face)

    def raw(
        self, seed: int, index: int, kind: str = "", length: int = 0, text: str = ""
    ) -> tuple[npt.NDArray[np.uint8], MadeLine]:
        """The photographed line before preprocessing, gray (h, w), and what it becomes.

        kind, length, text: drawn when left out. Characters no font has are left out of the text.
        """
        rng = np.random.default_rng((seed, index))
        kind = kind or str(rng.choice(list(KINDS), p=list(KINDS.values())))
        length = length or 1 + int(rng.gamma(2.2, 4.2))
        text, face_of = self._text_and_faces(rng, kind, min(length, 36), text)
        ink = self._ink(rng, kind, text, face_of)
        image, spans = self._photograph(rng, kind, ink)
        if rng.random() < 0.85:
            line = fast_line(image, HEIGHT)
        else:  # other preprocessing must not be a stranger to the model
            width = max(1, round(image.shape[1] * HEIGHT / image.shape[0]))
            line = np.asarray(cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_LINEAR))
        scale = line.shape[1] / image.shape[1]
        return image, MadeLine(line, text, kind, (spans * scale).astype(np.float32))

    def make(self, seed: int, index: int, kind: str = "", length: int = 0) -> MadeLine:
        """Line `index` of the stream `seed`, preprocessed as it is served."""
        return self.raw(seed, index, kind, length)[1]

    def _text_and_faces(
        self, rng: np.random.Generator, kind: str, length: int, wanted: str
    ) -> tuple[str, dict[str, fonts.Font]]:
        """A text whose characters all have a face; what no face of the line has is left out."""
        for _ in range(8):
            text = wanted or self._corpus.text(rng, kind, length)
            latin = self._pick(rng, "latin", LATIN_ROLES[kind])
            chinese = self._pick(rng, "chinese", CHINESE_ROLES[kind])
            order = [latin, chinese] if rng.random() < 0.75 else [chinese, latin]
            face_of = {}
            for character in set(text):
                for font, covered in order if ord(character) < 0x250 else [chinese]:
                    if character in covered:
                        face_of[character] = font
                        break
            text = " ".join("".join(c for c in text if c in face_of).split())
            if text:
                return text, face_of
        face = self._faces["chinese", "any"][0][0]
        return "中", {"中": face}

    def _pick(
        self, rng: np.random.Generator, script: str, roles: tuple[str, ...]
    ) -> tuple[fonts.Font, frozenset[str]]:
        role = roles[rng.integers(len(roles))]
        faces = self._faces.get((script, role)) or self._faces[script, "any"]
        return faces[rng.integers(len(faces))]

    def _ink(
        self, rng: np.random.Generator, kind: str, text: str, face_of: dict[str, fonts.Font]
    ) -> Ink:
        style = Style(
            spacing=float(
                rng.choice([0, rng.uniform(-2, 3), rng.uniform(2, 16)], p=[0.5, 0.3, 0.2])
            ),
            bounce=float(rng.uniform(0.5, 3)) if kind == "handwriting" else 0.0,
            slant=float(rng.uniform(-0.1, 0.3)) if rng.random() < 0.12 else 0.0,
            weight=int(rng.choice([-1, 0, 1, 2], p=[0.1, 0.7, 0.13, 0.07])),
            stretch=float(rng.uniform(0.68, 1.25)) if rng.random() < 0.45 else 1.0,
        )
        if kind == "handwriting" and rng.random() < 0.75:
            ink = self._typesetter.written(text, face_of, style, rng)
        else:
            ink = self._typesetter.printed(text, face_of, style, rng)
        if kind == "sign" and rng.random() < 0.12:
            ink.mask = degrade.outline(ink.mask, rng)
        return ink

    def _photograph(
        self, rng: np.random.Generator, kind: str, ink: Ink
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        mask, spans = _crop(ink, rng)
        page = degrade.paper(mask.shape, kind, rng)
        if rng.random() < {"handwriting": 0.45, "photo": 0.15, "scan": 0.12}.get(kind, 0.06):
            degrade.rules(page, rng)
        if kind == "scan" and rng.random() < 0.25:
            page = degrade.bleed_through(page, mask, rng)
        image = degrade.write(page, mask, kind, rng)
        image = _bend(image, kind, rng)
        # Source heights: what cameras and scanners deliver, small ones among them.
        low, high = {"photo": (11, 44), "sign": (12, 60), "scan": (16, 56)}.get(kind, (14, 60))
        height = int(rng.integers(low, high))
        rough = rng.random()
        hard = {"print": 0.5, "scan": 0.8, "handwriting": 0.6}.get(kind, 1.0)
        if rough < 0.55:
            sigma = image.shape[0] / height * rng.uniform(0.2, 0.75) * hard
            image = degrade.blur(image, sigma, rng)
        width = max(4, round(image.shape[1] * height / image.shape[0]))
        way = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(image, (width, height), interpolation=way), np.float32)
        spans *= width / image.shape[1]
        if rng.random() < 0.5:
            small = degrade.noise(small, rng.uniform(1, 14) * hard, rng)
        if kind in {"photo", "sign"} and rng.random() < 0.08:
            small = degrade.moire(small, rng)
        result = np.clip(small, 0, 255).astype(np.uint8)
        if rng.random() < 0.45:
            result = degrade.jpeg(result, int(rng.integers(25, 95)))
        return result, spans


def _crop(
    ink: Ink, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Cuts the line tight or loose; remains of a neighbouring line may be left inside."""
    height = ink.last_row - ink.first_row + 1
    least = max(height, EM // 2)  # a line of dashes is not cut to the dash
    slack = least - height
    margins = rng.choice([0.02, 0.12, 0.3], p=[0.3, 0.5, 0.2]) * least * rng.random(2)
    top = int(ink.first_row - slack / 2 - margins[0] + (rng.random() < 0.1) * 0.06 * least)
    bottom = int(ink.last_row + 1 + slack / 2 + margins[1] - (rng.random() < 0.1) * 0.06 * least)
    side = rng.choice([0.05, 0.4, 1.0], p=[0.4, 0.4, 0.2]) * EM * rng.random(2)
    left = int(ink.spans[:, 0].min() - side[0])
    right = int(ink.spans[:, 1].max() + side[1]) + 1
    columns = max(8, right - left)
    mask = np.zeros((max(8, bottom - top), columns), np.uint8)
    _paste(mask, ink.mask, -left, -top)
    if rng.random() < 0.12:
        shift = int(least * rng.uniform(1.02, 1.25)) * (1 if rng.random() < 0.5 else -1)
        _paste(mask, ink.mask[:, ::-1], -left, -top + shift)
    return mask, ink.spans - left


def _paste(target: npt.NDArray[np.uint8], source: npt.NDArray[np.uint8], x: int, y: int) -> None:
    x0, y0 = max(x, 0), max(y, 0)
    x1 = min(x + source.shape[1], target.shape[1])
    y1 = min(y + source.shape[0], target.shape[0])
    if x1 > x0 and y1 > y0:
        part = target[y0:y1, x0:x1]
        np.maximum(part, source[y0 - y : y1 - y, x0 - x : x1 - x], out=part)


def _bend(
    image: npt.NDArray[np.float32],
    kind: str,
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Skew, perspective and waves of a page held in a hand. Columns stay near their place."""
    if rng.random() > {"print": 0.15, "scan": 0.4, "handwriting": 0.3}.get(kind, 0.6):
        return image
    rows, columns = image.shape
    x = np.arange(columns, dtype=np.float32)[None]
    y = np.arange(rows, dtype=np.float32)[:, None]
    rise = rng.normal(0, 0.06) * rows * (x / columns - 0.5)
    wave = rng.normal(0, 0.025) * rows * np.sin(2 * np.pi * (x / columns * rng.uniform(0.3, 2)))
    taper = 1 + rng.normal(0, 0.07) * (x / columns - 0.5)
    source_y = (y - rows / 2) * taper + rows / 2 + rise + wave
    shear = rng.normal(0, 0.06)
    source_x = x + shear * (y - rows / 2)
    return np.asarray(
        cv2.remap(
            image,
            np.broadcast_to(source_x, image.shape).astype(np.float32),
            source_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )
