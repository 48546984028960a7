"""Reads lines with a published version's own file, as the server and the client do together.

ONNX Runtime with the session options of config.pbtxt, the preprocessing of its parameters, and
the client's decoding; a test holds this to what `OCRClient` answers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ocr_export.config_pbtxt import read_parameters
from ocr_export.graph import INPUT, OUTPUTS
from ocr_export.repository import Version, read_meta
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.finder_spec import finds_lines
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec

BLANK = 0
SPEED_WIDTH = 320  # pixels: about ten Chinese characters


@dataclasses.dataclass(frozen=True)
class Reading:
    """confidence: geometric mean of the characters' probabilities, 0..1; 0 for no text."""

    text: str
    confidence: float


class Reader:
    """One version, one thread.

    label: NAME:NUMBER. sha256, size: of model.onnx, in bytes.
    """

    def __init__(self, version: Version) -> None:
        """Raises RepositoryError when the file is not what meta.json says it is."""
        read_meta(version)
        content = version.model.read_bytes()
        self.label = version.label
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.size = len(content)
        parameters = read_parameters(version.config.read_text(encoding="utf-8"))
        self.spec = LineSpec.from_parameters(parameters)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = parameters.get("enable_mem_arena") == "1"
        options.enable_mem_pattern = parameters.get("enable_mem_pattern") == "1"
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def read(self, gray: Gray) -> Reading:
        """A gray line image (H, W) UINT8 of any height."""
        windows = prepare_line(gray, self.spec)
        answers = [self._run(window.pixels[np.newaxis]) for window in windows.windows]
        return collapse(*windows.join([(codes[0], sure[0]) for codes, sure in answers]))

    def milliseconds(self, rounds: int = 60) -> float:
        """Median CPU time of a line of SPEED_WIDTH pixels in the session, preprocessing left out.

        CPU time, because waiting for a core on a busy machine is no property of the model.
        """
        noise = np.random.default_rng(0)
        line = noise.integers(0, 256, (1, 1, self.spec.height, SPEED_WIDTH), dtype=np.uint8)
        times = []
        for _ in range(rounds + 10):
            start = time.process_time_ns()
            self._run(line)
            times.append((time.process_time_ns() - start) / 1e6)
        return float(np.median(times[10:]))

    def _run(
        self, line: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        codes, sure = self._session.run(list(OUTPUTS), {INPUT: line})
        return codes, sure


def collapse(codes: npt.NDArray[np.int32], sure: npt.NDArray[np.float32]) -> Reading:
    """Steps (T,) to text: runs become one character with their highest probability."""
    if not codes.size:
        return Reading("", 0.0)
    starts = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
    runs, peaks = codes[starts], np.maximum.reduceat(sure, starts)
    seen = runs != BLANK
    if not seen.any():
        return Reading("", 0.0)
    logs = [math.log(min(max(float(peak), 1e-30), 1.0)) for peak in peaks[seen]]
    return Reading("".join(map(chr, runs[seen].tolist())), math.exp(sum(logs) / len(logs)))


def published(repository: Path, only: Collection[str] = ()) -> list[Version]:
    """Every version of a recogniser that a config.pbtxt below `repository` lists, by name and number.

    only: NAME:NUMBER of those wanted, all if empty. Raises ValueError when there is none, or not
    one of those.
    """
    found = []
    for config in sorted(repository.glob("*/config.pbtxt")):
        text = config.read_text(encoding="utf-8")
        if finds_lines(read_parameters(text)):
            continue
        match = re.search(r"versions:\s*\[([\d,\s]+)\]", text)
        numbers = sorted(map(int, match.group(1).split(","))) if match else []
        found += [Version.at(config.parent / str(number)) for number in numbers]
    if not found:
        raise ValueError(f"{repository}: no config.pbtxt there lists a version; publish one first")
    labels = [version.label for version in found]
    if missing := set(only) - set(labels):
        raise ValueError(
            f"{', '.join(sorted(missing))}: not published in {repository}; there are"
            f" {', '.join(labels)}"
        )
    return [version for version in found if not only or version.label in only]
