"""The images in `samples/`: lines of the five kinds, in fonts that training never sees.

`python -m ocr_training.samples samples` makes them again.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import cv2

from ocr_training.dataset import COLUMNS, language
from ocr_training.lines import LineMaker

# (kind, seed, text); the seeds were chosen for variety, before any model had read them.
SAMPLES = (
    ("print", 0, "模型版本切换不停机"),
    ("print", 1, "The second recogniser is ready"),
    ("scan", 3, "第二季度销售额增长12.5%"),
    ("scan", 2, "Invoice No. 20261122"),
    ("photo", 2, "价税合计￥1,280.00"),
    ("photo", 4, "TOTAL RM 45.90"),
    ("handwriting", 7, "下午三点开会"),
    ("sign", 1, "欢迎光临"),
    ("sign", 7, "EXIT ONLY"),
    ("print", 2, "朝陽區統一發票"),
)


def write_samples(fonts: Path, out: Path) -> None:
    """Ten PNG files and labels.tsv."""
    maker = LineMaker(fonts, held_out=True)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "labels.tsv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        rows.writerow(COLUMNS)
        for index, (kind, seed, text) in enumerate(SAMPLES):
            image, line = maker.raw(seed, index, kind, text=text)
            name = f"{index + 1:02d}_{kind}.png"
            cv2.imwrite(str(out / name), image)
            rows.writerow((name, line.text, kind, language(line.text), "made"))


if __name__ == "__main__":
    write_samples(Path("build/fonts"), Path(sys.argv[1]))
