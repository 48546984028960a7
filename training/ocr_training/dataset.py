"""Made lines as files: images before preprocessing, and labels.tsv with the truth."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import cv2

from ocr_preprocessing.fast import Gray
from ocr_training.lines import KINDS, LineMaker

LABELS = "labels.tsv"
COLUMNS = ("file", "text", "category", "lang", "source")


@dataclasses.dataclass(frozen=True)
class Labelled:
    """name: of the file. content: its bytes. slices: what was done to the image, in words."""

    name: str
    content: bytes
    text: str
    category: str
    slices: tuple[str, ...] = ()


def write_dataset(maker: LineMaker, out: Path, *, count: int, seed: int) -> int:
    """`count` lines of each kind. Returns how many were written.

    Raises FileExistsError when `out` holds a labels.tsv: a data set is never mixed with another.
    """
    made = (
        (kind, i, *_image_and_text(maker, seed, 1000 * k + i, kind))
        for k, kind in enumerate(KINDS)
        for i in range(count)
    )
    return write_lines(made, out)


def write_lines(lines: Iterable[tuple[str, int, Gray, str]], out: Path) -> int:
    """(category, number, gray image, text) as PNG files and labels.tsv; errors as above."""
    return write_labelled(
        (
            Labelled(
                f"{category}_{number:04d}.png".replace(" ", "-").replace("%", "percent"),
                cv2.imencode(".png", image)[1].tobytes(),
                text,
                category,
            )
            for category, number, image, text in lines
        ),
        out,
    )


def write_labelled(pictures: Iterable[Labelled], out: Path) -> int:
    """Images, then labels.tsv, which a set that lacks an image never has.

    What stops it takes back what was written. Raises FileExistsError when `out` holds a labels.tsv
    or images, which would be taken for parts of the set, or is being written to by another.
    """
    check_free(out)
    new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    part = out / f"{LABELS}.part"
    try:
        file = part.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise FileExistsError(f"{part} exists: another is at it, or was killed") from None
    written = [part]
    try:
        with file:
            rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
            rows.writerow((*COLUMNS, "slices"))
            for one in pictures:
                written.append(out / one.name)
                written[-1].write_bytes(one.content)
                done = ",".join(one.slices)
                rows.writerow((one.name, one.text, one.category, language(one.text), "made", done))
        part.replace(out / LABELS)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        if new:
            with contextlib.suppress(OSError):
                out.rmdir()
        raise
    return len(written) - 1


def check_free(out: Path) -> None:
    """Raises FileExistsError as `write_labelled` does, OSError where `out` is no folder."""
    names = [path.name for path in out.iterdir()] if out.exists() else []
    if LABELS in names:
        raise FileExistsError(f"{out / LABELS} exists; take another folder")
    if found := [name for name in names if Path(name).suffix in {".png", ".jpg"}]:
        raise FileExistsError(f"{out} holds images, such as {min(found)}; take another folder")


def _image_and_text(maker: LineMaker, seed: int, index: int, kind: str) -> tuple[Gray, str]:
    image, line = maker.raw(seed, index, kind)
    return image, line.text


def language(text: str) -> str:
    """Is zh when any Han character stands in it, en when any letter does, else num."""
    if any("\u4e00" <= character <= "\u9fff" for character in text):
        return "zh"
    return "en" if any(character.isalpha() for character in text) else "num"
