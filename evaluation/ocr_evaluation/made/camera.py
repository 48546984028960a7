"""From a page to the file of one line: where the camera stands, its light, its lens, its pixels."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training import degrade
from ocr_training.photograph import HEIGHTS, pick

from .chance import Draw
from .kinds import Kind
from .page import Page, Pixels, covering, lay

Picture = npt.NDArray[np.uint8]  # (rows, columns, 3) BGR

LEAST_SKEW: Final = 0.5  # degrees
_ROWS: Final = {**HEIGHTS, "invoice": HEIGHTS["photo"]}  # of the crop of a level line
_MARGINS: Final = (0.02, 0.12, 0.3), (0.3, 0.8, 1.0)
# Degrees, the spread of those that are not level; a scanner's feed pulls straighter than a hand.
_SKEW: Final[dict[Kind, float]] = {"scan": 0.4, "invoice": 1.2, "handwriting": 1.8, "sign": 2.5}
# How much smaller the far end may be.
_FAR: Final[dict[Kind, float]] = {"invoice": 0.18, "handwriting": 0.15, "sign": 0.35}
_GAIN: Final[dict[Kind, tuple[float, float]]] = {"invoice": (0.7, 1.0), "sign": (0.65, 1.05)}
_PHOTOGRAPHS: Final = ("invoice", "sign")


def taken(draw: Draw, made: Page) -> tuple[str, bytes]:
    """The file's ending and its content."""
    line = made.height
    pixels = _light(draw, _framed(draw, made))
    picture = _rounded(_sensor(draw, pixels, line))
    quality = 0
    if rng := draw.happens("compressed"):
        quality = int(rng.integers(25, 51))
    elif draw.kind in _PHOTOGRAPHS:
        quality = int(draw.stream("quality").integers(70, 96))
    if quality:
        parameters = [cv2.IMWRITE_JPEG_QUALITY, quality]
        return ".jpg", cv2.imencode(".jpg", picture, parameters)[1].tobytes()
    return ".png", cv2.imencode(".png", picture)[1].tobytes()


