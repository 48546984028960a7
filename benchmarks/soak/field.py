"""Where a soak happens: Tritons, the networks before them, stores, two rollouts."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from benchmarks.rollout_site import Site

from ocr_client import OCRClient, OCRError
from ocr_client.config import ClientConfig, TritonSettings
from ocr_client.control import Endpoint
from ocr_client.versions import Fleet, Repository
from ocr_client.versions import Site as VersionSite
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports, runs

from . import processes
from .material import made_lines
from .parts import Disk, Network, Redis
from .place import Place

if TYPE_CHECKING:
    from typing_extensions import Self

STORES: Final = ("sqlite", "redis")
# The supervisor gives a Triton up that ends four times in a minute.
DEATHS: Final = 2  # a stub that is stopped may take it down once more
DEATHS_WITHIN_S: Final = 65.0


class Field:
    """Everything; ended in reverse when the `with` block is left.

    triton: the first server, there all the time. second: the other one while it is there.
    deaths: monotonic times at which the first one was killed or ended.
    """

    def __init__(
        self,
        folder: Path,
        repository: Path,
        arms: tuple[Arm, Arm],
        seed: int,
        stores: tuple[str, ...],
    ) -> None:
        self.folder = folder
        self.repository = repository
        self.stable, self.good = arms
        self.seed = seed
        self.stores = stores
        self.second: EmbeddedTriton | None = None
        self.deaths: list[float] = []
        self.control_lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self.places: list[Place] = []
        self.redis: Redis | None = None

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _build(self) -> None:
        self.triton = self._stack.enter_context(
            EmbeddedTriton(self.repository, ports=Ports(0, 0, 0))
        )
        self.network = self._network(self.triton.http_url, self.seed)
        self.second_network = self._network("127.0.0.1:1", self.seed + 1)
        self.disks = {}
        for name, sticky in zip(STORES, ("user_image", "request"), strict=True):
            if name not in self.stores:
                continue
            own = self.folder / name
            own.mkdir()
            disk = self._stack.enter_context(contextlib.closing(Disk(own / "disk")))
            self.disks[name] = disk
            data = disk.path / "data"
            data.mkdir()
            if name == "redis":
                self.redis = Redis(data)
                self._stack.callback(self.redis.kill)
                url = self.redis.url
            else:
                url = f"sqlite:///{data / 'rollout.db'}"
            site = Site(own, self.repository, self.network.url, self.triton.metrics_url, url)
            place = Place(
                name,
                site,
                self.stable,
                self.good,
                sticky,
                self.triton.metrics_url,
                (self.network.url,),
                self.good,
            )
            self.places.append(place)

    def _network(self, target: str, seed: int) -> Network:
        return self._stack.enter_context(contextlib.closing(Network(target, seed)))

    def place(self, name: str) -> Place:
        return next(place for place in self.places if place.name == name)

    @property
    def triton_pid(self) -> int:
        """Of the first server now: it may have been started again."""
        own = self.triton.server.id
        found = next((server for server in runs.running() if server.id == own), None)
        return found.triton_pid if found else self.triton.server.triton_pid

    def supervisor_log(self) -> list[str]:
        """What the supervisor said of the first server."""
        log = Path(self.triton.server.log).with_name("supervisor.log")
        return log.read_text(encoding="utf-8", errors="replace").splitlines()

    def version_site(self) -> VersionSite:
        """Of all servers that are there."""
        servers = [self.triton, *([self.second] if self.second else [])]
        fleet = Fleet(
            tuple(
                Endpoint(server.http_url, server.grpc_url, server.control_key) for server in servers
            )
        )
        return VersionSite(Repository.at(self.repository), fleet, wait_s=30.0)

    @contextlib.contextmanager
    def direct(self) -> Iterator[OCRClient]:
        """Past the network, to look whether the server is well."""
        config = ClientConfig(triton=TritonSettings(urls=(self.triton.http_url,), deadline_s=2.0))
        with OCRClient(config) as client:
            yield client

    def recovered(self, arms: tuple[Arm, ...], limit_s: float) -> float | None:
        """Seconds until the first server answered for each of these arms by name."""
        line = made_lines(1, "probe")[0].gray
        with self.direct() as client:

            def well() -> bool:
                try:
                    for arm in arms:
                        client.recognize(line, arm=arm)
                except OCRError:
                    return False
                return True

            return processes.wait_for(well, limit_s, 0.1)

    def spare_the_supervisor(self, stopping: threading.Event) -> None:
        """Waits until another death would not be the fourth in a minute, which it gives up at."""
        while not stopping.is_set():
            lately = [at for at in self.deaths if time.monotonic() - at < DEATHS_WITHIN_S]
            if len(lately) < DEATHS:
                return
            stopping.wait(0.5)

    @contextlib.contextmanager
    def redis_kept(self) -> Iterator[None]:
        """One that ends is started again: a full disk may end it a moment after there is room."""
        over = threading.Event()

        def keep() -> None:
            while self.redis is not None and not over.wait(0.2):
                self.redis.start()

        keeper = threading.Thread(target=keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def wake(self) -> None:
        """Whatever was stopped goes on; for an end in the middle of a fault."""
        with contextlib.suppress(OSError):
            for pid in [self.triton_pid, *processes.stubs(self.triton_pid)]:
                processes.send(pid, signal.SIGCONT)
        self.network.turn("pass")
        for disk in self.disks.values():
            disk.free()
        if self.redis is not None:
            self.redis.start()
