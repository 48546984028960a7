"""What a client tells the outside by itself: notifications, and metrics that are pushed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ocr_rollout.stores import Store

from .config import ClientConfig
from .metrics import Metrics
from .notifications.notifier import Notifier, Watched
from .otlp.pusher import Pusher

TELL_S: Final = 1.0  # what closing waits for a notification


class Outside:
    """measured: all series, as they stand."""

    def __init__(self, metrics: Metrics, measured: Callable[[], Mapping[str, float]]) -> None:
        self._metrics = metrics
        self._notifier = Notifier(metrics)
        self._pusher = Pusher(metrics, measured)

    def follow(self, config: ClientConfig, store: Store, member: Watched) -> None:
        """From now on."""
        self._notifier.follow(config.notifications, store, member)
        self._pusher.follow(config.otlp)

    def wake(self) -> None:
        """There may be something to tell. Never raises or waits."""
        self._notifier.wake()

    def close(self) -> None:
        """Some 2 s at most. May begin again."""
        notifier, self._notifier = self._notifier, Notifier(self._metrics)
        notifier.close(TELL_S)
        self._pusher.close()
