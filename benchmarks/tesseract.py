"""Tesseract as a side of a comparison: the program, a process for each core."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LANGUAGES = "chi_sim+eng"
INSTALL = "apt-get install tesseract-ocr tesseract-ocr-chi-sim tesseract-ocr-eng"
LINE, PAGE = 7, 3  # page segmentation modes: one line of text; a whole page
_ENV = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # a thread for each process


def missing() -> str:
    """The command that installs what is not here; empty where all is."""
    if shutil.which("tesseract") is None:
        return INSTALL
    done = subprocess.run(
        ["tesseract", "--list-langs"], capture_output=True, text=True, check=False
    )
    there = (done.stdout + done.stderr).split()
    return "" if all(one in there for one in LANGUAGES.split("+")) else INSTALL


def version() -> str:
    done = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).split()[1]


class Tesseract:
    """Reads the same images again and again. processes: that share them."""

    def __init__(self, paths: Sequence[Path], mode: int, processes: int) -> None:
        self._paths = [path.resolve() for path in paths]
        self._mode = mode
        self._processes = processes
        self._start_s = min(self._seconds([self._paths[:1]] * processes) for _ in range(2))
        self._start_s -= min(self._one_image_s() for _ in range(2))

    def seconds_for_all(self) -> float:
        """Without what its start takes: loading of languages is no reading."""
        shares = [self._paths[first :: self._processes] for first in range(self._processes)]
        return max(1e-3, self._seconds(shares) - self._start_s)

    def texts(self) -> list[str]:
        """Of each image; words with spaces between, lines with line ends."""
        with tempfile.TemporaryDirectory(prefix="tesseract-") as folder:
            self._run(self._paths, Path(folder), "tsv").communicate()
            with (Path(folder) / "out.tsv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        pages: dict[int, dict[tuple[str, ...], list[str]]] = {}
        for row in rows:
            if row["level"] == "5":
                place = (row["block_num"], row["par_num"], row["line_num"])
                lines = pages.setdefault(int(row["page_num"]), {})
                lines.setdefault(place, []).append(row["text"])
        return [
            "\n".join(" ".join(words) for words in pages.get(number, {}).values())
            for number in range(1, len(self._paths) + 1)
        ]

    def _one_image_s(self) -> float:
        """What one more image of the same takes: two of them, less one of them."""
        one = self._seconds([self._paths[:1]])
        return max(0.0, self._seconds([self._paths[:1] * 2]) - one)

    def _seconds(self, shares: Sequence[Sequence[Path]]) -> float:
        with tempfile.TemporaryDirectory(prefix="tesseract-") as name:
            folders = [Path(name) / str(number) for number in range(len(shares))]
            for folder in folders:
                folder.mkdir()
            start = time.perf_counter()
            running = [
                self._run(paths, folder, "txt")
                for paths, folder in zip(shares, folders, strict=True)
            ]
            for process in running:
                _, said = process.communicate()
                if process.returncode:
                    raise RuntimeError(f"tesseract failed: {said.strip().splitlines()[-1:]}")
            return time.perf_counter() - start

    def _run(self, paths: Sequence[Path], folder: Path, kind: str) -> subprocess.Popen[str]:
        listed = folder / "images.txt"
        listed.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        options = ["-l", LANGUAGES, "--psm", str(self._mode)]
        return subprocess.Popen(
            ["tesseract", str(listed), str(folder / "out"), *options, kind],
            env=_ENV,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
