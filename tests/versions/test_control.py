"""Model control: what gRPC says becomes what to do, and an answer is never taken for the deed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import pytest

from ocr_client.control import Endpoint, GrpcControl, VersionState, explained
from ocr_client.versions.errors import (
    ControlError,
    EndpointDownError,
    KeyRefusedError,
    LoadFailedError,
    UnknownOutcomeError,
)
from ocr_client.versions.fleet import Fleet, endpoints_of
from ocr_rollout.core.routing import Arm

HERE = Endpoint("127.0.0.1:8000", "127.0.0.1:8001", "secret")
ARM = Arm("crnn", 2)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("UNAVAILABLE", "This protocol is restricted, expecting header 'x'", KeyRefusedError),
        ("UNAVAILABLE", "failed to connect to all addresses", EndpointDownError),
        ("UNAVAILABLE", "DNS resolution failed for host", EndpointDownError),
        ("UNAVAILABLE", "Socket closed", UnknownOutcomeError),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", UnknownOutcomeError),
        ("INVALID_ARGUMENT", "load failed for model 'crnn': version 3", LoadFailedError),
        ("INTERNAL", "failed to load 'crnn',\nfailed to poll", LoadFailedError),
    ],
)
def test_words_of_grpc(code, message, kind):
    error = explained(HERE, "loading crnn", f"StatusCode.{code}", message)
    assert type(error) is kind
    assert "\n" not in str(error)
    assert HERE.grpc in str(error)
    assert "secret" not in str(error)


def test_the_key_is_never_shown():
    assert "secret" not in repr(HERE)
    assert "secret" not in str(Fleet((HERE,), Scripted([])))


@pytest.mark.parametrize("port", [1, 65535])
def test_nobody_there_is_told_at_once(port):
    nobody = Endpoint(f"127.0.0.1:{port}", f"127.0.0.1:{port}")
    with pytest.raises(EndpointDownError, match="no Triton answers there"):
        GrpcControl().index(nobody)


@pytest.mark.server
def test_the_real_index_load_and_readiness(triton):
    """And another key is refused for each call that is restricted."""
    control = GrpcControl()
    endpoint = Endpoint(triton.http_url, triton.grpc_url, triton.control_key)
    assert {state.model for state in control.index(endpoint)} >= {"convnext", "crnn"}
    assert control.ready(endpoint, "crnn", 1)
    assert not control.ready(endpoint, "crnn", 99)
    stranger = dataclasses.replace(endpoint, key="")
    for call in (
        lambda: control.index(stranger),
        lambda: control.load(stranger, "crnn", None, 60),
        lambda: control.unload(stranger, "crnn", 60),
    ):
        with pytest.raises(KeyRefusedError, match="OCR_CONTROL_KEY"):
            call()
    with pytest.raises(LoadFailedError, match="nothing"):
        control.load(endpoint, "nothing", None, 60)


class Scripted:
    """Answers `index` with one state after the other, the last one for ever."""

    def __init__(self, states: Iterable[str], *, on_load: ControlError | None = None) -> None:
        given = list(states)
        self._states = itertools.chain(given, itertools.repeat(given[-1] if given else ""))
        self._on_load = on_load
        self.loads = 0

    def load(self, endpoint, model, config, timeout_s):
        self.loads += 1
        if self._on_load is not None:
            raise self._on_load

    def index(self, endpoint):
        state = next(self._states)
        if state == "gone":
            return ()
        return (VersionState(ARM.model, str(ARM.version), state, "why not"),)

    def ready(self, endpoint, model, version):
        return True


def fleet(states, **named):
    """A fleet whose clock advances by what it sleeps."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    control = Scripted(states, **named)
    return Fleet((HERE,), control, timeout_s=1.0, clock=lambda: now[0], sleep=sleep)


def test_a_load_without_an_answer_is_looked_after():
    """Done or not, nobody knows: so the index is asked, and nothing is rolled back for it."""
    slow = fleet(["LOADING", "LOADING", "READY"], on_load=UnknownOutcomeError("no answer"))
    slow.load("crnn")
    slow.wait_ready(ARM)


def test_ready_is_waited_for_and_a_reason_is_handed_on():
    fleet(["LOADING", "READY"]).wait_ready(ARM)
    with pytest.raises(LoadFailedError, match=r"crnn:2 did not load at 127\.0\.0\.1:8000: why not"):
        fleet(["LOADING", "UNAVAILABLE"]).wait_ready(ARM)
    with pytest.raises(LoadFailedError, match="does not see the version"):
        fleet(["gone"]).wait_ready(ARM)
    with pytest.raises(UnknownOutcomeError, match="not ready after 1 s"):
        fleet(["LOADING"]).wait_ready(ARM)


@pytest.mark.parametrize("last", ["UNAVAILABLE", "gone", ""])
def test_gone_is_waited_for(last):
    fleet(["READY", "UNLOADING", last]).wait_gone(ARM)


def test_what_does_not_go_is_told_with_the_usual_cause():
    with pytest.raises(UnknownOutcomeError, match="still READY after 1 s; do the clocks"):
        fleet(["READY"]).wait_gone(ARM)


def test_named_endpoints_share_a_key(tmp_path):
    named = ["a:1,a:2", "[::1]:3,[::1]:4"]
    found = endpoints_of(tmp_path, named=named, variables={"OCR_CONTROL_KEY": "k"})
    assert found == (Endpoint("a:1", "a:2", "k"), Endpoint("[::1]:3", "[::1]:4", "k"))
    (tmp_path / "key").write_text(" file \n")
    found = endpoints_of(tmp_path, named=named[:1], key_file=tmp_path / "key", variables={})
    assert found == (Endpoint("a:1", "a:2", "file"),)
    assert endpoints_of(tmp_path) == ()
