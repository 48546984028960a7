"""A client's part in a rollout: its beginning and end, ratio mode, and new configurations."""

import dataclasses
import gc
import logging
import subprocess
import sys
import threading
import time

import pytest
from reloading import replace
from rollouts import BOTH, CANDIDATE, STABLE, client, configured, counted, image, until
from scripted import GOOD, Scripted, http

from ocr_client import ClientConfig, OCRClient
from ocr_client import errors as tree
from ocr_client.config import StoreSettings, TritonSettings
from ocr_client.fake import FakeTransport
from ocr_rollout.core import commands
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import open_store

PLAN = Plan("crnn-1", STABLE, CANDIDATE, (Phase(10_000),), holdout_bp=0)


def planned(url=None, plan=PLAN):
    return dataclasses.replace(configured(), rollout=plan, store=StoreSettings(url))


def started(url, plan=PLAN):
    """As `ocrctl rollout start` does."""
    store = open_store(url)
    step = commands.start(plan, read_state(store), digest="d1", by="ann", at_s=time.time())
    assert commit(store, step)[0]
    store.close()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/rollout.db"


@pytest.fixture
def running():
    """Names of what runs for this test's clients, besides what other tests have left behind."""
    before = set(threading.enumerate())
    ours = ("rollout-", "ocr-")

    def names():
        new = set(threading.enumerate()) - before
        return [thread.name for thread in new if thread.name.startswith(ours)]

    return names


def test_nothing_runs_before_the_first_request_or_after_the_end(running):
    """And a client that was closed begins anew."""
    reader, _ = client()
    assert not running()
    reader.recognize(image())
    assert running()
    reader.close()
    until(lambda: not running())  # closing waits for its threads, but not for ever
    assert reader.recognize(image()).arm == CANDIDATE
    reader.close()
    until(lambda: not running())


def test_a_client_that_is_forgotten_ends_its_threads(running):
    """Without close, when nobody holds it any more."""
    reader, _ = client()
    reader.recognize(image())
    del reader
    gc.collect()
    until(lambda: not running())


def test_a_worker_thread_that_ends_ends_nothing_for_the_others():
    """`close(thread_ends=True)` is the thread's alone, as recognize_many does it."""
    reader, _ = client()
    list(reader.recognize_many([image(n) for n in range(8)]))
    member = reader._session.begin().member
    thread = threading.Thread(target=lambda: reader.close(thread_ends=True))
    thread.start()
    thread.join()
    assert reader._session.begin().member is member
    assert counted(reader).candidate == {"ok": 8}


def test_a_ratio_starts_by_itself_and_says_so():
    """The four keys alone: the result names what it was routed by."""
    reader, _ = client(config=configured(1.0, salt="mine"))
    result = reader.recognize(image())
    assert (result.rollout, result.generation) == ("mine", 1)
    assert (result.to_json()["rollout"], result.to_json()["generation"]) == ("mine", 1)
    standing = reader.rollout
    assert (standing.status, standing.phase, standing.phases) == ("running", 1, 1)
    assert (standing.weight, standing.generation) == (1.0, 1)
    assert standing.to_json()["candidate"] == str(CANDIDATE)
    reader.close()


def test_in_ratio_mode_a_candidate_that_fails_is_taken_back_by_itself(caplog):
    """Within seconds, with one line in the log; and it stays back after a close."""
    reader, transport = client({STABLE: "stable", CANDIDATE: tree.ArmFailedError("boom")})
    with caplog.at_level(logging.WARNING, "ocr_client"):
        end = time.monotonic() + 60
        number = 0
        while reader.recognize(image(), user_id=f"u{number}").fell_back:
            assert time.monotonic() < end
            number += 1
            time.sleep(0.01)
        until(lambda: "rolled back" in caplog.text)
    assert reader.rollout.status == "rolled_back"
    told = [r.getMessage() for r in caplog.records if "rolled back" in r.getMessage()]
    assert len(told) == 1
    assert f"{CANDIDATE} is rolled back, share 0" in told[0]
    assert "early" in told[0]
    reader.close()
    transport.asked.clear()
    assert reader.recognize(image(), user_id="later").reason == "candidate_out"
    assert {asked.arm for asked in transport.asked} == {STABLE}
    reader.close()


def test_with_a_plan_nobody_meets_the_candidate_before_the_start(url):
    """Then all processes do, and the answers carry the generation."""
    reader, _ = client(config=planned(url))
    before = reader.recognize(image())
    assert (before.arm, before.reason, before.generation) == (STABLE, "candidate_out", 0)
    assert reader.rollout.status == "idle"
    started(url)
    until(lambda: reader.recognize(image()).arm == CANDIDATE)
    assert reader.recognize(image()).generation == 1
    assert reader.rollout.phase == 1
    reader.close()


