"""Triton's own counters: read, subtracted, and never waited for longer than was allowed."""

import contextlib
import socket
import threading
import time

import numpy as np
import pytest
from awake import Awake
from hypothesis import given
from hypothesis import strategies as st
from scripted import CLOSE, HANG, http

from ocr_client import errors as tree
from ocr_client.statistics import (
    COUNTERS,
    MOST_BYTES,
    ArmStatistics,
    fetch,
    means,
    read_load,
    read_statistics,
    server_load,
)
from ocr_client.transport import TritonTransport
from ocr_rollout.core.routing import Arm

ARM, OTHER = Arm("crnn", 1), Arm("convnext", 1)


def sample(requests, *, url="a:1", arm=ARM, ms=10):
    """Counters of so many requests of one line, `ms` milliseconds each, an eighth of it queueing."""
    ns = requests * ms * 1_000_000
    return ArmStatistics(
        url=url,
        arm=arm,
        requests=requests,
        failures=0,
        inferences=requests,
        executions=requests,
        total_ns=ns,
        queue_ns=ns // 8,
        input_ns=ns // 8,
        infer_ns=ns // 2,
        output_ns=ns // 4,
    )


def model(name="crnn", version="1", count=2):
    part = {"count": count, "ns": count * 1_000_000}
    parts = ("success", "queue", "compute_input", "compute_infer", "compute_output")
    return {
        "name": name,
        "version": version,
        "inference_count": 3 * count,
        "execution_count": count,
        "inference_stats": {**dict.fromkeys(parts, part), "fail": {"count": 1, "ns": 5}},
    }


def stats(*models):
    return http(200, {"model_stats": list(models)})


def test_the_difference_of_two_samples_is_means():
    """What came before the first sample does not count, and an arm that was not asked has none."""
    (found,) = means([sample(100), sample(100, arm=OTHER)], [sample(300), sample(100, arm=OTHER)])
    assert (found.arm, found.requests) == (ARM, 200)
    assert (found.total_ms, found.queue_ms, found.infer_ms) == (10.0, 1.25, 5.0)
    assert found.compute_ms == 1.25 + 5.0 + 2.5


def test_endpoints_are_added_up():
    """Two servers of one arm: the mean over all requests, not of the means."""
    before = [sample(0, url=url) for url in ("a:1", "b:1")]
    after = [sample(10, url="a:1", ms=10), sample(30, url="b:1", ms=50)]
    (found,) = means(before, after)
    assert (found.requests, found.total_ms) == (40, 40.0)


def test_a_counter_that_went_back_starts_again():
    """Unloading a model or a new start of its server sets it to 0."""
    (found,) = means([sample(1_000, ms=1)], [sample(20, ms=30)])
    assert (found.requests, found.total_ms) == (20, 30.0)


def test_an_arm_that_was_loaded_between_counts_from_then():
    """Its endpoint was seen before, without it."""
    found = means([sample(5)], [sample(5), sample(7, arm=OTHER)])
    assert [(one.arm, one.requests) for one in found] == [(OTHER, 7)]


def test_an_endpoint_that_was_not_seen_before_is_left_out():
    """Nobody knows since when it has counted."""
    assert means([], [sample(7)]) == ()
    assert means([sample(5)], [sample(9, url="b:1")]) == ()


@given(
    st.lists(st.integers(0, 10**15), min_size=len(COUNTERS), max_size=len(COUNTERS)),
    st.lists(st.integers(0, 10**15), min_size=len(COUNTERS), max_size=len(COUNTERS)),
)
def test_means_are_never_negative(early, late):
    """Whatever two samples say."""
    first, second = (
        ArmStatistics("a:1", ARM, **dict(zip(COUNTERS, values, strict=True)))
        for values in (early, late)
    )
    for found in means([first], [second]):
        assert found.requests > 0
        assert min(found.total_ms, found.queue_ms, found.compute_ms) >= 0


def test_statistics_are_read_by_endpoint_and_arm(scripted):
    """In order; an address that is given twice is asked once."""
    server, _ = scripted(stats(model(), model("convnext", "12", 4)))
    found = TritonTransport([server.url, server.url]).statistics(timeout_s=5)
    assert [(one.url, one.arm) for one in found] == [
        (server.url, Arm("convnext", 12)),
        (server.url, ARM),
    ]
    assert (found[1].requests, found[1].inferences, found[1].failures) == (2, 6, 1)
    assert (found[1].total_ns, found[1].queue_ns, found[1].infer_ns) == (2_000_000,) * 3


def test_an_endpoint_that_does_not_answer_is_missing_in_the_result(scripted, closed_port):
    """Not measured is not idle; and one that hangs leaves time to the others."""
    hanging, _ = scripted(HANG)
    server, _ = scripted(stats(model()))
    # The clock stands still, so that each share of the time begins when its endpoint is asked.
    transport = TritonTransport([closed_port, hanging.url, server.url], clock=lambda: 0.0)
    with Awake() as took:
        assert [one.url for one in transport.statistics(timeout_s=2.0)] == [server.url]
    assert took.s < 3


