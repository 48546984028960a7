"""One command at a time, and none on top of what a killed one left."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from . import steps
from .journal import Transaction
from .lock import exclusive
from .site import Site


@contextlib.contextmanager
def alone(site: Site, what: str) -> Iterator[None]:
    """Nobody else changes the repository; what a killed command left is dealt with first.

    Raises BusyError, and what `recover` raises.
    """
    with exclusive(site.repository, what, wait_s=site.wait_s):
        recover(site)
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
