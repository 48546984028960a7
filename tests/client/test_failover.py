"""Several endpoints over real sockets: who is asked, who answers instead, when nobody is asked."""

import collections
import contextlib
import os
import signal
import threading
import time

import gevent
import numpy as np
import pytest
from awake import Awake
from rollouts import until
from scripted import CLOSE, GOOD, HANG, RESET, Scripted, http

from ocr_client import errors as tree
from ocr_client.breaker import BreakerSettings
from ocr_client.transport import TritonTransport
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports

ARM, STABLE = Arm("crnn", 1), Arm("convnext", 1)
IMAGE = np.zeros((1, 1, 32, 16), np.uint8)
SETTINGS = BreakerSettings(failures=3, open_s=30.0, max_open_s=120.0)
MISSING = http(404, {"error": "Request for unknown model: 'crnn' version 1 is not found"})
THERE = http(200, {"model_stats": [{"name": "b", "version": "7"}]})


class Clock:
    """It stands still unless it is turned forward, however slow the machine is."""

    ahead_s = 0.0

    def __call__(self):
        return self.ahead_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def connect(clock):
    def connect(*urls):
        return TritonTransport(urls, connect_timeout_s=1, breaker=SETTINGS, clock=clock)

    return connect


def infer(transport, *, arm=ARM, timeout_s=5.0, last_resort=False):
    return transport.infer(arm, IMAGE, timeout_s=timeout_s, request_id="r", last_resort=last_resort)


def fail(transport, error, times=1, **options):
    for _ in range(times):
        with pytest.raises(error) as caught:
            infer(transport, **options)
    return str(caught.value)


def breaker(transport, url, arm=ARM):
    found = next(one for one in transport.endpoints() if one.url == url)
    return next((one.breaker for one in found.arms if one.arm == arm), "never asked")


def serve_at(url, *steps):
    return Scripted(*steps, port=int(url.rpartition(":")[2]))


# Each kind of transport fault opens the breaker; nothing else does.


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (RESET, tree.ConnectionLostError),
        (CLOSE, tree.ConnectionLostError),
        ((GOOD[:-3], CLOSE), (tree.ConnectionLostError, tree.BadAnswerError)),
        ((b"SSH-2.0\r\n", CLOSE), tree.ConnectionLostError),
        (HANG, tree.ArmTimeoutError),
        (http(502, b"bad gateway"), tree.UnexpectedStatusError),
        (http(504, b"gateway timeout"), tree.UnexpectedStatusError),
    ],
    ids=["reset", "closed", "half an answer", "no HTTP", "hangs", "502", "504"],
)
def test_a_transport_fault_opens_the_breaker(scripted, connect, step, error):
    """After three in a row the arm is refused without an attempt, and the server is left alone."""
    server, _ = scripted(*[step] * 20)
    transport = connect(server.url)
    while breaker(transport, server.url) != "open":
        fail(transport, error, timeout_s=1 if step is HANG else 5)
    asked = len(server.requests)
    assert asked <= 2 * SETTINGS.failures
    with Awake() as took:
        message = fail(transport, tree.ArmBrokenError, times=10)
    assert len(server.requests) == asked
    assert took.s < 1
    assert f"crnn:1 was not asked, its breaker is open at {server.url} for " in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (http(500, {"error": "onnx runtime error 2: boom"}), tree.ArmFailedError),
        (http(400, {"error": "unexpected shape"}), tree.ArmRefusedError),
        (http(503, {"error": "Exceeds maximum queue size"}), tree.ArmBusyError),
        (http(200, b"<html>"), tree.BadAnswerError),
    ],
    ids=["500", "400", "503 busy", "no tensors"],
)
def test_an_answer_of_the_model_opens_nothing(scripted, connect, step, error):
    """It is the judge who looks after models; and another endpoint has the same model."""
    server, _ = scripted(*[step] * 10)
    other, _ = scripted()
    transport = connect(server.url, other.url)
    transport._endpoints._chance = lambda: 0.0  # among equals the first
    fail(transport, error, times=10)
    assert breaker(transport, server.url) == "closed"
    assert not other.requests


