"""Readings of other recognisers on the same lines, for the card: Tesseract and RapidOCR.

Neither is a dependency. Tesseract: the program, with the languages chi_sim and eng (Debian:
tesseract-ocr, tesseract-ocr-chi-sim, tesseract-ocr-eng). RapidOCR: a Python of its own that has
the package rapidocr-onnxruntime, whose recogniser alone is used: these are lines, not pages.

    python -m benchmarks.others LABELS.tsv... --out build/others.json --rapidocr PYTHON

Readings are kept by the SHA-256 of the image, so a set that was made anew is read anew.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

Readings = dict[str, list[object]]  # SHA-256 of the image -> [text, confidence]

# Runs in RapidOCR's own Python: paths on stdin, one JSON list [text, confidence] a line.
RAPIDOCR = """
import json, sys
import cv2
from rapidocr_onnxruntime import RapidOCR
engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
for line in sys.stdin:
    image = cv2.imread(line.rstrip("\\n"))
    (text, confidence), *_ = engine.text_rec([image])[0]
    print(json.dumps([text, float(confidence)]), flush=True)
"""


def tesseract(paths: list[Path]) -> list[list[object]]:
    """One process for all images, each as one line of text; confidence is the words' mean.

    Words come with the number of their image, so one that holds none is an empty text.
    """
    with tempfile.TemporaryDirectory(prefix="tesseract-") as folder:
        listed = Path(folder) / "images.txt"
        listed.write_text("".join(f"{path.resolve()}\n" for path in paths), encoding="utf-8")
        command = ["tesseract", str(listed), str(Path(folder) / "out")]
        command += ["-l", "chi_sim+eng", "--psm", "7", "tsv"]
        _run(command, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
        with (Path(folder) / "out.tsv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    words: dict[int, list[tuple[str, float]]] = {}
    for row in rows:
        if row["level"] == "5":
            words.setdefault(int(row["page_num"]), []).append((row["text"], float(row["conf"])))
    return [_line(words.get(number, [])) for number in range(1, len(paths) + 1)]


def _line(words: list[tuple[str, float]]) -> list[object]:
    confidence = sum(sure for _, sure in words) / (100 * len(words)) if words else 0.0
    return [" ".join(text for text, _ in words), confidence]


def rapidocr(python: str) -> Callable[[list[Path]], list[list[object]]]:
    def read(paths: list[Path]) -> list[list[object]]:
        names = "".join(f"{path.resolve()}\n" for path in paths)
        output = _run([python, "-c", RAPIDOCR], text=names)
        return [json.loads(line) for line in output.splitlines() if line.startswith("[")]

    return read


def _run(command: list[str], *, text: str = "", env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(f"{command[0]} failed: {reason}")
    return done.stdout


def images(labels: list[Path]) -> dict[str, Path]:
    """SHA-256 -> file, of all lines of all sets."""
    found = {}
    for path in labels:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                image = path.parent / row["file"]
                found[hashlib.sha256(image.read_bytes()).hexdigest()] = image
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.others", description=__doc__)
    parser.add_argument("labels", type=Path, nargs="+", help="labels.tsv of a set of lines")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write or go on with")
    parser.add_argument("--rapidocr", metavar="PYTHON", help="a Python with rapidocr-onnxruntime")
    options = parser.parse_args(arguments)
    wanted = images(options.labels)
    known: dict[str, Readings] = {}
    if options.out.exists():
        known = {
            entry["engine"]: entry["readings"] for entry in json.loads(options.out.read_text())
        }
    for name, read in _engines(options.rapidocr).items():
        before = known.get(name, {})
        missing = [key for key in wanted if key not in before]
        print(f"{name}: {len(missing)} lines to read", file=sys.stderr, flush=True)
        answers = read([wanted[key] for key in missing]) if missing else []
        before |= dict(zip(missing, answers, strict=True))
        known[name] = {key: before[key] for key in wanted}
    document = [{"engine": name, "readings": readings} for name, readings in known.items()]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _engines(python: str | None) -> dict[str, Callable[[list[Path]], list[list[object]]]]:
    """Those that are there, by name and version. Exits saying what to install when none is."""
    found: dict[str, Callable[[list[Path]], list[list[object]]]] = {}
    if shutil.which("tesseract"):
        version = _run(["tesseract", "--version"]).split()[1]
        found[f"Tesseract {version}"] = tesseract
    if python:
        query = "from importlib.metadata import version as v; print(v('rapidocr-onnxruntime'))"
        version = _run([python, "-c", query]).strip()
        found[f"RapidOCR {version}"] = rapidocr(python)
    if not found:
        raise SystemExit(
            "no other recogniser is here: install tesseract-ocr, tesseract-ocr-chi-sim and"
            " tesseract-ocr-eng, or give --rapidocr a Python that has rapidocr-onnxruntime"
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
