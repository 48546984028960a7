"""`ocrctl rollout notify-test`, and what people's orders tell."""

import json
import subprocess
import sys

import pytest
from desk import PLAN, Desk, refused
from receivers import SECRETS, Receiver, Say
from stories import waiting

from ocr_rollout.stores import open_store


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def desk_of(tmp_path, url, *, rest=""):
    told = (
        f"notifications:\n  targets:\n    - {{name: ops, kind: webhook, url: '{url}', "
        f"secret: S3CR3T}}\n    - {{name: room, kind: feishu, url: '{url}', language: zh, "
        f"events: [gate, rollback]}}\n{rest}"
    )
    return Desk(tmp_path, PLAN + told)


def test_every_target_gets_a_test_and_its_answer_is_told(tmp_path, receiver):
    """At once, and nothing of it is in the store."""
    receiver.steps = [Say(204), Say(body=b'{"code":0,"msg":"success"}')]
    desk = desk_of(tmp_path, receiver.url)
    run = desk.run("notify-test")
    assert run.exit_code == 0, run.stderr
    assert run.stdout == (
        "ops (webhook): delivered: HTTP 204\nroom (feishu): delivered: HTTP 200, code 0: success\n"
    )
    assert receiver.got[0].json["event"] == "test"
    assert receiver.got[0].json["from"] is None
    assert "测试消息" in receiver.got[1].json["content"]["text"]
    assert not desk.db.exists()


def test_one_that_refuses_is_exit_code_1_with_what_it_said(tmp_path, receiver):
    """Once: nobody waits for the second try of a test."""
    receiver.steps = [
        Say(500, b"T0K3N-in-query is tired"),
        Say(body=b'{"code":19021,"msg":"sign match fail"}'),
    ]
    run = desk_of(tmp_path, receiver.url).run("notify-test")
    assert run.exit_code == 1
    assert "ops (webhook): NOT delivered: HTTP 500: ... is tired\n" in run.stdout
    assert "room (feishu): NOT delivered: HTTP 200, code 19021: sign match fail\n" in run.stdout
    assert len(receiver.got) == 2
    for secret in SECRETS:
        assert secret not in run.output


def test_one_target_and_json(tmp_path, receiver):
    """One object a line, with the id that the receiver saw."""
    desk = desk_of(tmp_path, receiver.url)
    found = desk.said("notify-test", "--target", "ops")
    assert found == {
        "target": "ops",
        "kind": "webhook",
        "delivered": True,
        "answer": "HTTP 200",
        "id": receiver.ids[0],
    }
    refused(
        desk.run("notify-test", "--target", "opps"), "has no target 'opps'; there are: ops, room"
    )
    refused(Desk(tmp_path).run("notify-test"), "has no notifications.targets; there are: none")


def test_as_a_program(tmp_path, receiver):
    """With a variable of the environment that is not set."""
    desk = Desk(
        tmp_path,
        "notifications: {targets: [{name: a, kind: slack, url_env: OCR_TEST_NOT_SET}]}",
    )
    run = subprocess.run(
        [sys.executable, "-m", "ocr_client.cli", "rollout", "notify-test", "--config", desk.file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 1
    assert "a (slack): NOT delivered: the environment variable OCR_TEST_NOT_SET" in run.stdout
    assert run.stderr == ""


def written(desk):
    """Events by target, of what waits in the store."""
    store, found = desk.store, []
    while leases := store.lease("test", now_s=1.0, lease_s=1, limit=9):
        for lease in leases:
            document = lease.message.document
            found.append((document["target"], document["event"], document["entry"]["who"]))
            store.settle(lease)
    store.close()
    return sorted(found)


def test_an_order_writes_its_messages_and_sends_none(tmp_path, receiver):
    """The clients do that; what nobody waits for writes none."""
    desk = desk_of(tmp_path, receiver.url).started()
    assert written(desk) == [("ops", "phase", "ann")]
    desk.said("pause", "--by", "ann")
    desk.said("resume", "--by", "ann")
    assert written(desk) == []
    desk.waiting()  # which no subscriber was given to
    desk.said("approve", "--by", "bob", "--note", "read")
    assert written(desk) == [("ops", "phase", "bob")]
    desk.said("rollback", "--by", "eve", "--reason", "bad")
    assert written(desk) == [("ops", "rollback", "eve"), ("room", "rollback", "eve")]
    assert not receiver.got


def test_a_rollback_by_the_store_s_url_is_told_where_the_configuration_can_be_read(
    tmp_path, receiver
):
    """And takes place without it."""
    desk = desk_of(tmp_path, receiver.url).started()
    url = f"sqlite:///{desk.db}"
    assert desk.run("rollback", "--store", url, "--by", "a", "--reason", "b").exit_code == 0
    assert ("room", "rollback", "a") in written(desk)
    desk.said("start", "--digest", "cd" * 32, "--by", "ann", "--no-server-check")
    assert written(desk) == [("ops", "phase", "ann")]
    desk.file.write_text("notifications: [", "utf-8")
    run = desk.run("rollback", "--store", url, "--by", "a", "--reason", "b")
    assert run.exit_code == 0, run.stderr
    store = open_store(url)
    assert waiting(store) == 0
    assert [entry.entry.document["action"] for entry in store.history(after=-1)] == ["rollback"]
    store.close()


def test_a_dead_letter_stands_in_the_history(tmp_path, receiver):
    """As any other line, in words and as JSON."""
    from ocr_rollout.core.notices import Notice, dead_letter
    from ocr_rollout.core.state import AuditEntry
    from ocr_rollout.stores import LogEntry

    desk = desk_of(tmp_path, receiver.url).started()
    store = desk.store
    entry = AuditEntry.from_dict(store.history()[0].entry.document)
    dead = dead_letter(Notice("ops", "phase", "convnext:2", entry), "HTTP 500 (9 tries)", 5.0)
    store.record(LogEntry(dead.to_dict()))
    store.close()
    lines = [json.loads(line) for line in desk.run("history", "--json").stdout.splitlines()]
    assert [line["action"] for line in lines] == ["start", "dead_letter"]
    told = " ".join(desk.run("history").stdout.split())
    assert "notifier" in told
    assert desk.run("status").exit_code == 0
