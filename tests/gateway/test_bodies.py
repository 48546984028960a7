"""Too much of a body, and one that takes too long, are refused while they come."""

import contextlib
import http.client
import json
import select
import socket
import time

import pytest

pytestmark = pytest.mark.server

KILO = 1_024
LIMIT = 64 * KILO
BODY_S = 1.0
WITHIN_S = 60  # of what takes no time


@pytest.fixture(scope="module")
def narrow(triton, serve):
    """A service with small limits; two bodies at their largest fill it."""
    section = f"{{max_body_bytes: {LIMIT}, body_s: 600, concurrency: 2}}"
    return serve(triton.http_url, section)


@pytest.fixture(scope="module")
def impatient(triton, serve):
    return serve(triton.http_url, f"{{body_s: {BODY_S}}}")


class Raw:
    """A connection that sends what it likes, and then reads the answer."""

    def __init__(self, serving, *headers, target="/ocr"):
        self._socket = socket.create_connection(("127.0.0.1", serving.port), timeout=WITHIN_S)
        lines = [f"POST {target} HTTP/1.1", "Host: x", "Content-Type: image/png", *headers]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def send(self, content):
        self._socket.sendall(content)

    def chunk(self, content):
        self._socket.sendall(b"%x\r\n%s\r\n" % (len(content), content))

    def answer(self):
        """Status, headers, document."""
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return response.status, response.headers, json.loads(response.read())

    def ended(self):
        """Whether the server closes the connection, and not because it has waited for long."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def answered(self):
        """Whether there is something to read, for a tenth of a second."""
        return bool(select.select([self._socket], [], [], 0.1)[0])

    def close(self):
        self._socket.close()


def connect(*arguments, **more):
    return contextlib.closing(Raw(*arguments, **more))


def test_a_body_that_is_announced_too_large_is_refused_unsent(narrow):
    """Nothing of it need be sent: `Expect: 100-continue` gets the refusal at once."""
    headers = (f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
    with connect(narrow, *headers) as raw:
        status, headers, problem = raw.answer()
        assert status == 413
        assert problem["type"].endswith(":body-too-large")
        assert "65,536 bytes" in problem["detail"]
        assert headers["Connection"] == "close"


def test_a_body_of_unknown_length_is_refused_when_it_is_too_large(narrow):
    """Chunked: after the limit, long before its end, which never comes."""
    with connect(narrow, "Transfer-Encoding: chunked") as raw:
        for _ in range(5):
            raw.chunk(b"x" * 16 * KILO)
        status, _, problem = raw.answer()
        assert status == 413
        assert problem["success"] is False
        assert raw.ended()


def test_who_sends_it_all_can_read_why_it_was_refused(narrow):
    """A plain client that writes the whole body before it looks: it meets no reset."""
    connection = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=WITHIN_S)
    with contextlib.closing(connection):
        connection.request("POST", "/ocr", b"x" * 8 * KILO * KILO, {"Content-Type": "image/png"})
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["success"] is False


def test_the_largest_body_is_taken(narrow):
    """To the byte; it is no image, but that is another matter."""
    for size, status in ((LIMIT, 422), (LIMIT + 1, 413)):
        headers = {"Content-Type": "image/png"}
        assert narrow.post(content=b"x" * size, headers=headers).status_code == status


def test_the_limit_is_on_every_address(narrow):
    """Also on those that do not look at a body."""
    for path in ("/healthz", "/none", "/ocr/batch"):
        content = b"x" * (LIMIT + 1)
        assert narrow.post(path, content=content).status_code in {404, 405, 413, 415}


@pytest.mark.parametrize("headers", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_a_body_that_drips_is_given_up(impatient, headers):
    """After `body_s`, however regularly something comes: before one that began later and is silent."""
    started = time.monotonic()
    with connect(impatient, headers) as raw:
        impatient.get("/healthz")  # so the other one comes to the server after this one
        with connect(impatient, headers) as silent:
            while True:
                late = silent.answered()
                if raw.answered():
                    break
                assert not late
                with contextlib.suppress(OSError):  # its answer is on its way
                    raw.send(b"x") if "Length" in headers else raw.chunk(b"x")
            status, _, problem = raw.answer()
            assert time.monotonic() - started > 0.9 * BODY_S
            assert (status, problem["type"].rpartition(":")[2]) == (408, "body-timeout")
            assert raw.ended()
            assert silent.answer()[0] == 408


def test_a_caller_that_hangs_up_is_forgotten(narrow):
    """499 in the log, and no traceback."""
    for announced in (1_000, 0):
        name = f"gone-{announced}"
        header = f"Content-Length: {announced}" if announced else "Transfer-Encoding: chunked"
        with connect(narrow, header, f"X-Request-Id: {name}") as raw:
            raw.send(b"" if announced else b"5\r\nab")
        assert narrow.served(name)["status"] == 499
    assert "Traceback" not in narrow.log()


def test_all_bodies_together_are_bounded(narrow, sample):
    """What comes beyond `concurrency` of the largest ones is sent away; then there is room again."""

    def read():
        return narrow.post(content=sample, headers={"Content-Type": "image/png"})

    with contextlib.ExitStack() as stack:
        half_sent = [
            stack.enter_context(connect(narrow, f"Content-Length: {LIMIT}")) for _ in range(2)
        ]
        for raw in half_sent:
            raw.send(b"x" * (LIMIT - 1))
        # It may not have come there yet.
        narrow.until(lambda: read().status_code == 503, "there is room beside them")
        refused = read()
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
    narrow.until(lambda: read().status_code == 200, "there is no room when they have gone")


def test_a_connection_is_kept_after_a_refusal_that_left_nothing_unread(narrow):
    """Small bodies of bad requests cost no new connection."""
    with connect(narrow, "Content-Length: 3", "Content-Type: text/plain", target="/none") as raw:
        raw.send(b"abc")
        status, headers, _ = raw.answer()
        assert status == 404
        assert headers["Connection"] is None
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.answer()[0] == 200
