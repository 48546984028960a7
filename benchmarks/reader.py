"""One process that reads the images of a folder when it is told to: a side of a comparison.

    python -m benchmarks.reader KIND TARGET FOLDER

| KIND | TARGET | what one image is |
|---|---|---|
| session | VERSION_FOLDER | the bare ONNX Runtime session on tensors made before |
| limit | VERSION_FOLDER | decode, preprocess, session, text: all that has to be, in this process |
| client | HOST:PORT MODEL:VERSION | `OCRClient.recognize` of the file's bytes |
| service | PORT MODEL:VERSION | `POST /ocr` of the same |

and the last three with `-page` behind them the same of pages; `finding`, with HOST:PORT, finds the
lines of a page, as the client does before it reads them. On stdin it takes `one K` (reads
image K, prints the milliseconds), `loop SECONDS THREADS` (reads in turn; prints how many, and the
processor seconds of this process), `every FIRST STEP THREADS` (reads the images FIRST, FIRST +
STEP ... once each; prints the seconds), `peak` (prints the most bytes that this process ever had)
and `texts` (prints what stands in each image, as JSON).
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from benchmarks.page_finding import InProcess

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import TritonSettings
from ocr_client.decode import decode_line
from ocr_client.pages.finder import PageFinder
from ocr_client.pages.reading import read_page
from ocr_client.pages.settings import LINE_FINDER, PageSettings
from ocr_client.results import Reading
from ocr_client.session import Session
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

OUTPUTS = ["codepoints", "confidence"]
PARAMETER = re.compile(r'key: "(\w+)" value: \{ string_value: "([^"]*)" \}')

Read = Callable[[int], str]  # number of the image -> its text


def opened(folder: Path) -> tuple[onnxruntime.InferenceSession, dict[str, str]]:
    """The session of a version, `model_repository/NAME/NUMBER`, with the options of its
    config.pbtxt, and what stands there.
    """
    text = (folder.parent / "config.pbtxt").read_text(encoding="utf-8")
    parameters = dict(PARAMETER.findall(text))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(parameters["intra_op_thread_count"])
    options.inter_op_num_threads = int(parameters["inter_op_thread_count"])
    options.enable_cpu_mem_arena = parameters["enable_mem_arena"] == "1"
    options.enable_mem_pattern = parameters["enable_mem_pattern"] == "1"
    path = str(folder / "model.onnx")
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(path, options, providers=providers), parameters


class Bare:
    """One session, and nothing between it and the image."""

    def __init__(self, folder: Path) -> None:
        """folder: of the version."""
        self._session, parameters = opened(folder)
        self.spec = LineSpec.from_parameters(parameters)

    def tensors(self, gray: Gray) -> list[npt.NDArray[np.uint8]]:
        """(1, 1, height, W) UINT8, one for each window."""
        return [window.pixels[np.newaxis] for window in prepare_line(gray, self.spec).windows]

    def run(self, tensor: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.generic]]:
        found: list[npt.NDArray[np.generic]] = self._session.run(OUTPUTS, {"image": tensor})
        return found

    def line(self, gray: Gray) -> Reading:
        cut = prepare_line(gray, self.spec)
        answers = [self.run(window.pixels[np.newaxis]) for window in cut.windows]
        codes, sure = cut.join([(one[0][0], one[1][0]) for one in answers])
        return decode_line(codes, sure, cut.x_range)


class BarePages:
    """Pages: lines are found and put together as the client does, each is read by itself."""

    def __init__(self, folder: Path) -> None:
        """folder: of the version that reads; the model that finds stands beside it."""
        self._lines = Bare(folder)
        place = folder.parents[1] / LINE_FINDER.model / str(LINE_FINDER.version)
        self._finder = PageFinder(InProcess(opened(place)[0]))

    def page(self, gray: Gray) -> str:
        settings = PageSettings()
        found = self._finder(gray, settings)
        return read_page(gray, found, self._read, settings, self._finder).text

    def _read(self, lines: Sequence[Gray]) -> tuple[Reading, ...]:
        return tuple(map(self._lines.line, lines))


def session(target: list[str], images: list[bytes]) -> tuple[Read, Callable[[], None]]:
    bare = Bare(Path(target[0]))
    tensors = [bare.tensors(load_image(content)) for content in images]

    def read(number: int) -> str:
        for tensor in tensors[number]:
            bare.run(tensor)
        return ""

    return read, lambda: None


def limit(target: list[str], images: list[bytes], *, page: bool) -> tuple[Read, Callable[[], None]]:
    if page:
        pages = BarePages(Path(target[0]))
        return (lambda number: pages.page(load_image(images[number]))), lambda: None
    bare = Bare(Path(target[0]))
    return (lambda number: bare.line(load_image(images[number])).text), lambda: None


def client(
    target: list[str], images: list[bytes], *, page: bool
) -> tuple[Read, Callable[[], None]]:
    url, arm = target
    asking = OCRClient(ClientConfig(triton=TritonSettings(urls=(url,))))
    ask: Callable[..., object] = asking.recognize_page if page else asking.recognize
    more = {"line": False} if page else {}
    return (
        lambda number: str(ask(images[number], arm=arm, **more).text),  # type: ignore[attr-defined]
        lambda: asking.close(thread_ends=True),
    )


def finding(target: list[str], images: list[bytes]) -> tuple[Read, Callable[[], None]]:
    session = Session(ClientConfig(triton=TritonSettings(urls=(target[0],))), None)
    snapshot = session.begin()
    grays = [load_image(content) for content in images]
    settings = snapshot.config.pages
    return (
        lambda number: str(len(snapshot.finder(grays[number], settings).lines)),
        lambda: None,
    )


def service(
    target: list[str], images: list[bytes], *, page: bool
) -> tuple[Read, Callable[[], None]]:
    port, arm = target
    local = threading.local()
    path = f"/ocr?arm={arm}&line={'false' if page else 'true'}"

    def read(number: int) -> str:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=120)
        headers = {"Content-Type": "application/octet-stream", "X-User-Id": "benchmark"}
        local.connection.request("POST", path, images[number], headers)
        response = local.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"HTTP {response.status}: {body[:200]!r}")
        return str(json.loads(body)["text"])

    return read, lambda: None


def reader(kind: str, target: list[str], images: list[bytes]) -> tuple[Read, Callable[[], None]]:
    """What reads one image, and what each thread calls before it ends."""
    name, _, page = kind.partition("-")
    alone = {"session": session, "finding": finding}
    if name in alone:
        return alone[name](target, images)
    side = {"limit": limit, "client": client, "service": service}[name]
    return side(target, images, page=page == "page")


def loop(
    read: Read, leave: Callable[[], None], count: int, seconds: float, threads: int
) -> tuple[int, float]:
    """Images read in the time, and processor seconds. Raises what a thread raised."""
    counts = [0] * threads
    started, end = time.process_time(), time.perf_counter() + seconds

    def go(thread: int) -> None:
        while time.perf_counter() < end:
            read((thread + counts[thread] * threads) % count)
            counts[thread] += time.perf_counter() < end  # the last one is outside

    _with_threads(go, leave, threads)
    return sum(counts), time.process_time() - started


def every(read: Read, leave: Callable[[], None], numbers: Sequence[int], threads: int) -> float:
    """Seconds for all of them. Raises what a thread raised."""
    left = iter(numbers)
    lock = threading.Lock()
    started = time.perf_counter()

    def go(_thread: int) -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            read(number)

    _with_threads(go, leave, threads)
    return time.perf_counter() - started


def _with_threads(go: Callable[[int], None], leave: Callable[[], None], count: int) -> None:
    faults: list[Exception] = []

    def guarded(number: int) -> None:
        try:
            go(number)
        except Exception as error:  # noqa: BLE001  # it is raised below
            faults.append(error)
        finally:
            leave()

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def main(kind: str, *arguments: str) -> None:
    *target, folder = arguments
    images = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    read, leave = reader(kind, target, images)
    for number in range(min(3, len(images))):
        read(number)
    print("ready", flush=True)
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "one":
            start = time.perf_counter_ns()
            read(int(words[0]))
            answer = str((time.perf_counter_ns() - start) / 1e6)
        elif verb == "every":
            first, step, threads = map(int, words)
            numbers = range(first, len(images), step)
            answer = str(every(read, leave, numbers, threads))
        elif verb == "loop":
            found = loop(read, leave, len(images), float(words[0]), int(words[1]))
            answer = " ".join(map(str, found))
        elif verb == "peak":
            # Not getrusage: its highest is also that of the process which began this one.
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            answer = str(1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]))
        else:
            answer = json.dumps([read(number) for number in range(len(images))])
        print(answer, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
