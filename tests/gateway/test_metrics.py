"""`GET /metrics` of a real service with two workers: one answer for both, that never goes back."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from promtool import promtool

from ocr_client import OCRClient, report
from ocr_client.settings import CANDIDATE, STABLE
from ocr_gateway.exporter import exposition, of_client
from ocr_gateway.families import BY_SERIES, FAMILIES, table
from ocr_gateway.snapshots import GONE_S, Place, Sample, Snapshot, merged, shared_folder

PNG = {"Content-Type": "image/png"}
DOCUMENT = Path(__file__).parents[2] / "docs/metrics.md"
READINGS = 12


def scraped(url):
    """(name, labels) -> value. A connection of its own, so any worker may be the one that answers."""
    answer = httpx.get(f"{url}/metrics", timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(found, name, **labels):
    """Of all series with these labels."""
    return sum(
        value
        for (other, own), value in found.items()
        if other == name and labels.items() <= dict(own).items()
    )


def counters(found):
    return {
        key: value
        for key, value in found.items()
        if BY_SERIES[key[0]].kind in {"counter", "histogram"}
    }


def read(url, sample):
    return httpx.post(f"{url}/ocr", content=sample, headers=PNG, timeout=60)


def until(condition, what, within_s=240):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.05)


def workers(serving):
    """Process numbers."""
    pid = serving.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in _command(child)]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
        return ""


def written(pid):
    """When a worker wrote last what it has counted, on the clock of `time.monotonic`."""
    (file,) = Path(tempfile.gettempdir()).glob(f"ocr-serve-*/{pid}-*.json")
    return Snapshot.decode(file.read_text()).at_s


@pytest.fixture(scope="module")
def two(triton, serve):
    serving = serve(triton.http_url, "{}", "--workers", "2")
    until(lambda: total(scraped(serving.url), "ocr_service_workers") == 2, "both workers")
    return serving


@pytest.mark.server
def test_every_reading_is_counted_once_whichever_worker_is_asked(two, sample):
    before = scraped(two.url)
    for _ in range(READINGS):
        assert read(two.url, sample).status_code == 200
        seen = scraped(two.url)
        back = {key for key, value in counters(before).items() if seen.get(key, -1) < value}
        assert not back
        before = seen

    def counted():
        seen = scraped(two.url)
        answers = {"route": "/ocr", "method": "POST", "status": "2xx"}
        return [
            total(seen, "ocr_service_requests_total", **answers),
            total(seen, "ocr_client_requests_total"),
            total(seen, "ocr_client_attempts_total", outcome="ok"),
            total(seen, "ocr_client_attempt_seconds_count"),
            total(seen, "ocr_client_attempt_seconds_bucket", le="+Inf"),
            total(seen, "ocr_service_request_seconds_count", route="/ocr"),
        ]

    for _ in range(4):  # an answer leaves before it is counted
        until(lambda: counted() == [READINGS] * 6, counted)


@pytest.mark.server
def test_what_all_workers_share_is_not_added_up(two):
    arms = {"stable": str(STABLE), "candidate": str(CANDIDATE)}
    for _ in range(4):
        seen = scraped(two.url)
        assert total(seen, "ocr_client_rollout_weight") == 0.1
        assert total(seen, "ocr_client_rollout_info", **arms) == 1
        assert total(seen, "ocr_client_rollout_error_limit") == 0.05
        assert total(seen, "ocr_client_store_up") == 1
        assert total(seen, "ocr_client_config_up") == 1
    sums = {"ocr_service_ready": 1, "ocr_service_workers": 2, "ocr_service_reading_limit": 2 * 8}

    def complete():
        """Who is not heard of in time, a worker or Triton, is left out; nobody counts twice."""
        seen = scraped(two.url)
        found = {name: total(seen, name) for name in sums}
        assert all(found[name] <= sums[name] for name in sums), found
        return found == sums

    for _ in range(4):
        until(complete, "both workers and Triton")


@pytest.mark.server
def test_nothing_that_a_caller_sends_becomes_a_label(two, sample):
    """Not a path, not a method, not an arm."""
    words = [f"{number}-4711-zz" for number in range(20)]
    for word in words:
        assert httpx.get(f"{two.url}/{word}").status_code == 404
        assert httpx.request(word.upper(), f"{two.url}/ocr").status_code in {400, 405}
        assert httpx.get(f"{two.url}/pages/{word}").status_code == 404
        asked = httpx.post(f"{two.url}/ocr?arm={word}:1", content=sample, headers=PNG)
        assert asked.status_code == 404
        assert httpx.get(f"{two.url}/healthz", headers={"Host": f"{word}.com"}).status_code == 421

    def refusals():
        """An answer leaves before it is counted, so the last ones may not be there yet."""
        found = scraped(two.url)
        missing = total(found, "ocr_service_problems_total", problem="not-found")
        return missing, total(found, "ocr_service_problems_total", problem="unknown-host")

    until(
        lambda: refusals()[0] >= 40 and refusals()[1] >= 20,
        lambda: f"missing pages and unknown hosts counted: {refusals()}",
    )
    found = scraped(two.url)
    assert total(found, "ocr_service_requests_total", route="none", status="4xx") >= 20
    assert total(found, "ocr_service_problems_total", problem="unknown-host") == 20
    shown = {value for _, labels in found for _, value in labels}
    assert not [value for value in shown if "-4711-" in value]


@pytest.mark.server
def test_prometheus_finds_nothing_to_complain_of(two, sample):
    """`promtool check metrics` reads it as Prometheus does, and lints names and help."""
    read(two.url, sample)
    text = httpx.get(f"{two.url}/metrics").content
    done = subprocess.run(
        [promtool(), "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.server
def test_what_a_killed_worker_counted_stays(two, sample):
    """And what it was doing at that moment is forgotten."""
    victim = workers(two)[0]
    before, known_s = counters(scraped(two.url)), time.monotonic()
    until(lambda: written(victim) > known_s, "it writes each second what it has counted")
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in workers(two), "it is gone")
    until(lambda: len(workers(two)) == 2, "another one is there")

    def asked():
        try:
            return scraped(two.url)
        except httpx.HTTPError:  # it was on its way to the one that was killed
            return {}

    until(lambda: total(asked(), "ocr_service_workers") >= 2, "it takes part")
    after = scraped(two.url)
    assert {key for key, value in before.items() if after.get(key, -1) < value} == set()
    until(
        lambda: total(asked(), "ocr_service_workers") == 2,
        "the dead one is no longer counted",
        within_s=GONE_S + 60,
    )


@pytest.mark.server
def test_one_worker_needs_no_files(triton, serve, sample):
    serving = serve(triton.http_url)
    assert read(serving.url, sample).status_code == 200
    found = scraped(serving.url)
    assert total(found, "ocr_service_requests_total", route="/ocr", status="2xx") == 1
    assert total(found, "ocr_service_workers") == 1


@pytest.mark.server
def test_it_says_when_nobody_can_read(serve):
    """Triton is away: the answer comes all the same, and says so."""
    serving = serve("127.0.0.1:9", ready=False)
    assert total(scraped(serving.url), "ocr_service_ready") == 0


def test_all_that_a_client_says_of_itself_is_exported():
    """No metric is forgotten here because it was added there."""
    with OCRClient() as client:
        client.rollout  # noqa: B018  # it takes part from here on
        names = {sample.name for sample in of_client(client.metrics())}
    assert "ocr_client_rollout_info" in names
    assert names <= BY_SERIES.keys()
    listed = set(re.findall(r"`(ocr_client_\w+)`", report.__doc__))
    assert {"ocr_client_attempt_seconds", "ocr_client_verdict"} <= listed
    assert listed <= {family.name for family in FAMILIES}


def test_the_document_lists_what_is_exported():
    assert table() in DOCUMENT.read_text(encoding="utf-8"), "print(ocr_gateway.families.table())"


def test_names_say_their_kind():
    assert len(FAMILIES) == len({family.name for family in FAMILIES})
    for family in FAMILIES:
        assert family.name.endswith("_total") == (family.kind == "counter"), family
        assert family.name.endswith("_seconds") or family.kind != "histogram", family


def test_values_of_several_workers_become_one():
    """Counters also of those that are gone; gauges of those that live."""

    def of(at_s, weight, status):
        return Snapshot(
            at_s,
            (
                Sample.of("ocr_client_failed_total", 2, {"error": "BadImageError"}),
                Sample.of("ocr_client_store_up", weight == 0.1),
                Sample.of("ocr_client_breaker_open", weight == 0.1, {"url": "t", "arm": "crnn:2"}),
                Sample.of("ocr_client_in_flight", 3),
                Sample.of("ocr_client_rollout_weight", weight),
                Sample.of("ocr_client_rollout_info", 1, {"status": status}),
                Sample.of("ocr_client_nobody_knows", 1),
            ),
        )

    found = {
        family.name: {sample.labels: sample.value for sample in samples}
        for family, samples in merged(
            [of(99.5, 0.3, "waiting"), of(100.0, 0.1, "running"), of(80.0, 0.6, "paused")],
            now_s=100.0,
        ).items()
    }
    assert found == {
        "ocr_client_failed_total": {(("error", "BadImageError"),): 6},
        "ocr_client_store_up": {(): 0},
        "ocr_client_breaker_open": {(("arm", "crnn:2"), ("url", "t")): 1},
        "ocr_client_in_flight": {(): 6},
        "ocr_client_rollout_weight": {(): 0.1},
        "ocr_client_rollout_info": {(("status", "running"),): 1},
    }


def test_labels_are_written_as_they_are_read():
    """Whatever stands in them."""
    odd = 'say "no"\\\n{x="y"} 1'
    (sample,) = of_client({r'ocr_client_failed_total{error="say \"no\"\\\n{x=\"y\"} 1"}': 2.5})
    assert sample == Sample.of("ocr_client_failed_total", 2.5, {"error": odd})
    assert Snapshot.decode(Snapshot(1.0, (sample,)).encode()) == Snapshot(1.0, (sample,))
    ((family,),) = (
        text_string_to_metric_families(exposition(merged([Snapshot(1, (sample,))], 1)).decode()),
    )
    assert family.samples[0].labels == {"error": odd}


def test_processes_of_the_same_number_keep_files_of_their_own():
    """A counter that was begun again from 0 would go back."""
    with shared_folder(2) as folder:
        first, second = Place(folder), Place(folder)
        first.write(Snapshot(1.0, ()))
        second.write(Snapshot(2.0, ()))
        assert second.others() == [Snapshot(1.0, ())]
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
