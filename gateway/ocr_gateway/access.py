"""Who may: a bearer token on every request under `/api`, and nothing else.

Not a cookie, which a browser sends for other sites' pages too; not coming from this host, which
everything does that comes through a proxy on it.
"""

from __future__ import annotations

import math
import re
from typing import Final

from .failures import Failures
from .problems import Problem
from .tokens import Role, Tokens

_BEARER = re.compile(r"[Bb]earer +(?P<token>[^\s]+)")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="ocr"'}
WHERE: Final = "ocrctl serve prints where the admin token lies when it starts"


class Access:
    """Tells whose token a request bears. Of one process, for one event loop."""

    def __init__(self, tokens: Tokens, failures: Failures | None = None) -> None:
        self._tokens = tokens
        self._failures = failures or Failures()

    def role(self, authorization: str | None, peer: str) -> Role:
        """Raises Problem 401, or 429 where `peer` has sent too many wrong ones.

        Then not even the right one is taken, or it would be found at full speed.
        """
        wait_s = self._failures.wait_s(peer)
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            raise Problem(
                429,
                "too-many-attempts",
                f"too many wrong tokens came from this address; wait {seconds} s",
                {"Retry-After": str(seconds)},
            )
        if authorization is None:
            raise Problem(401, "no-token", f"send Authorization: Bearer TOKEN; {WHERE}", _CHALLENGE)
        found = _BEARER.fullmatch(authorization)
        role = self._tokens.role_of(found["token"]) if found else None
        if role is None:
            self._failures.failed(peer)
            raise Problem(401, "wrong-token", f"this is not the token; {WHERE}", _CHALLENGE)
        return role
