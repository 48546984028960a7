"""Work off the response path: few threads, a bounded queue, and what does not fit is refused."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable

_log = logging.getLogger("ocr_client")

Job = Callable[[], None]


class Background:
    """Jobs run in any order, each once or, after `close`, not at all.

    threads: at most so many at a time; started when they are needed. room: jobs that may wait.
    leave: called in each thread before it ends.
    """

    def __init__(
        self, name: str, *, threads: int, room: int, leave: Callable[[], None] = lambda: None
    ) -> None:
        self._name = name
        self._most = threads
        self._leave = leave
        self._jobs: queue.Queue[Job | None] = queue.Queue(room)
        self._lock = threading.Lock()
        self._crew: list[threading.Thread] = []
        self._closed = False

    @property
    def waiting(self) -> int:
        return self._jobs.qsize()

    @property
    def unfinished(self) -> int:
        """Jobs that wait or are under way; counts on after `close`."""
        return self._jobs.unfinished_tasks

    def offer(self, job: Job) -> bool:
        """False, at once, when there is no room. Never raises or waits."""
        if self._closed:
            return False
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        if len(self._crew) < self._most:
            self._hire()
        return True

    def close(self, timeout_s: float) -> None:
        """Drops what waits and ends the threads; what is under way may go on for `timeout_s`."""
        self._closed = True
        with self._lock:
            crew, self._crew = self._crew, []
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._end_next()
        end = time.monotonic() + timeout_s
        for thread in crew:
            thread.join(max(0.0, end - time.monotonic()))

    def _hire(self) -> None:
        with self._lock:
            if self._closed or len(self._crew) >= self._most:
                return
            name = f"ocr-{self._name}-{len(self._crew)}"
            self._crew.append(threading.Thread(target=self._serve, name=name, daemon=True))
            self._crew[-1].start()

    def _serve(self) -> None:
        try:
            while (job := self._jobs.get()) is not None and not self._closed:
                self._do(job)
                self._jobs.task_done()
        finally:
            self._end_next()
            self._leave()

    def _do(self, job: Job) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001  # one job's fault must not end the others'
            _log.exception("%s: a job raised", self._name)

    def _end_next(self) -> None:
        """One sign for all threads, handed on: there may be less room than threads."""
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)
