"""From the ink of a line to a piece of the page, board or wall that it stands on, in colour."""

from __future__ import annotations

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training import degrade, overlays, surfaces
from ocr_training.glyphs import EM, Mask
from ocr_training.layout import Ink

from .chance import Draw
from .colours import Colour, paper_and_ink

Pixels = npt.NDArray[np.float32]
Cover = npt.NDArray[np.float32]  # (rows, columns) 0..1: how much of what is below is hidden

PAD: Final = EM  # pixels of page around the line's ink, on all sides
_NEIGHBOURS: Final = {"print": 0.4, "scan": 0.9, "invoice": 0.8, "handwriting": 0.5, "sign": 0.0}
_UNEVEN: Final = {"print": 0.0, "scan": 0.4, "invoice": 0.6, "handwriting": 0.5, "sign": 0.6}


@dataclasses.dataclass
class Page:
    """pixels: (rows, columns, 3) BGR 0..255. left, top, right, bottom: of the line's ink.

    room: pixels around the ink that are in the picture in any case.
    """

    pixels: Pixels
    left: int
    top: int
    right: int
    bottom: int
    room: int = 0

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def line(self) -> tuple[slice, slice]:
        """Rows and columns of the line with its room."""
        rows = slice(self.top - self.room, self.bottom + self.room)
        return rows, slice(self.left - self.room, self.right + self.room)


def page(draw: Draw, ink: Ink, ghost: Mask) -> Page:
    """ghost: ink of another text, for watermarks, seals and the other side of the sheet."""
    mask, box = _laid_out(draw, ink)
    rng = draw.stream("paper")
    inverse, thermal = draw.happens("inverse"), draw.happens("thermal")
    paper, colour = paper_and_ink(
        draw.kind, rng, inverse=inverse is not None, thermal=thermal is not None
    )
    made = Page(np.empty((*mask.shape, 3), np.float32), *box)
    made.pixels[:] = paper
    if rng.random() < _UNEVEN[draw.kind]:
        made.pixels += _clouds(mask.shape, rng.uniform(2, 9), rng)[..., None]
    around = None
    if outline := draw.happens("outline"):
        mask, around = _outlined(mask, outline)
    _below(draw, made, mask, ghost)
    if around is not None:
        lay(made.pixels, around, paper * 0.25 if colour.mean() > paper.mean() else 255 - colour)
    cover = covering(mask)
    if thermal is not None:
        cover *= _faded(cover.shape, thermal)
    lay(made.pixels, cover, colour)
    _above(draw, made, colour, ghost)
    return made


