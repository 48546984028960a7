"""Puts answers aside for people to check, off the response path.

Lines only: who checks a text compares it with a picture at one glance, and of a page nobody can.
The answer is there before any of this begins. What there is no time or room for is left out and
counted; a store that is down loses samples, and no request.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ocr_client.background import Background
from ocr_client.comparison import LONGEST
from ocr_client.fallback import Attempt
from ocr_client.metrics import Metrics
from ocr_client.request import Request, image_digest
from ocr_preprocessing.fast import Gray
from ocr_rollout.core.texts import edit_distance, normalised_distance, plain
from ocr_rollout.stores import Sample, SampleKind, SampleStore, StoreError

from .people import user_hash
from .pictures import encoded
from .samples import DISPUTES, LINES, DisagreementSample, Line, Origin, Role, drawn
from .settings import ReviewSettings

WAITING: Final = 64  # samples
WAITING_BYTES: Final = 32_000_000  # pixels of all that wait together
REMEMBERED: Final = 4_096  # images, by each process: a repeated one says nothing new

_log = logging.getLogger("ocr_client")
_Document = Callable[[Origin], Line | DisagreementSample]


class Sampler:
    """Safe in threads. clock: Unix time in seconds."""

    def __init__(
        self,
        settings: ReviewSettings,
        store: SampleStore,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._bytes = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._background = Background("review", threads=1, room=WAITING)

    @property
    def waiting(self) -> int:
        return self._background.waiting

    def answered(self, request: Request, attempt: Attempt) -> None:
        """A first attempt that ended in an answer, good or bad. Never raises or waits."""
        reading, view, settings = attempt.reading, request.view, self._settings
        if reading is None or not view.counting or request.sheet.page is not None:
            return
        role: Role = "stable" if attempt.arm == view.table.stable else "candidate"
        share_bp = settings.stable_bp if role == "stable" else settings.candidate_bp
        if not drawn(view, request.request_id, LINES, share_bp):
            return

        def document(origin: Origin) -> Line:
            arm, outcome = str(attempt.arm), str(attempt.outcome)
            return Line(origin, role, arm, reading.text, reading.confidence, outcome)

        self._offer(request, "line", document)

    def disputed(self, request: Request, stable_text: str, candidate_text: str) -> None:
        """Both arms read the image, well as it seems, and not alike. Never raises or waits."""
        view = request.view
        if not view.counting or request.sheet.page is not None:
            return
        if not drawn(view, request.request_id, DISPUTES, self._settings.disputes_bp):
            return

        def document(origin: Origin) -> DisagreementSample:
            texts = plain(stable_text)[:LONGEST], plain(candidate_text)[:LONGEST]
            return DisagreementSample(
                origin,
                str(view.table.stable),
                stable_text,
                str(view.candidate),
                candidate_text,
                round(normalised_distance(*texts), 6),
                edit_distance(*texts),
            )

        self._offer(request, "pair", document)

    def close(self, timeout_s: float) -> None:
        """Puts aside what waits, as far as the time goes."""
        end = time.monotonic() + timeout_s
        # What a thread has taken and not begun is not waiting any more, and dropped by `close`.
        while self._background.unfinished and time.monotonic() < end:
            time.sleep(0.005)
        self._background.close(max(0.0, end - time.monotonic()))

    def _offer(self, request: Request, kind: SampleKind, document: _Document) -> None:
        size = request.gray.nbytes
        with self._lock:
            room = self._bytes == 0 or self._bytes + size <= WAITING_BYTES
            if room:
                self._bytes += size
        if room:
            gray = request.gray.copy() if request.borrowed else request.gray
            if self._background.offer(lambda: self._put(request, gray, kind, document)):
                return
            self._release(size)
        self._count("full")

    def _put(self, request: Request, gray: Gray, kind: SampleKind, document: _Document) -> None:
        try:
            self._keep(request, gray, kind, document)
        except StoreError as error:
            self._count("lost")
            _log.debug("a sample for review was lost: %s", error)
        finally:
            self._release(gray.nbytes)

    def _keep(self, request: Request, gray: Gray, kind: SampleKind, document: _Document) -> None:
        settings, user = self._settings, None
        if request.user_id is not None:
            user = user_hash(request.user_id)
        if self._repeated(f"{kind} {user} {request.assignment.arm} {image_digest(gray)}"):
            self._count("repeat")
            return
        origin = Origin.of(
            request.view,
            request_id=request.request_id,
            bucket=request.assignment.bucket,
            user=user,
        )
        at_s = self._clock()
        sample = Sample(
            request.request_id if kind == "line" else f"pair-{request.request_id}",
            at_s,
            at_s + settings.retention_s,
            document(origin).to_dict(),
            kind=kind,
            image=encoded(gray, settings.max_image_bytes) if settings.keep_images else None,
        )
        self._count("kept" if self._store.put_sample(sample, keep=settings.keep) else "repeat")

    def _repeated(self, what: str) -> bool:
        """For the one thread of the background."""
        if what in self._seen:
            return True
        self._seen[what] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _release(self, size: int) -> None:
        with self._lock:
            self._bytes -= size

    def _count(self, result: str) -> None:
        self._metrics.count("ocr_client_review_samples_total", result=result)
