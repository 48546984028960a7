"""Versions swapped under load: `python -m benchmarks.swap [--swaps 50] [--threads 8] [--json]`.

A swap publishes the next version of `crnn`, moves half of the traffic to it, and retires the one
before; version 1 has the other half throughout. Quiet times lie between, so that a busy machine
is busy in both.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from benchmarks import machine
from benchmarks.report import Row, Section, show
from onnx import helper, numpy_helper

from ocr_client.control import Endpoint
from ocr_client.versions import Fleet, GoldenSet, Repository, Site, Standard, publish, retire
from ocr_client.versions.policy import with_versions
from ocr_client.versions.rules import parse_config
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports

ROOT = Path(__file__).resolve().parent.parent
SWAPS, THREADS = 50, 8
REQUESTS = 20_000
WORST_RATIO = 2.0
GROWTH = 0.20
QUIET_S = 6.0  # at most, between two swaps
SETTLED = 5  # swaps after which memory is taken as the level to stay at

MakeVersion = Callable[[Path, int], Path]


@dataclasses.dataclass(frozen=True)
class Swapped:
    """requests: (start, end, fault). swaps: (start, end). memory: bytes of Triton after each swap."""

    requests: Sequence[tuple[float, float, str]]
    swaps: Sequence[tuple[float, float]]
    memory: Sequence[int]

    @property
    def faults(self) -> list[str]:
        return [fault for _, _, fault in self.requests if fault]

    def latencies_ms(self, *, during: bool) -> np.ndarray:
        """Of requests that were under way in a swap, or in none."""
        starts = np.array([request[0] for request in self.requests])
        ends = np.array([request[1] for request in self.requests])
        inside = np.zeros(len(starts), bool)
        for start, end in self.swaps:
            inside |= (ends >= start) & (starts <= end)
        return (ends - starts)[inside == during] * 1e3

    def memory_after(self, swaps: int) -> float:
        """Median of three around it: a stub that is just ending counts for nothing."""
        return float(np.median(self.memory[max(0, swaps - 2) : swaps + 1]))


def swap_under_load(
    repository: Path,
    images: Path,
    make_version: MakeVersion,
    *,
    swaps: int,
    threads: int,
    first: float = 1.0,
    at_least: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Swapped:
    """make_version: (folder, number) -> a folder with model.onnx, in which `mark` is in.

    images: a golden set. first: what version 1 multiplies its confidences by. at_least: requests,
    the last ones without a swap.
    """
    standard = Standard(GoldenSet.read(images))
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0)) as triton, _folder() as made:
        endpoint = Endpoint(triton.http_url, triton.grpc_url, triton.control_key)
        site = Site(Repository.at(repository), Fleet((endpoint,)))
        times: list[tuple[float, float]] = []
        memory: list[int] = []
        with _callers(triton.http_url, images, threads, first) as callers:
            time.sleep(3.0)  # the first quiet time
            for number in range(2, swaps + 2):
                source = make_version(made / str(number), number)
                start = time.monotonic()
                publish(site, "crnn", source, standard, version=number)
                callers.use(number)
                if number > 2:
                    retire(site, Arm("crnn", number - 1), tuple)
                times.append((start, time.monotonic()))
                shutil.rmtree(source)
                took = times[-1][1] - start
                time.sleep(min(took, QUIET_S))
                memory.append(_memory(triton.server.triton_pid))
                say(f"swap {number - 1}: {took:.1f} s, {memory[-1] >> 20} MB")
            callers.until(at_least)
            requests = callers.end()
    return Swapped(requests, times, memory)


def section(found: Swapped) -> Section:
    wrong = [fault for fault in found.faults if fault.startswith("wrong")]
    failed = len(found.faults) - len(wrong)
    during, without = (found.latencies_ms(during=inside) for inside in (True, False))
    p99 = [float(np.percentile(times, 99)) for times in (during, without)]
    ratio = p99[0] / p99[1]
    swaps, total = len(found.swaps), len(found.requests)
    took = [end - start for start, end in found.swaps]
    rows = [
        Row(
            "swaps",
            swaps,
            "",
            f"{np.median(took):.1f} s each at the median",
            f">= {SWAPS}",
            swaps >= SWAPS,
        ),
        Row(
            "requests",
            total,
            "",
            f"{len(during)} of them during swaps",
            f">= {REQUESTS:,}",
            total >= REQUESTS,
        ),
        Row("failed", failed, "", next(iter(found.faults), "")[:60], "0", failed == 0),
        Row("of the wrong version or text", len(wrong), "", "", "0", not wrong),
        Row("p50 without swaps", float(np.median(without)), "ms"),
        Row("p50 during swaps", float(np.median(during)), "ms"),
        Row("p99 without swaps", p99[1], "ms"),
        Row("p99 during swaps", p99[0], "ms"),
        Row("p99 during / without", ratio, "", "", f"<= {WORST_RATIO:g}", ratio <= WORST_RATIO),
        Row("longest answer", float(max(during.max(), without.max())), "ms"),
    ]
    if swaps > SETTLED:
        settled, last = found.memory_after(SETTLED), found.memory_after(swaps)
        growth = last / settled - 1
        detail = f"{settled / 2**20:.0f} MB after {SETTLED}, {last / 2**20:.0f} MB after {swaps}"
        rows.append(
            Row("memory of Triton", growth * 100, "%", detail, f"<= {GROWTH:.0%}", growth <= GROWTH)
        )
    return Section("Versions published and retired under load", tuple(rows))


def copy_newest(source: Path, target: Path) -> None:
    """Both models with the newest version that is listed, as version 1."""
    for name in ("crnn", "convnext"):
        model = Repository.at(source).model(name)
        newest = model.version(model.listed()[-1])
        own = target / name / "1"
        shutil.copytree(newest.path, own)
        meta = {**newest.read_meta(), "version": 1}
        (own / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        text = with_versions(model.config_text(), (1,), parse_config)
        (target / name / "config.pbtxt").write_text(text, encoding="utf-8")


def marked(repository: Path) -> MakeVersion:
    """Versions of `crnn` that differ in one number: their confidences are times 1 - N / 1000."""
    original = repository / "crnn" / "1"
    content = (original / "model.onnx").read_bytes()
    meta = json.loads((original / "meta.json").read_text(encoding="utf-8"))

    def make(folder: Path, number: int) -> Path:
        model = onnx.load_from_string(content)
        for node in model.graph.node:
            if "confidence" in node.output:
                node.output[list(node.output).index("confidence")] = "unmarked"
        mark = numpy_helper.from_array(np.float32(1 - number / 1000), "version_mark")
        model.graph.initializer.append(mark)
        model.graph.node.append(
            helper.make_node("Mul", ["unmarked", "version_mark"], ["confidence"])
        )
        folder.mkdir(parents=True)
        whole = model.SerializeToString()
        (folder / "model.onnx").write_bytes(whole)
        own = {**meta, "sha256": hashlib.sha256(whole).hexdigest(), "bytes": len(whole)}
        (folder / "meta.json").write_text(json.dumps(own), encoding="utf-8")
        return folder

    return make


class _Callers:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._expect("running")

    def use(self, version: int) -> None:
        self._tell(f"use {version}")
        self._expect(f"using {version}")

    def until(self, requests: int) -> None:
        """Waits until so many have been made."""
        while self._count() < requests:
            time.sleep(1.0)

    def _count(self) -> int:
        self._tell("count")
        return int(self._stdout.readline())

    def end(self) -> list[tuple[float, float, str]]:
        self._tell("end")
        found = json.loads(self._stdout.read())
        return [(start, end, fault) for start, end, fault in found["requests"]]

    def _tell(self, line: str) -> None:
        self._stdin.write(line + "\n")
        self._stdin.flush()

    def _expect(self, line: str) -> None:
        told = self._stdout.readline().strip()
        if told != line:
            raise RuntimeError(f"the callers said {told!r}, not {line!r}; see their stderr")


@contextlib.contextmanager
def _callers(url: str, images: Path, threads: int, first: float) -> Iterator[_Callers]:
    command = [sys.executable, "-m", "benchmarks.swap_load", url, "crnn", str(images)]
    command += [f"--threads={threads}", f"--first={first}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield _Callers(process)
        finally:
            process.terminate()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="swap-") as name:
        yield Path(name)


def _memory(pid: int) -> int:
    """Bytes that Triton and its stubs hold, what they share counted once (PSS)."""
    total = 0
    for process in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) << 10
    return total


def _children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                found += [int(child), *_children(int(child))]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swap", description=__doc__)
    parser.add_argument("--swaps", type=int, default=SWAPS)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="at least so many")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--images", type=Path, default=ROOT / "samples")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args()
    facts = machine.facts()
    with _folder() as own:
        repository = own / "models"
        copy_newest(options.repository, repository)
        found = swap_under_load(
            repository,
            options.images,
            marked(repository),
            swaps=options.swaps,
            threads=options.threads,
            at_least=options.requests,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    measured = section(found)
    if options.json:
        print(json.dumps({"machine": facts, "section": dataclasses.asdict(measured)}))
    else:
        print(" · ".join(f"{key} {value}" for key, value in facts.items()) + "\n")
        show([measured])
    return 1 if options.strict and any(row.met is False for row in measured.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
