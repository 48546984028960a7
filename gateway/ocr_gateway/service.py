"""What every route works with: one record, made when a service process starts."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Final

from starlette.requests import Request

from ocr_client import OCRClient
from ocr_rollout.core.routing import Arm

from . import tokens
from .access import Access
from .admission import Admission
from .crew import Crew
from .desk import Desk
from .exporter import Exporter
from .frame import Observer
from .listeners import Listeners
from .logs import log_served
from .readiness import Readiness
from .settings import ServiceSettings
from .snapshots import Place

LEAVE_S: Final = 1.0  # for threads to end; what they did has been answered by then


@dataclasses.dataclass(frozen=True)
class Service:
    """Of one process.

    readers: the threads that read, let in by `admission`.
    watcher: one thread for what asks Triton beside them.
    forced: the one arm that answers everything (`serve --model`); None: routing decides.
    access: whose token a request bears. desk: what is asked of the rollout's store.
    listeners: of server-sent events. exporter: of metrics.
    observers: told of every request that is over.
    stopping: set when the process has been told to end; answers without an end must end then.
    """

    client: OCRClient
    settings: ServiceSettings
    forced: Arm | None
    readers: Crew
    watcher: Crew
    admission: Admission
    readiness: Readiness
    access: Access
    desk: Desk
    listeners: Listeners
    exporter: Exporter
    observers: tuple[Observer, ...] = (log_served,)
    stopping: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @classmethod
    def over(
        cls,
        client: OCRClient,
        settings: ServiceSettings,
        forced: Arm | None = None,
        place: Place | None = None,
    ) -> Service:
        """client: is closed with the service. place: where its metrics meet those of other workers.

        Raises TokenError.
        """

        def leave() -> None:
            client.close(thread_ends=True)

        readers = Crew(settings.concurrency, "ocr-reader", leave)
        watcher = Crew(1, "ocr-watcher", leave)
        admission = Admission(
            readers,
            concurrency=settings.concurrency,
            queue=settings.queue,
            wait_s=settings.wait_s,
        )
        readiness = Readiness(client, watcher, forced)
        access, desk = Access(tokens.load(settings)), Desk(client)
        listeners = Listeners(desk.setting, lambda: client.config.triton)
        exporter = Exporter(client.metrics, admission, place or Place(None))
        return cls(
            client,
            settings,
            forced,
            readers,
            watcher,
            admission,
            readiness,
            access,
            desk,
            listeners,
            exporter,
            (log_served, exporter.served),
        )

    async def begin(self) -> None:
        """Takes part in the rollout from now on, and not from the first image on only.

        So a reload is followed and the candidate is judged in a process that nobody asks yet. Waits
        a second at most for a store that does not answer.
        """
        await self.watcher.run(lambda: self.client.rollout)
        await asyncio.to_thread(self.exporter.begin)

    async def close(self) -> None:
        """Sends what was counted, and ends all threads."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.readers.close(LEAVE_S)
        self.watcher.close(LEAVE_S)
        self.desk.close(LEAVE_S)
        self.exporter.close()
        self.client.close()


async def service_of(request: Request) -> Service:
    """The dependency that routes ask for. Not async, it would be called in another thread."""
    found: Service = request.app.state.service
    return found
