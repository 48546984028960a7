"""What every command works on: a repository, its endpoints, its journal; one command at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator

from . import steps
from .errors import EndpointDownError
from .fleet import Fleet
from .journal import History, Journal, Transaction
from .lock import exclusive
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

    @contextlib.contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Nobody else changes the repository; what a killed command left is dealt with first.

        Raises BusyError, and what `recover` raises.
        """
        with exclusive(self.repository, what, wait_s=self.wait_s):
            recover(self)
            yield


def recover(site: Site) -> Transaction | None:
    """Finishes or undoes an interrupted transaction; the caller has the lock. None: there was none.

    An endpoint that is down is passed over: when it starts, it loads what config.pbtxt lists.
    Raises UnfinishedError or ControlError; the transaction then stays for the next command.
    """
    found = site.journal.read()
    if found is None:
        steps.sweep(site.repository)
        return None
    up, faults = site.fleet.up()
    for fault in faults:
        site.say(f"not there, so left to its next start: {fault}")
    there = dataclasses.replace(site, fleet=up)
    if found.step in {"proven", "removing"}:
        site.say(f"finishing what was interrupted: {found}")
        steps.finish(there, found)
    else:
        site.say(f"undoing what was interrupted: {found}")
        steps.undo(there, found)
    steps.sweep(site.repository)
    return found


def refuse_no_endpoint(site: Site) -> None:
    """Raises EndpointDownError where there is nobody to prove a version to."""
    if not site.fleet.endpoints:
        raise EndpointDownError(
            f"no Triton of yours serves {site.repository.root}; start one: ocrctl server up "
            "--detach; or name it: --endpoint HTTP,GRPC --key-file FILE"
        )