def test_what_the_caller_gave_up_is_no_fault(scripted, connect):
    """Neither its own timeout nor an attempt that had next to no time."""
    server, _ = scripted(*[HANG] * 8)
    transport = connect(server.url)
    for _ in range(4):
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
            infer(transport)
    fail(transport, tree.ArmTimeoutError, times=4, timeout_s=0.05)
    assert breaker(transport, server.url) == "closed"
    assert transport.endpoints()[0].in_flight == 0


def test_one_arm_that_breaks_leaves_the_other_alone(scripted, connect):
    """A model that takes its connections down is no reason to stop asking stable."""
    server, _ = scripted(*[CLOSE] * 3, GOOD)
    transport = connect(server.url)
    fail(transport, tree.ConnectionLostError, times=2)  # of two attempts, and of one
    fail(transport, tree.ArmBrokenError)
    assert infer(transport, arm=STABLE)[0].shape == (1, 4)


# The last resort.


def test_a_last_resort_is_tried_however_open_its_breaker_is(connect, closed_port):
    """It is told what is wrong, not that nobody tried; and it is served at once when it is back."""
    transport = connect(closed_port)
    fail(transport, tree.UnreachableError, times=10, arm=STABLE, last_resort=True)
    assert breaker(transport, closed_port, STABLE) == "open"
    server = serve_at(closed_port, GOOD, GOOD)
    assert infer(transport, arm=STABLE, last_resort=True)[0].shape == (1, 4)
    assert breaker(transport, closed_port, STABLE) == "closed"
    server.close()


def test_nobody_is_refused_who_did_not_say_that_there_is_another(connect, closed_port):
    """The default: a caller that knows no breakers meets the fault itself."""
    transport = connect(closed_port)
    for _ in range(10):
        with pytest.raises(tree.UnreachableError):
            transport.describe(ARM, timeout_s=1)
    with pytest.raises(tree.ArmBrokenError):
        transport.describe(ARM, timeout_s=1, last_resort=False)


# Half-open.


def test_when_its_time_is_over_a_probe_closes_it(connect, clock, closed_port):
    """Refused again: open for longer; answered: closed."""
    transport = connect(closed_port)
    fail(transport, tree.UnreachableError, times=3)
    clock.ahead_s = 31
    fail(transport, tree.UnreachableError)
    fail(transport, tree.ArmBrokenError)
    clock.ahead_s = 31 + 31
    fail(transport, tree.ArmBrokenError)  # twice as long
    server = serve_at(closed_port, GOOD, GOOD)
    clock.ahead_s = 31 + 61
    for _ in range(2):
        assert infer(transport)[0].shape == (1, 4)
    assert breaker(transport, closed_port) == "closed"
    server.close()


def test_one_probe_is_under_way_and_all_others_are_refused(scripted, connect, clock):
    """At once, while the probe waits for a server that hangs."""
    tried = threading.Event()

    def when_all_were_refused():
        tried.wait(60)
        return GOOD

    server, _ = scripted(*[CLOSE] * 3, when_all_were_refused, GOOD)
    transport = connect(server.url)
    fail(transport, tree.ConnectionLostError, times=2)
    clock.ahead_s = 31
    probe = threading.Thread(target=infer, args=(transport,), kwargs={"timeout_s": 60.0})
    probe.start()
    until(lambda: len(server.requests) == 4)
    with Awake() as took:
        message = fail(transport, tree.ArmBrokenError, times=20)
    assert took.s < 0.5
    assert "a probe is under way" in message
    tried.set()
    probe.join()
    assert len(server.requests) == 4
    assert breaker(transport, server.url) == "closed"


def test_a_probe_of_an_endpoint_that_hangs_does_not_fail_its_request(scripted, connect, clock):
    """The other one answers it, after a second at most of what it has."""
    sick, _ = scripted(*[CLOSE] * 3, HANG)
    well, _ = scripted(*[GOOD] * 4)
    transport = connect(sick.url, well.url)
    transport._endpoints._chance = lambda: 0.0  # among equals the first
    for _ in range(3):
        infer(transport)
    assert breaker(transport, sick.url) == "open"
    clock.ahead_s = 31
    asked, started = len(sick.requests), time.monotonic()
    with Awake() as took:
        assert infer(transport, timeout_s=30.0)[0].shape == (1, 4)
    assert time.monotonic() - started > 0.9
    assert took.s < 3
    assert len(sick.requests) == asked + 1
    assert breaker(transport, sick.url) == "open"


