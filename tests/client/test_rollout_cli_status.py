"""`ocrctl rollout status`: what it shows, also while things are broken; --watch until Ctrl-C."""

import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from desk import DIGEST, PLAN, Desk

from ocr_client.operations.figures import agreement, arm_figures, mean_ms
from ocr_client.operations.server_facts import ServerFacts
from ocr_client.operations.setting import setting
from ocr_client.operations.watching import each
from ocr_client.settings import CANDIDATE, STABLE
from ocr_client.transport import TritonTransport
from ocr_rollout.core import commands
from ocr_rollout.core.counts import Counts, Pairs, Tally
from ocr_rollout.core.windows import Series
from ocr_rollout.stores import LogEntry

OCRCTL = [sys.executable, "-m", "ocr_client.cli"]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path).started()


def test_every_figure_is_shown_to_people_and_to_programs(desk):
    """Counts of both arms and of the shadow, the judge's rules, what is missing, the log."""
    desk.counted("stable", Counts.of("ok", 40.0, 880) + Counts.of("empty", 40.0, 9))
    ours = Counts.of("ok", 50.0, 90) + Counts.of("garbled", 60.0, 2) + Counts.of("timeout", 5e3, 1)
    desk.counted("candidate", ours + Counts.of("draining", 1.0, 4))
    desk.counted("shadow", Counts.of("ok", 70.0, 30))
    desk.counted("pairs", Pairs(both_fine=20, candidate_only=3, equal=18, distance_milli=500))
    desk.watched(1)
    said = desk.said("status")
    stable, candidate, shadow = (said["arms"][name] for name in ("stable", "candidate", "shadow"))
    assert (stable["requests"], stable["empty"], shadow["requests"]) == (889, 9, 30)
    assert (candidate["requests"], candidate["errors"], candidate["garbled"]) == (93, 1, 2)
    assert candidate["error_classes"] == {"timeout": 1}
    assert candidate["not_counted"] == {"draining": 4}
    assert candidate["lately_requests"] == 93
    assert 50 <= candidate["p50_ms"] <= 50 * 1.1
    assert candidate["p50_ms"] <= candidate["p95_ms"] < 5_000 <= candidate["p99_ms"]
    assert said["shadow"]["equal_share"] == 0.9
    assert said["shadow"]["mean_distance"] == 0.025
    assert said["shadow"]["candidate_only_bad"] == 3
    assert (said["phase"], said["phases"], said["aim"], said["share"]) == (1, 2, "look", 0.1)
    assert (said["watched_s"], said["min_dwell_s"]) == (60, 60)
    assert (said["status"], said["generation"], said["epoch"]) == ("running", 1, 1)
    rules = {verdict["rule"]: verdict for verdict in said["verdicts"]}
    assert {"share", "early", "late", "quality", "quality_pairs", "advance"} <= set(rules)
    assert rules["early"]["samples"] == 123  # shadow attempts count as the candidate's
    assert any("proof" in line for line in said["missing"])
    assert said["last"]["who"] == "ann"
    shown = desk.run("status").stdout
    for words in (
        f"r1  {STABLE} -> {CANDIDATE}  running",
        "1 of 2, gate manual: look",
        "watched 1 min of 1 min",
        "889",
        "timeout",
        "draining, not counted",
        "90.00% of 20 good ones equal, mean edit distance 0.0250",
        "candidate alone 3",
        "quality pairs",
        "proof:",
        "start by ann: idle, 0 % -> running, phase 1, 10 %",
    ):
        assert words in shown


def test_a_gate_a_share_by_hand_and_tombstones_are_shown(desk):
    """Waiting; then rolled back."""
    desk.run("set-weight", "20%", "--by", "ann")
    assert "20 %, set by hand" in desk.run("status").stdout
    desk.waiting()
    assert "waits for a person: ocrctl rollout approve" in desk.run("status").stdout
    desk.run("rollback", "--by", "ann", "--reason", "wrong [dates]")  # no markup
    shown = desk.run("status").stdout
    for words in ("rolled back", DIGEST, "wrong [dates]", str(CANDIDATE)):
        assert words in shown
    assert desk.said("status")["tombstones"][0]["reason"] == "wrong [dates]"


