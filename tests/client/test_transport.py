"""One call over a real socket: what is sent, what comes back, and how it may break."""

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

import gevent
import numpy as np
import pytest
from awake import Awake
from benchmarks.ports import free_port
from scripted import CLOSE, GOOD, HANG, RESET, http

from ocr_client import errors as tree
from ocr_client.transport import OUTPUTS, STATUSES, TritonTransport
from ocr_rollout.core.routing import Arm

ARM = Arm("crnn", 1)
IMAGE = np.zeros((1, 1, 32, 16), np.uint8)


def infer(transport, timeout_s=5.0):
    return transport.infer(ARM, IMAGE, timeout_s=timeout_s, request_id="r-1")


def closed_port():
    return f"127.0.0.1:{free_port()}"


def test_a_good_answer_is_two_tensors(scripted):
    """Code points and confidence, (N, T) each."""
    _, transport = scripted(GOOD)
    codes, confidence = infer(transport)
    assert codes.tolist() == [[0, 65, 0, 66]]
    assert confidence.tolist() == [[0.5] * 4]


def test_a_request_names_version_outputs_id_and_its_time_in_the_queue(scripted):
    """An explicit version always: a deploy by itself must move no traffic."""
    server, _ = scripted(GOOD)
    infer(TritonTransport([server.url], clock=lambda: 0.0), timeout_s=5)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v2/models/crnn/versions/1/infer ")
    fields = json.loads(body[: -IMAGE.nbytes])
    assert [output["name"] for output in fields["outputs"]] == list(OUTPUTS)
    assert fields["inputs"][0]["shape"] == [1, 1, 32, 16]
    assert fields["id"] == "r-1"
    assert fields["parameters"]["timeout"] == 5_000_000  # microseconds


def test_one_connection_serves_many_requests(scripted):
    """Connecting costs more than a small request."""
    server, transport = scripted(GOOD, GOOD, GOOD)
    for _ in range(3):
        infer(transport)
    assert server.connections == 1


def test_every_thread_has_a_connection_of_its_own(scripted):
    """The objects of tritonclient are not safe to share."""
    server, transport = scripted(GOOD, GOOD)
    infer(transport)
    thread = threading.Thread(target=infer, args=(transport,))
    thread.start()
    thread.join()
    assert server.connections == 2


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8000", "127.0.0.1", ":8000", "a/b:1"])
def test_an_address_is_host_and_port(url):
    """Anything else is refused before it is used."""
    with pytest.raises(tree.ConfigError, match="HOST:PORT"):
        TritonTransport([url])


def test_after_close_the_next_call_connects_again(scripted):
    """Closing gives the connection back, and takes nothing away."""
    server, transport = scripted(GOOD, GOOD)
    infer(transport)
    transport.close()
    transport.close()
    infer(transport)
    assert server.connections == 2


@pytest.mark.parametrize("step", [CLOSE, RESET], ids=["closed", "reset"])
def test_a_connection_that_breaks_before_the_first_byte_is_tried_once_more(scripted, step):
    """A connection that was kept alive for too long is the usual cause."""
    server, transport = scripted(GOOD, step, GOOD)
    infer(transport)
    assert infer(transport)[0].tolist() == [[0, 65, 0, 66]]
    assert len(server.requests) == 3


def test_a_kept_alive_connection_to_a_server_that_went_away_is_unreachable(scripted):
    """Broken first, refused then: neither a timeout nor the arm's fault."""
    server, transport = scripted(GOOD)
    infer(transport)
    server.close()
    with pytest.raises(tree.UnreachableError, match="ocrctl server up --detach"):
        infer(transport)


def test_it_is_tried_once_more_and_no_oftener(scripted):
    """The request may be what breaks the server."""
    server, transport = scripted(CLOSE, CLOSE, GOOD)
    with pytest.raises(tree.ConnectionLostError, match="broke while crnn:1 was asked"):
        infer(transport)
    assert len(server.requests) == 2
    assert infer(transport)[0].shape == (1, 4)  # and the next request starts afresh