def _framed(draw: Draw, made: Page) -> Pixels:
    """The upright crop around the line as it is seen from where the camera stands."""
    pixels = _rounded(made.pixels)
    if rng := draw.happens("curl"):
        pixels = _curled(pixels, made, rng)
    height, width = made.height, made.right - made.left
    slope, lean, near, far, along = 0.0, 0.0, 1.0, 1.0, 1.0
    if rng := draw.happens("skew"):
        degrees = LEAST_SKEW + abs(float(rng.normal(0, _SKEW[draw.kind])))
        slope = math.tan(math.radians(degrees * (1 if rng.random() < 0.5 else -1)))
    if rng := draw.happens("perspective"):
        ends = (1.0, 1 - _FAR[draw.kind] * rng.uniform(0.3, 1.0))
        near, far = ends if rng.random() < 0.5 else ends[::-1]
        along = rng.uniform(0.75, 1.0)
        lean = rng.normal(0, 0.12)
    rise = float(np.clip(slope * width, -0.9 * height, 0.9 * height))
    corners = np.array(
        [
            (0, -near * height / 2),
            (width * along, rise - far * height / 2),
            (width * along + lean * height, rise + far * height / 2),
            (lean * height, near * height / 2),
        ],
        np.float32,
    )
    source = np.array(
        [
            (made.left, made.top),
            (made.right, made.top),
            (made.right, made.bottom),
            (made.left, made.bottom),
        ],
        np.float32,
    )
    rng = draw.stream("margins")
    room = np.maximum(pick(rng, *_MARGINS) * height * rng.random(4), made.room)
    low = corners.min(axis=0) - room[:2].astype(np.float32)
    high = corners.max(axis=0) + room[2:].astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners - low)
    size = np.maximum(8, np.ceil(high - low)).astype(int).tolist()
    return np.asarray(
        cv2.warpPerspective(pixels, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _curled(pixels: Picture, made: Page, rng: np.random.Generator) -> Picture:
    """An arc along the line, whose box grows with it."""
    rows, columns = pixels.shape[:2]
    deep = made.height * rng.uniform(0.08, 0.25) * (1 if rng.random() < 0.5 else -1)
    arc = deep * (np.linspace(-1, 1, columns) - rng.uniform(-0.4, 0.4)) ** 2
    arc -= arc[made.left : made.right].mean()
    y = np.arange(rows)[:, None] + arc[None]
    x = np.broadcast_to(np.arange(columns)[None], y.shape)
    made.top -= round(float(arc[made.left : made.right].max()))
    made.bottom -= round(float(arc[made.left : made.right].min()))
    maps = x.astype(np.float32), y.astype(np.float32)
    curled = cv2.remap(pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(curled, np.uint8)


def _light(draw: Draw, pixels: Pixels) -> Pixels:
    low, high = _GAIN.get(draw.kind, (1.0, 1.0))
    gain = draw.stream("light").uniform(low, high)
    if rng := draw.happens("shadow"):
        pixels *= (1 - rng.uniform(0.2, 0.6) * _edge(pixels.shape, rng))[..., None]
    if rng := draw.happens("glare"):
        pixels += (rng.uniform(60, 150) * _spot(pixels.shape, rng))[..., None]
        np.minimum(pixels, 255, out=pixels)
    if rng := draw.happens("occlusion"):
        _hide(pixels, rng)
    if rng := draw.happens("dark"):
        gain = rng.uniform(0.25, 0.5)
    pixels *= np.float32(gain)
    return pixels


def _edge(shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    """0 on one side, 1 on the other, soft between; it crosses the picture."""
    rows, columns = shape[:2]
    angle = rng.uniform(0, 2 * math.pi)
    x = np.arange(columns)[None] - columns * rng.uniform(0.2, 0.8)
    y = np.arange(rows)[:, None] - rows * rng.uniform(0.3, 0.7)
    side = (math.cos(angle) * x + math.sin(angle) * y) / (rows * rng.uniform(0.1, 0.8))
    soft = np.clip(side + 0.5, 0, 1)
    return np.asarray(soft * soft * (3 - 2 * soft), np.float32)


def _spot(shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    """1 in the middle of a patch within the picture, 0 far from it."""
    rows, columns = shape[:2]
    x = (np.arange(columns)[None] - columns * rng.uniform(0.1, 0.9)) / (rows * rng.uniform(0.8, 2))
    y = (np.arange(rows)[:, None] - rows * rng.uniform(0.2, 0.8)) / (rows * rng.uniform(0.4, 1))
    near = np.clip(1 - x * x - y * y, 0, 1)
    return np.asarray(near * near, np.float32)


def _hide(pixels: Pixels, rng: np.random.Generator) -> None:
    """One or two things in front: less than a letter each."""
    rows, columns = pixels.shape[:2]
    for _ in range(rng.integers(1, 3)):
        over = np.zeros((rows, columns), np.uint8)
        centre = (int(columns * rng.uniform(0.05, 0.95)), int(rows * rng.uniform(0.25, 0.75)))
        axes = (
            max(2, round(rows * rng.uniform(0.1, 0.3))),
            max(2, round(rows * rng.uniform(0.1, 0.3))),
        )
        cv2.ellipse(over, centre, axes, rng.uniform(0, 180), 0, 360, 255, -1)
        soft = cv2.GaussianBlur(over, (0, 0), max(0.5, rows * 0.02))
        colours = ((60, 90, 70), (140, 165, 205), (40, 40, 45))
        lay(pixels, covering(soft), np.array(colours[rng.integers(3)], np.float32))


def _sensor(draw: Draw, pixels: Pixels, line: int) -> Pixels:
    """As many rows as cameras, scanners and screens deliver for a line of `line` rows."""
    rng = draw.stream("rows")
    low, high = _ROWS[draw.kind]
    scale = low * (high / low) ** rng.random() / (line * 1.15)
    image = _rounded(pixels)
    if blurred := draw.happens("blur"):
        sigma = blurred.uniform(0.45, 0.8) / min(scale, 0.5)  # of pixels, and large letters' more
        image = _rounded(degrade.blur(np.asarray(image, np.float32), sigma, blurred))
    size = (max(4, round(image.shape[1] * scale)), max(4, round(image.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(image, size, interpolation=way), np.float32)
    if grain := draw.happens("noise"):
        flat = np.zeros(small.shape[:2], np.float32)
        small += degrade.noise(flat, grain.uniform(3, 11), grain)[..., None]
    return small


def _rounded(pixels: npt.NDArray[np.generic]) -> Picture:
    """To whole levels, between steps as well: what little processors differ by is lost there."""
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)
