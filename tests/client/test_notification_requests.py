"""What each kind of receiver is sent, and what its answers mean."""

import base64
import dataclasses
import hashlib
import hmac
import json
import urllib.parse
from pathlib import Path

import pytest
from receivers import notice, target

from ocr_client.notifications import texts
from ocr_client.notifications.replies import LONGEST_WAIT_S, THROTTLED_S, reply
from ocr_client.notifications.requests import WECOM_BYTES, outgoing
from ocr_rollout.core.notices import EVENTS

ROOT = Path(__file__).parents[2]
NOW_S = 1_614_265_330.0
CHATS = ("dingtalk", "wecom", "feishu", "slack")


def made(kind="webhook", what=None, *, secret="", public_url="", message_id="m1", **rest):
    return outgoing(
        target("https://h/x", kind, **rest),
        what or notice(),
        message_id,
        secret=secret,
        public_url=public_url,
        now_s=NOW_S,
    )


def text_of(kind, **rest):
    document = json.loads(made(kind, **rest).body)
    return {
        "dingtalk": lambda: document["text"]["content"],
        "wecom": lambda: document["text"]["content"],
        "feishu": lambda: document["content"]["text"],
        "slack": lambda: document["text"],
    }[kind]()


def test_a_webhook_gets_all_that_a_program_needs():
    """Shares 0..1, phases from 1, time in UTC, the verdict's numbers, a link where there is one."""
    found = json.loads(made(public_url="https://rollout.example/").body)
    assert found == {
        "id": "m1",
        "event": "rollback",
        "at": "2026-09-21T14:14:00Z",
        "rollout": "crnn-1",
        "arms": {"stable": "convnext:2", "candidate": "crnn:2"},
        "from": {"status": "running", "phase": 2, "share": 0.3},
        "to": {"status": "rolled_back", "phase": 2, "share": 0.0},
        "generation": 7,
        "who": "judge",
        "why": "early: 9 of 20 failed",
        "verdict": {"rule": "early", "observed": 20.5, "limit": 0.05, "samples": 20},
        "text": "[crnn-1] crnn:2 was rolled back, it had 30 % of the traffic",
        "link": "https://rollout.example/",
    }
    assert made().headers["webhook-id"] == "m1"
    lost = json.loads(made(what=notice("store_lost", rule="")).body)
    assert (lost["from"], lost["to"], lost["verdict"], lost["link"]) == (None, None, None, None)


def test_a_webhook_is_signed_as_standard_webhooks_says():
    """Over id, time and body; a key in base64 follows `whsec_`, any other text is the key itself."""
    for secret, key in (("whsec_c2VjcmV0LWtleQ==", b"secret-key"), ("plain words", b"plain words")):
        found = made(secret=secret)
        signed = f"m1.{int(NOW_S)}.".encode() + found.body
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert found.headers["webhook-timestamp"] == str(int(NOW_S))
        assert found.headers["webhook-signature"] == f"v1,{mac}"
    assert "webhook-signature" not in made().headers
    with pytest.raises(ValueError, match="base64") as caught:
        made(secret="whsec_n0t!")
    assert "n0t" not in str(caught.value)


def test_the_published_example_of_standard_webhooks_comes_out(monkeypatch):
    """Secret, id, time and body of their libraries' own tests."""
    from ocr_client.notifications import requests

    monkeypatch.setattr(requests, "document", lambda *_: None)
    monkeypatch.setattr(requests.json, "dumps", lambda *_, **__: '{"test": 2432232314}')
    found = made(
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", message_id="msg_p5jXN8AQM9LWM0D4loKWxJek"
    )
    assert found.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_documentation_shows_what_is_sent_and_checks_it():
    """Its example is a real one, and its function takes what we sign and nothing else."""
    text = (ROOT / "docs/notifications.md").read_text("utf-8")
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    found = made(
        message_id=example["id"], public_url="https://rollout.example/", secret="plain words"
    )
    assert json.loads(found.body) == example
    there = {}
    exec(text.partition("```python\n")[2].partition("```")[0], there)
    assert there["is_genuine"](found.headers, found.body, "plain words")
    assert not there["is_genuine"](found.headers, found.body + b" ", "plain words")
    assert not there["is_genuine"](found.headers, found.body, "other words")
    for event in EVENTS:
        assert f"`{event}`" in text


def test_dingtalk_is_signed_in_the_query():
    """By the secret, over milliseconds and secret; base64 needs encoding there."""
    found = made("dingtalk", secret="SECabc")
    at = int(NOW_S * 1_000)
    mac = hmac.new(b"SECabc", f"{at}\nSECabc".encode(), hashlib.sha256).digest()
    assert urllib.parse.parse_qs(found.query, strict_parsing=True) == {
        "timestamp": [str(at)],
        "sign": [base64.b64encode(mac).decode()],
    }
    assert json.loads(found.body)["msgtype"] == "text"
    assert made("dingtalk").query == ""


def test_feishu_is_signed_in_the_body():
    """Seconds and secret are the key there, and the message is empty."""
    found = json.loads(made("feishu", secret="abc").body)
    mac = hmac.new(f"{int(NOW_S)}\nabc".encode(), b"", hashlib.sha256).digest()
    assert found["timestamp"] == str(int(NOW_S))
    assert found["sign"] == base64.b64encode(mac).decode()
    assert found["msg_type"] == "text"
    assert set(json.loads(made("feishu").body)) == {"msg_type", "content"}