def test_a_store_that_is_down_never_stops_recognition(tmp_path):
    """The candidate has no share, a metric says so, and all is well again later."""
    folder = tmp_path / "not-there-yet"
    reader, _ = client(config=planned(f"sqlite:///{folder}/rollout.db"))
    assert reader.recognize(image()).arm == STABLE
    assert reader.metrics()["ocr_client_store_up"] == 0
    folder.mkdir()
    started(f"sqlite:///{folder}/rollout.db")
    until(lambda: reader.recognize(image()).arm == CANDIDATE)
    until(lambda: reader.metrics()["ocr_client_store_up"] == 1)
    assert counted(reader).candidate["ok"] == 1  # one bucket key


def test_a_short_program_leaves_its_outcomes_in_the_store(url):
    """With and without a `close`, and it does not load what only the judge needs."""
    started(url)
    script = (
        "import sys, numpy as np\n"
        "from tests.client.rollouts import *\n"
        "from tests.client.test_rollout_part import planned\n"
        f"reader, _ = client(config=planned({url!r}))\n"
        "from ocr_rollout.runtime import member\n"
        "member.CLOSE_S = 60.0\n"  # on a busy machine, the last counts get to the store as well
        "closes = sys.argv[1] == 'closes'\n"
        "for n in range(5): reader.recognize(image(n + 5 * closes))\n"
        "if closes: reader.close()\n"
        "print('scipy' in sys.modules)\n"
    )
    for how in ("closes", "forgets"):
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; sys.path[:0] = ['.', 'tests/client']\n" + script,
                how,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (run.returncode, run.stdout.strip()) == (0, "False"), run.stderr
    reader, _ = client(config=planned(url))
    assert sum(counted(reader).candidate.values()) == 10


def test_another_ratio_is_taken_over_whole():
    """A new configuration moves requests from one to the next; the counts begin anew."""
    reader, _ = client(config=configured(0))
    assert reader.recognize(image()).arm == STABLE
    reader.reconfigure(configured(1.0))
    until(lambda: reader.recognize(image()).arm == CANDIDATE)
    reader.reconfigure(configured(1.0, crnn_enabled=False))
    assert reader.recognize(image()).reason == "candidate_out"
    reader.close()


def test_a_request_finishes_on_what_it_began_with():
    """The switch is thrown while it is under way: it ends as it would have."""
    gate, inside = threading.Event(), threading.Event()

    class Waiting(FakeTransport):
        def infer(self, arm, tensor, **rest):
            inside.set()
            gate.wait(60)
            return super().infer(arm, tensor, **rest)

    reader = OCRClient(configured(), transport=Waiting(BOTH))
    found = []
    thread = threading.Thread(target=lambda: found.append(reader.recognize(image())))
    thread.start()
    assert inside.wait(60)
    reader.reconfigure(configured(1.0, crnn_enabled=False))
    gate.set()
    thread.join()
    assert (found[0].arm, found[0].reason) == (CANDIDATE, "candidate_range")
    assert reader.recognize(image()).arm == STABLE
    reader.close()


def test_another_shared_store_needs_a_restart(tmp_path):
    """The rollout's state would stay behind: refused, and nothing has changed."""
    one, other = (f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "other"))
    started(one)
    reader, _ = client(config=planned(one))
    assert reader.recognize(image()).arm == CANDIDATE
    changed = dataclasses.replace(planned(other), shadow=configured(shadow=0.5).shadow)
    with pytest.raises(tree.ConfigError, match=r"store\.url: .* restart"):
        reader.reconfigure(changed)
    assert reader._session.config == planned(one)
    assert reader.recognize(image()).arm == CANDIDATE
    reader.close()


def test_a_ratio_may_become_a_plan_and_go_back(url):
    """From the process's own memory to the store that all share; nobody is left behind."""
    reader, _ = client(config=configured(1.0))
    assert reader.recognize(image()).arm == CANDIDATE
    reader.reconfigure(planned(url))
    result = reader.recognize(image())
    assert (result.rollout, result.reason) == ("crnn-1", "candidate_out")
    started(url)
    until(lambda: reader.recognize(image()).arm == CANDIDATE)
    reader.reconfigure(configured(1.0))
    result = reader.recognize(image())
    assert (result.rollout, result.arm) == ("ocr-rollout", CANDIDATE)
    reader.close()


