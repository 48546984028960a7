"""Draws README's pictures from the product itself: `python docs/images/make.py [NAME...]`.

| name | picture |
|---|---|
| samples | samples.png: the sample images below each other |
| run | run.svg: what `make run` prints |
| demo | demo.svg: the end of what `make demo-rollout` prints |
| simulate | simulate.png: what `ocrctl rollout simulate --plot` draws |
| read, rollout | read.png, rollout.png: the pages, as their tests show them in Chromium |
| report | report.png: the first screen of a report for the gate, as its test shows it |
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


def printed(target: str) -> str:
    return subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "COLUMNS": str(COLUMNS)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.rstrip()


def svg(name: str, title: str, text: str) -> None:
    width = max(COLUMNS, *(len(line) for line in text.splitlines()))
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=width, file=nowhere)
        console.print(Text(text))
        console.save_svg(str(HERE / name), title=title)


def run_svg() -> None:
    svg("run.svg", "make run", "$ make run\n" + printed("run"))


def demo_svg() -> None:
    _, _, end = printed("demo-rollout").partition("What callers saw")
    seen, _, rest = end.partition("What the audit log says")  # too wide for a picture
    _, _, checks = rest.partition("Was it as it should be?")
    text = f"What callers saw{seen}Was it as it should be?{checks}"
    svg("demo.svg", "make demo-rollout", text)


def simulate_png() -> None:
    ocrctl = [str(Path(sys.executable).with_name("ocrctl")), "rollout", "simulate"]
    bad = ["--candidate-error", "0.01", "--becomes", "0.2", "--after", "500"]
    subprocess.run([*ocrctl, *bad, "--plot", str(HERE / "simulate.png")], cwd=ROOT, check=True)


def samples_png() -> None:
    lines = [Image.open(path).convert("L") for path in sorted((ROOT / "samples").glob("*.png"))]
    scaled = [line.resize((round(line.width * ROW / line.height), ROW)) for line in lines]
    width = max(line.width for line in scaled)
    sheet = np.full((len(scaled) * (ROW + 8) - 8, width), 255, np.uint8)
    for index, line in enumerate(scaled):
        top = index * (ROW + 8)
        sheet[top : top + ROW, : line.width] = np.asarray(line)
    Image.fromarray(sheet).save(HERE / "samples.png", optimize=True)


def page_png(name: str, height: int) -> None:
    """The upper part of a page's screenshot, in 256 colours: a fifth of the bytes, and as legible.

    height: in pixels.
    """
    chosen = f"test_{name} and desktop and not dark"
    shot_png(name, "tests/gateway/pages/test_pages_shown.py", chosen, f"{name}-desktop", height)


def report_png() -> None:
    test = "tests/evaluation/report/test_report_shown.py"
    shot_png("report", test, "first_screen", "report-first", sys.maxsize)


def shot_png(name: str, test: str, chosen: str, shot: str, height: int) -> None:
    """chosen: of the file's tests, the one that leaves the screenshot `shot`."""
    subprocess.run([sys.executable, "-m", "pytest", "-q", test, "-k", chosen], cwd=ROOT, check=True)
    with Image.open(ROOT / f"build/screenshots/{shot}.png") as whole:
        upper = whole.convert("RGB").crop((0, 0, whole.width, min(whole.height, height)))
    upper.quantize(256).save(HERE / f"{name}.png", optimize=True)


PICTURES = {
    "samples": samples_png,
    "run": run_svg,
    "demo": demo_svg,
    "simulate": simulate_png,
    "read": lambda: page_png("read", 900),
    "rollout": lambda: page_png("rollout", 1186),
    "report": report_png,
}

if __name__ == "__main__":
    for picture in sys.argv[1:] or PICTURES:
        PICTURES[picture]()
