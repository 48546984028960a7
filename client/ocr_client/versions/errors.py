"""What publishing, activating and retiring versions raise on purpose: each one line.

VersionsError                 says what is wrong and what to do; nothing was changed, or all put back
├── BadNameError                a model name or version number that is none
├── RepositoryError             the repository on disk: missing, damaged, read-only, full
├── RefusedError                the version itself: its file, its graph, what it reads
├── InUseError                  the arm is in traffic, or traffic may go back to it
├── BusyError                   another command is at work on this repository
├── UnfinishedError             could neither be finished nor undone; the next command goes on
└── ControlError                a Triton endpoint
    ├── EndpointDownError         nothing answers there
    ├── KeyRefusedError           it wants another control key
    ├── LoadFailedError           it says why it cannot load
    └── UnknownOutcomeError       no answer in time: done or not, nobody knows; ask, never assume
"""

from __future__ import annotations


class VersionsError(Exception):
    """Base of all."""


class BadNameError(VersionsError):
    """Not a model name, or not a version number."""


class RepositoryError(VersionsError):
    """The repository or its workplace cannot be read or written."""


class RefusedError(VersionsError):
    """The version is not fit to serve. reasons: one line each."""

    def __init__(self, what: str, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(f"{what} is refused: {'; '.join(reasons)}")


class InUseError(VersionsError):
    """Traffic goes there, or may go back there."""


class BusyError(VersionsError):
    """Another command holds the repository's lock."""


class UnfinishedError(VersionsError):
    """An interrupted transaction is still open."""


class ControlError(VersionsError):
    """Model control of an endpoint."""


class EndpointDownError(ControlError):
    """Nothing answers at the address."""


class KeyRefusedError(ControlError):
    """The endpoint restricts model control, and the key is not its key."""


class LoadFailedError(ControlError):
    """Triton's own reason."""


class UnknownOutcomeError(ControlError):
    """A call ended without an answer."""


def said(error: BaseException) -> str:
    """Its text; KeyboardInterrupt has none, so its name."""
    return str(error) or type(error).__name__
