"""Where metrics are pushed, for people to check: without a URL or headers, which may be tokens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ocr_client.settings import OtlpSettings


def facts(
    settings: OtlpSettings, environment: Mapping[str, str] = os.environ
) -> dict[str, Any] | None:
    """Plain values; None: nowhere. unset: the variables that this process lacks."""
    if not settings.enabled:
        return None
    named = (settings.url_env, settings.headers_env)
    return {
        "url_env": settings.url_env or None,
        "headers_env": settings.headers_env or None,
        "unset": [name for name in named if name and not environment.get(name)],
        "every_s": settings.every_s,
        "service": settings.service,
        "attributes": dict(settings.attributes),
    }


def lines(
    settings: OtlpSettings, environment: Mapping[str, str] = os.environ
) -> list[tuple[str, str]]:
    """Name and value."""
    found = facts(settings, environment)
    if found is None:
        return []
    where = f"url in {found['url_env']}" if found["url_env"] else "url given"
    unset = f"; not set here: {', '.join(found['unset'])}" if found["unset"] else ""
    return [("otlp", f"{where}, every {found['every_s']:g} s as {found['service']}{unset}")]
