"""Whether fields of receipts and invoices are found, on made ones whose fields are known.

    python -m benchmarks.page_fields --made 20 --seed 1 --true-lines
    ocrctl server run -- python -m benchmarks.page_fields --made 20 --seed 1 --surroundings scan
    python -m benchmarks.page_fields --made 0 --labels PAGES.json --true-lines

Made slips (`benchmarks.slips`) of fonts and words held out: the extra [training] and `make fonts`.
With --true-lines the rules are given the true lines: what they alone can do. Otherwise the pages
are read by one arm on the running Triton. --other-labels takes words that the rules were not
written for (China's VAT invoices keep theirs, which the law says). --labels: pages of
`benchmarks.page_finding`, whose fields nobody wrote down; what is found on them is printed.

n: slips that have the field. value: of these, the share where the value is right. place: where the
box and the value's have half of the smaller one in common. said: where anything was said. false:
fields that were said of slips without them. --wrong prints what was not right.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from ocr_client import ClientConfig, OCRClient
from ocr_client.pages.fields import fields_of, shipped
from ocr_client.pages.settings import FinderChoice
from ocr_client.results import Quad, ReadLine
from ocr_client.shapes import Box
from ocr_client.structure import Field
from ocr_client.versions.golden import normal
from ocr_training.pages import SURROUNDINGS
from ocr_training.pages.sheet import TrueLine

from .page_finding import labelled
from .slips import KINDS, Slip, SlipMaker

COVERED = 0.5  # of the smaller one of two boxes; the true one has the currency, too
NAMES = ("date", "number", "seller", "total", "tax", "tax_id")
Read = Callable[[Slip], Sequence[Field]]


@dataclasses.dataclass
class Tally:
    """Sums over slips, of one field."""

    n: int = 0
    value: int = 0
    place: int = 0
    said: int = 0
    false: int = 0

    def row(self) -> dict[str, float]:
        n = max(1, self.n)
        return {
            "n": self.n,
            "value": self.value / n,
            "place": self.place / n,
            "said": self.said / n,
            "false": self.false,
        }


def by_rules(lines: Sequence[TrueLine]) -> tuple[Field, ...]:
    """What the shipped rules find in lines that were read without a mistake."""
    read = []
    for line in lines:
        one, two, three, four = line.quad
        quad: Quad = ((*one,), (*two,), (*three,), (*four,))  # type: ignore[assignment]  # of two each
        read.append(ReadLine(line.text, 1.0, (), quad, line.vertical, line.block))
    return fields_of(read, shipped())


def covers(found: Box, quad: Sequence[Sequence[float]]) -> bool:
    """Whether what was found stands where the truth does."""
    (left, top), (right, bottom) = np.min(quad, axis=0), np.max(quad, axis=0)
    across = min(found[2], right) - max(found[0], left)
    down = min(found[3], bottom) - max(found[1], top)
    area = min((right - left) * (bottom - top), (found[2] - found[0]) * (found[3] - found[1]))
    return bool(max(0.0, across) * max(0.0, down) >= COVERED * area)


def add(tallies: dict[str, Tally], slip: Slip, found: Sequence[Field]) -> list[str]:
    """Counts a slip; returns what was not right, in words."""
    said = {field.name: field for field in found}
    wrong = []
    for true in slip.fields:
        tally, field = tallies[true.name], said.pop(true.name, None)
        tally.n += 1
        if field is None:
            wrong.append(f"{true.name}: {true.line.text!r} not found")
            continue
        right = normal(field.value) == normal(true.value)
        tally.said += 1
        tally.value += right
        tally.place += covers(field.box, true.line.quad)
        if not right:
            wrong.append(f"{true.name}: {field.text!r} for {true.line.text!r}")
    for name, field in said.items():
        tallies[name].false += 1
        wrong.append(f"{name}: {field.text!r} for none")
    return wrong


def show(rows: dict[str, dict[str, dict[str, float]]]) -> None:
    for kind, of_kind in rows.items():
        print(f"{kind:22}     n  value  place   said  false")
        for name, row in of_kind.items():
            print(
                f"  {name:20} {row['n']:5.0f}  {row['value']:.3f}  {row['place']:.3f}  "
                f"{row['said']:.3f}  {row['false']:5.0f}"
            )


def labelled_slips(path: Path) -> Iterator[tuple[str, Slip]]:
    """Pages whose lines are known and whose fields nobody has written down, with their names."""
    for page in labelled(path):
        if page.quads is None:
            continue
        lines = zip(page.quads.tolist(), page.texts, page.vertical, strict=True)
        true = (
            TrueLine(tuple(map(tuple, quad)), text, vertical, 0) for quad, text, vertical in lines
        )
        yield page.name, Slip(page.gray, tuple(true), ())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_fields")
    parser.add_argument("--made", type=int, default=20, help="slips of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--surroundings", nargs="+", choices=SURROUNDINGS, default=["clean"])
    parser.add_argument("--true-lines", action="store_true", help="without Triton")
    parser.add_argument("--other-labels", action="store_true", help="that the rules do not know")
    parser.add_argument("--labels", type=Path, help="PAGES.json with its images beside it")
    parser.add_argument("--fonts", type=Path, default=Path("build/fonts"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--arm", default="convnext:4")
    parser.add_argument("--finder", choices=get_args(FinderChoice), default="auto")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)

    def amend(config: ClientConfig) -> ClientConfig:
        pages = dataclasses.replace(config.pages, finder=options.finder)
        return dataclasses.replace(config, pages=pages)

    maker = SlipMaker(options.fonts)
    tallies = {
        f"{kind}, {around}": {name: Tally() for name in NAMES}
        for kind in KINDS
        for around in options.surroundings
    }
    with contextlib.ExitStack() as stack:
        if options.true_lines:
            read: Read = lambda slip: by_rules(slip.lines)  # noqa: E731  # one of two
        else:
            client = stack.enter_context(OCRClient.from_config(options.config, amend=amend))
            read = lambda slip: client.recognize_page(slip.image, arm=options.arm, line=False).fields  # noqa: E731  # fmt: skip
        for name, slip in labelled_slips(options.labels) if options.labels else ():
            said = {field.name: field.value for field in read(slip)}
            print(name, json.dumps(said, ensure_ascii=False), flush=True)
        for index in range(options.made):
            for kind in KINDS:
                for around in options.surroundings:
                    slip = maker.make(
                        options.seed, index, kind, around, other_labels=options.other_labels
                    )
                    wrong = add(tallies[f"{kind}, {around}"], slip, read(slip))
                    for one in wrong if options.wrong else ():
                        print(f"{kind} {index} {around}: {one}", flush=True)
    if not options.made:
        return 0
    rows = {
        kind: {name: tally.row() for name, tally in of_kind.items() if tally.n or tally.false}
        for kind, of_kind in tallies.items()
    }
    every = {name: _all([of[name] for of in tallies.values()]).row() for name in NAMES}
    rows["all"] = every
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)
    return 0


def _all(tallies: Sequence[Tally]) -> Tally:
    sums: collections.Counter[str] = collections.Counter()
    for tally in tallies:
        sums.update(dataclasses.asdict(tally))
    return Tally(**sums)


if __name__ == "__main__":
    sys.exit(main())
