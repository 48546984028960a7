"""How well lines are found: recall, precision, order and time, by kind of page.

    python -m benchmarks.page_finding --labels PAGES.json --made 10
    python -m benchmarks.page_finding --labels PAGES.json --finder learned --scenes 20
    python -m benchmarks.page_finding --labels PAGES.json --made 2 --seed 11 --finder auto

PAGES.json is a list of {"file", "kind", "lines": [{"box": [left, top, right, bottom], "text"}]},
the images beside it; pages without lines are drawn but not counted. Made pages need the extra
[training] and `make fonts`. A line counts as found where it shares half of the union with a
label (IoU >= 0.5), each label and each line once. `order` is the share of neighbouring labels
that are read in their order. Times are of the processor, on one thread with OMP_NUM_THREADS=1.
The learned finder is computed in this process by ONNX Runtime, from --model; `auto` chooses between
the two as the client does. Scenes are made pictures with text over textures, some without any.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import cv2
import numpy as np

from ocr_client.pages.finder import PageFinder
from ocr_client.pages.settings import FinderChoice, PageSettings
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.finder_spec import INPUT, OUTPUTS
from ocr_preprocessing.load import load_image
from ocr_preprocessing.page import FoundPage, find_lines

if TYPE_CHECKING:  # an extra
    from ocr_training.pages import TrueLine

MODEL = Path("model_repository/line_finder/2/model.onnx")
SHARED = 0.5  # of the union of a line and its label


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A page and the quads (n, 4, 2) of its lines in reading order, None where unknown.

    texts: of its lines. upright: labels are boxes around lines, so lines are compared as boxes.
    """

    name: str
    kind: str
    gray: Gray
    quads: np.ndarray[Any, Any] | None
    texts: tuple[str, ...]
    vertical: tuple[bool, ...]
    upright: bool

    @classmethod
    def of_made(cls, name: str, kind: str, image: Gray, lines: Sequence[TrueLine]) -> Labelled:
        return cls(
            name,
            kind,
            image,
            np.array([line.quad for line in lines], np.float64).reshape(-1, 4, 2),
            tuple(line.text for line in lines),
            tuple(line.vertical for line in lines),
            upright=False,
        )


@dataclasses.dataclass
class Tally:
    """Sums over pages."""

    pages: int = 0
    labels: int = 0
    found: int = 0
    matched: int = 0
    in_order: int = 0
    neighbours: int = 0
    ms: list[float] = dataclasses.field(default_factory=list)

    def row(self) -> dict[str, float]:
        return {
            "pages": self.pages,
            "n": self.labels,
            "recall": self.matched / max(1, self.labels),
            "precision": self.matched / max(1, self.found),
            "order": self.in_order / max(1, self.neighbours),
            "ms": float(np.median(self.ms)) if self.ms else 0.0,
        }


