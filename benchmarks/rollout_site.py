"""A place where a rollout happens: configuration, store, Triton, and `ocrctl`.

For the demonstration and for tests, which have a Triton of their own and a folder to themselves.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from ocr_rollout.core.plan import DEFAULT_PHASES
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import AuditEntry, RolloutState
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import Store, open_store
from ocr_server import CONTROL_HEADER, EmbeddedTriton, environment, grpc_control
from ocr_server.flags import GRPC_PREFIX

ROOT: Final = Path(__file__).resolve().parent.parent
LIMIT_S: Final = (
    240.0  # of waiting: bounds a failure, for a busy machine needs long for seconds' work
)


class SiteError(RuntimeError):
    """What was waited for did not come, or a client process died. One line."""


@dataclasses.dataclass(frozen=True)
class Said:
    """What `ocrctl` said. code: its exit code."""

    code: int
    out: str
    err: str


@dataclasses.dataclass(frozen=True)
class Site:
    """folder: of config.yaml and the SQLite store. repository: of the models.

    http_url, metrics_url: HOST:PORT of Triton. store_url: None: SQLite in the folder.
    """

    folder: Path
    repository: Path
    http_url: str
    metrics_url: str
    store_url: str | None = None

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def database(self) -> Path:
        """The SQLite store's file."""
        return self.folder / "rollout.db"

    @property
    def url(self) -> str:
        return self.store_url or f"sqlite:///{self.database}"

    def configure(self, rollout: Mapping[str, Any], **sections: Mapping[str, Any]) -> None:
        """Replaces config.yaml at once. sections: what they hold besides what a site needs."""
        document: dict[str, Any] = {
            "rollout": dict(rollout),
            "model_routing": {"check_interval_seconds": 0.2},
            # A busy machine is no part of what is looked at: it is nobody's fault.
            "triton": {
                "urls": [self.http_url],
                "metrics_urls": [self.metrics_url],
                "deadline_s": 60.0,
                "candidate_deadline_s": 30.0,
            },
            "rescue": {"deadline_s": 30.0},
            "store": {"url": self.url},
        }
        for name, section in sections.items():
            document[name] = {**document.get(name, {}), **section}
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        new = self.folder / f".config-{os.getpid()}.yaml"
        new.write_text(text, encoding="utf-8")
        new.replace(self.config)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """One's own connection to the store."""
        store = open_store(self.url)
        try:
            yield store
        finally:
            store.close()

    def state(self) -> RolloutState:
        with self.store() as store:
            return read_state(store)

    def history(self) -> list[AuditEntry]:
        """The whole audit log, the oldest entry first."""
        with self.store() as store:
            return [
                AuditEntry.from_dict(recorded.entry.document)
                for recorded in store.history(limit=10_000)
            ]

    def ocrctl(self, *arguments: str, show: bool = False) -> Said:
        """Runs the program as an operator does, with this site's configuration.

        show: what it says is printed, and not returned.
        """
        done = subprocess.run(
            [sys.executable, "-m", "ocr_client.cli", *arguments],
            env={**os.environ, "OCR_ROLLOUT_CONFIG": str(self.config)},
            cwd=ROOT,
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout or "", (done.stderr or "").strip())

    def wait_for(
        self,
        there: Callable[[RolloutState], bool],
        what: str,
        *,
        limit_s: float = LIMIT_S,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> RolloutState:
        """The first state that is so. Raises SiteError naming `what` after the limit.

        meanwhile: called several times a second; what it raises ends the waiting.
        """
        end = time.monotonic() + limit_s
        with self.store() as store:
            state = read_state(store)
            while not there(state):
                if time.monotonic() > end:
                    raise SiteError(
                        f"waited {limit_s:.0f} s in vain for {what}; the rollout is "
                        f"{state.status}, phase {state.phase + 1}: {state.reason}"
                    )
                meanwhile()
                store.wait_for_change(state.generation, 0.1)
                state = read_state(store)
        return state


def load(triton: EmbeddedTriton, model: str) -> None:
    """Has Triton take up a model's new versions. Over gRPC: over HTTP inference would stall.

    Raises SiteError with Triton's reason. The versions that it has go on serving.
    """
    done = subprocess.run(
        [
            *(str(environment.ensure().python), grpc_control.__file__),
            *(triton.grpc_url, "load", model, GRPC_PREFIX + CONTROL_HEADER),
        ],
        input=triton.control_key,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SiteError(f"Triton did not load {model}: {' '.join(done.stderr.split())}")


def wait_until(
    there: Callable[[], bool], what: str, *, limit_s: float = LIMIT_S, every_s: float = 0.02
) -> None:
    """Raises SiteError naming `what` after the limit."""
    end = time.monotonic() + limit_s
    while not there():
        if time.monotonic() > end:
            raise SiteError(f"waited {limit_s:.0f} s in vain for {what}")
        time.sleep(every_s)


def phases(*shares: float, gate: str = "manual", samples: int = 20) -> list[dict[str, Any]]:
    """Without a dwell time, for what is to be seen in seconds."""
    return [
        {"share": share, "min_dwell": "0s", "min_samples": samples, "gate": gate}
        for share in shares
    ]


def default_phases(samples: int) -> list[dict[str, Any]]:
    """The default plan's phases without their days."""
    return [
        {**made, "aim": phase.aim}
        for phase in DEFAULT_PHASES
        for made in phases(phase.share_bp / BUCKETS, samples=samples)
    ]
