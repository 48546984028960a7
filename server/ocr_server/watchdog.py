"""Finds models whose stub process is dead and brings them back.

Triton does not restart a dead stub, and the model goes on saying that it is ready. So a small
inference is sent to every version, and a version whose stub is silent three times in a row is
loaded again. `judge` decides; `Watchdog` asks and acts. Where Triton waits for a dead stub itself
it answers nobody, the watchdog included; so the stubs are looked for, too.
"""

from __future__ import annotations

import collections
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from . import stubs
from .triton_api import Answer, TritonAPI, UnreachableError

Health = Literal["alive", "dead", "unknown"]

# Said by Triton's Python backend when its stub has died or hangs.
DEAD_WORDS = ("is not healthy", "stub process")
FAULTS_BEFORE_RELOAD = 3  # a second each; the health check of a starved stub fails too
LOOK_AGAIN_S = 0.5  # a version that is just being swapped has no stub for a moment
PROBE_TIMEOUT_S = 30.0
DEFAULT_WIDTH = 64

_DATATYPES = {"TYPE_FP16": "FP16", "TYPE_FP32": "FP32", "TYPE_FP64": "FP64", "TYPE_BOOL": "BOOL"}

Say = Callable[[str], None]
Load = Callable[[str], None]
Stubs = Callable[[], collections.Counter[stubs.Key]]
Key = stubs.Key


def judge(answer: Answer) -> Health:
    """What one answer says about the stub. An error of the model itself is a living stub."""
    if answer.status == 200:
        return "alive"
    text = answer.error.lower()
    if answer.status >= 500 and any(word in text for word in DEAD_WORDS):
        return "dead"
    # Refused by the queue, unloading, or a fault inside the graph: somebody answered.
    return "alive" if answer.status in (400, 500) else "unknown"


def probe_body(config: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest sensible request for a model: zeros, one row, the narrowest width bucket."""
    parameters = config.get("parameters", {})
    buckets = parameters.get("ocr_width_buckets", {}).get("string_value", "")
    width = int(buckets.split(",")[0]) if buckets else DEFAULT_WIDTH
    batch = [1] if int(config.get("max_batch_size", 0)) > 0 else []
    inputs = []
    for io in config["input"]:
        shape = [*batch, *(width if int(size) == -1 else int(size) for size in io["dims"])]
        count = 1
        for size in shape:
            count *= size
        kind = _DATATYPES.get(io["data_type"], io["data_type"].removeprefix("TYPE_"))
        zero: Any = False if kind == "BOOL" else 0
        inputs.append(
            {"name": io["name"], "datatype": kind, "shape": shape, "data": [zero] * count}
        )
    return {"inputs": inputs}


class Watchdog:
    """check() is called every few seconds by the supervisor, in one thread."""

    def __init__(
        self,
        api: TritonAPI,
        repository: Path,
        load: Load,
        unload: Load,
        say: Say,
        alive: Stubs,
        over: threading.Event,
    ) -> None:
        """load, unload: by model name, over gRPC; each raises OSError or SubprocessError.

        alive: how many stubs of each version live, now. over: the server has ended, or is to;
        nothing is begun after that.
        """
        self._api = api
        self._repository = repository
        self._load = load
        self._unload = unload
        self._say = say
        self._alive = alive
        self._over = over
        self._bodies: dict[Key, dict[str, Any]] = {}
        self._wanted: dict[Key, int] = {}

    def check(self) -> None:
        """One round over all versions that call themselves ready."""
        try:
            ready = [entry for entry in self._api.index() if entry.state == "READY"]
        except UnreachableError as error:
            self._say(f"watchdog: no answer from the server: {error}")
            return
        keys = [(entry.model, entry.version) for entry in ready]
        # A version that went away may come back with another configuration.
        self._bodies = {key: body for key, body in self._bodies.items() if key in keys}
        for key in keys:
            self._judge(key)

    def _judge(self, key: Key) -> None:
        for _ in range(FAULTS_BEFORE_RELOAD):
            if self._over.is_set() or self._ask(key) != "dead":
                return
        if not self._over.is_set():
            self._reload(*key)

    def _ask(self, key: Key) -> Health:
        try:
            if key not in self._bodies:
                answer = self._api.config(*key)
                if answer.status != 200:
                    return "unknown"
                self._bodies[key] = probe_body(answer.body)
                self._wanted[key] = stubs.wanted(answer.body)
            if self._lacks_a_stub(key):
                self._over.wait(LOOK_AGAIN_S)
                return "dead"
            return judge(
                self._api.infer(
                    *key,
                    self._bodies[key],
                    timeout_s=PROBE_TIMEOUT_S,
                    hopeless=lambda: self._over.is_set() or self._lacks_a_stub(key),
                )
            )
        except UnreachableError as error:
            if self._lacks_a_stub(key):
                return "dead"
            # A full queue is slow too, and reloading a busy model would make it worse.
            self._say(f"watchdog: {key[0]}:{key[1]} did not answer: {error}")
            return "unknown"

    def _lacks_a_stub(self, key: Key) -> bool:
        return key in self._wanted and self._alive()[key] < self._wanted[key]

    def _reload(self, model: str, version: str) -> None:
        self._say(f"watchdog: the stub of {model}:{version} is dead; loading it again")
        try:
            # A load replaces only versions that changed, and change is seen by time stamp. So
            # the version's folder is touched: the model's other versions go on serving.
            os.utime(self._repository / model / version)
        except OSError:
            self._say(f"watchdog: {model} lies read-only; all its versions are loaded again")
            self._attempt(self._unload, model)
        self._attempt(self._load, model)

    def _attempt(self, action: Load, model: str) -> None:
        try:
            action(model)
        except (OSError, subprocess.SubprocessError) as error:
            self._say(f"watchdog: {model}: {error}")