def test_a_probe_that_was_cut_short_may_go_on_where_nobody_else_answers(
    scripted, connect, clock, closed_port
):
    """A breaker fails no request that has nowhere else to go."""
    sick, _ = scripted(*[CLOSE] * 4, HANG, GOOD)
    transport = connect(sick.url, closed_port)
    transport._endpoints._chance = lambda: 0.0  # among equals the first
    fail(transport, tree.ConnectionLostError, times=2, last_resort=True)  # of two attempts each
    assert breaker(transport, sick.url) == "open"
    clock.ahead_s = 31
    assert infer(transport, timeout_s=30, last_resort=True)[0].shape == (1, 4)
    assert len(sick.requests) == 6
    assert breaker(transport, sick.url) == "closed"


# Failover.


def test_no_request_fails_while_one_endpoint_lives(scripted, connect, closed_port):
    """And the dead one is not asked for ever."""
    well, _ = scripted(*[GOOD] * 40)
    transport = connect(closed_port, well.url)
    for _ in range(40):
        assert infer(transport)[0].shape == (1, 4)
    assert breaker(transport, closed_port) == "open"
    assert well.connections == 1


@pytest.mark.parametrize("step", [CLOSE, RESET], ids=["closed", "reset"])
def test_a_lost_connection_is_tried_once_more_elsewhere(scripted, connect, step):
    """The server that lost it may be about to die."""
    sick, _ = scripted(*[step] * 9)
    well, _ = scripted(*[GOOD] * 40)
    transport = connect(sick.url, well.url)
    for _ in range(40):
        infer(transport)
    assert len(sick.requests) == SETTINGS.failures
    assert len(well.requests) == 40


def test_what_may_have_broken_two_servers_is_not_sent_to_a_third(scripted, connect):
    """One image that kills a server must not kill them all."""
    servers = [scripted(*[CLOSE] * 9)[0] for _ in range(4)]
    transport = connect(*[server.url for server in servers])
    fail(transport, tree.ConnectionLostError)
    assert sum(len(server.requests) for server in servers) == 2
    assert max(len(server.requests) for server in servers) == 1


def test_a_dead_endpoint_does_not_use_up_the_second_try(scripted, connect, closed_port):
    """Where nothing was sent, nothing can have been broken."""
    sick, _ = scripted(CLOSE)
    well, _ = scripted(GOOD)
    transport = connect(closed_port, sick.url, well.url)
    assert infer(transport)[0].shape == (1, 4)


def test_half_an_answer_is_not_asked_for_again(scripted, connect):
    """The server has worked on it; the next request is led elsewhere soon enough."""
    sick, _ = scripted(*[(GOOD[:-3], CLOSE)] * 9)
    well, _ = scripted(*[GOOD] * 40)
    transport = connect(sick.url, well.url)
    answered = 0
    for _ in range(40):
        with contextlib.suppress(tree.ConnectionLostError):
            answered += len(infer(transport)[0])
    assert answered == 40 - SETTINGS.failures
    assert len(sick.requests) == SETTINGS.failures


def test_an_endpoint_that_lacks_the_arm_leaves_its_pool(scripted, connect, clock):
    """The request is answered elsewhere; for a while nobody asks there, then somebody does."""
    bare, _ = scripted(MISSING, GOOD)
    well, _ = scripted(*[GOOD] * 60)
    transport = connect(bare.url, well.url)
    for _ in range(20):
        assert infer(transport)[0].shape == (1, 4)
    assert len(bare.requests) == 1
    assert breaker(transport, bare.url) == "closed"
    clock.ahead_s = 6
    while len(bare.requests) < 2:
        infer(transport)