def test_what_the_rules_would_do_is_said_where_no_client_runs_to_do_it(desk):
    """A candidate that fails half of the time."""
    desk.counted("stable", Counts.of("ok", 40.0, 400))
    desk.counted("candidate", Counts.of("ok", 40.0, 20) + Counts.of("server_error", 1.0, 20))
    said = desk.said("status")
    assert (said["due"]["action"], said["trip"]["rule"]) == ("rollback", "early")
    assert "due: rollback (early: 20 of 40" in desk.run("status").stdout
    assert desk.state.status == "running"  # looking changes nothing


def test_another_plan_than_the_one_under_way_is_said(desk):
    """Clients with it send the candidate nothing."""
    other = Desk(desk.file.parent, "rollout: {id: r2}")
    said = other.said("status")
    assert (said["follows_plan"], said["phase"], said["rollout"]) == (False, None, "r1")
    assert "has another plan: r2" in other.run("status").stdout


def test_a_candidate_that_is_switched_off_is_said(tmp_path):
    """At the start, and each time one looks."""
    desk = Desk(tmp_path, f"{PLAN}\nmodel_routing: {{crnn_enabled: false}}")
    result = desk.run("start", "--digest", DIGEST, "--by", "ann", "--no-server-check")
    assert result.exit_code == 0
    assert "crnn_enabled: false; clients with it send the candidate nothing" in result.stderr
    assert "switches the candidate off" in desk.run("status").stdout
    assert desk.said("status")["enabled"] is False


def test_in_literal_mode_it_is_said_which_rules_only_show(tmp_path):
    """The others cannot take the candidate back."""
    desk = Desk(tmp_path, "rollout: {id: r, mode: literal}").started()
    shown = desk.run("status").stdout
    assert "early (shown only)" in shown
    assert "share (shown only)" not in shown


def test_an_entry_that_cannot_be_read_does_not_hide_the_others(desk):
    """Of a newer version, or of another kind."""
    desk.store.record(LogEntry({"schema": 9, "who": "eve", "action": "promote"}))
    told = desk.run("history").stdout
    assert f"start of {CANDIDATE}" in told
    assert "unreadable: audit entry: schema 9" in told
    assert "promote by eve" in desk.run("status").stdout


def test_means_and_quantiles_of_what_was_counted():
    """A mean from bins is right to 5 %; beyond the last bin only its edge is known."""
    tally = Tally()
    times = np.random.default_rng(1).lognormal(4, 0.5, 5_000)
    for latency_ms in times:
        tally.record("ok", float(latency_ms))
    counts = tally.take()
    assert mean_ms(counts.latencies) == pytest.approx(times.mean(), rel=0.05)
    figures = arm_figures("stable", "a:1", Series(counts), 0.0)
    assert np.quantile(times, 0.95) <= figures.p95_ms <= 1.1 * np.quantile(times, 0.95)
    assert mean_ms(Counts().latencies) is None
    endless = arm_figures("stable", "a:1", Series(Counts.of("timeout", 1e9)), 0.0)
    assert json.loads(json.dumps(endless.to_dict(), allow_nan=False))["p99_ms"] == 65_536.0
    assert agreement(Pairs()).equal_share is None


# --- the server


def test_a_triton_that_does_not_answer_is_a_line_each(desk):
    """Within seconds, with everything else there."""
    result = desk.run("status")
    assert result.exit_code == 0
    assert "Triton: no statistics: nothing answers at 127.0.0.1:9" in result.stdout
    assert "Triton: no CPU and memory: nothing answers" in result.stdout
    assert len(desk.said("status")["server"]["problems"]) == 2


