"""Everything that this package raises on purpose, and whose fault it is.

OCRError                      one line: what happened, and what to do where something can be done
├── CallerError               owner "caller": never counts against an arm, never falls back
│   ├── BadImageError           missing, empty, cut off, not an image, too small, too large
│   │   └── PageError             a PDF, TIFF, folder, pattern or address that gives no page
│   ├── BadArmError             not MODEL:VERSION
│   └── ConfigError             a configuration key: its value and what is accepted
├── ArmError                  owner "arm": what it failed at (see `outcomes` for what counts)
│   ├── ArmFailedError          the model itself failed (HTTP 500)
│   ├── ArmTimeoutError         no answer before the deadline
│   ├── ArmBusyError            its queue is full, or the request waited in it for too long
│   ├── ArmRefusedError         it does not take what its own configuration asks for (HTTP 400)
│   ├── BadAnswerError          an answer that is no text: missing outputs, shapes, code points
│   ├── BadSpecError            its configuration does not say how to prepare a line
│   ├── ArmBrokenError          not asked at all: its breaker is open on every endpoint
│   └── PreparationError        preparing the image the way this arm wants it failed
├── ServerError               owner "server"
│   ├── ModelMissingError       unknown model or version; says which ones are there
│   ├── DrainingError           known, but being loaded, swapped or shut down
│   ├── AccessError             the server restricts this call (HTTP 401, 403)
│   ├── UnexpectedStatusError   any other answer of a server or of a proxy before it
│   └── NoArmError              the candidate failed, and so did stable in its place
└── NetworkError              owner "network"
    ├── UnreachableError        nothing answers at the address; says how to start a server
    └── ConnectionLostError     the connection broke, or it did not speak HTTP
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ocr_preprocessing.errors import ImageError, printable

Owner = Literal["caller", "arm", "server", "network"]


class OCRError(Exception):
    """Base of all; `owner` says who has to act."""

    owner: ClassVar[Owner]


class CallerError(OCRError):
    """What was given cannot be read."""

    owner = "caller"


class BadImageError(CallerError):
    """The image cannot be read: `name: reason`."""

    @classmethod
    def of(cls, error: ImageError) -> BadImageError:
        """The same line in this tree, so that a caller has one base class to catch."""
        return cls(str(error))


class PageError(BadImageError):
    """A PDF, TIFF, folder, pattern or address that gives no page: `name: reason`."""

    @classmethod
    def at(cls, name: str, reason: str) -> PageError:
        return cls(f"{printable(name)}: {printable(reason)}")


class BadArmError(CallerError):
    """An arm that is not written MODEL:VERSION."""


class ConfigError(CallerError):
    """A configuration mistake: key, value, and what is accepted."""


class ArmError(OCRError):
    """The arm's own fault."""

    owner = "arm"


class ArmFailedError(ArmError):
    """The model failed while computing (HTTP 500)."""


class ArmTimeoutError(ArmError):
    """No answer before the deadline."""


class ArmBusyError(ArmError):
    """The arm's queue is full, or the request waited in it for too long."""


class ArmRefusedError(ArmError):
    """The model does not take what its own configuration asks for (HTTP 400)."""


class BadAnswerError(ArmError):
    """An answer came, but it is no text: missing outputs, wrong shapes, impossible characters."""


class BadSpecError(ArmError):
    """The model's configuration does not say how a line is to be prepared."""


class ArmBrokenError(ArmError):
    """The arm's breaker is open on every endpoint: refused without an attempt.

    No attempt, no outcome: it stands among the arm's faults because stable answers for it, but
    the faults that opened the breaker have been counted already.
    """


class PreparationError(ArmError):
    """Preparing the image the way this arm wants it failed."""


class ServerError(OCRError):
    """The server's fault, or its operator's."""

    owner = "server"


class ModelMissingError(ServerError):
    """Unknown model or version."""


class DrainingError(ServerError):
    """The model is known but not ready: being loaded, swapped or shut down."""


class AccessError(ServerError):
    """The server restricts this call."""


class UnexpectedStatusError(ServerError):
    """An HTTP status that no rule explains; often a proxy's."""


class NoArmError(ServerError):
    """The candidate failed and stable, asked in its place, failed too."""

    def __init__(self, candidate: OCRError, stable: OCRError) -> None:
        self.candidate = candidate
        self.stable = stable
        super().__init__(f"neither arm answered: {candidate}; then: {stable}")


class NetworkError(OCRError):
    """Nobody's model is to blame."""

    owner = "network"


class UnreachableError(NetworkError):
    """Nothing answers at the address."""


class ConnectionLostError(NetworkError):
    """The connection broke, or what came over it was not HTTP."""