def matches(found: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> dict[int, int]:
    """Label of each line that has one: pairs by falling IoU, each line and label once."""
    pairs = []
    low, high = labels.min(axis=1), labels.max(axis=1)
    for i, quad in enumerate(found):
        near = (low < quad.max(axis=0)).all(axis=1) & (high > quad.min(axis=0)).all(axis=1)
        pairs += [(overlap(quad, labels[j]), i, j) for j in np.flatnonzero(near).tolist()]
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for share, i, j in sorted(pairs, reverse=True):
        if share >= SHARED and i not in chosen and j not in taken:
            chosen[i] = j
            taken.add(j)
    return chosen


def overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Intersection over union of two convex quads (4, 2)."""
    one, other = one.astype(np.float32), other.astype(np.float32)
    common = float(cv2.intersectConvexConvex(one, other)[0])
    union = float(cv2.contourArea(one)) + float(cv2.contourArea(other)) - common
    return common / union if union > 0 else 0.0


def as_boxes(quads: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = quads.min(axis=1), quads.max(axis=1)
    left, top, right, bottom = low[:, 0], low[:, 1], high[:, 0], high[:, 1]
    corners = [left, top, right, top, right, bottom, left, bottom]
    return np.stack(corners, axis=1).reshape(-1, 4, 2)


def add(tally: Tally, page: Labelled, found: FoundPage) -> dict[int, int]:
    """Counts a page; returns the label of each line that has one."""
    quads = np.array([line.quad for line in found.lines], np.float64).reshape(-1, 4, 2)
    if page.quads is None:
        return {}
    label_of = matches(as_boxes(quads) if page.upright else quads, page.quads)
    label_of = {i: j for i, j in label_of.items() if found.lines[i].vertical == page.vertical[j]}
    tally.pages += 1
    tally.labels += len(page.quads)
    tally.found += len(quads)
    tally.matched += len(label_of)
    place = {j: i for i, j in label_of.items()}
    known = sorted(place)
    steps = [place[b] - place[a] for a, b in itertools.pairwise(known)]
    tally.neighbours += len(steps)
    tally.in_order += sum(step > 0 for step in steps)
    return label_of


def labelled(path: Path) -> Iterator[Labelled]:
    for page in json.loads(path.read_text(encoding="utf-8")):
        boxes = [line["box"] for line in page.get("lines") or ()]
        quads = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in boxes]
        yield Labelled(
            name=page["file"],
            kind=page["kind"],
            gray=load_image(path.parent / page["file"]),
            quads=np.array(quads, np.float64) if quads else None,
            texts=tuple(line["text"] for line in page.get("lines") or ()),
            vertical=(False,) * len(quads),
            upright=True,
        )


def made(fonts: Path, count: int, seed: int) -> Iterator[Labelled]:
    """`count` pages of each kind in each surroundings, of fonts and words held out."""
    from ocr_training.pages import KINDS, SURROUNDINGS, PageMaker  # noqa: PLC0415  # an extra

    maker = PageMaker(fonts, held_out=True)
    for index in range(count):
        for kind in KINDS:
            for surroundings in SURROUNDINGS:
                page = maker.make(seed, index, kind, surroundings)
                name = f"{kind}_{surroundings}_{index}.png"
                yield Labelled.of_made(name, f"{kind}, {surroundings}", page.image, page.lines)


def scenes(fonts: Path, count: int, seed: int) -> Iterator[Labelled]:
    """`count` made pictures of text over textures, of fonts and words held out."""
    from ocr_training.finder.pages import FinderPages  # noqa: PLC0415  # an extra

    maker = FinderPages(fonts, held_out=True)
    for index in range(count):
        page = maker.make(seed, index, "scene")
        yield Labelled.of_made(f"scene_{index}.png", "scene", page.image, page.lines)


class InProcess:
    """Stands for the transport of a `PageFinder`: the model is computed in this process."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def maps(self, arm: object, part: Gray, **_: object) -> list[Gray]:
        """As the transport has it."""
        del arm
        found: list[Gray] = self._session.run(list(OUTPUTS), {INPUT: part})
        return found


def finder(name: FinderChoice, model: Path, threads: int) -> Callable[[Gray], FoundPage]:
    """The finder of that name; the learned one computes `model` in this process."""
    if name == "classical":
        return find_lines
    import onnxruntime  # noqa: PLC0415  # an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_cpu_mem_arena = threads, False
    session = onnxruntime.InferenceSession(model.read_bytes(), options)

    find, settings = PageFinder(InProcess(session)), PageSettings(finder=name)
    return lambda gray: find(gray, settings)


def draw(page: Labelled, found: FoundPage, label_of: dict[int, int], folder: Path) -> None:
    """Green: found; blue: found, but no label; red: label not found. With places in the order."""
    picture = cv2.cvtColor(page.gray, cv2.COLOR_GRAY2BGR)
    thick = max(1, max(page.gray.shape) // 1500)
    missed = set(range(0 if page.quads is None else len(page.quads))) - set(label_of.values())
    for j in missed if page.quads is not None else ():
        corners = np.rint(page.quads[j]).astype(np.int32)
        cv2.polylines(picture, [corners], True, (0, 0, 255), 2 * thick)
    for i, line in enumerate(found.lines):
        colour = (0, 160, 0) if i in label_of or page.quads is None else (255, 0, 0)
        corners = np.rint(np.array(line.quad)).astype(np.int32)
        cv2.polylines(picture, [corners], True, colour, thick)
        place = tuple(corners[0].tolist())
        mark = f"{i}/{line.block}"
        cv2.putText(picture, mark, place, cv2.FONT_HERSHEY_PLAIN, 0.8 * thick, (200, 0, 200), thick)
    scale = min(1.0, 1600 / max(page.gray.shape))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / f"{Path(page.name).stem}.png"), small)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_finding")
    parser.add_argument("--labels", type=Path, help="PAGES.json with its images beside it")
    parser.add_argument("--made", type=int, default=0, help="pages of each kind and surroundings")
    parser.add_argument("--scenes", type=int, default=0, help="pictures of text over textures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--finder", choices=get_args(FinderChoice), default="classical")
    parser.add_argument("--model", type=Path, default=MODEL, help="of the learned finder")
    parser.add_argument("--threads", type=int, default=1, help="of the model")
    parser.add_argument("--fonts", type=Path, default=Path("build/fonts"))
    parser.add_argument("--draw", type=Path, help="folder for pictures of what was found")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    pages: list[Iterator[Labelled]] = []
    pages += [labelled(options.labels)] if options.labels else []
    pages += [made(options.fonts, options.made, options.seed)] if options.made else []
    pages += [scenes(options.fonts, options.scenes, options.seed)] if options.scenes else []
    if not pages:
        parser.error("give --labels, --made, --scenes or several of them")
    find = finder(options.finder, options.model, options.threads)
    if options.draw:
        options.draw.mkdir(parents=True, exist_ok=True)
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    for page in (page for source in pages for page in source):
        start = time.process_time()
        found = find(page.gray)
        tallies[page.kind].ms.append(1e3 * (time.process_time() - start))
        label_of = add(tallies[page.kind], page, found)
        if options.draw:
            draw(page, found, label_of, options.draw)
    rows = {kind: tally.row() for kind, tally in tallies.items() if tally.pages}
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'kind':22} pages     n  recall  precision  order     ms")
    for kind, row in rows.items():
        print(
            f"{kind:22} {row['pages']:5.0f} {row['n']:5.0f}  {row['recall']:.4f}     "
            f"{row['precision']:.4f}  {row['order']:.3f}  {row['ms']:5.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