def _laid_out(draw: Draw, ink: Ink) -> tuple[Mask, tuple[int, int, int, int]]:
    """The line with page around it and, mirrored, the lines next to it."""
    rng = draw.stream("frame")
    height = ink.last_row - ink.first_row + 1
    least = max(height, EM // 2)  # a line of dashes is as high as another
    line = ink.mask[ink.first_row : ink.last_row + 1]
    inked = np.flatnonzero(line.any(axis=0))
    line = line[:, inked[0] : inked[-1] + 1]
    mask: Mask = np.zeros((least + 2 * PAD, line.shape[1] + 2 * PAD), np.uint8)
    top = PAD + (least - height) // 2
    _paste(mask, line, top)
    leading = round(least * rng.uniform(1.3, 1.9))
    for shift in (-leading, leading):
        if rng.random() < _NEIGHBOURS[draw.kind]:
            _paste(mask, line[:, ::-1], top + shift)
    return mask, (PAD, PAD, mask.shape[1] - PAD, PAD + least)


def _paste(target: Mask, source: Mask, y: int) -> None:
    first, last = max(y, 0), min(y + source.shape[0], target.shape[0])
    if last > first:
        part = target[first:last, PAD : PAD + source.shape[1]]
        np.maximum(part, source[first - y : last - y], out=part)


def _below(draw: Draw, made: Page, mask: Mask, ghost: Mask) -> None:
    """What the letters are written over."""
    pixels = made.pixels
    if rng := draw.happens("texture"):
        flat = np.full(mask.shape, 128, np.float32)
        while np.abs(flat[made.line] - 128).mean() < 5:  # a joint may lie beside the line
            surfaces.texture(flat, rng)
        pixels += (flat - 128)[..., None]
    if rng := draw.happens("ruled"):
        _rule(made, rng)
    if rng := draw.happens("bleed-through"):
        back = cv2.GaussianBlur(mask[:, ::-1], (0, 0), rng.uniform(1.2, 3))
        back = np.roll(back, int(rng.integers(-EM // 2, EM // 2)), axis=0)
        pixels -= (back * np.float32(rng.uniform(12, 40) / 255))[..., None]
    if rng := draw.happens("watermark"):
        part = pixels[made.line]
        over = np.zeros(part.shape[:2], np.float32)
        while over.mean() < 0.01 * 255:  # a short word may lie beside a long line
            overlays.watermark(over, ghost, -255.0, rng)
        over = covering(np.minimum(over, 255), rng.uniform(0.4, 0.9))
        if part.mean() < 100:
            lay(part, over, np.full(3, 140, np.float32))
        else:
            _shade(
                part, over, ((0.72, 0.72, 0.72), (0.6, 0.6, 0.9), (0.9, 0.7, 0.55))[rng.integers(3)]
            )


def _above(draw: Draw, made: Page, ink: Colour, ghost: Mask) -> None:
    """What lies over the letters."""
    for word, stroke in (
        ("underline", overlays.underline),
        ("strike", overlays.strike_through),
        ("box", overlays.box),
    ):
        if rng := draw.happens(word):
            if word != "strike":  # below the letters, or around them
                made.room = made.height // 8
            part = made.pixels[made.line]
            over = np.zeros(part.shape[:2], np.float32)
            while over.any(axis=0).mean() < 0.15:  # strokes may be short, boxes lie outside
                stroke(over, 1.0, rng)
            lay(part, over, ink)
    if rng := draw.happens("stamp"):
        lay(made.pixels, _seal(made, ghost, rng), np.array((60, 40, 205), np.float32))
    if rng := draw.happens("stain"):
        lay(made.pixels, _stain(made, rng), np.array((60, 95, 130), np.float32))


def covering(mask: npt.NDArray[np.generic], strength: float = 1.0) -> Cover:
    """mask: 0..255. strength: of what is laid on, 0..1."""
    return np.asarray(mask * np.float32(strength / 255), np.float32)


def lay(pixels: Pixels, cover: Cover, colour: Colour) -> None:
    pixels += cover[..., None] * (colour - pixels)


def _shade(pixels: Pixels, cover: Cover, tint: tuple[float, float, float]) -> None:
    """tint: shares of blue, green and red that are left, so that it shows on every light ground."""
    pixels *= 1 - cover[..., None] * (1 - np.array(tint, np.float32))


def _clouds(shape: tuple[int, int], amount: float, rng: np.random.Generator) -> Pixels:
    """Slow changes of tone: few random values, scaled up."""
    cells = (int(rng.integers(2, 4)), int(rng.integers(2, 3 + shape[1] // (4 * EM))))
    few = np.clip(rng.normal(128, amount, cells), 0, 255).astype(np.uint8)
    wide = cv2.resize(few, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32) - 128


def _outlined(mask: Mask, rng: np.random.Generator) -> tuple[Mask, Cover | None]:
    """Hollow letters, or full ones and the border around them."""
    if rng.random() < 0.5:
        return degrade.outline(mask, rng), None
    size = int(rng.integers(3, 8))
    around = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return mask, covering(around)


def _faded(shape: tuple[int, int], rng: np.random.Generator) -> Cover:
    """What is left of thermal print, as a share: less in patches, and where the head is worn."""
    left = 1 - np.abs(_clouds(shape, rng.uniform(10, 45), rng)) / 128
    for row in rng.integers(0, shape[0], size=int(rng.integers(0, 4))):
        left[row : row + 2] *= np.float32(rng.uniform(0.2, 0.7))
    return np.asarray(np.clip(left * rng.uniform(0.75, 1.0), 0.25, 1), np.float32)


def _rule(made: Page, rng: np.random.Generator) -> None:
    """Writing paper: a line below the letters and at equal distances, now and then squares."""
    rows, columns = made.pixels.shape[:2]
    over = np.zeros((rows, columns), np.uint8)
    step = max(8, round(made.height * rng.uniform(1.15, 1.7)))
    first = made.bottom - round(made.height * rng.uniform(0.03, 0.15))
    thickness = int(rng.integers(2, 4))
    for y in range(first % step, rows, step):
        cv2.line(over, (0, y), (columns, y), 255, thickness)
    if rng.random() < 0.25:
        for x in range(int(rng.integers(0, step)), columns, step):
            cv2.line(over, (x, 0), (x, rows), 255, thickness)
    tints = ((0.9, 0.75, 0.6), (0.72, 0.72, 0.72), (0.62, 0.62, 0.9), (0.75, 0.85, 0.7))
    _shade(made.pixels, covering(over, rng.uniform(0.8, 1.0)), tints[rng.integers(len(tints))])


def _seal(made: Page, ghost: Mask, rng: np.random.Generator) -> Cover:
    """Two rings and a word, over a part of the line."""
    rows, columns = made.pixels.shape[:2]
    over = np.zeros((rows, columns), np.uint8)
    radius = round(made.height * rng.uniform(0.9, 1.8))
    x = int(rng.integers(made.left, made.right))
    y = int(rng.integers(made.top - radius // 2, made.bottom + radius // 2))
    for share, thickness in ((1.0, 3), (0.8, 1)):
        cv2.circle(over, (x, y), round(radius * share), 255, thickness, cv2.LINE_AA)
    scale = 1.2 * radius / ghost.shape[1]
    turn = cv2.getRotationMatrix2D((0, 0), rng.uniform(-20, 20), scale)
    turn[:, 2] = (x - 0.6 * radius, y - scale * ghost.shape[0] / 2)
    over = np.maximum(over, cv2.warpAffine(ghost, turn, (columns, rows)))
    return covering(over, rng.uniform(0.35, 0.7))


def _stain(made: Page, rng: np.random.Generator) -> Cover:
    """A ring as of a cup, or a blot; the letters are seen through it."""
    rows, columns = made.pixels.shape[:2]
    over = np.zeros((rows, columns), np.uint8)
    height = made.height
    x = int(rng.integers(made.left, made.right))
    y = int(rng.integers(made.top, made.bottom))
    if rng.random() < 0.5:
        radius = round(height * rng.uniform(1.0, 3.0))
        centre = (x, y + (radius if rng.random() < 0.5 else -radius))
        cv2.circle(over, centre, radius, 255, round(height * rng.uniform(0.1, 0.25)))
    else:
        axes = (round(height * rng.uniform(0.4, 1.5)), round(height * rng.uniform(0.3, 0.8)))
        cv2.ellipse(over, (x, y), axes, rng.uniform(0, 180), 0, 360, 255, -1)
    soft = cv2.GaussianBlur(over, (0, 0), rng.uniform(1, 5))
    return covering(soft, rng.uniform(0.15, 0.45))
