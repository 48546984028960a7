"""One message to one target over HTTP."""

from __future__ import annotations

import dataclasses
import http.client
import os
import urllib.parse
from collections.abc import Mapping
from typing import Final

from ocr_client.exchange import Exchange
from ocr_client.settings import Target
from ocr_rollout.core.notices import Notice

from .address import address_of
from .replies import Reply, reply
from .requests import outgoing

TIMEOUT_S: Final = 5.0
MOST_BYTES: Final = 16_384  # of an answer
MOST_SHOWN: Final = 200  # characters of it, in a log
_LEAST_HIDDEN: Final = 4  # characters; what is shorter stands in any text
_LEAST_TOKEN: Final = 12  # of a part of a path: `send` is none


def deliver(
    target: Target,
    notice: Notice,
    message_id: str,
    *,
    public_url: str,
    now_s: float,
    timeout_s: float = TIMEOUT_S,
    environment: Mapping[str, str] = os.environ,
) -> Reply:
    """What came of it; never raises. Neither URL nor secret is in what the reply says.

    now_s: Unix time, which signatures hold. timeout_s: for the whole exchange.
    """
    try:
        url = held(target.url, target.url_env, environment)
        secret = held(target.secret, target.secret_env, environment)
        address = address_of(url)
        made = outgoing(
            target, notice, message_id, secret=secret, public_url=public_url, now_s=now_s
        )
    except ValueError as error:  # another process may have what this one lacks
        return Reply(False, str(error), again=True)
    exchange = Exchange(address.host, address.port, secure=address.secure, timeout_s=timeout_s)
    try:
        answer, content = exchange.ask(
            "POST",
            address.plus(made.query),
            {**made.headers, "Accept-Encoding": "identity", "Connection": "close"},
            made.body,
            most_bytes=MOST_BYTES,
        )
        retry_after = answer.getheader("Retry-After")
        found = reply(target.kind, answer.status, content, retry_after=retry_after, now_s=now_s)
        return dataclasses.replace(found, said=_shown(found.said, url, secret))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Reply(False, exchange.reason(error), again=True)
    finally:
        exchange.close()


def missing(target: Target, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The variables that the target names and this process's environment lacks."""
    named = (target.url_env, target.secret_env)
    return tuple(name for name in named if name and not environment.get(name))


def held(value: str, variable: str, environment: Mapping[str, str]) -> str:
    """Raises ValueError naming a variable that is not set."""
    if not variable:
        return value
    held = environment.get(variable, "").strip()
    if not held:
        raise ValueError(f"the environment variable {variable} is not set in this process")
    return held


def _shown(text: str, url: str, secret: str) -> str:
    """A receiver may repeat what it was sent: what could be a token is taken out, then it is cut.

    The other way round a part of a token could be left at the end.
    """
    parts = urllib.parse.urlsplit(url)
    values = [value for _, value in urllib.parse.parse_qsl(parts.query)]
    tokens = [part for part in parts.path.split("/") if len(part) >= _LEAST_TOKEN]
    hidden = {secret, url, parts.netloc, parts.path, parts.query, *tokens, *values}
    for part in sorted(hidden, key=len, reverse=True):
        if len(part) >= _LEAST_HIDDEN:
            text = text.replace(part, "...")
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
