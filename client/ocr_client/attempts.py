"""One call's way through the endpoints: what was tried, what is tried next, what to tell."""

from __future__ import annotations

import dataclasses

from ocr_rollout.core.routing import Arm

from .answers import ABSENT, GATEWAY, ErrorAnswer, answer_kind, answer_text, one_line
from .endpoints import Ending, Lease
from .errors import (
    ArmBrokenError,
    ArmTimeoutError,
    ConnectionLostError,
    DrainingError,
    OCRError,
    UnreachableError,
)

FAIR_S = 0.1  # a timeout of an attempt that had less says nothing of the endpoint
HOW_TO_START = "start one with: ocrctl server up --detach"


@dataclasses.dataclass(frozen=True)
class Ended:
    """How an attempt ended: for the breaker, with the reason in one line.

    error: what the call raises now; None: another endpoint may be asked.
    """

    ending: Ending
    reason: str
    error: OCRError | None = None


@dataclasses.dataclass
class Attempts:
    """Belongs to one call in one thread.

    tried: places of the endpoints that the next attempt leaves out.
    again: the place where it was lost; once more there, on a fresh connection and with all the
        time that is left, if nobody else can be asked.
    sent_again: the request was sent and lost, and may be sent once more, but never a third time.
    """

    arm: Arm
    endpoints: int
    tried: set[int] = dataclasses.field(default_factory=set)
    again: int | None = None
    sent_again: bool = False
    _lost: OCRError | None = None
    _refused: list[str] = dataclasses.field(default_factory=list)
    _absent: dict[str, type[OCRError]] = dataclasses.field(default_factory=dict)

    @property
    def absent(self) -> tuple[str, ...]:
        """Addresses of the endpoints that answered that they lack the arm."""
        return tuple(self._absent)

    def answered(self, lease: Lease, fault: ErrorAnswer) -> Ended:
        """An answer that reports an error. One that lacks the arm has computed nothing."""
        kind, reason = answer_kind(fault), answer_text(fault)
        if kind in ABSENT:
            self.tried.add(lease.place)
            self._absent[lease.url] = kind
            return Ended("absent", reason)
        ending: Ending = "fault" if str(fault.status()) in GATEWAY else "answered"
        return Ended(ending, reason, kind(f"{self.arm} at {lease.url}: {reason}"))

    def broke(
        self,
        lease: Lease,
        kind: type[OCRError],
        fault: BaseException,
        had_s: float,
        *,
        spared: bool,
        before_first_byte: bool,
    ) -> Ended:
        """A fault of the libraries below; kind: ours for it.

        had_s: the time that the attempt was given. spared: that was less than the call has.
        before_first_byte: it was sent, and the connection broke before anything came back.
        """
        self.tried.add(lease.place)
        reason = one_line(fault)
        if kind is UnreachableError:  # nothing was sent
            self._refused.append(f"{lease.url} ({reason})")
            return Ended("fault", reason)
        ending: Ending = "fault"
        error: OCRError
        if kind is ArmTimeoutError:
            reason = f"no answer within {had_s:.3g} s"
            ending = "fault" if had_s >= FAIR_S else "dropped"
            error = kind(f"{self.arm} at {lease.url}: {reason}")
        elif kind is ConnectionLostError:
            error = kind(f"{lease.url}: the connection broke while {self.arm} was asked: {reason}")
        else:
            ending = "answered"
            error = kind(f"{self.arm} at {lease.url}: an answer that cannot be read: {reason}")
        repeat = before_first_byte or (kind is ArmTimeoutError and spared)
        if not repeat or self.sent_again:
            return Ended(ending, reason, error)
        self.sent_again = True
        self.again = lease.place
        self._lost = error
        return Ended(ending, reason)

    def once_more(self) -> bool:
        """Whether the endpoint that lost it may be tried now; only once."""
        if self.again is None:
            return False
        self.tried.discard(self.again)
        self.again = None
        return True

    def verdict(self, refusal: ArmBrokenError | None, there: str) -> OCRError:
        """What to raise when no attempt is left.

        refusal: why the others were not asked. there: what those do have that lack the arm.
        An answer tells more than none, and what was sent more than what was not.
        """
        nowhere = ", ".join(self._refused)
        if self._absent:
            kinds = set(self._absent.values())
            kind = DrainingError if DrainingError in kinds else kinds.pop()
            beside = f"; and no Triton at {nowhere}" if nowhere else ""
            places = ", ".join(self._absent)
            return kind(f"{self.arm} is {ABSENT[kind]} the server at {places}; {there}{beside}")
        if self._lost is not None and len(self._refused) < self.endpoints:
            return self._lost
        if refusal is not None:
            return ArmBrokenError(f"{refusal}; and no Triton at {nowhere}") if nowhere else refusal
        return UnreachableError(f"no Triton at {nowhere}; {HOW_TO_START}")
