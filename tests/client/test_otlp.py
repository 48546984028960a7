"""Metrics pushed as OpenTelemetry has it: the section, the document, and real pushes over HTTP."""

import json
import threading
import time
from pathlib import Path

import pytest
from awake import Awake
from hypothesis import given
from hypothesis import strategies as st
from receivers import CLOSE, HANG, Receiver, Say
from rollouts import until
from typer.testing import CliRunner

from ocr_client import OCRClient
from ocr_client.cli.config import app
from ocr_client.config import ClientConfig, OtlpSettings
from ocr_client.errors import ConfigError
from ocr_client.fake import FakeTransport
from ocr_client.metrics import EDGES_S, Metrics, parsed, series
from ocr_client.otlp.document import Process, document, points_of
from ocr_client.otlp.pusher import Pusher
from ocr_client.otlp.section import parsed_headers
from ocr_client.settings import CANDIDATE, STABLE

ROOT = Path(__file__).parents[2]
LINE = ROOT / "samples/08_sign.png"
URL = "https://collector.example/T0K3N/v1/metrics"
PROCESS = Process((("service.name", "ocr"),), "1.2", 5_000_000_000)
NOW_NS = 9_000_000_000


@pytest.fixture
def receive():
    started = []

    def start(*steps):
        started.append(Receiver(*steps))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def push():
    """A pusher of some metrics to a receiver; none outlives the test."""
    begun = []

    def begin(url, *, every_s=0.05, environment=None, **settings):
        metrics = Metrics()
        metrics.count("ocr_client_attempts_total", by=3, arm="crnn:3", outcome="ok")
        pusher = Pusher(metrics, metrics.snapshot, environment=environment or {})
        pusher.follow(OtlpSettings(url=url, every_s=every_s, **settings))
        begun.append(pusher)
        return pusher, metrics

    yield begin
    for pusher in begun:
        pusher.close()


@pytest.fixture
def patient(monkeypatch):
    """However busy the machine is, the last push gets through where somebody takes it."""
    monkeypatch.setattr("ocr_client.otlp.pusher.LAST_S", 60.0)


def section(**keys):
    return ClientConfig.parse({"otlp": keys}).otlp


def metrics_of(sent):
    """By name, of one push."""
    (resource,) = sent["resourceMetrics"]
    (scoped,) = resource["scopeMetrics"]
    return {metric["name"]: metric for metric in scoped["metrics"]}


def attributes(point):
    return {pair["key"]: pair["value"]["stringValue"] for pair in point["attributes"]}


def pushes(metrics, result):
    return metrics.snapshot().get(f'ocr_client_otlp_pushes_total{{result="{result}"}}', 0)


# The section.


def test_the_example_in_the_shipped_file_says_the_defaults():
    """With its comment signs taken away; each key is there, and the values are those of no key."""
    text = (ROOT / "config.yaml").read_text("utf-8")
    start = text.index("# otlp:\n")
    end = text.index("\n\n", start)
    example = "".join(line[2:] + "\n" for line in text[start:end].splitlines())
    whole = text[:start] + example + text[end:]
    given = ClientConfig.from_bytes(whole.encode(), name="x", folder=None).otlp
    assert given == section(url_env=given.url_env, headers_env=given.headers_env)
    assert (given.every_s, given.service, given.attributes) == (60.0, "ocr-rollout", ())
    assert not ClientConfig.load(ROOT / "config.yaml").otlp.enabled


MISTAKES = [
    # the section -> what the error must hold
    ({}, "otlp: has no address; give url, or url_env"),
    ({"url": URL, "url_env": "X"}, "url and url_env are both given"),
    ({"url": "T0K3N"}, "otlp.url: is not accepted (and not shown)"),
    ({"url": URL, "headers": "T0K3N"}, "otlp.headers: is not accepted (and not shown)"),
    ({"url": URL, "headers": "Content-Type=T0K3N"}, "otlp.headers: is not accepted"),
    ({"url": URL, "headers": "a=T0K3N%0Ab"}, "otlp.headers: is not accepted"),
    ({"url": URL, "every": "10ms"}, "otlp.every"),
    ({"url": URL, "every": 7_200}, "1 s to 1 h"),
    ({"url": URL, "service": ""}, "otlp.service"),
    ({"url": URL, "attributes": ["a"]}, "otlp.attributes"),
    ({"url": URL, "attributes": {"a": 1}}, "names to texts"),
    ({"url": URL, "interval": 5}, "interval"),
]