FACTS = http(
    200,
    {
        "max_batch_size": 1,
        "parameters": {
            key: {"string_value": value}
            for key, value in FakeTransport(BOTH).describe(STABLE, timeout_s=1).parameters.items()
        },
    },
)


def test_another_address_is_used_from_the_next_request_on():
    """And the thread's connection with the old one is closed."""
    servers = [Scripted(FACTS, GOOD, GOOD) for _ in range(2)]
    narrow = image(width=16)
    configs = [configured(0, triton=TritonSettings(urls=(server.url,))) for server in servers]
    reader = OCRClient(configs[0])
    try:
        for server, config in zip(servers, configs, strict=True):
            reader.reconfigure(config)
            with pytest.raises(tree.BadAnswerError):  # 4 steps, where a line has 24
                reader.recognize(narrow)
            assert len(server.requests) == 2
        assert len(servers[0].requests) == 2
    finally:
        reader.close()
        for server in servers:
            server.close()


def test_a_file_is_followed_and_a_mistake_changes_nothing(tmp_path, caplog):
    """from_config watches: the switch takes effect, a bad edit is one line and a metric."""
    path = tmp_path / "config.yaml"
    path.write_text("model_routing: {gray_scale_ratio: 1}\nreload: {poll_s: 0.2}\n")
    reader = OCRClient.from_config(path)
    session = reader._session
    session.transport = FakeTransport(BOTH)
    session._given = True
    session._reader = type(session._reader)(session.transport)
    assert reader.recognize(image()).arm == CANDIDATE
    replace(path, "model_routing: {crnn_enabled: false}\nreload: {poll_s: 0.2}\n")
    until(lambda: reader.recognize(image()).reason == "candidate_out")
    with caplog.at_level(logging.ERROR):
        replace(path, "model_routing: {gray_ratio: 1}\n")
        until(lambda: reader.metrics()["ocr_client_config_up"] == 0)
        assert reader.recognize(image()).reason == "candidate_out"
    assert len([r for r in caplog.records if "gray_ratio" in r.getMessage()]) == 1
    replace(path, "rollout: {id: crnn-1}\nstore: {url: 'sqlite:///a.db'}\nreload: {poll_s: 0.2}\n")
    until(lambda: reader.rollout.rollout == "crnn-1")
    replace(path, "rollout: {id: crnn-1}\nstore: {url: 'sqlite:///b.db'}\nreload: {poll_s: 0.2}\n")
    until(lambda: reader.metrics()["ocr_client_config_failures_total"] == 2)
    assert "restart" in caplog.text
    reader.close()
    assert reader.recognize(image()).reason == "candidate_out"  # and follows its file again
    replace(path, "model_routing: {gray_scale_ratio: 1}\nreload: {watch: false}\n")
    until(lambda: reader.recognize(image()).arm == CANDIDATE)
    reader.close()


def test_a_file_with_a_mistake_is_refused_at_the_start(tmp_path):
    """As ever, in one line."""
    path = tmp_path / "config.yaml"
    path.write_text("model_routing: {gray_ratio: 1}\n")
    with pytest.raises(tree.ConfigError, match="unknown key"):
        OCRClient.from_config(path)
    with pytest.raises(tree.ConfigError, match="no such file"):
        OCRClient.from_config(tmp_path / "none.yaml")


def test_metrics_are_named_as_prometheus_names_them():
    """Counters end in _total; labels are quoted and escaped."""
    from ocr_client.metrics import Metrics

    metrics = Metrics()
    metrics.count("a_total", why='say "no"\\\n')
    metrics.count("a_total", 2, why='say "no"\\\n')
    metrics.gauge("b", 1.5)
    assert metrics.snapshot() == {'a_total{why="say \\"no\\"\\\\\\n"}': 3, "b": 1.5}
    reader, _ = client()
    reader.recognize(image())
    found = reader.metrics()
    assert found[f'ocr_client_requests_total{{arm="{CANDIDATE}",reason="candidate_range"}}'] == 1
    assert found[f'ocr_client_attempts_total{{arm="{CANDIDATE}",outcome="ok"}}'] == 1
    assert found["ocr_client_rollout_weight"] == 1
    assert found["ocr_client_in_flight"] == 0
    reader.close()


def test_the_default_client_needs_no_file():
    """ClientConfig() is a ratio of 10 % in this process's memory."""
    reader = OCRClient(ClientConfig(), transport=FakeTransport(BOTH))
    assert reader.rollout.weight == 0.1
    reader.close()
