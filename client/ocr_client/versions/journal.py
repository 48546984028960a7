"""What is under way, written down before it is done; and what was done.

One transaction at a time (see `lock`). Each step is on disk before its first change, so whoever
comes after a kill knows what to look for:

| step | the files | the servers | the next command |
|---|---|---|---|
| staged | a copy in the workplace | nothing | undoes |
| placed | the version's folder is, or is about to be, in the model's | some may have it | undoes |
| proven | config.pbtxt names it, or is about to | all have it, it was read from | finishes |
| leaving | config.pbtxt leaves it out, or is about to | some may still have it | undoes |
| removing | its folder goes | none has it | finishes |
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from ocr_rollout.core.routing import Arm

from . import files
from .errors import RepositoryError, UnfinishedError

SCHEMA = 1
Verb = Literal["publish", "activate", "retire"]
Step = Literal["staged", "placed", "proven", "leaving", "removing"]


@dataclasses.dataclass(frozen=True)
class Transaction:
    """config_before, config_after: the texts of config.pbtxt; None: there is none.

    origin: the folder the version comes from, relative to the workplace; None: it lies in the
        model's folder already. keep: a retired version is put aside, not deleted.
    facts: what the history will say of it. started_at: seconds since 1970, for people.
    """

    id: str
    verb: Verb
    model: str
    version: int
    step: Step
    config_before: str | None
    config_after: str | None
    origin: str | None
    keep: bool
    facts: Mapping[str, Any]
    started_at: float

    @property
    def arm(self) -> Arm:
        return Arm(self.model, self.version)

    def __str__(self) -> str:
        return f"{self.verb} {self.arm}"


class Journal:
    """transaction.json of a workplace."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._path = work / "transaction.json"

    def read(self) -> Transaction | None:
        """Raises UnfinishedError when it is there and cannot be understood."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            return _transaction(document)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnfinishedError(
                f"{self._path}: an unfinished transaction that cannot be read ({error}); see that "
                "config.pbtxt lists what it should, then delete this file"
            ) from None

    def write(self, transaction: Transaction) -> Transaction:
        """On disk when this returns."""
        document = {"schema": SCHEMA, **dataclasses.asdict(transaction)}
        content = json.dumps(document, ensure_ascii=False, indent=1).encode()
        files.replace(self._path, content, work=self._work)
        return transaction

    def at(self, transaction: Transaction, step: Step) -> Transaction:
        return self.write(dataclasses.replace(transaction, step=step))

    def clear(self) -> None:
        """Should a power cut bring it back: finishing or undoing it once more changes nothing."""
        files.remove(self._path)
        with contextlib.suppress(RepositoryError):
            files.sync_folder(self._work)


@dataclasses.dataclass(frozen=True)
class Event:
    """One finished transaction. facts: at least the version's sha256."""

    at_s: float
    verb: Verb
    arm: Arm
    id: str
    facts: Mapping[str, Any]


class History:
    """history.jsonl of a workplace: one line for each finished transaction, only ever added to."""

    def __init__(self, work: Path) -> None:
        self._path = work / "history.jsonl"

    def add(self, event: Event) -> None:
        """All of it or nothing. The same id a second time, after a kill, does no harm."""
        line = {
            "at_s": event.at_s,
            "verb": event.verb,
            "arm": str(event.arm),
            "id": event.id,
            "facts": dict(event.facts),
        }
        with files.explained(self._path), self._path.open("ab+") as file:
            size = file.tell()
            whole = not size or _last_byte(file) == b"\n"
            text = json.dumps(line, ensure_ascii=False) + "\n"
            try:
                file.write((text if whole else f"\n{text}").encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)  # what is undone next must not stand there as done
                raise

    def events(self) -> Iterator[Event]:
        """The oldest first. A line that a kill cut short is passed over."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise RepositoryError(f"{self._path}: {error.strerror}") from None
        for line in lines:
            try:
                held = json.loads(line)
                event = Event(
                    held["at_s"], held["verb"], Arm.parse(held["arm"]), held["id"], held["facts"]
                )
            except (ValueError, KeyError, TypeError):
                continue
            yield event

    def last(self, arm: Arm) -> Event | None:
        """What was last done to an arm; None: nothing by these commands."""
        return {event.arm: event for event in self.events()}.get(arm)


def _transaction(document: dict[str, Any]) -> Transaction:
    """Raises ValueError, TypeError or KeyError for what this version did not write."""
    if document.pop("schema") != SCHEMA:
        raise ValueError("it was written by another version of this program")
    found = Transaction(**document)
    if found.verb not in get_args(Verb) or found.step not in get_args(Step):
        raise ValueError(f"{found.verb} {found.step} is unknown")
    return found


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return bytes(file.read(1))
