"""Other ways to meet a candidate on the real Triton: a ratio alone, shadow, another plan, no server."""

from __future__ import annotations

import os
import signal

import pytest
import yaml
from benchmarks.broken_models import HEALTHY, write_repository
from benchmarks.rollout_site import Site, phases, wait_until
from benchmarks.traffic import Traffic, made_lines
from live import Operator, member_of, wait_for_requests, wait_for_stable_alone

from ocr_client import OCRClient
from ocr_server import EmbeddedTriton, Ports
from ocr_server.ports import is_free

pytestmark = pytest.mark.server

LINES = made_lines(200)


def test_the_four_keys_alone_take_a_broken_candidate_back(made_triton, tmp_path):
    """No plan, no store, no command: `model_routing` as it always was, in one process."""
    config = tmp_path / "config.yaml"
    keys = {
        "crnn_enabled": True,
        "gray_scale_ratio": 0.3,
        "auto_rollback_threshold": 0.05,
        "check_interval_seconds": 1,
    }
    document = {
        "model_routing": {**keys, "stable": "convnext:1", "candidate": "crnn:2"},
        "triton": {"urls": [made_triton.http_url]},
    }
    config.write_text(yaml.safe_dump(document))
    with OCRClient.from_config(config) as client, Traffic(client, LINES) as traffic:
        wait_until(lambda: traffic.tally.fell_back > 0, "a fallback")
        wait_until(lambda: client.rollout.status == "rolled_back", "the rollback")
        wait_for_stable_alone(traffic)
        rollout, tally = client.rollout, traffic.tally
    assert tally.words == []
    assert rollout.weight == 0
    assert rollout.reason.startswith(("early: ", "late: "))
    assert list(tmp_path.iterdir()) == [config]


def test_a_shadow_finds_a_broken_candidate_before_anybody_is_given_it(site):
    """A first phase at 0 %, and all of stable's requests read twice, off the response path."""
    site.configure(
        {
            "id": "shadow",
            "stable": "convnext:1",
            "candidate": "crnn:4",
            "phases": phases(0.0, 0.5),
        },
        shadow={"share": 1.0},
    )
    Operator(site).does("start", "--by", "ann")
    with OCRClient.from_config(site.config) as client, Traffic(client, LINES) as traffic:
        site.wait_for(lambda state: state.status == "rolled_back", "the rollback")
        tally = traffic.tally
    assert set(tally.answers) == {"convnext:1"}
    assert (tally.asked.total(), tally.words) == (0, [])
    entry = site.history()[-1]
    assert (entry.who, entry.rule, entry.from_weight_bp) == ("judge", "quality_pairs", 0)


def test_a_shadow_lets_a_healthy_candidate_through_to_its_first_gate(site):
    """Its attempts in the shadow are its proof."""
    site.configure(
        {
            "id": "shadow",
            "stable": "convnext:1",
            "candidate": "crnn:1",
            "phases": phases(0.0, 0.5),
        },
        shadow={"share": 1.0},
    )
    Operator(site).does("start", "--by", "ann")
    with OCRClient.from_config(site.config) as client, Traffic(client, LINES) as traffic:
        site.wait_for(lambda state: state.status == "waiting", "the gate")
        tally = traffic.tally
    assert set(tally.answers) == {"convnext:1"}


def test_another_plan_is_taken_over_by_a_client_in_use(site, begin):
    """The old candidate is out at once; the new one is in when somebody starts it."""
    client = begin(site, "crnn:1", phases(0.5, 1.0, samples=100_000))
    with Traffic(client, LINES) as traffic:
        wait_until(lambda: traffic.tally.answers["crnn:1"] > 0, "the candidate's answers")
        Operator(site).does("rollback", "--by", "ann", "--reason", "another is to be tried")
        site.configure(
            {
                "id": "second",
                "stable": "convnext:1",
                "candidate": "crnn:3",
                "phases": phases(0.5, 1.0),
            }
        )
        wait_until(lambda: client.rollout.rollout == "second", "the new plan")
        wait_for_stable_alone(traffic)
        Operator(site).does("start", "--by", "ann")
        site.wait_for(lambda state: state.status == "rolled_back", "the rollback")
        tally = traffic.tally
    assert tally.words == []
    assert [(e.rollout_id, e.action) for e in site.history()] == [
        ("live", "start"),
        ("live", "rollback"),
        ("second", "start"),
        ("second", "rollback"),
    ]


def test_a_server_that_dies_is_not_the_candidates_fault(tmp_path):
    """Triton is killed under a rollout: frozen for a common cause, the share kept, no tombstone.

    The same client reads on when Triton is back, and the rollout goes on by itself.
    """
    arms = {"convnext:1": HEALTHY, "crnn:1": HEALTHY}
    repository = write_repository(tmp_path / "models", arms)
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0), watchdog_interval_s=0) as triton:
        port = int(triton.http_url.rpartition(":")[2])
        site = Site(tmp_path, repository, triton.http_url, triton.metrics_url)
        site.configure(
            {
                "id": "outage",
                "stable": "convnext:1",
                "candidate": "crnn:1",
                "phases": phases(0.5, 1.0, samples=100_000),
            },
            triton={"breaker_open_s": 0.2},
        )
        Operator(site).does("start", "--by", "ann")
        client = OCRClient.from_config(site.config)
        with client, Traffic(client, LINES) as traffic:
            wait_for_requests(traffic, 20)
            os.kill(triton.server.supervisor_pid, signal.SIGKILL)  # the kernel takes Triton along
            site.wait_for(lambda state: state.status != "running", "the freeze")
            state = site.state()
            assert (state.status, state.cause, state.weight_bp) == ("frozen", "common_cause", 5_000)
            assert state.tombstones == ()
            assert member_of(client).health().store_error == ""
            wait_until(lambda: is_free(port), "the end of the last stub")
            with EmbeddedTriton(repository, ports=Ports(port, 0, 0)):
                wait_for_requests(traffic, 50)
                site.wait_for(lambda state: state.status == "running", "the thaw")
                traffic.end()
    assert site.state().weight_bp == 5_000
    assert [entry.action for entry in site.history()] == ["start", "freeze", "thaw"]
