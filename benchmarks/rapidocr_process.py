"""RapidOCR as a side of a comparison: runs in a Python of its own, speaks as `benchmarks.reader`.

    PYTHON rapidocr_process.py lines|pages FOLDER

lines: its recogniser alone; pages: all of it. One thread, as every side has.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR


def main(kind: str, folder: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the library prints is no answer
    cv2.setNumThreads(1)
    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    images = [path.read_bytes() for path in sorted(Path(folder).iterdir())]

    def read(number: int) -> str:
        image = cv2.imdecode(np.frombuffer(images[number], np.uint8), cv2.IMREAD_COLOR)
        if kind == "lines":
            return str(engine.text_rec([image])[0][0][0])
        found, _ = engine(image)
        return "\n".join(text for _, text, _ in found or [])

    read(0)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "every":
            start = time.perf_counter()
            for number in range(int(words[0]), len(images), int(words[1])):
                read(number)
            answer = str(time.perf_counter() - start)
        else:
            answer = json.dumps([read(number) for number in range(len(images))])
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
