"""From the configuration to what it reaches: a transport, and whether another store."""

from __future__ import annotations

from .breaker import BreakerSettings
from .config import ClientConfig
from .errors import ConfigError
from .settings import TritonSettings
from .transport import TritonTransport


def transport_to(triton: TritonSettings) -> TritonTransport:
    """Raises ConfigError on an address that is none."""
    return TritonTransport(
        triton.urls,
        connect_timeout_s=triton.connect_timeout_s,
        breaker=BreakerSettings(triton.breaker_failures, triton.breaker_open_s),
    )


def reached(triton: TritonSettings) -> tuple[object, ...]:
    """What makes another transport."""
    return triton.urls, triton.connect_timeout_s, triton.breaker_failures, triton.breaker_open_s


def moved(before: ClientConfig, config: ClientConfig) -> bool:
    """Whether another store is to be used. Raises ConfigError where somebody would be left behind."""
    if config.store == before.store:
        return False
    if not (_private(before) or _private(config)):
        raise ConfigError(
            "store.url: another store is not accepted while this process runs, because the "
            "rollout's state stays in the old one; restart to change it"
        )
    return True


def _private(config: ClientConfig) -> bool:
    """Nobody else sees this store, so nobody is left behind in it."""
    return config.store.url is None or config.store.url.startswith("memory:")
