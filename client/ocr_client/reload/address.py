"""A configuration centre's URL: what is asked, and what may be shown of it."""

from __future__ import annotations

import base64
import dataclasses
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from ocr_client.errors import ConfigError

USER: Final = "OCR_ROLLOUT_CONFIG_USER"
PASSWORD: Final = "OCR_ROLLOUT_CONFIG_PASSWORD"  # noqa: S105  # the variable's name
TOKEN: Final = "OCR_ROLLOUT_CONFIG_TOKEN"  # noqa: S105  # the variable's name
TOKEN_HEADER: Final = "OCR_ROLLOUT_CONFIG_TOKEN_HEADER"  # noqa: S105  # the variable's name

# Query parameters of Nacos, Consul and Apollo that say which configuration is meant. Any other
# one may be a secret (`accessToken`, `token`), so its value is not shown.
_SHOWN: Final = frozenset(
    "dataId group tenant namespaceId raw dc ns partition stale consistent ip label".split()
)
_ACCEPTED: Final = "accepted: http://HOST:PORT/PATH or https://HOST:PORT/PATH"
_HOST: Final = re.compile(r"[\w.-]+|[0-9a-f:.]+(%\w+)?", re.ASCII)  # a name, or an IP address
_SAFE: Final = "%/:=&?~+!$,;'@()*[]-._"  # not encoded again


@dataclasses.dataclass(frozen=True)
class Address:
    """target: path and query as they are asked for. shown: the URL without what may be secret."""

    secure: bool
    host: str
    port: int
    target: str = dataclasses.field(repr=False)
    shown: str


def parse_address(url: str) -> Address:
    """Raises ConfigError, which shows nothing that may be secret."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:  # brackets that do not close, a port that is no number, an odd host
        raise ConfigError(f"{shown(url)}: is no URL; {_ACCEPTED}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"{shown(url)}: holds a user or a password; set {USER} and {PASSWORD} instead"
        )
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or port == 0:
        raise ConfigError(f"{shown(url)}: is no URL; {_ACCEPTED}")
    target = urllib.parse.quote(parts.path or "/", _SAFE)
    if parts.query:
        target += "?" + urllib.parse.quote(parts.query, _SAFE)
    secure = parts.scheme == "https"
    return Address(secure, host, port or (443 if secure else 80), target, shown(url))


def shown(url: str) -> str:
    """For logs: no user, no password, no fragment, and only the query that names the document."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "what was given"
    host = parts.netloc.rpartition("@")[2]
    pairs = (pair.partition("=") for pair in parts.query.split("&") if pair)
    query = "&".join(
        f"{key}{equals}{value}" if not equals or key in _SHOWN else f"{key}=..."
        for key, equals, value in pairs
    )
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, query, ""))


def credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """The headers that say who asks. Raises ConfigError, which names a variable, never its value.

    OCR_ROLLOUT_CONFIG_USER and _PASSWORD: HTTP basic authentication (RFC 7617).
    OCR_ROLLOUT_CONFIG_TOKEN: `Authorization: Bearer TOKEN` (RFC 6750), or, as it stands, the
    header that OCR_ROLLOUT_CONFIG_TOKEN_HEADER names, e.g. X-Consul-Token.
    """
    user, token = environment.get(USER), environment.get(TOKEN)
    if user and token:
        raise ConfigError(f"{USER} and {TOKEN} are both set; set one of them")
    if user:
        if ":" in user:
            raise ConfigError(f"{USER}: holds a colon, which no user of basic authentication may")
        pair = f"{user}:{environment.get(PASSWORD, '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    if not token:
        return {}
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"{TOKEN}: holds what no header may (a blank, a line break, an accent)")
    name = environment.get(TOKEN_HEADER) or "Authorization"
    if not name.isascii() or not name.replace("-", "").isalnum():
        raise ConfigError(f"{TOKEN_HEADER}: is no name of a header, e.g. X-Consul-Token")
    return {name: f"Bearer {token}" if name.lower() == "authorization" else token}
