"""Whole pages as text, against the same pages read by their labelled boxes: what finding costs.

    ocrctl server run -- python -m benchmarks.page_reading --labels PAGES.json --made 2

PAGES.json as of `benchmarks.page_finding`. Three readings of each page by one arm on the running
Triton: `boxes` cuts the labelled lines out and reads them in their order, the most that a finder
could reach; `page` is what users get; `sorted` is `page` with its lines in the order of the labels
(a line goes where the label is with which it shares most, one without label to its left neighbour),
which tells mistakes of order from those of finding.

Error: sum of edit distances of the pages' texts to the truth, over the truth's length, after NFKC
with spaces removed; of pages whose labels have no small letters, in upper case.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from benchmarks.page_finding import SHARED, Labelled, as_boxes, labelled, made, overlap

from ocr_client import ClientConfig, OCRClient, PageResult
from ocr_client.pages.settings import FinderChoice
from ocr_client.versions.golden import distance, normal
from ocr_preprocessing.page import FoundLine, laid_out, rectified

NEAR = 0.2  # of the union: enough to say where a line belongs, less than `SHARED` to have found it
READINGS = ("boxes", "page", "sorted")


def by_boxes(client: OCRClient, page: Labelled, arm: str) -> str:
    """The labelled lines, each read by itself."""
    texts = []
    for quad, vertical in zip(page.quads, page.vertical, strict=True):
        line = FoundLine(tuple(map(tuple, quad.tolist())), vertical, 0, 1.0)
        cut = laid_out(page.gray, line) if vertical else rectified(page.gray, line)
        texts.append(client.recognize(cut, arm=arm).text)
    return "".join(texts)


def in_label_order(result: PageResult, page: Labelled) -> str:
    """The text of the page's lines, each at the place of the label it shares most with."""
    places: list[tuple[float, int]] = []
    boxes = as_boxes(page.quads)
    previous = -1.0
    for number, line in enumerate(result.lines):
        quad = as_boxes(np.array([line.quad], np.float64))[0]
        shares = [overlap(quad, box) for box in boxes]
        best = int(np.argmax(shares))
        # A line that covers several labels shares little with each; its first one has the place.
        covered = [j for j, box in enumerate(boxes) if overlap(quad, box) > NEAR * SHARED]
        if shares[best] >= NEAR:
            previous = float(best)
        elif covered:
            previous = float(covered[0])
        places.append((previous, number))
    return "".join(result.lines[number].text for _, number in sorted(places))


def errors(client: OCRClient, page: Labelled, arm: str) -> tuple[dict[str, int], int]:
    """Edits of each of `READINGS`, and the truth's length in characters."""
    result = client.recognize_page(page.gray, arm=arm, line=False)
    texts = {
        "boxes": by_boxes(client, page, arm),
        "page": result.text,
        "sorted": in_label_order(result, page),
    }
    truth = normal("".join(page.texts))
    upper = truth == truth.upper()
    edits = {
        name: distance(normal(text).upper() if upper else normal(text), truth)
        for name, text in texts.items()
    }
    return edits, len(truth)


def show(rows: Sequence[tuple[str, dict[str, int], int]]) -> None:
    print(f"{'':26} characters  " + "  ".join(f"{name:>6}" for name in READINGS))
    for name, edits, length in rows:
        shares = "  ".join(f"{edits[reading] / max(1, length):6.3f}" for reading in READINGS)
        print(f"{name:26} {length:10}  {shares}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_reading")
    parser.add_argument("--labels", type=Path, help="PAGES.json with its images beside it")
    parser.add_argument("--made", type=int, default=0, help="pages of each kind and surroundings")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--fonts", type=Path, default=Path("build/fonts"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--arm", default="crnn:4")
    parser.add_argument("--finder", choices=get_args(FinderChoice), help="instead of pages.finder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    pages: list[Iterator[Labelled]] = []
    pages += [labelled(options.labels)] if options.labels else []
    pages += [made(options.fonts, options.made, options.seed)] if options.made else []
    if not pages:
        parser.error("give --labels, --made or both")
    rows: list[tuple[str, dict[str, int], int]] = []
    sums: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)

    def amend(config: ClientConfig) -> ClientConfig:
        chosen = options.finder or config.pages.finder
        return dataclasses.replace(config, pages=dataclasses.replace(config.pages, finder=chosen))

    with OCRClient.from_config(options.config, amend=amend) as client:
        for page in itertools.chain.from_iterable(pages):
            if page.quads is None:
                continue
            edits, length = errors(client, page, options.arm)
            rows.append((page.name, edits, length))
            sums[page.kind].update({**edits, "": length})
    rows += [(f"all: {kind}", dict(total), total[""]) for kind, total in sums.items()]
    if options.json:
        print(json.dumps([{"page": name, "n": n, **edits} for name, edits, n in rows], indent=1))
    else:
        show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
