"""Draws README's pictures from the product itself: `python docs/images/make.py`.

run.svg is what `make run` prints, samples.png the sample images below each other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
COLUMNS = 118
ROW = 40  # pixels


def run_svg() -> None:
    printed = subprocess.run(
        ["make", "--no-print-directory", "run"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "COLUMNS": str(COLUMNS)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(Text("$ make run\n" + printed.rstrip()))
        console.save_svg(str(HERE / "run.svg"), title="make run")


def samples_png() -> None:
    lines = [Image.open(path).convert("L") for path in sorted((ROOT / "samples").glob("*.png"))]
    scaled = [line.resize((round(line.width * ROW / line.height), ROW)) for line in lines]
    width = max(line.width for line in scaled)
    sheet = np.full((len(scaled) * (ROW + 8) - 8, width), 255, np.uint8)
    for index, line in enumerate(scaled):
        top = index * (ROW + 8)
        sheet[top : top + ROW, : line.width] = np.asarray(line)
    Image.fromarray(sheet).save(HERE / "samples.png", optimize=True)


if __name__ == "__main__":
    samples_png()
    if "--samples-only" not in sys.argv:
        run_svg()
