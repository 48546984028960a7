"""Callers that recognise without pause, in a process of their own: `python -m benchmarks.swap_load`.

Half of the threads' requests go to version 1, half to the newest version that is ready. Every
answer is checked for its text and for the version that really gave it, which shows in the
confidence (see `swap.marked`). Commands come on stdin, one a line:

    use N       from now on the second half goes to version N; answered when nothing else is asked
    count       answered by how many requests were made
    end         stop; answered by one JSON object with every request
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path

from ocr_client import OCRClient, OCRError
from ocr_client.config import ClientConfig, TritonSettings
from ocr_rollout.core.routing import Arm

TOLERANCE = 2e-4  # of a confidence; versions differ by 1e-3


def mark(version: int, first: float) -> float:
    """What a version multiplies its confidences by. first: version 1's."""
    return first if version == 1 else 1 - version / 1000


class Callers:
    """requests: (start, end) on the monotonic clock in seconds, and what was wrong, if anything."""

    def __init__(self, url: str, model: str, images: list[Path], first: float) -> None:
        self._config = ClientConfig(
            triton=TritonSettings(urls=(url,), deadline_s=30.0, candidate_deadline_s=29.0)
        )
        self._model = model
        self._first = first
        self._lock = threading.Lock()
        self._newest = 1
        self._asking: dict[int, int] = {}
        self._ending = threading.Event()
        self.requests: list[tuple[float, float, str]] = []
        with OCRClient(self._config) as client:
            told = [client.recognize(path, arm=Arm(model, 1)) for path in images]
        self._images = [
            (
                path.read_bytes(),
                answer.text,
                [part.confidence / first for part in answer.characters],
            )
            for path, answer in zip(images, told, strict=True)
        ]

    def run(self, threads: int) -> list[threading.Thread]:
        started = [threading.Thread(target=self._call, args=[number]) for number in range(threads)]
        for thread in started:
            thread.start()
        return started

    def use(self, version: int) -> None:
        """Returns when nobody waits for another version than 1 and this one."""
        with self._lock:
            self._newest = version
        while any(
            self._asking.get(other) for other in list(self._asking) if other not in (1, version)
        ):
            time.sleep(0.001)

    def end(self) -> None:
        self._ending.set()

    def _call(self, number: int) -> None:
        turn = number
        with OCRClient(self._config) as client:
            while not self._ending.is_set():
                turn += 1
                image, text, confidences = self._images[turn // 2 % len(self._images)]
                with self._lock:
                    version = self._newest if turn % 2 else 1
                    self._asking[version] = self._asking.get(version, 0) + 1
                start = time.monotonic()
                fault = self._fault(client, version, image, text, confidences)
                self.requests.append((start, time.monotonic(), fault))
                with self._lock:
                    self._asking[version] -= 1
            client.close(thread_ends=True)

    def _fault(
        self, client: OCRClient, version: int, image: bytes, text: str, confidences: list[float]
    ) -> str:
        try:
            answer = client.recognize(image, arm=Arm(self._model, version))
        except OCRError as error:
            return f"failed: {error}"
        expected = [min(part * mark(version, self._first), 1.0) for part in confidences]
        found = [part.confidence for part in answer.characters]
        if answer.text != text:
            return f"wrong text: {answer.text!r} from version {version}"
        if any(abs(a - b) > TOLERANCE for a, b in zip(expected, found, strict=True)):
            return f"wrong version: not {version}"
        return ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("images", type=Path)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--first", type=float, default=1.0, help="mark of version 1")
    options = parser.parse_args()
    images = sorted(options.images.glob("*.png"))
    callers = Callers(options.url, options.model, images, options.first)
    threads = callers.run(options.threads)
    print("running", flush=True)
    for line in sys.stdin:
        verb, _, number = line.strip().partition(" ")
        if verb == "end":
            break
        if verb == "count":
            print(len(callers.requests), flush=True)
            continue
        callers.use(int(number))
        print("using", number, flush=True)
    callers.end()
    for thread in threads:
        thread.join()
    json.dump({"requests": callers.requests}, sys.stdout)


if __name__ == "__main__":
    main()