def test_with_no_endpoint_at_all_the_first_error_is_told(closed_port):
    """Where nothing could be measured there is no result."""
    with pytest.raises(tree.UnreachableError, match=f"nothing answers at {closed_port}"):
        TritonTransport([closed_port]).statistics(timeout_s=1)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"model_stats": [{}]}', b'{"model_stats": 3}', b"\xff"],
    ids=str,
)
def test_what_is_no_statistics_is_one_of_our_errors(body):
    """Another service listens there."""
    with pytest.raises(tree.UnexpectedStatusError, match="a:1: its statistics cannot be read"):
        read_statistics("a:1", body)


@pytest.mark.parametrize(
    ("step", "error", "words"),
    [
        (http(404, b"no"), tree.UnexpectedStatusError, "HTTP 404"),
        (http(200, b"x" * (MOST_BYTES + 1)), tree.UnexpectedStatusError, "more than 8 MiB"),
        (CLOSE, tree.ConnectionLostError, "closed"),
        ((b"SSH-2.0\r\n", CLOSE), tree.ConnectionLostError, "SSH"),
        ((http(200, b"half of it")[:-3], CLOSE), tree.ConnectionLostError, "IncompleteRead"),
        (HANG, tree.ConnectionLostError, r"no whole answer within 0\.3 s"),
    ],
    ids=["404", "too long", "closed", "no HTTP", "half", "hangs"],
)
def test_a_fetch_that_fails_is_one_line(scripted, step, error, words):
    """With the address, and nothing of what the libraries below raise."""
    server, _ = scripted(step)
    with pytest.raises(error, match=words) as caught:
        fetch(server.url, "/metrics", timeout_s=0.3 if step is HANG else 5)
    assert str(caught.value).startswith(f"{server.url}/metrics: ")
    assert "\n" not in str(caught.value)


def test_a_server_that_dribbles_does_not_stretch_the_time():
    """Each byte would start a socket's timeout again; with a length or without one."""
    for head in (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=dribble, args=(listener, head))
            thread.start()
            url = f"127.0.0.1:{listener.getsockname()[1]}"
            with (
                Awake() as took,
                pytest.raises(tree.ConnectionLostError, match="no whole answer within"),
            ):
                fetch(url, "/", timeout_s=0.3)
            assert took.s < 2
            thread.join()


def dribble(listener, head):
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):  # hung up upon
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.02)


METRICS = """
# HELP nv_cpu_utilization CPU utilization rate [0.0 - 1.0]
# TYPE nv_cpu_utilization gauge
nv_cpu_utilization 0.25
nv_cpu_memory_total_bytes 8.0e9
nv_cpu_memory_used_bytes 2000000000
nv_inference_count{model="crnn",version="1"} 10
nv_odd NaN
nv_broken one two three
"""


def test_the_load_of_a_server_is_read_from_its_metrics():
    """Prometheus' text format."""
    load = read_load("a:1", METRICS)
    assert (load.cpu_utilisation, load.memory_used_bytes) == (0.25, 2_000_000_000)
    assert load.memory_total_bytes == 8_000_000_000


@pytest.mark.parametrize("text", ["", METRICS.replace("8.0e9", "0"), "nv_cpu_utilization 0\n"])
def test_what_was_not_measured_yet_is_not_zero(text):
    """Triton writes zeros for the first two seconds."""
    load = read_load("a:1", text)
    assert load.cpu_utilisation is None
    assert load.memory_used_bytes is None
    assert load.memory_total_bytes is None


@pytest.mark.server
def test_the_real_server_counts_what_it_was_asked(triton):
    """Ten requests of two lines: the parts of the time do not exceed the whole."""
    transport = TritonTransport([triton.http_url])
    before = transport.statistics(timeout_s=10)
    image = np.zeros((2, 1, 32, 96), np.uint8)
    for _ in range(10):
        transport.infer(ARM, image, timeout_s=20, request_id="r")
    transport.close()
    found = {one.arm: one for one in means(before, transport.statistics(timeout_s=10))}[ARM]
    assert (found.requests, found.inferences, found.failures) == (10, 20, 0)
    assert 1 <= found.executions <= 10
    assert 0 < found.infer_ms <= found.total_ms
    assert 0 <= found.queue_ms <= found.total_ms


@pytest.mark.server
def test_the_real_server_tells_its_load(triton):
    """Of the whole machine; the embedded server has it, two seconds after its start."""
    end = time.monotonic() + 60
    while (load := server_load(triton.metrics_url, timeout_s=5)).memory_total_bytes is None:
        if time.monotonic() > end:
            pytest.fail("no figures within 60 s")
        time.sleep(0.2)
    assert 0 <= load.cpu_utilisation <= 1
    assert 0 < load.memory_used_bytes < load.memory_total_bytes
