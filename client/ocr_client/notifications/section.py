"""The `notifications:` section -> its record. No error shows a value that may be a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, get_args

from ocr_client.settings import Language, NotificationSettings, Target, TargetKind
from ocr_rollout.core import fields
from ocr_rollout.core.fields import FieldError, Fields
from ocr_rollout.core.notices import EVENTS, Event

from .address import URL_ACCEPTED, is_url

SIGNED: Final = frozenset({"webhook", "dingtalk", "feishu"})  # kinds that know a signature
MOST_TARGETS: Final = 20
MOST_PATIENCE_S: Final = 7 * 86_400.0
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def notifications(document: object) -> NotificationSettings:
    """Raises FieldError naming the key."""
    section = fields_of("notifications", document)
    default = NotificationSettings()
    settings = NotificationSettings(
        targets=_targets(section.raw("targets", [])),
        public_url=section.read("public_url", default.public_url, _link),
        give_up_s=section.read("give_up_after", default.give_up_s, _patience),
        store_lost_after_s=section.read(
            "store_lost_after_s",
            default.store_lost_after_s,
            fields.number(above=0, most=86_400),
        ),
    )
    section.close()
    return settings


def _targets(value: object) -> tuple[Target, ...]:
    if not isinstance(value, list) or len(value) > MOST_TARGETS:
        raise FieldError(f"notifications.targets: accepted: a list of at most {MOST_TARGETS}")
    found = tuple(
        _target(f"notifications.targets[{number}]", item)
        for number, item in enumerate(value, start=1)
    )
    names = [target.name for target in found]
    for name in names:
        if names.count(name) > 1:
            raise FieldError(f"notifications.targets: the name {name!r} stands there twice")
    return found


def _target(where: str, value: object) -> Target:
    section = fields_of(where, value)
    name = section.required("name", _name)
    kind = section.required("kind", fields.word(*get_args(TargetKind)))
    url, url_env = hidden(section, where, "url", receiver_url)
    if not url and not url_env:
        raise FieldError(f"{where}: has no address; give url, or url_env (safer)")
    secret, secret_env = hidden(section, where, "secret", _secret)
    if (secret or secret_env) and kind not in SIGNED:
        raise FieldError(f"{where}.secret: {kind} knows no signature; leave it out")
    target = Target(
        name=name,
        kind=kind,
        url=url,
        url_env=url_env,
        secret=secret,
        secret_env=secret_env,
        events=section.read("events", EVENTS, _events),
        language=section.read("language", "en", fields.word(*get_args(Language))),
    )
    section.close()
    return target


def fields_of(where: str, value: object) -> Fields:
    if not isinstance(value, Mapping):  # `Fields` would show it
        raise FieldError(f"{where}: is not a mapping of keys")
    return Fields(where, value)


def hidden(
    section: Fields, where: str, key: str, parse: Callable[[object], str]
) -> tuple[str, str]:
    """(the value, the name of the variable that holds it); one of the two is empty, or both."""
    value, variable = section.raw(key, None), section.raw(f"{key}_env", None)
    if value is not None and variable is not None:
        raise FieldError(f"{where}: {key} and {key}_env are both given; give one of them")
    if variable is not None:
        if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
            # It is shown: whoever has taken it for the value itself would show that.
            raise FieldError(f"{where}.{key}_env: accepted: the name of an environment variable")
        return "", variable
    try:
        return ("" if value is None else parse(value)), ""
    except ValueError as error:
        raise FieldError(
            f"{where}.{key}: is not accepted (and not shown); accepted: {error}"
        ) from None


# Each parser raises ValueError saying what is accepted.


def _name(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ValueError("1 to 40 letters, digits, dots, - and _")


def receiver_url(value: object) -> str:
    if isinstance(value, str) and is_url(value):
        return value
    raise ValueError(URL_ACCEPTED)


def _secret(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= 1_000 and value.isprintable():
        return value
    raise ValueError("one line of text, in quotes")


def _link(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= 300 and is_url(value):
        return value
    raise ValueError(f"{URL_ACCEPTED}, or null for none")


def _patience(value: object) -> float:
    seconds = fields.duration(value)
    if not 0 < seconds <= MOST_PATIENCE_S:
        raise ValueError("a time above 0 and up to 7d, e.g. 1h")
    return seconds


def _events(value: object) -> tuple[Event, ...]:
    if isinstance(value, list) and value and all(item in EVENTS for item in value):
        return tuple(event for event in EVENTS if event in value)
    raise ValueError(f"a list of {', '.join(EVENTS)}")