@pytest.mark.parametrize("kind", CHATS)
@pytest.mark.parametrize("event", [*EVENTS, "test"])
def test_a_chat_gets_plain_words_in_both_languages(kind, event):
    """What happened in the first line, then why, who, figures, time, link and id."""
    for language, why, at in (
        ("en", "Why: ", "At: 2026-09-21 14:14:00 UTC"),
        ("zh", "原因：", "时间："),
    ):
        text = text_of(kind, what=notice(event), language=language, public_url="https://r.example/")
        first, *rest = text.splitlines()
        assert first.startswith("[crnn-1] ")
        assert first == texts.headline(notice(event), language)
        assert rest[0] == f"{why}early: 9 of 20 failed"
        assert any(line.startswith(at) for line in rest)
        assert "https://r.example/" in rest[-2]
        assert "m1" in rest[-1]
    heads = {texts.headline(notice(event), language) for language in ("en", "zh")}
    assert len(heads) == 2


@pytest.mark.parametrize("kind", CHATS)
def test_what_a_person_wrote_calls_nobody(kind):
    """Slack has its own way of saying < and >; the others' marks become wide characters."""
    text = text_of(kind, what=notice(why='<!channel> <@all> <at user_id="all"></at> & more'))
    assert "<" not in text
    assert ">" not in text
    assert ("&lt;!channel&gt; &lt;@all&gt;" in text) == (kind == "slack")


def test_a_long_reason_fits_wecom():
    """2,048 bytes of UTF-8, cut between characters."""
    what = notice(why="长" * 1_000, rollout_id="r" * 80, who="李" * 80)
    text = text_of("wecom", what=what, language="zh", public_url="https://x.example/" + "y" * 250)
    assert len(text.encode()) <= WECOM_BYTES
    assert text.endswith("…")
    assert len(text_of("dingtalk", what=what)) > len("长" * 400)


OK = {
    "webhook": (200, b""),
    "dingtalk": (200, b'{"errcode":0,"errmsg":"ok"}'),
    "wecom": (200, b'{"errcode":0,"errmsg":"ok"}'),
    "feishu": (
        200,
        b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
    ),
    "slack": (200, b"ok"),
}
# kind, status, body: (another try?, least seconds to wait, words of it)
REFUSED = {
    ("dingtalk", 200, b'{"errcode":310000,"errmsg":"sign not match"}'): (True, 0, "310000"),
    ("dingtalk", 200, b'{"errcode":130101,"errmsg":"send too fast"}'): (
        True,
        THROTTLED_S,
        "too fast",
    ),
    ("wecom", 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}'): (True, 0, "93000"),
    ("wecom", 200, b'{"errcode":45009,"errmsg":"api freq"}'): (True, THROTTLED_S, "45009"),
    ("feishu", 200, b'{"code":19021,"data":{},"msg":"sign match fail"}'): (True, 0, "sign match"),
    ("feishu", 200, b'{"code":11232,"msg":"frequency limited"}'): (True, THROTTLED_S, "11232"),
    ("feishu", 200, b"{}"): (True, 0, "None"),
    ("feishu", 200, b'{"code":false}'): (True, 0, "False"),
    ("wecom", 200, b'{"errcode":[0]}'): (True, 0, "[0]"),
    ("wecom", 200, b"<html>log in</html>"): (True, 0, "no JSON"),
    ("dingtalk", 200, b"[" * 100_000): (True, 0, "no JSON"),
    ("slack", 200, b'{"ok":false,"error":"no_text"}'): (True, 0, "no_text"),
    ("slack", 404, b"no_service"): (False, 0, "HTTP 404: no_service"),
    ("webhook", 500, b"oh\nno\x1b[31m"): (True, 0, "HTTP 500: oh no?[31m"),
    ("webhook", 503, b""): (True, 0, "HTTP 503"),
    ("webhook", 429, b""): (True, 0, "HTTP 429"),
    ("webhook", 408, b""): (True, 0, "HTTP 408"),
    ("webhook", 400, b"bad"): (False, 0, "HTTP 400: bad"),
    ("webhook", 302, b""): (False, 0, "not followed"),
}


@pytest.mark.parametrize("kind", OK)
def test_an_answer_of_success(kind):
    """As each kind gives it; 204 does for a webhook, too."""
    status, body = OK[kind]
    assert reply(kind, status, body, retry_after=None, now_s=NOW_S).delivered
    assert reply("webhook", 204, b"", retry_after=None, now_s=NOW_S).delivered


@pytest.mark.parametrize("given", REFUSED, ids=str)
def test_an_answer_of_failure_says_whether_to_try_again(given):
    """HTTP 200 is no success where the body says otherwise."""
    kind, status, body = given
    found = reply(kind, status, body, retry_after=None, now_s=NOW_S)
    again, wait_s, words = REFUSED[given]
    assert not found.delivered
    assert (found.again, found.wait_s) == (again, wait_s)
    assert words in found.said
    assert "\n" not in found.said


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("99999999999999", LONGEST_WAIT_S),
        ("Thu, 25 Feb 2021 15:02:40 GMT", 30.0),
        ("Thu, 25 Feb 2021 15:02:40 -0000", 30.0),
        ("Thu, 25 Feb 2021 15:00:00 GMT", 0.0),
        ("Thu, 25 Feb 2027 15:00:00 GMT", LONGEST_WAIT_S),
        ("-5", 0.0),
        ("soon", 0.0),
        ("٣", 0.0),
        (None, 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(header, wait_s):
    """RFC 9110; what makes no sense asks for nothing."""
    found = reply("webhook", 429, b"", retry_after=header, now_s=NOW_S)
    assert found.wait_s == wait_s


def test_no_number_of_an_audit_entry_breaks_a_text():
    """Not-a-time, no numbers, and a rule without figures."""
    odd = notice(at_s=1e300, observed=None, limit=None, samples=None)
    for language in ("en", "zh"):
        assert "early" in texts.body(odd, "m", language, "")
    assert json.loads(made(what=odd).body)["at"] == ""
    assert dataclasses.asdict(odd)["event"] == "rollback"
