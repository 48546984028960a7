"""`Pusher`: the thread that sends the metrics now and then. No request waits for it.

Nothing is kept for later: what is counted is cumulative, so the next push says all of it again. A
receiver that is down costs a line in the log and a count.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from ocr_client.exchange import Exchange
from ocr_client.metrics import Metrics
from ocr_client.notifications.address import address_of
from ocr_client.notifications.delivery import held
from ocr_client.notifications.replies import reply
from ocr_client.settings import OtlpSettings

from .document import Process, document, points_of
from .section import parsed_headers

TIMEOUT_S: Final = 10.0
LAST_S: Final = 1.0  # for the push when the client is closed
MOST_BYTES: Final = 65_536  # of an answer
COUNTER: Final = "ocr_client_otlp_pushes_total"
REFUSED: Final = "ocr_client_otlp_points_refused_total"

_log = logging.getLogger("ocr_client")


class Pusher:
    """Does nothing before it was given an address.

    metrics: counts the pushes. measured: what is to be pushed.
    clock: Unix time in nanoseconds. environment: holds the variables that the section names.
    """

    def __init__(
        self,
        metrics: Metrics,
        measured: Callable[[], Mapping[str, float]],
        *,
        clock: Callable[[], int] = time.time_ns,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._metrics = metrics
        self._measured = measured
        self._clock = clock
        self._environment = environment
        self._started_ns = clock()
        self._instance = str(uuid.uuid4())
        self._settings = OtlpSettings()
        self._told = ""
        self._wait_s = 0.0  # what the receiver asked for
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._exchange: Exchange | None = None  # under way

    def follow(self, settings: OtlpSettings) -> None:
        """From now on; the thread begins with the first address."""
        with self._lock:
            self._settings = settings
            if self._thread is None and settings.enabled:
                self._ending = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._ending,), name="ocr-otlp", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Pushes what was counted last, within `LAST_S`. May begin again."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._ending.set()
        if thread is None:
            return
        end, exchange = time.monotonic() + LAST_S, self._exchange
        if exchange is not None:
            exchange.abort()  # the last push says all that this one does
        thread.join(LAST_S)
        self._push(max(0.05, end - time.monotonic()), last=True)

    def _run(self, ending: threading.Event) -> None:
        while not ending.wait(max(self._settings.every_s, self._wait_s)):
            self._push(TIMEOUT_S)

    def _push(self, timeout_s: float, *, last: bool = False) -> None:
        """Never raises. A line in the log for each new trouble, and when it is over."""
        settings = self._settings
        if not settings.enabled:
            return
        try:
            trouble = self._sent(settings, timeout_s)
        except Exception:  # noqa: BLE001  # nothing may end the thread
            _log.exception("pushing metrics stumbled; it goes on")
            trouble = "it stumbled"
        if trouble and self._ending.is_set() and not last:
            return  # `close` has cut it short
        if trouble != self._told:
            if trouble:
                _log.warning("metrics are not pushed: %s", trouble)
            else:
                _log.info("metrics are pushed again")
        self._told = trouble
        self._metrics.count(COUNTER, result="failed" if trouble else "sent")

    def _sent(self, settings: OtlpSettings, timeout_s: float) -> str:
        """What was wrong, in one line without anything of the address; empty: nothing."""
        self._wait_s = 0.0
        try:
            url = held(settings.url, settings.url_env, self._environment)
            headers = parsed_headers(
                held(settings.headers, settings.headers_env, self._environment)
            )
            address = address_of(url)
        except ValueError as error:
            return f"otlp: {error}"
        made = document(self._measured(), self._process(settings), self._clock())
        body = json.dumps(made, separators=(",", ":"), allow_nan=False).encode()
        exchange = Exchange(address.host, address.port, secure=address.secure, timeout_s=timeout_s)
        self._exchange = exchange
        try:
            answer, content = exchange.ask(
                "POST",
                address.target,
                {**headers, "Content-Type": "application/json", "Connection": "close"},
                body,
                most_bytes=MOST_BYTES,
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            return exchange.reason(error)
        finally:
            self._exchange = None
            exchange.close()
        now_s = self._clock() / 1e9
        retry_after = answer.getheader("Retry-After")
        found = reply("webhook", answer.status, b"", retry_after=retry_after, now_s=now_s)
        self._wait_s = found.wait_s
        if not found.delivered:
            return found.said
        refused = _refused(content)
        self._metrics.count(REFUSED, by=refused)
        return f"{refused} of {points_of(made)} points were refused" if refused else ""

    def _process(self, settings: OtlpSettings) -> Process:
        version = importlib.metadata.version("ocr-rollout")
        own = {
            "service.name": settings.service,
            "service.version": version,
            "service.instance.id": self._instance,
        }
        return Process(
            tuple({**own, **dict(settings.attributes)}.items()), version, self._started_ns
        )


def _refused(content: bytes) -> int:
    """Data points, of an answer that took the others: `partialSuccess`."""
    try:
        found: Any = json.loads(content)["partialSuccess"]["rejectedDataPoints"]
        return max(0, int(found))
    except (LookupError, TypeError, ValueError):
        return 0