@pytest.mark.parametrize(
    "part",
    [b"HTTP/1.1 200 OK\r\nContent-Le", GOOD[: GOOD.index(b"\r\n\r\n") + 9], GOOD[:-3]],
    ids=["in the head", "in the JSON", "in a tensor"],
)
def test_an_answer_that_breaks_off_is_not_asked_for_again(scripted, part):
    """Bytes came: the server has worked on it."""
    server, transport = scripted((part, CLOSE), GOOD)
    with pytest.raises((tree.ConnectionLostError, tree.BadAnswerError)):
        infer(transport)
    assert len(server.requests) == 1
    assert infer(transport)[0].shape == (1, 4)


def test_what_is_no_http_is_a_broken_connection(scripted):
    """Another service listens at the address."""
    _, transport = scripted((b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE))
    with pytest.raises(tree.ConnectionLostError):
        infer(transport)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"outputs": []}',
        b"\xff\xfe",
        b"",
        b'{"outputs": [{"name": "codepoints", "datatype": "INT32", "shape": [1]}]}',
        b'{"outputs": [{"name": "codepoints", "datatype": "INT32", "shape": [9], "data": [1]}]}',
        b'{"outputs": [{"name": "codepoints", "datatype": "NONE", "shape": [1], "data": [1]}]}',
    ],
    ids=str,
)
def test_a_body_that_is_no_answer_is_the_arms_fault(scripted, body):
    """Never a raw exception of a library."""
    _, transport = scripted(http(200, body), GOOD)
    with pytest.raises(tree.BadAnswerError, match="crnn:1"):
        infer(transport)
    assert infer(transport)[0].shape == (1, 4)


def test_the_deadline_is_ours_and_the_next_request_is_not_confused(scripted):
    """A hanging server costs what was allowed; its connection is not used again."""
    server, _ = scripted(GOOD, HANG, GOOD)
    transport = TritonTransport([server.url], clock=lambda: 0.0)
    infer(transport)  # so that the time below is none of connecting
    started = time.monotonic()
    with (
        Awake() as took,
        pytest.raises(tree.ArmTimeoutError, match=r"crnn:1 .* no answer within 0\.2 s"),
    ):
        infer(transport, timeout_s=0.2)
    assert time.monotonic() - started > 0.15
    assert took.s < 1.5
    assert infer(transport)[0].tolist() == [[0, 65, 0, 66]]
    assert server.connections == 2


def test_a_server_that_dribbles_does_not_stretch_the_deadline():
    """Every byte would restart a timeout for each socket operation."""
    listener = socket.create_server(("127.0.0.1", 0))

    def dribble():
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection:
            for byte in GOOD:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    threading.Thread(target=dribble, daemon=True).start()
    transport = TritonTransport([f"127.0.0.1:{listener.getsockname()[1]}"])
    with listener, Awake() as took, pytest.raises(tree.ArmTimeoutError):
        infer(transport, timeout_s=0.3)
    assert took.s < 1.5


def test_no_server_is_one_line_that_says_how_to_start_one():
    """With the address, and no blame on the arm."""
    url = closed_port()
    with pytest.raises(tree.UnreachableError) as caught:
        infer(TritonTransport([url]))
    assert url in str(caught.value)
    assert "ocrctl server up --detach" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.owner == "network"


def test_a_host_that_does_not_exist_is_unreachable():
    """A name that no resolver knows (RFC 2606)."""
    with pytest.raises(tree.UnreachableError, match=r"nowhere\.invalid:8000"):
        infer(TritonTransport(["nowhere.invalid:8000"]))