@pytest.mark.server
def test_a_real_triton_tells_compute_queue_cpu_and_memory(triton, tmp_path):
    """After a few requests to both arms."""
    transport = TritonTransport([triton.http_url])
    for arm in (STABLE, CANDIDATE):
        transport.infer(arm, np.zeros((1, 1, 32, 96), np.uint8), timeout_s=30, request_id="r")
    transport.close()
    desk = Desk(tmp_path, triton=triton).started()
    deadline = time.monotonic() + 60
    while True:  # Triton measures its machine every 2 s
        server = desk.said("status")["server"]
        measured = server["servers"] and server["servers"][0]["memory_used_bytes"]
        if measured or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    arms = {arm["arm"]: arm for arm in server["arms"]}
    for name in (str(STABLE), str(CANDIDATE)):
        assert arms[name]["requests"] >= 1
        assert arms[name]["compute_ms"] > 0
        assert arms[name]["queue_ms"] >= 0
    assert server["problems"] == []
    assert server["servers"][0]["memory_used_bytes"] > 0
    assert 0 <= server["servers"][0]["cpu_utilisation"] <= 1
    shown = desk.run("status").stdout
    for words in ("Triton since loaded: compute, mean", "queue, mean", "CPU", "memory"):
        assert words in shown


# --- watching


def watching(desk, *words, **options):
    return subprocess.Popen(
        [*OCRCTL, "rollout", "status", "--watch", "--config", str(desk.file), *words],
        text=True,
        **options,
    )


def test_a_watch_shows_each_change_and_ends_cleanly_on_ctrl_c(desk):
    """One JSON object a line; exit code 0, nothing on stderr."""
    run = watching(desk, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert json.loads(run.stdout.readline())["status"] == "running"
        desk.run("pause", "--by", "ann")
        seen = (json.loads(run.stdout.readline())["status"] for _ in range(60))
        assert "paused" in seen  # behind those of every two seconds until then
    finally:
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=30)
    assert (run.returncode, errors) == (0, "")


def test_a_change_is_shown_before_the_two_seconds_are_over(desk):
    """Without asking the clock: nothing but a change ends the wait here."""
    there = setting(str(desk.file), None)
    found = each(lambda: there, ServerFacts, pytest.fail, threading.Event(), every_s=60)
    assert next(found).state.status == "running"
    later = threading.Timer(
        0.2,
        lambda: desk.change(lambda s: commands.pause(s, by="ann", reason="", at_s=time.time())),
    )
    later.start()
    began = time.monotonic()
    assert next(found).state.status == "paused"
    assert time.monotonic() - began < 30
    later.join()


def test_a_watch_goes_on_when_the_store_fails(desk):
    """It says so, and shows the rest again when it is back."""
    there, told = setting(str(desk.file), None), []
    found = each(lambda: there, ServerFacts, told.append, threading.Event(), every_s=0.01)
    assert next(found).state.status == "running"
    with closing(sqlite3.connect(desk.db)) as connection:
        connection.execute("PRAGMA user_version=9")
    there.store.close()

    def mend(error):
        told.append(str(error))
        with closing(sqlite3.connect(desk.db)) as connection:
            connection.execute("PRAGMA user_version=2")

    found = each(lambda: there, ServerFacts, mend, threading.Event(), every_s=0.01)
    assert next(found).state.status == "running"
    assert "newer version" in told[0]


def test_a_watch_on_a_terminal_draws_and_ends_cleanly(desk):
    """In a picture that is drawn anew; Ctrl-C leaves no traceback."""
    control, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "50"}
    run = watching(desk, stdout=terminal, stderr=subprocess.PIPE, env=environment)
    os.close(terminal)
    shown = b""
    deadline = time.monotonic() + 60
    try:
        while b"running" not in shown and time.monotonic() < deadline:
            if select.select([control], [], [], 1.0)[0]:
                shown += os.read(control, 65_536)
    finally:
        run.send_signal(signal.SIGINT)
        reader = threading.Thread(target=_drain, args=(control,), daemon=True)
        reader.start()
        _, errors = run.communicate(timeout=30)
    assert b"running" in shown
    assert (run.returncode, errors) == (0, "")
    reader.join(timeout=10)
    os.close(control)


def _drain(control):
    """Until the other end is closed; a full terminal would hold the program up."""
    try:
        while os.read(control, 65_536):
            pass
    except OSError:
        return
