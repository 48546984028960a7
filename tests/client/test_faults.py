"""The tables that turn the faults of the libraries below into ours, and the tree of ours."""

import importlib
import inspect
import json
import re
import socket
import ssl
from pathlib import Path

import gevent
import gevent.exceptions
import pytest
from geventhttpclient.url import InvalidURL
from tritonclient.utils import InferenceServerException

import ocr_client
from ocr_client import errors as tree
from ocr_client.transport import FAULTS, answer_kind, fault_kind

# status, Triton's words -> ours. Words count before the status: older servers say 400.
ANSWERS = [
    ("400", "Request for unknown model: 'crnn' is not found", tree.ModelMissingError),
    ("404", "Request for unknown model: 'crnn' version 1 is not found", tree.ModelMissingError),
    (
        "503",
        "Request for unknown model: 'crnn' version 1 is not at ready state",
        tree.DrainingError,
    ),
    ("503", "[request id: r] Exceeds maximum queue size", tree.ArmBusyError),
    ("503", "Request timeout expired", tree.ArmBusyError),
    ("503", "Server is stopping, scheduler for model has stopped accepting", tree.DrainingError),
    ("400", "[request id: r] unexpected shape for input 'image'", tree.ArmRefusedError),
    ("500", "onnx runtime error 2: boom", tree.ArmFailedError),
    ("400", "onnx runtime error 2: boom", tree.ArmFailedError),
    ("500", "anything", tree.ArmFailedError),
    ("500", "the model's own file is not found", tree.ArmFailedError),  # words of the model
    ("403", "This API is restricted", tree.AccessError),
    ("401", "who are you", tree.AccessError),
    ("404", "anything", tree.ModelMissingError),
    ("502", "bad gateway", tree.UnexpectedStatusError),
    ("429", "slow down", tree.UnexpectedStatusError),
    (None, "tritonclient could not decode", tree.BadAnswerError),
]


@pytest.mark.parametrize(("status", "words", "kind"), ANSWERS)
def test_an_error_answer_has_the_owner_that_can_act(status, words, kind):
    """Status and key phrase decide, not the full text."""
    assert answer_kind(InferenceServerException(words, status=status)) is kind


LOWER = [
    "tritonclient.utils",
    "tritonclient.http",
    "geventhttpclient.client",
    "geventhttpclient.connectionpool",
    "geventhttpclient.header",
    "geventhttpclient.response",
    "geventhttpclient.url",
    "gevent.exceptions",
    "gevent.timeout",
    "gevent.socket",
    "gevent.ssl",
    "socket",
    "ssl",
]
NEVER_SEEN = (
    AssertionError,  # gevent misused: a mistake in our own code, which must not be hidden
    gevent.GreenletExit,  # killed by the program that uses us
    InvalidURL,  # addresses are checked before a client is made
)


def lower_faults():
    found = {
        kind
        for name in LOWER
        for _, kind in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if issubclass(kind, BaseException) and not issubclass(kind, Warning)
    }
    found |= {ConnectionError, *ConnectionError.__subclasses__(), TimeoutError, OSError}
    found |= {json.JSONDecodeError, UnicodeDecodeError, KeyError, IndexError, ValueError}
    return sorted(
        (
            kind
            for kind in found
            if not issubclass(kind, NEVER_SEEN)
            and not kind.__name__.startswith("_")
            and kind not in (Exception, BaseException, InferenceServerException)
        ),
        key=str,
    )


@pytest.mark.parametrize(
    "kind", lower_faults(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
def test_the_table_of_faults_is_complete(kind):
    """Every exception that the libraries below define has one of ours."""
    fault = kind.__new__(kind)
    assert fault_kind(fault) is not None


def test_every_line_of_the_table_is_reached():
    """None is hidden by one above it."""
    for lower, ours in FAULTS:
        assert fault_kind(lower.__new__(lower)) is ours


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, gevent.GreenletExit])
def test_what_ends_the_program_is_no_fault(kind):
    """Ctrl-C stays Ctrl-C."""
    assert fault_kind(kind()) is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (ConnectionRefusedError(), tree.UnreachableError),  # not a timeout
        (socket.gaierror(), tree.UnreachableError),
        (TimeoutError(), tree.UnreachableError),  # while connecting
        (OSError(113, "No route to host"), tree.UnreachableError),
        (ssl.SSLError(), tree.UnreachableError),
        (ConnectionResetError(), tree.ConnectionLostError),
        (BrokenPipeError(), tree.ConnectionLostError),
    ],
    ids=repr,
)
def test_a_fault_has_the_right_label(fault, kind):
    """A wrong label blames the wrong side."""
    assert fault_kind(fault) is kind


def test_every_leaf_of_the_error_tree_has_one_owner():
    """And stands in the drawing at the top of the module."""

    def leaves(kind):
        below = kind.__subclasses__()
        return [leaf for one in below for leaf in leaves(one)] if below else [kind]

    for leaf in leaves(tree.OCRError):
        assert leaf.owner in {"caller", "arm", "server", "network"}
        assert leaf.__name__ in tree.__doc__
        assert leaf.__doc__


@pytest.mark.parametrize(
    ("libraries", "module"),
    [(r"tritonclient\.http|gevent", "transport.py"), (r"tritonclient\.grpc|grpc\b", "control.py")],
    ids=["inference", "loading"],
)
def test_one_module_alone_knows_a_library_below(libraries, module):
    """All others could be served by another transport: HTTP to infer, gRPC to load models."""
    package = Path(ocr_client.__file__).parent
    pattern = re.compile(rf"^\s*(from|import) ({libraries})", re.MULTILINE)
    knows = {path.name for path in package.rglob("*.py") if pattern.search(path.read_text("utf-8"))}
    assert knows <= {module}


def test_what_reads_answers_and_statistics_needs_no_library_below():
    """So that the fake, the metrics and `ocrctl --help` load without tritonclient."""
    package = Path(ocr_client.__file__).parent
    pattern = re.compile(r"^\s*(from|import) (tritonclient|gevent|numpy)", re.MULTILINE)
    for name in ("answers", "attempts", "breaker", "endpoints", "errors", "statistics"):
        assert not pattern.search((package / f"{name}.py").read_text("utf-8")), name
