"""Who is told, for people to check: without a URL or a secret, which may be tokens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ocr_client.settings import NotificationSettings, Target

from .delivery import missing


def facts(
    settings: NotificationSettings, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Plain values. unset: the variables that this process lacks."""
    return {
        "public_url": settings.public_url or None,
        "give_up_s": settings.give_up_s,
        "store_lost_after_s": settings.store_lost_after_s,
        "targets": [
            {
                "name": target.name,
                "kind": target.kind,
                "url_env": target.url_env or None,
                "signed": bool(target.secret or target.secret_env),
                "secret_env": target.secret_env or None,
                "unset": list(missing(target, environment)),
                "language": target.language,
                "events": list(target.events),
            }
            for target in settings.targets
        ],
    }


def lines(
    settings: NotificationSettings, environment: Mapping[str, str] = os.environ
) -> list[tuple[str, str]]:
    """Name and value, one line for each target."""
    if not settings.targets:
        return [("told", "nobody: notifications has no targets")]
    return [("told", _line(target, environment)) for target in settings.targets]


def _line(target: Target, environment: Mapping[str, str]) -> str:
    unset = missing(target, environment)

    def held(what: str, variable: str) -> str:
        if not variable:
            return f"{what} given"
        return f"{what} in {variable}{' (not set here)' if variable in unset else ''}"

    parts = [target.kind, held("url", target.url_env)]
    if target.secret or target.secret_env:
        parts.append(held("secret", target.secret_env))
    return f"{target.name}: {', '.join((*parts, target.language))}: {' '.join(target.events)}"
