"""A receiver's URL. Nothing of it is ever shown: its path, its query and its host may be tokens."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from typing import Final

URL_ACCEPTED: Final = "https://HOST/PATH or http://HOST/PATH without user and password"
_REFUSED: Final = f"the URL is not accepted (and not shown); accepted: {URL_ACCEPTED}"
_HOST: Final = re.compile(r"[\w.-]+|[0-9a-f:.]+(%\w+)?", re.ASCII)  # a name, or an IP address
_SAFE: Final = "%/:=&?~+!$,;'@()*[]-._"  # not encoded again


@dataclasses.dataclass(frozen=True, repr=False)
class Address:
    """target: path and query as they are asked for."""

    secure: bool
    host: str
    port: int
    target: str

    def plus(self, query: str) -> str:
        """The target with more of a query."""
        joint = "&" if "?" in self.target else "?"
        return f"{self.target}{joint}{query}" if query else self.target


def address_of(url: str) -> Address:
    """Raises ValueError, one line without anything of the URL."""
    if not url.isprintable() or " " in url:
        raise ValueError(_REFUSED)
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:  # brackets that do not close, a port that is no number, an odd host
        raise ValueError(_REFUSED) from None
    known = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) and port != 0
    if not known or parts.username is not None or parts.password is not None:
        raise ValueError(_REFUSED)
    secure = parts.scheme == "https"
    target = urllib.parse.quote(parts.path or "/", _SAFE)
    if parts.query:
        target += "?" + urllib.parse.quote(parts.query, _SAFE)
    return Address(secure, host, port or (443 if secure else 80), target)


def is_url(url: str) -> bool:
    try:
        address_of(url)
    except ValueError:
        return False
    return True
