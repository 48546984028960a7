"""A soak from its beginning to its end, also to one that comes early."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.rollout_site import ROOT

from ocr_rollout.core.routing import Arm
from ocr_server import runs

from . import graphs, material, other_faults, processes, schedule, server_faults, stores, trained
from .answers import MadeArm
from .callers import CallerProcess, Callers
from .field import STORES, Field
from .order import Order
from .reckoning import Found
from .server_faults import NotDoneError
from .stage import Injected, Stage
from .watching import Watch

Fault = Callable[[Stage, random.Random], str]

MADE: Final = Arm("convnext", 1), Arm("crnn", 1)
TRAINED: Final = Arm("convnext", 3), Arm("crnn", 3)  # what config.yaml names
BAD: Final = (
    MadeArm(Arm("crnn", 11), "raises", 0.5),
    MadeArm(Arm("crnn", 12), "empty", 0.5),
    MadeArm(Arm("crnn", 13), "garbage", 0.5),
)
PROGRESS_S: Final = 5.0
QUIET_S: Final = 3.0  # after the last fault, before the end

FAULTS: Final[Mapping[str, Fault]] = {
    "triton killed": server_faults.triton_killed,
    "triton paused": server_faults.triton_paused,
    "stub killed": server_faults.stub_killed,
    "stub paused": server_faults.stub_paused,
    "second triton joins and leaves": server_faults.second_joins,
    "version swapped": server_faults.version_swapped,
    **{
        f"network {mode}": functools.partial(other_faults.network, mode)
        for mode in ("refused", "reset", "cut", "truncated", "delayed", "slow", "silent")
    },
    "sqlite file away": other_faults.sqlite_away,
    "sqlite disk full": functools.partial(other_faults.disk_full, "sqlite"),
    "redis killed": other_faults.redis_killed,
    "redis disk full": functools.partial(other_faults.disk_full, "redis"),
    "clock jumped": other_faults.clock_jumped,
    "config rewritten badly": other_faults.config_bad,
    "candidate goes bad": other_faults.candidate_bad,
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """real: the trained models of model_repository/, and not made graphs.

    minutes: at most; it ends earlier when requests and faults are done. rate: 0: what it takes.
    """

    minutes: float
    requests: int
    faults: int
    seed: int
    real: bool = False
    processes: int = 2  # for each store
    threads: int = 3
    stores: tuple[str, ...] = STORES
    rate: float = 0.0
    kinds: tuple[str, ...] = tuple(FAULTS)
    quick: bool = False

    @property
    def stable(self) -> Arm:
        return (TRAINED if self.real else MADE)[0]

    @property
    def good(self) -> Arm:
        return (TRAINED if self.real else MADE)[1]

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def a_second(self) -> float:
        """Requests of all processes together; done a little before the end, faults permitting."""
        return self.rate or self.requests / (0.85 * self.seconds)


def soak(settings: Settings, say: Callable[[str], None]) -> Found:
    """KeyboardInterrupt ends it early, with what there is so far."""
    with _folder() as folder:
        left: list[str] = []
        with _built(settings, folder) as (field, known):
            found = _soaked(settings, field, known, say)
        left = [str(server.id) for server in runs.running()]
        left += [f"process {pid}" for pid in processes.children_of_us()]
    return dataclasses.replace(found, left=left)


def _soaked(settings: Settings, field: Field, known: Path, say: Callable[[str], None]) -> Found:
    with Callers() as callers:
        stage = Stage(field, callers, BAD, settings.quick)
        for place in field.places:
            place.start(field.good, "good")
            for number in range(settings.processes):
                callers.all.append(_caller(settings, field, place.name, number, known))
        if not processes.wait_for(lambda: all(c.ledger.answered for c in callers.all), 60.0):
            raise RuntimeError(f"the clients do not read; see {field.folder}/*/client-*.log")
        stage.began_s, stage.began_at_s = time.monotonic(), time.time()
        with Watch(lambda: _pids(field, callers)) as watch:
            injected = _injected(settings, stage, say)
        say("the faults are over; the clients end")
        places = {}
        with field.redis_kept():
            callers.end()
            for place in field.places:
                ledgers = [caller.ledger for caller in callers.of(place.name)]
                epochs = max(ledger.generation for ledger in ledgers) + 50
                places[place.name] = (ledgers, stores.read(place.site, epochs))
        return Found(
            places,
            injected,
            stage.episodes,
            stage.hurt,
            stage.troubles,
            watch.courses(),
            sum(not caller.ended_well for caller in callers.all),
            (),
            field.supervisor_log(),
            settings.requests,
            settings.faults,
            (time.monotonic() - stage.began_s) / 60,
            stage.began_at_s,
            stage.jumps,
        )


def _injected(settings: Settings, stage: Stage, say: Callable[[str], None]) -> list[Injected]:
    """All of the schedule, lane by lane, while it says how it goes."""
    planned = schedule.plan(
        settings.faults, settings.seconds, settings.seed, _possible(settings, stage.field)
    )
    injected: list[Injected] = []
    lanes = {one.lane for one in planned}
    threads = [
        threading.Thread(
            target=_lane,
            args=(stage, [one for one in planned if one.lane == lane], injected, say),
            daemon=True,
        )
        for lane in sorted(lanes)
    ]
    for thread in threads:
        thread.start()
    try:
        _until_over(settings, stage, threads, injected, say)
    except KeyboardInterrupt:
        say("interrupted; what is under way ends first")
    stage.stopping.set()
    for thread in threads:
        thread.join(server_faults.WELL_S + 30)
    stage.field.wake()
    with contextlib.suppress(KeyboardInterrupt):
        stage.field.recovered(stage.arms, server_faults.WELL_S)
        time.sleep(QUIET_S)
    return sorted(injected, key=lambda one: one.number)


def _until_over(
    settings: Settings,
    stage: Stage,
    threads: list[threading.Thread],
    injected: list[Injected],
    say: Callable[[str], None],
) -> None:
    told_s, before = time.monotonic(), 0
    while (passed_s := time.monotonic() - stage.began_s) < settings.seconds:
        ledger = stage.callers.ledger
        if ledger.begun >= settings.requests and not any(map(threading.Thread.is_alive, threads)):
            return
        dead = [caller for caller in stage.callers.all if not caller.alive]
        if dead:
            stage.troubles.append(f"{len(dead)} client processes died")
            return
        if time.monotonic() - told_s >= PROGRESS_S:
            rate = (ledger.begun - before) / (time.monotonic() - told_s)
            told_s, before = time.monotonic(), ledger.begun
            for place in stage.field.places:
                place.go_on()
            done = sum(one.done for one in injected)
            say(
                f"{passed_s / 60:5.1f} min · {ledger.begun:,} requests ({rate:.0f}/s) · "
                f"{done}/{settings.faults} faults · {ledger.failed} errors · "
                f"wrong {ledger.wrong_text + ledger.wrong_arm + ledger.strange} · "
                f"late {ledger.late}"
            )
        time.sleep(0.25)


def _lane(
    stage: Stage,
    planned: list[schedule.Planned],
    injected: list[Injected],
    say: Callable[[str], None],
) -> None:
    for one in planned:
        wait_s = one.at_s - (time.monotonic() - stage.began_s)
        if stage.stopping.wait(max(0.0, wait_s)):
            return
        start = time.monotonic()
        at_s, done = start - stage.began_s, True
        try:
            said = FAULTS[one.kind](stage, random.Random(one.seed))
        except NotDoneError as error:
            said, done = f"not done: {error}", False
        except Exception as error:  # noqa: BLE001  # a fault of the soak itself is to be seen
            said, done = f"not done: {type(error).__name__}: {error}", False
            stage.troubles.append(f"{one.kind}: {said}")
        took_s = time.monotonic() - start
        injected.append(
            Injected(one.number, one.kind, round(at_s, 2), round(took_s, 2), said, done)
        )
        say(f"  {one.number:3} {one.kind}: {said}")


def _possible(settings: Settings, field: Field) -> tuple[str, ...]:
    """Kinds that this machine lets be injected."""
    without = {
        "redis": () if field.redis else ("redis killed", "redis disk full"),
        "sqlite": () if "sqlite" in field.disks else ("sqlite file away", "sqlite disk full"),
        "disk": tuple(f"{name} disk full" for name, disk in field.disks.items() if not disk.small),
    }
    impossible = {kind for kinds in without.values() for kind in kinds}
    return tuple(kind for kind in settings.kinds if kind not in impossible)


def _caller(settings: Settings, field: Field, site: str, number: int, known: Path) -> CallerProcess:
    name = f"{site}-{number}"
    rate = settings.a_second / (settings.processes * len(field.places))
    place = field.place(site)
    order = Order(str(place.site.config), name, str(known), settings.seed, settings.threads, rate)
    return CallerProcess(order, site, str(place.site.folder / f"client-{number}.log"))


def _pids(field: Field, callers: Callers) -> dict[str, int]:
    pid = field.triton_pid
    found = {f"client {k + 1}": caller.pid for k, caller in enumerate(callers.all)}
    found |= {"triton": pid, "supervisor": field.triton.server.supervisor_pid}
    for arm in (field.stable, field.good):
        for stub in processes.stubs(pid, arm.model, arm.version)[:1]:
            found[f"stub of {arm}"] = stub
    if field.redis is not None and field.redis.alive:
        found["redis-server"] = field.redis.pid
    return found


@contextlib.contextmanager
def _built(settings: Settings, folder: Path) -> Iterator[tuple[Field, Path]]:
    server_faults.golden(folder / "golden")
    arms = (settings.stable, settings.good)
    healthy = () if settings.real else tuple(MadeArm(arm) for arm in arms)
    repository = graphs.write_repository(folder / "models", (*healthy, *BAD))
    if settings.real:
        trained.add(repository, arms, tuple(made.arm.version for made in BAD))
    with Field(folder, repository, arms, settings.seed, settings.stores) as field:
        real = None
        if settings.real:
            with field.direct() as client:
                real = material.asked_before(client, arms, ROOT / "samples")
        yield field, material.write(folder / "material.json", (*healthy, *BAD), real)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        yield Path(name)