def test_a_connection_that_does_not_open_is_the_networks_fault():
    """A full backlog swallows the handshake: a timeout, but not the model's."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        crowd = [socket.socket() for _ in range(8)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            url = f"127.0.0.1:{address[1]}"
            transport = TritonTransport([url], connect_timeout_s=0.2)
            with pytest.raises(tree.UnreachableError, match="timed out"):
                infer(transport, timeout_s=5)
            # Neither when the deadline comes first, nor when several are tried in vain.
            transport = TritonTransport([url, url, url], connect_timeout_s=5)
            with pytest.raises(tree.UnreachableError, match="timed out"):
                infer(transport, timeout_s=0.3)
        finally:
            for one in crowd:
                one.close()


def test_the_next_address_is_asked_where_nothing_answers(scripted):
    """And the thread stays with the one that does."""
    server, _ = scripted(GOOD, GOOD)
    transport = TritonTransport([closed_port(), server.url])
    assert infer(transport)[0].shape == (1, 4)
    assert infer(transport)[0].shape == (1, 4)
    assert server.connections == 1


def test_with_no_server_anywhere_each_address_is_named():
    """Each was asked once."""
    urls = [closed_port(), closed_port()]
    with pytest.raises(tree.UnreachableError) as caught:
        infer(TritonTransport(urls))
    assert all(str(caught.value).count(url) == 1 for url in urls)


def test_an_error_of_the_server_leaves_the_connection_open(scripted):
    """It is an answer like another."""
    server, transport = scripted(http(500, {"error": "onnx runtime error 2: boom"}), GOOD)
    with pytest.raises(tree.ArmFailedError, match="onnx runtime error 2: boom"):
        infer(transport)
    infer(transport)
    assert server.connections == 1


def test_a_missing_model_says_what_is_there(scripted):
    """Asked of the statistics, because the repository index is restricted."""
    there = {"model_stats": [{"name": "convnext", "version": "1"}, {"name": "b", "version": "7"}]}
    _, transport = scripted(http(404, {"error": "no such version"}), http(200, there))
    with pytest.raises(tree.ModelMissingError, match=r"crnn:1 is not on .* b:7, convnext:1"):
        infer(transport)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (http(200, {"model_stats": []}), "no model is loaded there"),
        (http(403, {"error": "restricted"}), "it does not say what is"),
        (CLOSE, "it does not say what is"),
    ],
)
def test_a_missing_model_is_told_even_if_the_rest_is_not(scripted, second, words):
    """The first error is the one that counts."""
    _, transport = scripted(http(404, {"error": "x"}), second, CLOSE, CLOSE, CLOSE)
    with pytest.raises(tree.ModelMissingError, match=words):
        infer(transport)


def test_the_callers_own_gevent_timeout_stays_the_callers(scripted):
    """A program that uses gevent gets its own timeout back."""
    _, transport = scripted(HANG)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.1):
        infer(transport, timeout_s=5)


@pytest.mark.parametrize("status", ["301", "400", "401", "403", "404", "418", "500", "502", "503"])
def test_a_status_with_any_body_becomes_one_of_ours(scripted, status):
    """A proxy's page instead of JSON, too: one line, no raw exception."""
    page = b"<html>\n<body>\nsorry\n</body>" + b"x" * 5_000
    _, transport = scripted(http(status, page), http(status, page))
    with pytest.raises(tree.OCRError) as caught:
        infer(transport)
    assert type(caught.value) is STATUSES.get(status, tree.UnexpectedStatusError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_threads_leave_no_open_files_behind(scripted):
    """Neither the connection nor gevent's event loop: each would be two files for ever."""
    _, transport = scripted(*[GOOD] * 12)

    def work():
        infer(transport)
        transport.close(thread_ends=True)

    def open_files():
        return len(list(Path("/proc/self/fd").iterdir()))

    def in_threads(count):
        for _ in range(count):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()

    in_threads(2)
    before = open_files()
    in_threads(10)
    # 20 would stay. A few are others': a name server that an earlier test still waits for.
    assert poll(lambda: open_files() < before + 5)


def poll(happened, timeout_s=5.0):
    end = time.monotonic() + timeout_s
    while not happened() and time.monotonic() < end:
        time.sleep(0.01)
    return happened()