@pytest.mark.parametrize(("given", "said"), MISTAKES)
def test_a_mistake_is_one_line_without_any_token(given, said):
    with pytest.raises(ConfigError) as raised:
        section(**given)
    assert said in str(raised.value)
    assert "T0K3N" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_headers_are_written_as_opentelemetry_writes_them():
    assert parsed_headers("api-key=a%20b, x-scope = 1 ,") == {"api-key": "a b", "x-scope": "1"}


def test_check_shows_where_it_goes_and_no_token(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    file = tmp_path / "config.yaml"
    file.write_text(f"otlp: {{url: '{URL}', headers_env: NOT_SET, attributes: {{env: prod}}}}\n")
    for words in ([], ["--json"]):
        told = CliRunner().invoke(app, ["check", str(file), *words])
        assert told.exit_code == 0
        assert "NOT_SET" in told.stdout
        assert "T0K3N" not in told.stdout
    assert json.loads(told.stdout)["otlp"]["unset"] == ["NOT_SET"]
    assert "T0K3N" not in repr(ClientConfig.load(file))


# The document.


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.text(), max_size=3))
def test_a_series_is_read_back_as_it_was_written(labels):
    assert parsed(series("ocr_client_x_total", labels)) == ("ocr_client_x_total", labels)


def test_sums_gauges_and_histograms_are_what_otlp_calls_so():
    metrics = Metrics()
    metrics.count("ocr_client_attempts_total", by=3, arm="crnn:3", outcome="ok")
    metrics.count("ocr_client_attempts_total", arm="crnn:3", outcome="timeout")
    metrics.gauge("ocr_client_rollout_weight", 0.1)
    for seconds in (0.004, 0.02, 0.02, 99.0):
        metrics.observe("ocr_client_attempt_seconds", seconds, arm="crnn:3")
    told = {**metrics.snapshot(), "ocr_client_verdict_observed": float("inf")}
    made = document(told, PROCESS, NOW_NS)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    found = metrics_of(made)
    assert set(found) == {
        "ocr_client_attempts_total",
        "ocr_client_rollout_weight",
        "ocr_client_attempt_seconds",
    }
    counted = found["ocr_client_attempts_total"]["sum"]
    assert (counted["aggregationTemporality"], counted["isMonotonic"]) == (2, True)
    assert [(attributes(p)["outcome"], p["asInt"]) for p in counted["dataPoints"]] == [
        ("ok", "3"),
        ("timeout", "1"),
    ]
    assert counted["dataPoints"][0]["startTimeUnixNano"] == "5000000000"
    assert counted["dataPoints"][0]["timeUnixNano"] == "9000000000"
    (weight,) = found["ocr_client_rollout_weight"]["gauge"]["dataPoints"]
    assert weight == {"attributes": [], "timeUnixNano": "9000000000", "asDouble": 0.1}
    (seconds,) = found["ocr_client_attempt_seconds"]["histogram"]["dataPoints"]
    assert seconds["explicitBounds"] == list(EDGES_S)
    assert len(seconds["bucketCounts"]) == len(EDGES_S) + 1
    assert [n for n in seconds["bucketCounts"] if n != "0"] == ["1", "2", "1"]
    assert (seconds["count"], seconds["sum"]) == ("4", pytest.approx(99.044))
    assert (attributes(seconds), points_of(made)) == ({"arm": "crnn:3"}, 4)


# Pushes.


