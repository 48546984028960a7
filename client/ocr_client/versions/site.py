"""What every command works on: a repository, its endpoints, its journal."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable

from .errors import EndpointDownError
from .fleet import Fleet
from .journal import History, Journal
from .places import Repository


def _silent(_: str) -> None:
    """Says nothing."""


@dataclasses.dataclass(frozen=True)
class Site:
    """say: called with one line before each step. now: seconds since 1970.

    wait_s: how long to wait for another command on the same repository.
    """

    repository: Repository
    fleet: Fleet
    say: Callable[[str], None] = _silent
    now: Callable[[], float] = time.time
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex[:12]
    wait_s: float = 0.0

    @property
    def journal(self) -> Journal:
        return Journal(self.repository.work)

    @property
    def history(self) -> History:
        return History(self.repository.work)


def refuse_no_endpoint(site: Site) -> None:
    """Raises EndpointDownError where there is nobody to prove a version to."""
    if not site.fleet.endpoints:
        raise EndpointDownError(
            f"no Triton of yours serves {site.repository.root}; start one: ocrctl server up "
            "--detach; or name it: --endpoint HTTP,GRPC --key-file FILE"
        )