def test_an_arm_that_nobody_has_is_told_with_what_all_of_them_have(scripted, connect):
    """Each was asked; a caller learns where the arm is missing."""
    one, _ = scripted(MISSING, THERE)
    other, _ = scripted(MISSING, http(200, {"model_stats": [{"name": "a", "version": "2"}]}))
    message = fail(connect(one.url, other.url), tree.ModelMissingError)
    assert message.startswith("crnn:1 is not on the server at ")
    assert one.url in message
    assert other.url in message
    assert message.endswith("there is: a:2, b:7")


def test_an_answer_tells_more_than_a_refused_connection(scripted, connect, closed_port):
    """The arm is missing where somebody answers; that is why another arm may answer there."""
    bare, _ = scripted(MISSING, THERE)
    message = fail(connect(closed_port, bare.url), tree.ModelMissingError)
    assert "there is: b:7" in message


def test_unreachable_means_that_every_endpoint_was_tried(scripted, connect, closed_port):
    """One refuses and the other's breaker is open: stable may well be answered there."""
    sick, _ = scripted(*[CLOSE] * 9)
    transport = connect(closed_port, sick.url)
    while breaker(transport, sick.url) != "open":
        fail(transport, (tree.ConnectionLostError, tree.UnreachableError))
    while breaker(transport, closed_port) == "closed":
        message = fail(transport, tree.ArmBrokenError)
        assert f"no Triton at {closed_port}" in message
        assert f"open at {sick.url}" in message


def test_threads_spread_over_the_endpoints(scripted, connect):
    """And each has a connection of its own to each."""
    servers = [scripted(*[GOOD] * 200)[0] for _ in range(2)]
    transport = connect(*[server.url for server in servers])

    def work():
        for _ in range(20):
            infer(transport)
        transport.close(thread_ends=True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(server.requests) for server in servers] == pytest.approx([40, 40], abs=25)
    assert all(server.connections <= 4 for server in servers)
    assert [one.in_flight for one in transport.endpoints()] == [0, 0]


# The real thing.


class Traffic:
    """Threads that ask on and on, and what became of each request."""

    def __init__(self, transport, threads=4):
        self.results, self.errors, self.slowest_s = collections.Counter(), [], 0.0
        self._transport, self._stop = transport, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self):
        image = np.zeros((1, 1, 32, 96), np.uint8)
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._transport.infer(ARM, image, timeout_s=20, request_id="r", last_resort=False)
                self.results["answered"] += 1
            except tree.OCRError as error:
                self.errors.append(error)
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        self._transport.close(thread_ends=True)

    def more(self, answers):
        """Waits until so many more were answered."""
        goal = self.results["answered"] + answers
        end = time.monotonic() + 60
        while self.results["answered"] < goal:
            assert time.monotonic() < end, (self.results, self.errors[:3])
            time.sleep(0.01)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.server
@pytest.mark.slow
def test_of_two_real_servers_one_is_killed_under_load(repository):
    """No request fails, and the killed one is asked again when it is back."""
    settings = BreakerSettings(open_s=0.5, max_open_s=1.0)
    own = {"models": ["crnn"], "watchdog_interval_s": 0}
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(EmbeddedTriton(repository, ports=Ports(0, 0, 0), **own))
        victim = stack.enter_context(EmbeddedTriton(repository, ports=Ports(0, 0, 0), **own))
        port = int(victim.http_url.rpartition(":")[2])
        url = victim.http_url
        transport = TritonTransport([url, kept.http_url], breaker=settings)
        traffic = Traffic(transport)
        stack.callback(traffic.stop)
        traffic.more(60)
        os.kill(victim.server.triton_pid, signal.SIGKILL)
        traffic.more(60)
        assert breaker(transport, url) != "closed"
        before = len(traffic.errors)
        with EmbeddedTriton(repository, ports=Ports(port, 0, 0), **own):
            until(lambda: breaker(transport, url) == "closed", 60)
            traffic.more(60)
            by_url = {one.url: one.requests for one in transport.statistics(timeout_s=10)}
            assert by_url[url] >= 10  # it has its share of the requests again
            traffic.stop()
        print(f"{dict(traffic.results)}, slowest {traffic.slowest_s:.2f} s, {traffic.errors}")
        assert not traffic.errors, traffic.errors[:before][:3]
