"""What a receiver's answer means. Pure.

DingTalk, WeCom and Feishu answer HTTP 200 to what they refuse, too: the body says so. Their codes
change, so every one of them is worth another try; a wrong signature or word can be mended meanwhile.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import json
from collections.abc import Mapping
from typing import Any, Final

from ocr_client.settings import TargetKind

LONGEST_WAIT_S: Final = 3_600.0  # of what a receiver asks for
THROTTLED_S: Final = 60.0  # the chats' limits are by the minute, and they name no time
_THROTTLED: Final[Mapping[TargetKind, frozenset[int]]] = {
    "dingtalk": frozenset({130101, 410100, 90030}),
    "wecom": frozenset({45009, 45033}),
    "feishu": frozenset({11232, 99991400}),
}
# Among the 4xx these pass: too late, too early, too many.
_PASSING: Final = frozenset({408, 425, 429})


@dataclasses.dataclass(frozen=True)
class Reply:
    """said: in one line, as long as the answer; it may repeat what was sent, secrets too.

    again: another try may help. wait_s: not before so many seconds.
    """

    delivered: bool
    said: str
    again: bool = False
    wait_s: float = 0.0


def reply(
    kind: TargetKind, status: int, body: bytes, *, retry_after: str | None, now_s: float
) -> Reply:
    """retry_after: the header, where there is one. now_s: Unix time."""
    said = f"HTTP {status}"
    wait_s = _seconds(retry_after, now_s)
    if 300 <= status < 400:
        return Reply(False, f"{said}: it redirects, which is not followed; name the new address")
    if not 200 <= status < 300:
        excerpt = _excerpt(body)
        again = status >= 500 or status in _PASSING
        return Reply(False, f"{said}: {excerpt}" if excerpt else said, again, wait_s)
    if kind == "webhook":
        return Reply(True, said)
    document = _parsed(body)
    if kind == "slack":
        refused = document is not None and document.get("ok") is False
        said = f"{said}: {_excerpt(body)}" if body else said
        return Reply(not refused, said, refused, wait_s)
    if document is None:
        return Reply(False, f"{said}, but no JSON: {_excerpt(body)}", True, wait_s)
    return _of_chat(kind, document, said, wait_s)


def _of_chat(kind: TargetKind, document: Mapping[str, Any], said: str, wait_s: float) -> Reply:
    names = ("code", "StatusCode") if kind == "feishu" else ("errcode",)
    code = next((document[name] for name in names if name in document), None)
    text = document.get("msg") or document.get("errmsg") or document.get("StatusMessage") or ""
    said = f"{said}, code {code!r:.40}: {_line(str(text))}"
    if type(code) is not int:
        return Reply(False, said, True, wait_s)
    if code == 0:
        return Reply(True, said)
    if code in _THROTTLED.get(kind, ()):
        wait_s = max(wait_s, THROTTLED_S)
    return Reply(False, said, True, wait_s)


def _parsed(body: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _seconds(retry_after: str | None, now_s: float) -> float:
    """Of the header, in either form of RFC 9110; 0 where it says nothing that makes sense."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), LONGEST_WAIT_S)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.timezone.utc)
    return min(max(at.timestamp() - now_s, 0.0), LONGEST_WAIT_S)


def _excerpt(body: bytes) -> str:
    return _line(body.decode(errors="replace"))


def _line(text: str) -> str:
    """One line that a terminal and a log can take."""
    flat = " ".join(text.split())
    return "".join(sign if sign.isprintable() else "?" for sign in flat)
