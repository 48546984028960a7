"""Faults of the network, the stores, the clock, the configuration, and of a candidate."""

from __future__ import annotations

import random
import time
from typing import Final

from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError
from ocr_rollout.core.state import StateError
from ocr_rollout.stores import StoreError

from .callers import CallerProcess
from .parts import Redis
from .place import Place
from .server_faults import NotDoneError
from .stage import Episode, Stage

TAKEN_OVER_S: Final = 20.0  # a new configuration, by every client
NOTICED_S: Final = 200.0  # a bad candidate; a freeze that others' faults caused lasts a minute
JUMPS_S: Final = (3600.0, -3600.0, 90.0, -90.0, 7.0, 86_400.0)
BAD_CONFIGS: Final = (
    "rollout: {id: [}\n",
    "",
    "rollout: {id: good, stable: 'convnext:1', candidate: 'crnn:1'}\nlimits: {max_pixels: -5}\n",
    "model_routing: {gray_scale_ratio: 7}\n",
    "triton: {urls: ['nowhere at all']}\n",
    "triton: {urls: ['127.0.0.1:1']}\nunknown_key: 1\n",
    "store: {url: 'sqlite:////elsewhere/rollout.db'}\nrollout: {id: good}\n",
)


def network(mode: str, stage: Stage, chance: random.Random) -> str:
    """Between all clients and the first Triton, so both arms are hit alike."""
    seconds = chance.uniform(1.0, 5.0)
    stage.field.network.turn(mode)
    stage.pause(seconds)
    stage.field.network.turn("pass")
    return f"for {seconds:.1f} s"


def sqlite_away(stage: Stage, chance: random.Random) -> str:
    """The folder of the file is renamed, and comes back: nothing in it is touched."""
    data, seconds = stage.field.disks["sqlite"].path / "data", _outage_s(chance)
    away = data.with_name("away")
    data.rename(away)
    stage.pause(seconds)
    away.rename(data)
    return f"for {seconds:.0f} s"


def redis_killed(stage: Stage, chance: random.Random) -> str:
    """SIGKILL; somebody starts it again a while later."""
    redis, seconds = _redis(stage), _outage_s(chance)
    redis.kill()
    stage.pause(seconds)
    redis.start()
    return f"started again after {seconds:.0f} s"


def disk_full(name: str, stage: Stage, chance: random.Random) -> str:
    """A small file system of its own is filled to the last byte under the store."""
    disk, seconds = stage.field.disks[name], chance.uniform(3.0, 10.0)
    if not disk.small:
        raise NotDoneError("no small disk could be mounted; that takes root")
    disk.fill()
    stage.pause(seconds)
    disk.free()
    said = f"for {seconds:.0f} s"
    if name == "redis" and not _redis(stage).alive:
        _redis(stage).start()  # it ends rather than confirm what it cannot write
        said += "; redis-server had ended, and was started again"
    return said


def clock_jumped(stage: Stage, chance: random.Random) -> str:
    """Unix time of one client process, or of all, for all Python code in them."""
    off_s, everybody = chance.choice(JUMPS_S), chance.random() < 0.5
    victims = stage.callers.all if everybody else [chance.choice(stage.callers.all)]
    since_s = time.time()
    for caller in victims:
        caller.tell(f"clock {off_s}")
    stage.pause(chance.uniform(3.0, 8.0))
    for caller in victims:
        caller.tell("clock 0")
    stage.jumps.append((since_s, time.time(), off_s))
    return f"{off_s:+.0f} s and back, in {len(victims)} of {len(stage.callers.all)} clients"


def config_bad(stage: Stage, chance: random.Random) -> str:
    """A file that must be refused is written in place of the good one, then a good one again."""
    place, text = chance.choice(stage.field.places), chance.choice(BAD_CONFIGS)
    try:
        ClientConfig.from_bytes(text.encode(), name="it", folder=None)
    except ConfigError as error:
        why = str(error)
    else:
        why = "it may be read, but not be taken over"
    with place.lock:
        before = place.mark
        place.site.config.write_text(text, encoding="utf-8")
        stage.pause(3.0)
        told = {mark for one in _of(stage, place) for mark in one.ledger.configured[-1:]}
        if told - {before}:
            stage.troubles.append(f"{place.name}: a client used {text!r}")
        place.mark += 1
        place.configure()
    took_s = _taken_over(stage, place)
    if took_s is None:
        stage.troubles.append(f"{place.name}: the good file after {text!r} was not taken over")
        return f"{place.name}: the good one was NOT taken over ({why[:80]})"
    return f"{place.name}: {why[:80]}; the good one was used {took_s:.1f} s after"


def candidate_bad(stage: Stage, chance: random.Random) -> str:
    """A rollout of a bad candidate, which must be taken back, then one of the good one again."""
    place, made = chance.choice(stage.field.places), chance.choice(stage.bad)
    name = f"bad-{len(stage.episodes) + 1}"
    with place.lock:
        try:
            began_s = place.start(made.arm, name)
        except (StoreError, StateError) as error:
            place.start(stage.field.good, "good")
            raise NotDoneError(f"{place.name}: {error}") from None
        took_s = _taken_back(stage, place, name, began_s)
        stage.episodes.append(Episode(place.name, name, str(made.arm), took_s))
        place.start(stage.field.good, f"good-{len(stage.episodes)}")
    if took_s is None:
        return f"{place.name}: {made.arm} ({made.kind}) was NOT taken back"
    return f"{place.name}: {made.arm} ({made.kind}), taken back after {took_s:.1f} s"


def _taken_back(stage: Stage, place: Place, name: str, began_s: float) -> float | None:
    deadline = time.monotonic() + NOTICED_S
    while time.monotonic() < deadline and not stage.stopping.is_set():
        try:
            state = place.site.state()
        except (StoreError, StateError):
            pass  # it is away: another fault's doing
        else:
            if state.rollout_id == name and state.status == "rolled_back":
                return time.time() - began_s
        stage.stopping.wait(0.2)
    return None


def _taken_over(stage: Stage, place: Place) -> float | None:
    start = time.monotonic()
    while time.monotonic() - start < TAKEN_OVER_S and not stage.stopping.is_set():
        if all(one.ledger.configured[-1:] == [place.mark] for one in _of(stage, place)):
            return time.monotonic() - start
        stage.stopping.wait(0.1)
    return time.monotonic() - start if stage.stopping.is_set() else None


def _of(stage: Stage, place: Place) -> list[CallerProcess]:
    return stage.callers.of(place.name)


def _redis(stage: Stage) -> Redis:
    if stage.field.redis is None:
        raise NotDoneError("there is no redis-server here")
    return stage.field.redis


def _outage_s(chance: random.Random) -> float:
    """Mostly seconds, at times a minute."""
    return 60.0 if chance.random() < 0.2 else chance.uniform(3.0, 15.0)
