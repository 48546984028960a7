"""A real Prometheus over a running service and Triton: every rule and every panel gets its figures.

This service has a rollout under way, and all that is drawn has happened to it.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

import httpx
import monitoring
import numpy as np
import pytest
import yaml
from benchmarks.ports import free_port
from desk import Desk
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from promql import selectors
from promtool import prometheus
from serving_process import Serving
from test_metrics import PNG, scraped, until

from ocr_client.settings import CANDIDATE

pytestmark = [pytest.mark.server, pytest.mark.slow]

CONFIG = """
rollout:
  id: r1
  phases: [{share: 0.5, min_dwell: 1d, min_samples: 100}]
shadow: {share: 1.0}
review: {stable: 1.0, candidate: 1.0}
notifications:
  targets: [{name: ops, kind: webhook, url: 'http://127.0.0.1:9/'}]
"""
ASKED_FOR = {
    named.metric for _, expression in monitoring.expressions() for named in selectors(expression)
} - monitoring.recorded()
OF_PROMETHEUS = {"up"}  # it makes this one itself
# Of a candidate that fails, and of a rollout that moves: neither happens here.
QUIET = ('reason="fell_back"', "changes(")


@pytest.fixture(scope="module")
def serving(triton, tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("shown"), CONFIG, triton=triton).started()
    with Serving(desk.file, "--workers", "2") as serving:
        yield serving


@pytest.fixture(scope="module")
def asked(serving, sample, tmp_path_factory):
    """Sends a line, a blank image (no text: stable is asked as well), and none at all."""
    path = tmp_path_factory.mktemp("blank") / "blank.png"
    Image.fromarray(np.full((32, 200), 255, np.uint8)).save(path)
    images = (sample, path.read_bytes(), b"no image")
    users = iter(range(100_000))

    def ask():
        for image in images:
            headers = {**PNG, "X-User-Id": f"u{next(users)}"}
            httpx.post(f"{serving.url}/ocr", content=image, headers=headers, timeout=60)

    return ask


class Prometheus:
    """The server itself, with the rules of deploy/ and a scrape a second."""

    def __init__(self, url):
        self._http = httpx.Client(base_url=url, timeout=30)

    def value(self, expression):
        """The samples of it now: labels and values. Fails on an expression that it cannot read."""
        answer = self._http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        return [(one["metric"], one["value"][1]) for one in answer.json()["data"]["result"]]

    def ready(self):
        with contextlib.suppress(httpx.HTTPError):
            ready = self._http.get("/-/ready").status_code == 200
            return ready and len(self.value("up == 1")) == 2
        return False


@pytest.fixture
def watching(serving, triton, tmp_path) -> Iterator[Prometheus]:
    jobs = {"ocr-service": serving.url.partition("//")[2], "triton": triton.metrics_url}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(monitoring.PROMETHEUS / "rules.yml")],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [address]}]}
            for name, address in jobs.items()
        ],
    }
    file, address = tmp_path / "prometheus.yml", f"127.0.0.1:{free_port()}"
    file.write_text(yaml.safe_dump(config))
    command = [prometheus(), f"--config.file={file}", f"--web.listen-address={address}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--storage.tsdb.path={tmp_path / 'data'}"], stdout=log, stderr=log
        )
    try:
        found = Prometheus(f"http://{address}")
        until(found.ready, (tmp_path / "log").read_text)
        yield found
    finally:
        process.terminate()
        process.wait(120)


def of_triton(triton):
    text = httpx.get(f"http://{triton.metrics_url}/metrics").text
    return {
        sample.name.removesuffix("_total")
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_asked_for_is_exported(serving, triton, asked):
    def missing():
        found = {name for name, _ in scraped(serving.url)} | of_triton(triton)
        return sorted(ASKED_FOR - OF_PROMETHEUS - found)

    def more():
        asked()
        return not missing()

    until(more, missing)


def test_every_panel_draws_and_every_record_is_made(watching, asked):
    wanted = [
        (title, monitoring.filled(expression))
        for title, expression in monitoring.shown()
        if not any(word in expression for word in QUIET)
    ]
    wanted += [(name, name) for name in monitoring.recorded()]

    def empty():
        return [(where, it) for where, it in wanted if not watching.value(it)]

    def more():
        asked()
        return not empty()

    until(more, empty)

    def told():
        """All at one moment: what a busy service does not answer within a second is missing."""
        share = watching.value("max(ocr_client_rollout_weight)")
        live = watching.value("job_arm:ocr_candidate:live")
        arms = {labels["arm"] for labels, _ in live}
        return [(labels, float(value)) for labels, value in share], arms

    until(lambda: told() == ([({}, 0.5)], {str(CANDIDATE)}), told)
    assert not watching.value('ALERTS{alertstate="firing",severity="critical"}')
