"""README's table of the two models on made images of five kinds: makes them, reads them, writes it.

    python -m benchmarks.five_kinds [--arms convnext:3 crnn:3] [--write README.md]

The arms of config.yaml when none are named. Needs `make fonts`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import TritonSettings
from ocr_evaluation.ab_test import ABTest
from ocr_evaluation.figures import ArmFigures, Group
from ocr_evaluation.labels import load
from ocr_evaluation.made.kinds import KINDS, Kind
from ocr_evaluation.made.picture import PictureMaker
from ocr_evaluation.reading import chosen
from ocr_evaluation.run import run
from ocr_evaluation.words import Wording
from ocr_server import EmbeddedTriton
from ocr_training.card.markdown import replace_block
from ocr_training.dataset import write_labelled

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- five kinds: written by `python -m benchmarks.five_kinds --write README.md` -->"
END = "<!-- five kinds: end -->"
# What the authors of the original service state of theirs, ConvNextTiny and CRNN, per cent.
THEIRS: dict[Kind, tuple[str, str]] = {
    "print": ("clear print", "92.1 / 95.3"),
    "scan": ("scanned PDF", "86.4 / 93.7"),
    "invoice": ("phone-shot invoice", "81.2 / 90.5"),
    "handwriting": ("handwriting", "73.8 / 86.1"),
    "sign": ("street sign", "78.5 / 84.6"),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.five_kinds", description=__doc__)
    parser.add_argument("--arms", nargs="+", default=[], metavar="MODEL:VERSION")
    parser.add_argument("--n", type=int, default=100, help="images of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fonts", type=Path, default=ROOT / "build" / "fonts")
    parser.add_argument("--write", type=Path, metavar="FILE", help="whose block to replace")
    options = parser.parse_args(arguments)
    arms = chosen(options.arms, ClientConfig.load(ROOT / "config.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        pictures = PictureMaker(options.fonts).pictures(KINDS, options.n, options.seed)
        write_labelled(pictures, Path(folder) / "five")
        dataset = load(Path(folder) / "five")
        names = tuple(dict.fromkeys(arm.model for arm in arms))
        with EmbeddedTriton(ROOT / "model_repository", models=names) as triton:
            settings = TritonSettings(urls=(triton.http_url,))
            with OCRClient(ClientConfig(triton=settings)) as client:
                test = run(client, dataset, arms, Wording(), allowed=None)
    if not test.complete:
        raise SystemExit("not every image was read by both: no table")
    text = table(test)
    if options.write:
        replace_block(options.write, text, BEGIN, END)
    print(text)
    return 0


def table(test: ABTest) -> str:
    """1-CER and whole lines of each arm by kind; theirs beside them."""
    groups = {group.name: group for group in test.groups if group.sort == "category"}
    heads = [f"`{arm}`" for arm in test.arms]
    head = ["", "n", *heads, "the authors' own ConvNextTiny / CRNN, as they state"]
    rows = [head, ["---"] * len(head)]
    for kind, (name, theirs) in THEIRS.items():
        group: Group = groups[kind]
        rows.append([name, str(group.n), *map(_figures, group.arms), f"{theirs} %"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _figures(arm: ArmFigures) -> str:
    if arm.cer is None or arm.line is None:
        raise ValueError("no line was read")
    return f"{arm.cer.value:.3f} / {arm.line.value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
