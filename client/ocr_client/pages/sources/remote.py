"""A file at an http:// or https:// address, without becoming a way into the caller's own network.

The host is looked up once, every address that it has is judged, and the connection goes to one of
those that passed: a name that answers differently a moment later gains nothing. A redirect is a new
address, and is judged like the first.
"""

from __future__ import annotations

import dataclasses
import http.client
import ipaddress
import socket
import time
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Final

from ocr_client.errors import PageError
from ocr_client.exchange import Exchange
from ocr_client.notifications.address import Address, address_of
from ocr_preprocessing.errors import printable

REDIRECTS: Final = 5
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = {
    "Accept": "image/*, application/pdf, */*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "ocr-rollout",
}

# Host and port -> the IP addresses that it has. Raises OSError.
LookUp = Callable[[str, int], Sequence[str]]


@dataclasses.dataclass(frozen=True)
class FetchLimits:
    """most_bytes: of the file. timeout_s: for all of it, redirects included.

    allow_private: also addresses of this machine and of networks that are not public.
    """

    most_bytes: int = 100_000_000
    timeout_s: float = 60.0
    allow_private: bool = False


def is_url(text: str) -> bool:
    return "://" in text


def looked_up(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


def fetched(url: str, limits: FetchLimits, look_up: LookUp = looked_up) -> bytes:
    """Raises PageError, one line: what is wrong with the address, or with what is there."""
    name, end = url, time.monotonic() + limits.timeout_s
    for _ in range(REDIRECTS + 1):
        address = _parsed(url, name)
        exchange = _exchange(address, name, end, limits, look_up)
        try:
            answer, content = exchange.ask(
                "GET", address.target, _HEADERS, most_bytes=limits.most_bytes, wanted={200}
            )
        except (OSError, http.client.HTTPException) as error:
            raise PageError.at(name, exchange.reason(error)) from None
        finally:
            exchange.close()
        if answer.status in _MOVED:
            url = urllib.parse.urljoin(url, answer.getheader("Location") or "")
            continue
        if answer.status != 200:
            raise PageError.at(name, f"the server answers with HTTP {answer.status}")
        if len(content) > limits.most_bytes:
            raise PageError.at(name, f"is larger than {limits.most_bytes / 1e6:,.0f} MB")
        if not content:
            raise PageError.at(name, "the server answers with nothing")
        return content
    raise PageError.at(name, f"redirects more than {REDIRECTS} times")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, and to nobody's own network."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inside = parsed.ipv4_mapped or parsed.sixtofour or _nat64(parsed)
        if inside is not None:
            return is_public(str(inside))
        if parsed.teredo is not None:
            return False
    return parsed.is_global and not parsed.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """RFC 6052: the IPv4 address that a translator would send it to."""
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _parsed(url: str, name: str) -> Address:
    try:
        return address_of(url)
    except ValueError:
        moved = "" if url == name else f"redirects to {printable(url)[:200]}, which "
        accepted = "http://HOST/PATH or https://HOST/PATH, without user and password"
        raise PageError.at(name, f"{moved}is not accepted; accepted: {accepted}") from None


def _exchange(
    address: Address, name: str, end: float, limits: FetchLimits, look_up: LookUp
) -> Exchange:
    """With an address that was judged. Raises PageError."""
    try:
        found = look_up(address.host, address.port)
    except (OSError, UnicodeError):
        raise PageError.at(name, f"{address.host} is not known; is it spelt right?") from None
    refused = [] if limits.allow_private else [one for one in found if not is_public(one)]
    if refused or not found:
        told = f"{address.host} is {refused[0]}" if refused else f"{address.host} has no address"
        reason = f"{told}, which is not on the public internet; --allow-private lets it through"
        raise PageError.at(name, reason)
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise PageError.at(name, f"no whole answer within {limits.timeout_s:g} s")
    return Exchange(
        address.host, address.port, secure=address.secure, timeout_s=left_s, connect_to=found
    )
