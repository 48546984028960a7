"""Lines and pages that everything is compared on: made here, or those of a labels file."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2

from ocr_rollout.core.texts import edit_distance, plain

ROOT = Path(__file__).resolve().parent.parent
SEED = 20_261_129
A4_PIXELS = 1654 * 2339  # at 200 dpi
A4_NEAR = 0.15  # of them, at most more or less
A4_LINES = range(36, 48)
PAGES = (("article", "clean"), ("receipt", "scan"), ("form", "scan"), ("receipt", "photo"))


@dataclasses.dataclass(frozen=True)
class Images:
    """folder: files whose alphabetical order is that of `texts`. source: for people.

    texts: of each image its lines; one for an image of a line.
    """

    folder: Path
    texts: tuple[tuple[str, ...], ...]
    source: str

    def paths(self) -> list[Path]:
        return sorted(self.folder.iterdir())


class Counts(Protocol):
    """How many images are wanted."""

    @property
    def lines(self) -> int: ...
    @property
    def pages(self) -> int: ...


class Kept:
    """Images of one run, made when they are first asked for.

    labels, document: real ones in the place of made ones, where they are asked for and named.
    """

    def __init__(
        self, folder: Path, counts: Counts, labels: Path | None, document: Path | None
    ) -> None:
        self._folder = folder
        self._counts = counts
        self._labels = labels
        self._document = document
        self._made: dict[str, Images] = {}

    def lines(self, *, real: bool = False) -> Images:
        """Raises FileNotFoundError without fonts, DatasetError."""
        count = self._counts.lines
        if real and self._labels:
            labels = self._labels
            return self._once("real-lines", lambda to: labelled_lines(labels, to, count * 10))
        return self._once("lines", lambda to: made_lines(to, count))

    def pages(self, *, real: bool = False) -> Images:
        """Raises FileNotFoundError."""
        count = self._counts.pages
        if real and self._document:
            document = self._document
            return self._once("real-pages", lambda to: labelled_pages(document, to, count))
        return self._once("pages", lambda to: made_pages(to, count))

    def a4(self) -> Images:
        """Raises FileNotFoundError without fonts."""
        return self._once("a4", a4_page)

    def _once(self, name: str, make: Callable[[Path], Images]) -> Images:
        if name not in self._made:
            self._made[name] = make(self._folder / name)
        return self._made[name]


def fonts() -> Path:
    """All fonts where they were fetched, else the few that `make bench` fetches."""
    for name in ("fonts", "fonts-small"):
        if (ROOT / "build" / name / "strokes.json").exists():  # the last that is fetched
            return ROOT / "build" / name
    raise FileNotFoundError("no fonts to make images with; run `make fonts`")


def made_lines(folder: Path, each: int) -> Images:
    """`each` of every kind that `ocrctl dataset make` makes. Raises FileNotFoundError."""
    from ocr_evaluation.made.kinds import KINDS  # noqa: PLC0415  # the extra [training]
    from ocr_evaluation.made.picture import PictureMaker  # noqa: PLC0415

    made = list(PictureMaker(fonts()).pictures(KINDS, each, SEED))
    return _kept(
        folder,
        [(Path(one.name).suffix, one.content, (one.text,)) for one in made],
        f"{len(made)} made lines ({', '.join(KINDS)})",
    )


def labelled_lines(labels: Path, folder: Path, most: int) -> Images:
    """A sample of what a labels.tsv names, the same each time. Raises DatasetError."""
    from ocr_evaluation.labels import load  # noqa: PLC0415

    dataset = load(labels)
    lines = list(dataset.lines)
    random.Random(SEED).shuffle(lines)
    chosen = [
        (Path(line.file).suffix, (dataset.folder / line.file).read_bytes(), (line.text,))
        for line in lines[:most]
    ]
    return _kept(folder, chosen, f"{len(chosen)} of {len(lines)} labelled lines")


def made_pages(folder: Path, count: int) -> Images:
    """Raises FileNotFoundError without fonts."""
    from ocr_training.pages import PageMaker  # noqa: PLC0415  # the extra [training]

    maker = PageMaker(fonts(), held_out=True)
    chosen = []
    for index in range(count):
        kind, surroundings = PAGES[index % len(PAGES)]
        page = maker.make(SEED, index, kind, surroundings)
        content = cv2.imencode(".png", page.image)[1].tobytes()
        chosen.append((".png", content, tuple(line.text for line in page.lines)))
    return _kept(folder, chosen, f"{count} made pages")


def a4_page(folder: Path) -> Images:
    """A scanned page of running text, of about the size and the number of lines of A4_PIXELS and
    A4_LINES. Raises FileNotFoundError without fonts.
    """
    from ocr_training.pages import PageMaker  # noqa: PLC0415  # the extra [training]

    maker = PageMaker(fonts(), held_out=True)
    pages = (maker.make(SEED, index, "article", "scan") for index in itertools.count())
    page = next(
        one
        for one in pages
        if len(one.lines) in A4_LINES and abs(one.image.size / A4_PIXELS - 1) < A4_NEAR
    )
    content = cv2.imencode(".png", page.image)[1].tobytes()
    texts = tuple(line.text for line in page.lines)
    return _kept(folder, [(".png", content, texts)], "a made page")


def labelled_pages(document: Path, folder: Path, most: int) -> Images:
    """document: JSON, [{file, lines: [{text}]}]; pages without lines are left out."""
    pages: list[dict[str, Any]] = [
        page for page in json.loads(document.read_text(encoding="utf-8")) if page.get("lines")
    ][:most]
    chosen = [
        (
            Path(page["file"]).suffix,
            (document.parent / page["file"]).read_bytes(),
            tuple(line["text"] for line in page["lines"]),
        )
        for page in pages
    ]
    return _kept(folder, chosen, f"{len(chosen)} labelled pages")


def _kept(
    folder: Path, images: Sequence[tuple[str, bytes, tuple[str, ...]]], source: str
) -> Images:
    folder.mkdir(parents=True)
    for number, (ending, content, _) in enumerate(images):
        (folder / f"{number:05d}{ending}").write_bytes(content)
    return Images(folder, tuple(texts for _, _, texts in images), source)


def characters_right(truths: Sequence[tuple[str, ...]], readings: Sequence[str]) -> float:
    """1-CER of lines: edits over the truth's length, both without spaces, after NFKC, any case."""
    edits = length = 0
    for truth, reading in zip(truths, readings, strict=True):
        wanted, found = (plain(text).upper() for text in ("".join(truth), reading))
        edits += edit_distance(wanted, found)
        length += len(wanted)
    return 1 - edits / length


def lines_found(truths: Sequence[tuple[str, ...]], readings: Sequence[str]) -> float:
    """Share of the pages' lines that stand in the text without a mistake, in whatever order.

    Order is left out: recognisers differ in where the second column of a receipt belongs.
    """
    right = wanted = 0
    for truth, reading in zip(truths, readings, strict=True):
        text = plain(reading).upper()
        lines = [plain(line).upper() for line in truth]
        right += sum(line in text for line in lines if line)
        wanted += sum(1 for line in lines if line)
    return right / wanted
