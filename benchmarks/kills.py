"""kill -9 in the middle of swaps: `python -m benchmarks.kills [--kills 30] [--seed 1] [--json]`.

The command, Triton or both are killed at a random point of a publish or a retirement. Then, with
Triton started again where it was killed: does stable answer, is every version that is served the
whole file that was published, and is `doctor` content after its own advice was followed?
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine
from benchmarks.kill_child import Order
from benchmarks.report import Row, Section, show
from benchmarks.swap import MakeVersion, copy_newest, marked

from ocr_client.config import ClientConfig, ModelRouting, TritonSettings
from ocr_client.control import Endpoint
from ocr_client.errors import OCRError
from ocr_client.versions import Finding, Fleet, GoldenSet, Repository, Site, examine
from ocr_client.versions.errors import VersionsError
from ocr_client.versions.proof import prove
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports

ROOT = Path(__file__).resolve().parent.parent
KILLS = 30
STABLE = (Arm("crnn", 1), Arm("convnext", 1))
ADVICE_ROUNDS = 3


@dataclasses.dataclass
class Tally:
    """What became of every kill. faults: anything that must not be, in words."""

    kills: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    steps: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    asked: int = 0
    unanswered: list[str] = dataclasses.field(default_factory=list)
    half_copied: list[str] = dataclasses.field(default_factory=list)
    not_clean: list[str] = dataclasses.field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.unanswered, *self.half_copied, *self.not_clean]


class Range:
    """A repository, the server over it, and what has been published there."""

    def __init__(self, root: Path, images: Path, make_version: MakeVersion, seed: int) -> None:
        self.root = root
        self.images = images
        self.random = random.Random(seed)
        self.tally = Tally()
        self._make_version = make_version
        self._golden = GoldenSet.read(images)
        self._stack = contextlib.ExitStack()
        self._next = 2
        self._digests: dict[int, str] = {}
        self._points = {"publish": 60, "retire": 30}  # the first guess; counted from then on
        self.triton = self._start()

    def close(self) -> None:
        self._stack.close()

    def kill_once(self, victim: str) -> tuple[bool, str]:
        """One interrupted command and what comes after: whether it was killed, and a line about it.

        A point that lies behind the command's end kills nobody.
        """
        published = [
            number for number in self.site().repository.model("crnn").listed() if number > 1
        ]
        verb = self.random.choice(["publish", "retire"]) if published else "publish"
        version = self.random.choice(published) if verb == "retire" else self._next
        source = self.root.parent / f"new-{version}"
        if verb == "publish":
            self._next += 1
            self._make_version(source, version)
            self._digests[version] = json.loads((source / "meta.json").read_text())["sha256"]
        triton_dies = victim in ("triton", "both")
        point = self.random.randint(1, self._points[verb])
        order = Order(
            repository=str(self.root),
            images=str(self.images),
            http=self.triton.http_url,
            grpc=self.triton.grpc_url,
            key=self.triton.control_key,
            verb=verb,
            version=version,
            source=str(source),
            point=point,
            after_s=self.random.choice([0.0, 0.0, self.random.uniform(0, 0.5)]),
            victims=(self.triton.server.triton_pid,) if triton_dies else (),
            suicide=victim in ("command", "both"),
        )
        killed, ended = self._run(order)
        shutil.rmtree(source, ignore_errors=True)
        step = self._step()
        if killed:
            self.tally.kills[victim] += 1
            self.tally.steps[step] += 1
        if killed and triton_dies:
            self._stack.close()
            self.triton = self._start()
        self.check(f"{verb} crnn:{version}, {victim} killed at {point} ({step})")
        said = f"{victim} killed at point {point}" if killed else f"nobody killed (point {point})"
        return killed, f"{verb} crnn:{version}: {said}, left {step}; the command {ended}"

    def check(self, what: str) -> None:
        """Stable, then what is served, then doctor and its advice, then all of it again."""
        self._ask_stable(what)
        self._check_served(what)
        left = self._follow_advice()
        self.tally.not_clean += [f"{what}: {item.subject}: {item.what}" for item in left]
        self._ask_stable(what)
        self._check_served(what)

    def site(self) -> Site:
        endpoint = Endpoint(self.triton.http_url, self.triton.grpc_url, self.triton.control_key)
        return Site(Repository.at(self.root), Fleet((endpoint,)))

    def findings(self) -> list[Finding]:
        """What is wrong, with the machine's own state left out: other work on it is not ours."""
        config = ClientConfig(
            ModelRouting(crnn_enabled=False, stable=STABLE[1], candidate=STABLE[0]),
            TritonSettings(urls=(self.triton.http_url,)),
        )
        found = examine(
            self.site(),
            config,
            options=f"--repository {self.root}",
            config_options=f"--config {self.root.parent / 'config.yaml'}",
        )
        return [item for item in found if item.wrong and item.subject not in ("memory", "disk")]

    def _start(self) -> EmbeddedTriton:
        triton = self._stack.enter_context(EmbeddedTriton(self.root, ports=Ports(0, 0, 0)))
        (self.root.parent / "config.yaml").write_text(
            'model_routing: {crnn_enabled: false, stable: "convnext:1", candidate: "crnn:1"}\n'
            f"triton: {{urls: ['{triton.http_url}']}}\n"
        )
        return triton

    def _run(self, order: Order) -> tuple[bool, str]:
        """Whether somebody was killed, and how the command ended."""
        command = [sys.executable, "-m", "benchmarks.kill_child"]
        done = subprocess.run(
            [*command, json.dumps(dataclasses.asdict(order))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode == -signal.SIGKILL:
            return True, "died"
        told = json.loads(done.stdout)
        if not told["killed"]:
            if done.returncode:
                raise RuntimeError(f"{order.verb} failed unkilled: {done.stderr.splitlines()[-1]}")
            self._points[order.verb] = told["count"]
        return told["killed"], "was done" if done.returncode == 0 else "said why it failed"

    def _step(self) -> str:
        found = self.site().journal.read()
        return found.step if found else "nothing open"

    def _ask_stable(self, what: str) -> None:
        for arm in STABLE:
            self.tally.asked += len(self._golden.lines)
            self._prove(arm, f"{what}: stable {arm}", self.tally.unanswered)

    def _check_served(self, what: str) -> None:
        """A version that is ready is a whole one: its file, and what it reads."""
        site = self.site()
        index = site.fleet.index(site.fleet.endpoints[0], "crnn")
        for number in [number for number, state in index.items() if state.ready and number > 1]:
            folder = site.repository.version(Arm("crnn", number))
            try:
                whole = folder.digest() == self._digests[number]
            except VersionsError as error:
                # Left out of the files, still in memory: the whole one, which was read before.
                whole = "no such file" in str(error)
            if not whole:
                self.tally.half_copied.append(f"{what}: crnn:{number} is not the published file")
            self._prove(Arm("crnn", number), f"{what}: crnn:{number}", self.tally.half_copied)

    def _prove(self, arm: Arm, what: str, faults: list[str]) -> None:
        try:
            if prove(self.triton.http_url, arm, self._golden).cer > 0.2:
                faults.append(f"{what} reads nonsense")
        except (VersionsError, OCRError) as error:
            faults.append(f"{what}: {error}")

    def _follow_advice(self) -> list[Finding]:
        """Runs every command that doctor names, as a person would paste it."""
        own = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        for _ in range(ADVICE_ROUNDS):
            found = self.findings()
            if not found:
                return []
            for mend in dict.fromkeys(item.mend for item in found):
                subprocess.run(mend, shell=True, env=own, capture_output=True, check=False)
        return self.findings()


def kill_randomly(
    root: Path,
    images: Path,
    make_version: MakeVersion,
    *,
    kills: int,
    seed: int,
    say: Callable[[str], None] = lambda _: None,
) -> Tally:
    field = Range(root, images, make_version, seed)
    try:
        while sum(field.tally.kills.values()) < kills:
            victim = ("command", "triton", "both")[sum(field.tally.kills.values()) % 3]
            say(field.kill_once(victim)[1])
    finally:
        field.close()
    return field.tally


def section(tally: Tally) -> Section:
    kills = sum(tally.kills.values())
    said = ", ".join(f"{count} {what}" for what, count in sorted(tally.kills.items()))
    left = ", ".join(f"{count} {what}" for what, count in sorted(tally.steps.items()))
    rows = [
        Row("killed at random points", kills, "", said, f">= {KILLS}", kills >= KILLS),
        Row("left open", kills - tally.steps["nothing open"], "", left),
        Row("lines asked of stable", tally.asked, ""),
    ]
    for name, faults in (
        ("stable did not answer", tally.unanswered),
        ("half-copied versions served", tally.half_copied),
        ("doctor not content after its advice", tally.not_clean),
    ):
        rows.append(Row(name, len(faults), "", next(iter(faults), "")[:90], "0", not faults))
    return Section("Swaps killed with SIGKILL", tuple(rows))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--images", type=Path, default=ROOT / "samples")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as own:
        root = Path(own) / "models"
        copy_newest(options.repository, root)
        tally = kill_randomly(
            root,
            options.images,
            marked(root),
            kills=options.kills,
            seed=options.seed,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    measured = section(tally)
    if options.json:
        facts = {"machine": machine.facts(), "section": dataclasses.asdict(measured)}
        print(json.dumps(facts, ensure_ascii=False))
    else:
        show([measured])
        for fault in tally.faults:
            print(fault)
    return 1 if options.strict and tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
