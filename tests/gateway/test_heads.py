"""Request lines and headers: how many, how slowly, and what is none at all."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time

import pytest
import uvicorn

from ocr_gateway.heads import MOST_BYTES, BoundedHeads

WITHIN_S = 0.4


class Impatient(BoundedHeads):
    within_s = WITHIN_S


async def slow_echo(scope, receive, send):
    """Answers 200 after a second where the path asks for that."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port():
    server = uvicorn.Server(
        uvicorn.Config(slow_echo, port=0, http=Impatient, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(30)


@contextlib.contextmanager
def connection(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as made:
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


def test_heads_as_browsers_send_them_are_taken(port):
    """Two on one connection, and the time of the first is not the second's."""
    with connection(port) as made:
        for _ in range(2):
            made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 8_000 + b"\r\n\r\n")
            assert answer(made) == (200, b"ok")
            time.sleep(WITHIN_S * 0.7)


@pytest.mark.parametrize("piece", [b"X: " + b"y" * 60_000, b"X: y\r\n" * 5_000])
def test_a_head_without_an_end_is_refused(port, piece):
    """One long header, or many."""
    with connection(port) as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        with contextlib.suppress(OSError):  # it may have been closed by then
            for _ in range(MOST_BYTES // len(piece) + 2):
                made.sendall(piece)
                time.sleep(0.02)
        refused(made, 431, "head-too-large")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_who_never_ends_a_head_is_left(port, begun):
    """However regularly something comes of it."""
    with connection(port) as made:
        started_s = time.monotonic()
        made.sendall(begun)
        with contextlib.suppress(OSError):
            while begun and time.monotonic() < started_s + 3 * WITHIN_S:
                made.sendall(b"X: y\r\n")
                time.sleep(0.05)
        assert ended(made)
        assert time.monotonic() - started_s < 20


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
