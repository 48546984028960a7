"""The `otlp:` section -> its record. No error shows a value that may be a token."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from ocr_client.notifications.section import fields_of, hidden, receiver_url
from ocr_client.settings import OtlpSettings
from ocr_rollout.core import fields
from ocr_rollout.core.fields import FieldError

SHORTEST_S: Final = 1.0
LONGEST_S: Final = 3_600.0
MOST_ATTRIBUTES: Final = 50
HEADERS_ACCEPTED: Final = "name=value,name=value, values percent-encoded"
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the request itself says, or what would end it.
_OURS: Final = frozenset({"connection", "content-length", "content-type", "host"})


def otlp(document: object) -> OtlpSettings:
    """Raises FieldError naming the key. None: no section."""
    if document is None:
        return OtlpSettings()
    section, default = fields_of("otlp", document), OtlpSettings()
    url, url_env = hidden(section, "otlp", "url", receiver_url)
    if not url and not url_env:
        raise FieldError("otlp: has no address; give url, or url_env")
    headers, headers_env = hidden(section, "otlp", "headers", _headers)
    settings = OtlpSettings(
        url=url,
        url_env=url_env,
        headers=headers,
        headers_env=headers_env,
        every_s=section.read("every", default.every_s, _every),
        service=section.read("service", default.service, _word),
        attributes=section.read("attributes", default.attributes, _attributes),
    )
    section.close()
    return settings


def parsed_headers(text: str) -> dict[str, str]:
    """Raises ValueError saying what is accepted, without the text."""
    found = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        content = urllib.parse.unquote(value)
        good = _HEADER.fullmatch(name) and name.lower() not in _OURS
        if not (good and equals and content.isprintable() and content.isascii()):
            raise ValueError(HEADERS_ACCEPTED)
        found[name] = content
    return found


# Each parser raises ValueError saying what is accepted.


def _headers(value: object) -> str:
    if not isinstance(value, str) or not parsed_headers(value):
        raise ValueError(HEADERS_ACCEPTED)
    return value


def _every(value: object) -> float:
    seconds = fields.duration(value)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ValueError("1 s to 1 h, e.g. 60s")
    return seconds


def _word(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable():
        return value
    raise ValueError("one line of at most 200 characters")


def _attributes(value: object) -> tuple[tuple[str, str], ...]:
    accepted = f"a mapping of at most {MOST_ATTRIBUTES} names to texts"
    if not isinstance(value, Mapping) or len(value) > MOST_ATTRIBUTES:
        raise ValueError(accepted)
    try:
        return tuple((_word(name), _word(text)) for name, text in value.items())
    except ValueError:
        raise ValueError(accepted) from None
