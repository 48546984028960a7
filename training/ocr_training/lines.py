"""Made text lines: image, text and the place of every character; a function of (seed, index)."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.fast import fast_line
from ocr_training import degrade, fonts
from ocr_training.corpus import Corpus
from ocr_training.glyphs import GlyphCache
from ocr_training.layout import Ink, Style, Typesetter
from ocr_training.photograph import OVERLAYS, photograph, pick
from ocr_training.sizes import Setting, draw_setting
from ocr_training.strokes import Strokes
from ocr_training.variety import NONE, TRAINED, Variety, happens

HEIGHT = 32
# Print and scans were nearly flat after version 3; handwriting and signs were not.
KINDS = {"print": 0.19, "scan": 0.08, "photo": 0.21, "handwriting": 0.28, "sign": 0.24}
_SHARES = tuple(itertools.accumulate(KINDS.values()))
# Of lines that fill their column, as book pages' do; in training, in evaluation as in real scans.
FULL = {False: {"scan": 0.4, "print": 0.15}, True: {"scan": 0.7, "print": 0.15}}
# Of the degradations of training, so many meet a line of evaluation: chosen so that Tesseract and
# RapidOCR score on these lines about what they score on real lines of the kind (docs/models.md).
EVALUATED = {"print": 0.2, "scan": 0.15, "photo": 0.5, "sign": 0.8}
HARM: dict[bool, dict[str, float]] = {False: {}, True: EVALUATED}
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
# Slips and shop fronts are set in these, too; evaluation stays with those above.
TRAINED_LATIN = {"sign": ("poster", "poster", "sans", "serif", "hand")}
TRAINED_CHINESE = {"photo": ("hei", "song", "kai")}
# Display and brush type are trained on as print, too, but hardly anybody prints in them.
EVALUATED_ROLES = {"print": ("song", "hei", "song", "hei", "kai"), "scan": ("song", "hei")}


@dataclasses.dataclass(frozen=True)
class MadeLine:
    """image: gray UINT8 (32, W). spans: (characters, 2) left and right in pixels of `image`."""

    image: npt.NDArray[np.uint8]
    text: str
    kind: str
    spans: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Typeface:
    """A Latin and a Chinese face, each with the characters that it has."""

    latin: tuple[fonts.Font, frozenset[str]]
    chinese: tuple[fonts.Font, frozenset[str]]


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
        self._held_out = held_out
        self._chinese_roles = CHINESE_ROLES | (EVALUATED_ROLES if held_out else TRAINED_CHINESE)
        self._latin_roles = LATIN_ROLES | ({} if held_out else TRAINED_LATIN)
        self._varieties = {} if held_out else TRAINED
        self._harm = HARM[held_out]
        # Another face is looked for where one lacks characters. In training once: Japanese and
        # Taiwanese faces lack a third of a simplified text, and would hardly ever be used.
        self._tries = 3 if held_out else 1
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
        self.corpus = Corpus(folder, held_out=held_out, characters=characters, kept=self._kept)

    def raw(
        self, seed: int, index: int, kind: str = "", length: int = 0, text: str = ""
    ) -> tuple[npt.NDArray[np.uint8], MadeLine]:
        """The photographed line before preprocessing, gray (h, w), and what it becomes.

        kind, length, text: drawn when left out. Characters no font has are left out of the text.
        """
        rng = np.random.default_rng((seed, index))
        kind, text, face_of = self._begun(rng, kind, length, text)
        variety = self._varieties.get(kind, NONE)
        setting = _setting(rng, text, variety)
        if setting:  # half of few rows is not to be read
            variety = dataclasses.replace(variety, small=0.0)
        ink = self._written(rng, kind, text, face_of, setting, variety)
        if kind == "sign" and rng.random() < 0.12:
            ink.mask = degrade.outline(ink.mask, rng)
        ghost = None
        if rng.random() < OVERLAYS[kind]["watermark"] * self._harm.get(kind, 1.0):
            ghost = self.ink(self.corpus.text(rng, "print", 6))
        image, spans = photograph(rng, kind, ink, ghost, self._harm.get(kind, 1.0), variety)
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

    def text(self, seed: int, index: int) -> str:
        """What that line says, without making it: a tenth of the time."""
        return self._begun(np.random.default_rng((seed, index)), "", 0, "")[1]

    def written(self, rng: np.random.Generator, kind: str, text: str = "") -> tuple[str, Ink]:
        """A text and its ink before any picture is taken of it, for pictures of another make.

        text: drawn when left out. Characters no font has are left out of it.
        """
        kind, text, face_of = self._begun(rng, kind, 0, text)
        return text, self._written(rng, kind, text, face_of, None, self._varieties.get(kind, NONE))

    def ink(self, text: str) -> npt.NDArray[np.uint8]:
        """The text (rows, columns) 0..255 in the first Chinese face, cut to its ink."""
        font, covered = self._faces["chinese", "any"][0]
        drawn = "".join(character for character in text if character in covered)
        ink = self._typesetter.printed(
            drawn, dict.fromkeys(drawn, font), Style(), np.random.default_rng(0)
        )
        left, right = int(ink.spans[:, 0].min()), int(ink.spans[:, 1].max())
        return ink.mask[ink.first_row : ink.last_row + 1, left:right]

    def typeface(self, rng: np.random.Generator, kind: str) -> Typeface:
        """Faces for lines of the kind."""
        return Typeface(
            self._pick(rng, "latin", self._latin_roles[kind]),
            self._pick(rng, "chinese", self._chinese_roles[kind]),
        )

    def set(
        self, text: str, face: Typeface, style: Style, rng: np.random.Generator
    ) -> tuple[Ink, str] | None:
        """The ink of a text, from the top of its em box on, and the text without what the face
        lacks. None where nothing is left.
        """
        face_of: dict[str, fonts.Font] = {}
        for character in set(text):
            latin_first = ord(character) < 0x250
            for font, covered in (face.latin, face.chinese) if latin_first else (face.chinese,):
                if character in covered:
                    face_of[character] = font
                    break
        kept = " ".join("".join(c for c in text if c in face_of).split())
        if not kept:
            return None
        return self._typesetter.printed(kept, face_of, style, rng, whole=True), kept

    def _begun(
        self, rng: np.random.Generator, kind: str, length: int, text: str
    ) -> tuple[str, str, dict[str, fonts.Font]]:
        """The kind, the text and the face of each of its characters; drawn where left out."""
        kind = kind or pick(rng, tuple(KINDS), _SHARES)
        length = length or _length(rng, FULL[self._held_out].get(kind, 0))
        return kind, *self._text_and_faces(rng, kind, min(length, 36), text)

    def _text_and_faces(
        self, rng: np.random.Generator, kind: str, length: int, wanted: str
    ) -> tuple[str, dict[str, fonts.Font]]:
        """A text whose characters all have a face; what no face of the line has is left out."""
        for _ in range(16):
            text = wanted or self.corpus.text(rng, kind, length)
            latin = self._pick(rng, "latin", self._latin_roles[kind])
            if latin[0].capitals:
                if wanted != wanted.upper():
                    continue  # a text that was asked for stays as it is
                text = text.upper()
            chinese = self._pick(rng, "chinese", self._chinese_roles[kind])
            characters = set(text)
            wide = {character for character in characters if ord(character) >= 0x250}
            for _ in range(self._tries):  # few faces have all traditional characters
                if wide <= chinese[1]:
                    break
                chinese = self._pick(rng, "chinese", self._chinese_roles[kind])
            order = [latin, chinese] if rng.random() < 0.75 else [chinese, latin]
            face_of = {}
            for character in characters:
                for font, covered in [chinese] if character in wide else order:
                    if character in covered:
                        face_of[character] = font
                        break
            text = " ".join("".join(c for c in text if c in face_of).split())
            if text:
                return text, face_of
        face = self._faces["chinese", "any"][0][0]
        return "中", {"中": face}

    def _kept(self, character: str) -> float:
        """Of the lines whose text holds a Chinese character, how many show it: others meet faces
        that lack it.
        """
        shown = 0.0
        for kind, share in KINDS.items():
            roles = self._chinese_roles[kind]
            for role in roles:
                faces = self._of("chinese", role)
                having = sum(character in covered for _, covered in faces) / len(faces)
                shown += share / len(roles) * (1 - (1 - having) ** (1 + self._tries))
        return shown

    def _pick(
        self, rng: np.random.Generator, script: str, roles: tuple[str, ...]
    ) -> tuple[fonts.Font, frozenset[str]]:
        role = roles[rng.integers(len(roles))]
        faces = self._of(script, role)
        return faces[rng.integers(len(faces))]

    def _of(self, script: str, role: str) -> list[tuple[fonts.Font, frozenset[str]]]:
        return self._faces.get((script, role)) or self._faces[script, "any"]

    def traditional(self, text: str) -> str:
        return self.corpus.traditional(text)

    def _written(
        self,
        rng: np.random.Generator,
        kind: str,
        text: str,
        face_of: dict[str, fonts.Font],
        setting: Setting | None,
        variety: Variety,
    ) -> Ink:
        style = Style(
            spacing=rng.uniform(*pick(rng, ((0, 0), (-2, 3), (2, 16)), (0.5, 0.8, 1.0))),
            bounce=float(rng.uniform(0.5, 3)) if kind == "handwriting" else 0.0,
            slant=float(rng.uniform(-0.1, 0.3)) if rng.random() < 0.12 else 0.0,
            weight=pick(rng, (-1, 0, 1, 2), (0.1, 0.8, 0.93, 1.0)),
            stretch=float(rng.uniform(0.68, 1.25))
            if rng.random() < 0.45 * self._harm.get(kind, 1.0)
            else 1.0,
        )
        if kind == "handwriting" and rng.random() < 0.75:
            running = happens(rng, variety.running)
            return self._typesetter.written(text, face_of, style, rng, running=running)
        return self._typesetter.printed(text, face_of, style, rng, setting)


def _setting(rng: np.random.Generator, text: str, variety: Variety) -> Setting | None:
    """Few lines are of several sizes or set apart; None for all others."""
    sizes, gaps = happens(rng, variety.sizes), happens(rng, variety.gaps)
    return draw_setting(text, sizes=sizes, gaps=gaps, rng=rng) if sizes or gaps else None


def _length(rng: np.random.Generator, full: float) -> int:
    """Characters of a line: about ten, or with probability `full` a full line of a page."""
    if rng.random() < full:
        return int(rng.integers(20, 37))
    return 1 + int(rng.gamma(2.2, 4.2))
