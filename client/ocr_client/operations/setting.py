"""Which configuration and which store a verb is about."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError
from ocr_client.reload import open_source, read_config
from ocr_rollout.core.plan import Plan, parse
from ocr_rollout.core.state import RolloutState, StateError
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import MemoryStore, SqliteStore, Store, open_store

from .refused import NoRolloutError

DEFAULT_CONFIG = Path("config.yaml")
HOW_TO_SHARE = "add a section to it, e.g. 'rollout: {id: crnn-1}'"


@dataclasses.dataclass(frozen=True)
class Setting:
    """config: of the file, or the defaults. name: of the file, for people. store: shared."""

    config: ClientConfig
    name: str
    store: Store

    @property
    def plan(self) -> Plan:
        return self.config.plan()

    def state(self) -> RolloutState:
        """Raises StorageError, or StateError naming the store."""
        try:
            return read_state(self.to_read())
        except StateError as error:
            raise StateError(f"{self.store.url}: {error}") from None

    def to_read(self) -> Store:
        """The store, or an empty one where its file is not there yet.

        Reading would make the file, and it would belong to who looks, not to who serves.
        """
        if isinstance(self.store, SqliteStore) and self.store.absent:
            return MemoryStore()
        return self.store


def configured(where: str | None) -> tuple[ClientConfig, str]:
    """The configuration of a file or an address, and what to call it. Raises ConfigError."""
    if where is None and DEFAULT_CONFIG.exists():
        where = str(DEFAULT_CONFIG)
    if where is None:
        return ClientConfig(), str(DEFAULT_CONFIG)
    with contextlib.closing(open_source(where)) as source:
        return read_config(source), source.name


def setting(where: str | None, url: str | None) -> Setting:
    """Raises ConfigError, StoreError, or NoRolloutError where nothing is shared."""
    config, name = configured(where)
    return Setting(config, name, shared_store(url or config.store.url, name))


def without_plan(where: str | None, url: str | None) -> Setting:
    """For verbs that need no plan: with a URL given, no configuration is needed.

    So a rollback is possible while config.yaml is broken. Raises as `setting` does.
    """
    if url is None:
        return setting(where, None)
    return Setting(_who_is_told(where), "--store", shared_store(url, "--store"))


def _who_is_told(where: str | None) -> ClientConfig:
    """Nothing else of a configuration, and the defaults where it cannot be read."""
    with contextlib.suppress(ConfigError):
        return ClientConfig(notifications=configured(where)[0].notifications)
    return ClientConfig()


def shared_store(url: str | None, name: str) -> Store:
    """Raises StoreError, or NoRolloutError where nothing is shared."""
    if url is None:
        raise NoRolloutError(f"{name}: no rollout is configured; {HOW_TO_SHARE}")
    store = open_store(url)
    if isinstance(store, MemoryStore):
        raise NoRolloutError(f"{name}: the store is memory:, which only its own process sees")
    return store


def plan_to_try(config: ClientConfig) -> Plan:
    """The configured plan, or the default one with the arms and limits of `model_routing`."""
    routing = config.model_routing
    return config.rollout or parse(
        {"id": "rollout"},
        stable=routing.stable,
        candidate=routing.candidate,
        errors=routing.auto_rollback_threshold,
        sticky=routing.sticky,
    )
