"""From which pages a request may come, and by which names this service may be called. Pure.

Nobody has to be on a list for ordinary use: programs send no `Origin`, and this service's own pages
are of the host that they ask. So what is refused is what only an attack or a missing line in the
configuration looks like.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Final

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Nobody can register a name that ends so; clusters and local networks give them.
NOT_PUBLIC: Final = (".localhost", ".local", ".internal")

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_ORIGIN = re.compile(rf"(?i:https?)://(?:{_NAME}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
_PATTERN = re.compile(rf"\*|(?:\*\.)?{_NAME}")
_HOST = re.compile(rf"(?P<name>{_NAME}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")


def origin(value: object) -> str:
    """An entry of `service.allowed_origins`. Raises ValueError saying what is accepted."""
    if isinstance(value, str) and _ORIGIN.fullmatch(value):
        return value.lower()
    raise ValueError("an origin without a path, e.g. https://ocr.example.com")


def host_pattern(value: object) -> str:
    """An entry of `service.allowed_hosts`. Raises ValueError saying what is accepted."""
    if isinstance(value, str) and _PATTERN.fullmatch(value):
        return value.lower()
    raise ValueError("a name without a port, *.example.com for all below it, or * for any")


def host_of(header: str) -> str | None:
    """The name in a `Host` header, in lower case, without port or brackets; None: there is none."""
    found = _HOST.fullmatch(header)
    return found["name"].strip("[]").lower() if found else None


def known_host(header: str, allowed: Collection[str]) -> bool:
    """Whether a `Host` header may be this service's.

    A page of an attacker's can have its own name point to this machine (DNS rebinding) and is then
    of our origin to a browser. Its name is a full one of the public DNS, so addresses, names
    without a dot and those below `NOT_PUBLIC` are ours in any case; others have to be configured.
    """
    host = host_of(header)
    if host is None:
        return False
    if "*" in allowed or host in allowed or _is_address(host):
        return True
    if "." not in host or host.endswith(NOT_PUBLIC):
        return True
    return any(host.endswith(name[1:]) for name in allowed if name.startswith("*."))


def foreign(method: str, headers: Mapping[str, str], allowed: Collection[str]) -> bool:
    """Whether a request that changes something comes from a page of another origin.

    headers: by lower-case names. Browsers say so in `Sec-Fetch-Site`; older ones, and those on
    plain http, in `Origin`, which has to be of the host asked. The scheme is not compared: behind
    a proxy that ends TLS it is another one here. Who sends neither is no browser.
    """
    if method in SAFE_METHODS:
        return False
    given = headers.get("origin")
    if given is not None and given.lower() in allowed:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    if given is None:
        return False
    return given.lower().partition("://")[2] != headers.get("host", "").lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