def test_it_is_a_post_of_json_with_the_headers_that_were_asked_for(receive, push):
    receiver = receive()
    environment = {"HEADERS": "api-key=S3CR3T"}
    push(
        receiver.url,
        headers_env="HEADERS",
        environment=environment,
        service="ocr-east",
        attributes=(("env", "prod"),),
    )
    until(lambda: len(receiver.got) >= 2)
    one, two = receiver.got[:2]
    assert one.headers["Content-Type"] == "application/json"
    assert one.headers["api-key"] == "S3CR3T"
    assert one.path.startswith("/hooks/")
    (resource,) = one.json["resourceMetrics"]
    said = attributes(resource["resource"])
    assert (said["service.name"], said["env"]) == ("ocr-east", "prod")
    assert attributes(two.json["resourceMetrics"][0]["resource"]) == said, "the same process"
    points = [
        metrics_of(got.json)["ocr_client_attempts_total"]["sum"]["dataPoints"][0]
        for got in (one, two)
    ]
    assert points[0]["startTimeUnixNano"] == points[1]["startTimeUnixNano"]
    assert points[0]["timeUnixNano"] < points[1]["timeUnixNano"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Say(500), "HTTP 500"),
        (Say(401, b"T0K3N-in-the-path"), "HTTP 401"),
        (Say(302, headers={"Location": "http://127.0.0.1:9/"}), "it redirects"),
        (CLOSE, ""),
    ],
)
def test_a_push_that_fails_is_counted_told_once_and_loses_nothing(receive, push, caplog, bad, said):
    receiver = receive(bad, bad, bad, Say())
    with caplog.at_level("INFO", "ocr_client"):
        _, metrics = push(receiver.url)
        until(lambda: pushes(metrics, "sent") >= 1)
    assert pushes(metrics, "failed") == 3
    counted = metrics_of(receiver.got[-1].json)["ocr_client_attempts_total"]["sum"]
    assert counted["dataPoints"][0]["asInt"] == "3"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, "that it failed, and that it goes again"
    assert said in told[0]
    assert not any("T0K3N" in line or "127.0.0.1" in line for line in told)


def test_points_that_were_refused_are_counted(receive, push):
    body = b'{"partialSuccess": {"rejectedDataPoints": "2", "errorMessage": "too old"}}'
    receiver = receive(Say(200, body), Say(200, b"{}"))
    _, metrics = push(receiver.url)
    until(lambda: pushes(metrics, "sent") >= 1)
    assert pushes(metrics, "failed") == 1
    assert metrics.snapshot()["ocr_client_otlp_points_refused_total"] == 2


def test_a_receiver_that_asks_for_time_gets_it(receive, push, patient):
    receiver = receive(Say(429, headers={"Retry-After": "60"}), Say())
    pusher, metrics = push(receiver.url)
    until(lambda: pushes(metrics, "failed") == 1)
    time.sleep(0.3)
    assert len(receiver.got) == 1
    pusher.close()
    assert len(receiver.got) == 2, "the last one goes in any case"


def test_a_variable_that_is_not_set_is_said(push, caplog):
    _, metrics = push("", url_env="NOT_SET")
    until(lambda: pushes(metrics, "failed") >= 2)
    assert [record.getMessage() for record in caplog.records] == [
        "metrics are not pushed: otlp: the environment variable NOT_SET is not set in this process"
    ]


def test_it_follows_the_configuration_and_closes_while_a_receiver_hangs(receive, push):
    first, second = receive(), receive(HANG)
    pusher, metrics = push(first.url)
    until(lambda: pushes(metrics, "sent") >= 1)
    pusher.follow(OtlpSettings(url=second.url, every_s=0.05))
    until(lambda: second.got)
    before = len(first.got)
    with Awake() as took:
        pusher.close()
    assert took.s < 5
    assert len(first.got) == before
    pusher.follow(OtlpSettings())
    assert pushes(metrics, "sent") >= 1


def test_a_client_pushes_what_it_counts_and_its_last_word_when_it_closes(receive, patient):
    """Off the response path: reading goes on while the receiver hangs. Forgetting ends it."""
    receiver = receive(HANG)
    config = ClientConfig(otlp=OtlpSettings(url=receiver.url, every_s=0.05))
    client = OCRClient(config, transport=FakeTransport({STABLE: "old", CANDIDATE: "new"}))
    client.recognize(LINE)
    until(lambda: receiver.got)
    for _ in range(5):
        client.recognize(LINE)
    receiver.steps[:] = [Say()]
    client.close()
    assert _answered(receiver.got[-1]) == 6
    client.recognize(LINE)
    client.close()
    assert _answered(receiver.got[-1]) == 7, "it begins again, and counts on"
    assert not [thread for thread in threading.enumerate() if thread.name == "ocr-otlp"]


def _answered(got):
    counted = metrics_of(got.json)["ocr_client_requests_total"]["sum"]["dataPoints"]
    return sum(int(point["asInt"]) for point in counted)


def test_what_measures_arms_pushes_nothing():
    from ocr_evaluation.reading import measuring

    assert not measuring(ClientConfig(otlp=OtlpSettings(url=URL))).otlp.enabled
