"""Faults of Triton, its stubs and its versions. Each returns what was seen, in one line."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path
from typing import Final

from ocr_client.versions import GoldenSet, Standard, VersionsError, publish, retire
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports, ServerError

from . import graphs, processes
from .answers import DIGITS, MadeArm
from .material import SWAPPED_FROM
from .stage import Stage

WELL_S: Final = 90.0
SETTLE_S: Final = 1.0  # between a word to all clients and what it is about


class NotDoneError(Exception):
    """A fault that could not be injected. One line."""


def triton_killed(stage: Stage, _chance: random.Random) -> str:
    """SIGKILL; the supervisor starts it again."""
    field = stage.field
    field.spare_the_supervisor(stage.stopping)
    pid = field.triton_pid
    field.deaths.append(time.monotonic())
    processes.send(pid, signal.SIGKILL)
    processes.wait_for(lambda: field.triton_pid != pid, WELL_S)
    return _well_again(stage, "killed")


def triton_paused(stage: Stage, chance: random.Random) -> str:
    """SIGSTOP and SIGCONT: what a machine that swaps does to it."""
    field, seconds = stage.field, chance.choice([0.3, 1.0, 2.0])
    field.spare_the_supervisor(stage.stopping)
    pid = field.triton_pid
    processes.send(pid, signal.SIGSTOP)
    stage.stopping.wait(seconds)
    processes.send(pid, signal.SIGCONT)
    said = _well_again(stage, f"stopped for {seconds:g} s")
    return said + _died(stage, pid)


def stub_killed(stage: Stage, chance: random.Random) -> str:
    """SIGKILL of one arm's; the watchdog has it loaded again."""
    arm, stub = _a_stub(stage, chance)
    since_s = time.time()
    processes.send(stub, signal.SIGKILL)
    said = _well_again(stage, f"{arm}'s killed")
    stage.hurts(arm, since_s, "its stub was killed")
    return said


def stub_paused(stage: Stage, chance: random.Random) -> str:
    """SIGSTOP and SIGCONT of one arm's, shorter and longer than Triton's patience of 1 s."""
    seconds = chance.choice([0.4, 0.8, 1.2, 2.5])
    stage.field.spare_the_supervisor(stage.stopping)
    pid = stage.field.triton_pid
    arm, stub = _a_stub(stage, chance)
    since_s = time.time()
    processes.send(stub, signal.SIGSTOP)
    stage.stopping.wait(seconds)
    processes.send(stub, signal.SIGCONT)
    said = _well_again(stage, f"{arm}'s stopped for {seconds:g} s")
    stage.hurts(arm, since_s, "its stub was stopped")
    return said + _died(stage, pid)


def second_joins(stage: Stage, chance: random.Random) -> str:
    """Another Triton joins all clients' configurations, and leaves again, one way or the other."""
    field = stage.field
    start = time.monotonic()
    try:
        second = EmbeddedTriton(field.repository, ports=Ports(0, 0, 0))
        second.__enter__()
    except ServerError as error:
        raise NotDoneError(f"the second Triton did not start: {error}") from None
    took_s = time.monotonic() - start
    rude = chance.random() < 0.5
    try:
        with field.control_lock:
            field.second = second
        field.second_network.lead_to(second.http_url)
        _urls(stage, both=True)
        stage.pause(chance.uniform(6, 14))
        if not rude:
            _urls(stage, both=False)
            stage.stopping.wait(SETTLE_S)
    finally:
        with field.control_lock:
            field.second = None
            if rude:
                processes.send(second.server.supervisor_pid, signal.SIGKILL)
            second.__exit__(None, None, None)
        if rude:
            stage.stopping.wait(SETTLE_S)
            _urls(stage, both=False)
    how = "killed with its supervisor" if rude else "taken out first"
    return f"up in {took_s:.1f} s, {how}"


def version_swapped(stage: Stage, _chance: random.Random) -> str:
    """publish, traffic by name, retire; each puts everything back when a server is in trouble."""
    field = stage.field
    stage.swapped += 1
    arm = Arm("crnn", SWAPPED_FROM + stage.swapped)
    source = field.folder / f"new-{arm.version}"
    graphs.write(source, MadeArm(arm))
    start = time.monotonic()
    try:
        with field.control_lock:
            standard = Standard(GoldenSet.read(field.folder / "golden"), new_alphabet=True)
            publish(field.version_site(), "crnn", source, standard, version=arm.version)
        took_s = time.monotonic() - start
        stage.callers.tell(f"force {arm}")
        stage.pause(4)
        stage.callers.tell("force")
        stage.stopping.wait(SETTLE_S)
        with field.control_lock:
            retire(field.version_site(), arm, tuple)
    except VersionsError as error:
        stage.callers.tell("force")
        return f"{arm} was put back: {str(error)[:120]}"
    finally:
        shutil.rmtree(source, ignore_errors=True)
    return f"{arm} published in {took_s:.1f} s, asked by name, retired"


def golden(folder: Path) -> Path:
    """Lines whose truth all healthy made arms miss by their own letter alone: one in nine."""
    from PIL import Image  # noqa: PLC0415  # for this only

    from .material import made_lines  # noqa: PLC0415

    folder.mkdir()
    rows = ["file\ttext"]
    for k, line in enumerate(made_lines(4, "golden")):
        Image.fromarray(line.gray).save(folder / f"{k}.png")
        rows.append(f"{k}.png\t?{line.number:0{DIGITS}d}")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def _a_stub(stage: Stage, chance: random.Random) -> tuple[Arm, int]:
    arm = chance.choice(stage.arms)
    found = processes.stubs(stage.field.triton_pid, arm.model, arm.version)
    if not found:
        raise NotDoneError(f"{arm} has no stub just now")
    return arm, chance.choice(found)


def _well_again(stage: Stage, what: str) -> str:
    took_s = stage.field.recovered(stage.arms, WELL_S)
    if took_s is None:
        stage.troubles.append(f"{what}: both arms did not answer again within {WELL_S:.0f} s")
        return f"{what}; NOT well again after {WELL_S:.0f} s"
    return f"{what}, both arms answered after {took_s:.1f} s"


def _died(stage: Stage, pid: int) -> str:
    if stage.field.triton_pid == pid:
        return ""
    stage.field.deaths.append(time.monotonic())
    return "; Triton crashed, and was started again"


def _urls(stage: Stage, *, both: bool) -> None:
    field = stage.field
    for place in field.places:
        with place.lock:
            more = (field.second_network.url,) if both else ()
            place.urls = (field.network.url, *more)
            place.configure()
