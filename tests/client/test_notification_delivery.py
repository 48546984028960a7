"""One message to one real HTTP server: what arrives, what its answer means, what is never said."""

import contextlib
import socket
import threading

import pytest
from awake import Awake
from receivers import CLOSE, HANG, SECRETS, Receiver, Say, notice, target

from ocr_client.notifications.delivery import deliver, missing
from ocr_client.settings import Target

NOW_S = 1_790_000_050.0


@pytest.fixture
def receiver():
    started = []

    def start(*steps):
        started.append(Receiver(*steps))
        return started[-1]

    yield start
    for one in started:
        one.close()


def sent(one, *, timeout_s=5.0, environment=None):
    return deliver(
        one,
        notice(),
        "m1",
        public_url="",
        now_s=NOW_S,
        timeout_s=timeout_s,
        environment=environment or {},
    )


def silent(found):
    for secret in SECRETS:
        assert secret not in found.said
    return found


def test_a_webhook_arrives_with_its_id_and_signature(receiver):
    """At the path and query as they were given."""
    server = receiver()
    found = sent(target(server.url, secret="S3CR3T"))
    assert found.delivered
    assert found.said == "HTTP 200"
    (got,) = server.got
    assert got.path == "/hooks/T0K3N-in-the-path?access_token=T0K3N-in-query"
    assert got.json["event"] == "rollback"
    assert got.id == "m1"
    assert got.headers["webhook-signature"].startswith("v1,")
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"


def test_dingtalk_s_signature_joins_the_query(receiver):
    """Behind the token; and its body is looked at."""
    server = receiver(Say(body=b'{"errcode":0,"errmsg":"ok"}'), Say(body=b'{"errcode":310000}'))
    assert sent(target(server.url, "dingtalk", secret="S3CR3T")).delivered
    assert "?access_token=T0K3N-in-query&timestamp=1790000050000&sign=" in server.got[0].path
    again = silent(sent(target(server.url, "dingtalk", secret="S3CR3T")))
    assert not again.delivered
    assert again.again


def test_the_environment_holds_url_and_secret(receiver):
    """Read at the time of sending; one that is missing is named, and another process may have it."""
    server = receiver()
    one = Target("ops", "webhook", url_env="HOOK", secret_env="KEY")
    assert missing(one, {}) == ("HOOK", "KEY")
    found = sent(one, environment={"KEY": "S3CR3T"})
    assert (found.delivered, found.again) == (False, True)
    assert "the environment variable HOOK is not set" in found.said
    assert sent(one, environment={"HOOK": f" {server.url}\n", "KEY": "S3CR3T"}).delivered
    found = silent(sent(one, environment={"HOOK": "T0K3N at home", "KEY": "S3CR3T"}))
    assert "URL is not accepted" in found.said


def test_a_receiver_that_repeats_what_it_was_sent_gives_nothing_away(receiver):
    """Servers put the address, or the token, into their errors."""

    def echo(got):
        return Say(400, f"no {got.path} T0K3N-in-query S3CR3T-key".encode())

    found = silent(sent(target(receiver(echo).url, secret="S3CR3T-key")))
    assert found.said == "HTTP 400: no ...?... ... ..."


def test_no_part_of_a_token_is_left_where_a_long_answer_is_cut(receiver):
    """Wherever the token stands in it."""
    for before in range(150, 215, 4):
        body = b"." * before + b" T0K3N-in-the-path S3CR3T-key"
        found = silent(sent(target(receiver(Say(500, body)).url, secret="S3CR3T-key")))
        assert "T0K" not in found.said
        assert "S3C" not in found.said


def test_no_redirect_is_followed(receiver):
    """It would take the message, and with 307 its signature, to another host."""
    elsewhere = receiver()
    for status in (301, 302, 303, 307, 308):
        server = receiver(Say(status, headers={"Location": elsewhere.url}))
        found = silent(sent(target(server.url)))
        assert (found.delivered, found.again) == (False, False)
    assert elsewhere.got == []


@pytest.mark.parametrize("step", [HANG, CLOSE])
def test_a_receiver_that_hangs_or_hangs_up_is_tried_again(receiver, step):
    """Within the time that it was given."""
    with Awake() as took:
        found = silent(sent(target(receiver(step).url), timeout_s=0.4))
    assert took.s < 3
    assert (found.delivered, found.again) == (False, True)


def test_an_answer_that_drips_is_over_in_time():
    """Each byte in time, the whole never."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def drip():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                with contextlib.suppress(OSError):
                    while not done.wait(0.05):
                        connection.sendall(b".")

        thread = threading.Thread(target=drip)
        thread.start()
        with Awake() as took:
            found = sent(target(f"http://127.0.0.1:{listener.getsockname()[1]}/"), timeout_s=0.5)
        done.set()
        thread.join()
    assert took.s < 3
    assert (found.delivered, found.again) == (False, True)
    assert found.said == "no whole answer within 0.5 s"


def test_nobody_there_and_no_such_host(closed_port):
    """In words, without the address."""
    found = silent(sent(target(f"http://{closed_port}/T0K3N")))
    assert "nothing answers" in found.said
    assert closed_port not in found.said
    found = silent(sent(target("https://T0K3N.invalid/")))
    assert found.again


def test_a_long_answer_is_not_read_to_its_end(receiver):
    """Ten megabytes of an error page are one line."""
    found = sent(target(receiver(Say(500, b"x" * 10_000_000)).url))
    assert found.again
    assert len(found.said) < 300
