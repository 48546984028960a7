"""The attempts in a file, each written as soon as it is known: who is killed goes on from there.

A line of JSON with the arms, then one for each image by its SHA-256. So files may have been added or
deleted meanwhile; what was read of the others holds. It has texts, so only its owner can read it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ocr_client.operations.refused import RefusedError
from ocr_rollout.core.routing import Arm

from .attempts import Reading

if TYPE_CHECKING:
    from typing_extensions import Self

SCHEMA: Final = 1
_STATE: Final = "OCR_ROLLOUT_STATE"
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class JournalError(RefusedError):
    """It cannot be used: one line that says what to do."""


class Journal:
    """One process at a time writes it. readings: by the SHA-256 of the image's file."""

    def __init__(self, path: Path, stable: Arm, candidate: Arm) -> None:
        """Raises JournalError on a file of other arms or none, and one that is in use."""
        self.path = path
        head = {
            "ocrctl replay": SCHEMA,
            "stable": str(stable),
            "candidate": str(candidate),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(path, _FLAGS, 0o600), "ab+")
        except OSError as error:
            raise JournalError(f"{path}: {_reason(error)}; name another with --journal") from None
        try:
            self.readings = self._begun(head)
        except BaseException:
            self._file.close()
            raise

    def add(self, reading: Reading) -> None:
        """Raises JournalError, e.g. on a full disk."""
        self.readings[reading.digest] = reading
        self._write(reading.to_json())

    def remove(self) -> None:
        """It has done its work."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _begun(self, head: Mapping[str, Any]) -> dict[str, Reading]:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(
                f"{self.path}: another replay is writing it; wait, or name another with --journal"
            ) from None
        self._file.seek(0)
        content = self._file.read()
        if _line(head).startswith(content):  # new, or killed in the middle of its first line
            self._file.truncate(0)
            self._write(head)
            return {}
        whole = content[: content.rfind(b"\n") + 1]
        try:
            there, *found = map(json.loads, whole.splitlines())
            if there == head:
                readings = [Reading.from_json(document) for document in found]
        except (LookupError, TypeError, ValueError):
            there = None
        if there != head:  # whatever it is, it stays as it is
            other = isinstance(there, dict) and there.get("ocrctl replay") == SCHEMA
            of = f"of {there['stable']} and {there['candidate']}" if other else "no journal"
            raise JournalError(
                f"{self.path}: is {of}; name another file with --journal, or delete this one"
            )
        self._file.truncate(len(whole))  # it was killed in the middle of a line, perhaps
        return {reading.digest: reading for reading in readings}

    def _write(self, document: Mapping[str, Any]) -> None:
        try:
            self._file.write(_line(document))
            self._file.flush()
        except OSError as error:
            raise JournalError(f"{self.path}: {_reason(error)}") from None


def usual_path(where: str, stable: Arm, candidate: Arm) -> Path:
    """In the state folder, one for each source and pair of arms. Raises JournalError without one."""
    if own := os.environ.get(_STATE):
        base = Path(own)
    elif xdg := os.environ.get("XDG_STATE_HOME"):
        base = Path(xdg) / "ocr-rollout"
    else:
        try:
            base = Path.home() / ".local/state/ocr-rollout"
        except RuntimeError:
            raise JournalError("there is no home folder; name a file with --journal") from None
    if "://" not in where:
        where = str(Path(where).absolute())
    name = hashlib.sha256(f"{where} {stable} {candidate}".encode()).hexdigest()[:16]
    return base.absolute() / "replay" / f"{name}.jsonl"


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
