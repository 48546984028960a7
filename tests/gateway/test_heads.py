"""Request lines and headers: how many, how slowly, and what is none at all."""

import asyncio
import contextlib
import http.client
import json
import select
import socket
import threading
import time

import pytest
import uvicorn

from ocr_gateway.heads import MOST_BYTES, BoundedHeads

WITHIN_S = 600.0  # on a clock that goes when a test says so; see `Forwarded`
LIMIT_S = 60  # of what takes no time


class Patient(BoundedHeads):
    within_s = WITHIN_S


async def slow_echo(scope, receive, send):
    """Answers 200; where the path asks for that, not before WITHIN_S have gone by twice."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        loop = asyncio.get_running_loop()
        end_s = loop.time() + 2 * WITHIN_S
        while loop.time() < end_s:
            loop.forward(WITHIN_S / 2)
            await asyncio.sleep(0)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


class Forwarded(asyncio.SelectorEventLoop):
    """A loop whose clock a test moves on: nobody waits, and no machine is too slow for a head."""

    ahead_s = 0.0

    def time(self):
        return super().time() + self.ahead_s

    def forward(self, seconds):
        """For any thread."""
        self.ahead_s += seconds
        self.call_soon_threadsafe(lambda: None)  # it looks at its clock


@pytest.fixture(scope="module")
def loop():
    made = Forwarded()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(loop):
    config = uvicorn.Config(
        slow_echo,
        port=0,
        http=Patient,
        log_config=None,
        lifespan="off",
        timeout_keep_alive=round(10 * WITHIN_S),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),))
    thread.start()
    until(lambda: server.started)
    yield server
    server.should_exit = True
    thread.join(LIMIT_S)


@pytest.fixture(scope="module")
def port(server):
    return server.servers[0].sockets[0].getsockname()[1]


def until(condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def until_taken(server, made, size):
    """Waits until the server has so many bytes of this connection's head."""

    def taken():
        found = [one for one in server.server_state.connections if one.client == own]
        return bool(found) and found[0]._head_bytes == size

    own = made.getsockname()
    until(taken)


@contextlib.contextmanager
def connection(port):
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as made:
        yield made


def answer(made):
    """Status and body."""
    response = http.client.HTTPResponse(made)
    response.begin()
    return response.status, response.read()


def ended(made):
    """Waits for the other side to close."""
    try:
        return made.recv(1) == b""
    except ConnectionResetError:
        return True


def refused(made, status, kind):
    got, body = answer(made)
    problem = json.loads(body)
    assert (got, problem["status"], problem["success"]) == (status, status, False)
    assert problem["type"].rpartition(":")[2] == kind


def test_heads_as_browsers_send_them_are_taken(loop, port):
    """Three on one connection, and the time of the first is not the others'."""
    with connection(port) as made:
        for _ in range(3):
            made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 8_000 + b"\r\n\r\n")
            assert answer(made) == (200, b"ok")
            loop.forward(WITHIN_S * 0.7)


@pytest.mark.parametrize("piece", [b"X: " + b"y" * 60_000, b"X: y\r\n" * 5_000])
def test_a_head_without_an_end_is_refused(port, piece):
    """One long header, or many."""
    with connection(port) as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        with contextlib.suppress(OSError):  # it may have been closed by then
            for _ in range(MOST_BYTES // len(piece) + 2):
                made.sendall(piece)
        refused(made, 431, "head-too-large")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_who_never_ends_a_head_is_left(loop, server, port, begun):
    """When its time is over and not before, however regularly something comes of it."""
    with connection(port) as made:
        made.sendall(begun)
        until_taken(server, made, len(begun))
        for more in range(1, 4):
            loop.forward(WITHIN_S * 0.2)
            if begun:
                made.sendall(b"X: y\r\n")
                until_taken(server, made, len(begun) + 6 * more)
        assert not select.select([made], [], [], 0.2)[0]
        loop.forward(WITHIN_S * 0.5)
        assert ended(made)


def test_an_answer_may_take_longer_than_a_head(port):
    with connection(port) as made:
        made.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(made) == (200, b"ok")


def test_what_is_no_http_is_told_so(port):
    for sent in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100):
        with connection(port) as made:
            made.sendall(sent)
            refused(made, 400, "bad-request")
            assert ended(made)


def test_lengths_that_two_servers_could_read_differently_are_refused(port):
    """Of which request smuggling is made."""
    for headers in (
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
        "Content-Length: +5",
        "Content-Length: -5",
    ):
        with connection(port) as made:
            made.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\nxx".encode())
            refused(made, 400, "bad-request")
