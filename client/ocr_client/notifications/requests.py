r"""A notice as each kind of receiver wants it. Pure: time and secret are arguments.

| kind | body | signature |
|---|---|---|
| `webhook` | our JSON | as standardwebhooks.com says: `v1`, HMAC-SHA256 of `ID.TIME.BODY` |
| `dingtalk` | `msgtype: text` | in the query: HMAC-SHA256 of `MILLISECONDS\nSECRET`, by the secret |
| `feishu` | `msg_type: text` | in the body: HMAC-SHA256 of nothing, by `SECONDS\nSECRET` |
| `wecom` | `msgtype: text` | none |
| `slack` | `text` | none |

Chats get plain text, in which nothing that a person wrote becomes a link, a heading or a call to
everybody in the room.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

from ocr_client.settings import Target
from ocr_rollout.core.notices import Notice
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import AuditEntry

from .texts import body, headline, moment

WECOM_BYTES: Final = 2_048  # of a text; the others take more than we say
_AGENT: Final = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "ocr-rollout"}
_WHSEC: Final = "whsec_"  # before a key in base64, in Standard Webhooks


@dataclasses.dataclass(frozen=True)
class Outgoing:
    """query: to be added to the URL's, or empty. body: JSON in UTF-8."""

    headers: Mapping[str, str]
    body: bytes
    query: str = dataclasses.field(default="", repr=False)


def outgoing(
    target: Target, notice: Notice, message_id: str, *, secret: str, public_url: str, now_s: float
) -> Outgoing:
    """secret: empty for none. Raises ValueError on one that cannot be a key."""
    if target.kind == "webhook":
        return _webhook(target, notice, message_id, secret, public_url, now_s)
    text = body(notice, message_id, target.language, public_url)
    if target.kind == "slack":
        return _json({"text": _of_slack(text)})
    text = text.replace("<", "＜").replace(">", "＞")  # <@all>, <at user_id="all">
    if target.kind == "feishu":
        signed = _of_feishu(secret, int(now_s)) if secret else {}
        return _json({**signed, "msg_type": "text", "content": {"text": text}})
    if target.kind == "wecom":
        text = _cut(text, WECOM_BYTES)
    message = {"msgtype": "text", "text": {"content": text}}
    query = _of_dingtalk(secret, int(now_s * 1_000)) if secret else ""
    return _json(message, query=query)


def document(notice: Notice, message_id: str, target: Target, public_url: str) -> dict[str, Any]:
    """What a `webhook` gets. `from` and `to` are null where no transition took place."""
    entry = notice.entry
    moved = notice.event not in {"store_lost", "store_back", "test"}
    return {
        "id": message_id,
        "event": notice.event,
        "at": moment(entry.at_s),
        "rollout": entry.rollout_id,
        "arms": {"stable": notice.stable, "candidate": entry.candidate},
        "from": _place(entry.from_status, entry.from_phase, entry.from_weight_bp)
        if moved
        else None,
        "to": _place(entry.to_status, entry.to_phase, entry.to_weight_bp) if moved else None,
        "generation": entry.generation,
        "who": entry.who,
        "why": entry.why,
        "verdict": _verdict(entry),
        "text": headline(notice, target.language),
        "link": public_url or None,
    }


def _webhook(
    target: Target, notice: Notice, message_id: str, secret: str, public_url: str, now_s: float
) -> Outgoing:
    made = _json(document(notice, message_id, target, public_url))
    at = str(int(now_s))
    headers = {**made.headers, "webhook-id": message_id, "webhook-timestamp": at}
    if secret:
        signed = f"{message_id}.{at}.".encode() + made.body
        headers["webhook-signature"] = f"v1,{_hmac(_key(secret), signed)}"
    return dataclasses.replace(made, headers=headers)


def _of_dingtalk(secret: str, at_ms: int) -> str:
    sign = _hmac(secret.encode(), f"{at_ms}\n{secret}".encode())
    return f"timestamp={at_ms}&sign={urllib.parse.quote(sign, safe='')}"


def _of_feishu(secret: str, at_s: int) -> dict[str, str]:
    return {"timestamp": str(at_s), "sign": _hmac(f"{at_s}\n{secret}".encode(), b"")}


def _of_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _hmac(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if not secret.startswith(_WHSEC):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_WHSEC), validate=True)
    except binascii.Error:
        raise ValueError("the secret begins with whsec_, but base64 does not follow") from None


def _json(content: Mapping[str, Any], *, query: str = "") -> Outgoing:
    return Outgoing(_AGENT, json.dumps(content, ensure_ascii=False).encode(), query)


def _cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, whole characters."""
    content = text.encode()
    if len(content) <= most:
        return text
    return content[: most - len("…".encode())].decode(errors="ignore") + "…"


def _place(status: str, phase: int, weight_bp: int) -> dict[str, Any]:
    number = None if status == "idle" else phase + 1
    return {"status": status, "phase": number, "share": weight_bp / BUCKETS}


def _verdict(entry: AuditEntry) -> dict[str, Any] | None:
    if not entry.rule:
        return None
    return {
        "rule": entry.rule,
        "observed": entry.observed,
        "limit": entry.limit,
        "samples": entry.samples,
    }
