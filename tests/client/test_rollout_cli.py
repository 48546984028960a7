"""`ocrctl rollout`'s verbs that change something: what they do, log and refuse."""

import getpass
import hashlib
import http.server
import json
import subprocess
import sys
import threading
import time

import pytest
from desk import DIGEST, Desk, document, refused
from typer.testing import CliRunner

from ocr_client.cli.rollout import app
from ocr_client.operations import commit, orders, weights
from ocr_client.operations.refused import RefusedError
from ocr_client.operations.setting import Setting, setting
from ocr_client.settings import CANDIDATE
from ocr_rollout.core import commands
from ocr_rollout.stores import StoreUnavailableError

OCRCTL = [sys.executable, "-m", "ocr_client.cli"]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_a_rollout_goes_from_start_to_completion_and_the_log_tells_it(desk):
    """Two phases, each approved by name; then the whole story, the oldest first."""
    desk.started().waiting()
    said = desk.said("approve", "--by", "bob", "--note", "200 texts read")
    assert (said["state"]["status"], said["state"]["weight_bp"]) == ("running", 5_000)
    desk.waiting()
    assert "completed" in desk.run("approve", "--by", "bob").stdout
    lines = [json.loads(line) for line in desk.run("history", "--json").stdout.splitlines()]
    assert [line["action"] for line in lines] == ["start", "wait", "advance", "wait", "complete"]
    assert [line["who"] for line in lines] == ["ann", "controller", "bob", "controller", "bob"]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4, 5]
    told = desk.run("history").stdout
    assert "running, phase 1, 10 % -> running, phase 2, 50 %" not in told  # it waited in between
    for words in ("200 texts read", "waiting, phase 1, 10 % -> running, phase 2, 50 %", "bob"):
        assert words in told
    assert len(desk.run("history", "--limit", 2, "--json").stdout.splitlines()) == 2


def test_every_action_says_who_when_why_from_and_to(desk):
    """In the audit log, and in what the verb itself prints."""
    desk.started()
    did = {
        "pause": ("--reason", "weekend"),
        "resume": ("--reason", "monday"),
        "set-weight": ("5%", "--note", "fewer"),
        "rollback": ("--reason", "wrong dates"),
        "clear": (DIGEST[:8], "--note", "it was the scanner"),
    }
    before = time.time()
    for verb, words in did.items():
        state = desk.state
        said = desk.said(verb, *words, "--by", "eve")["audit"]
        assert said == desk.history()[-1]
        assert (said["action"], said["who"]) == (verb, "eve")
        assert words[-1] in said["why"]
        assert before <= said["at_s"] <= time.time()
        assert (said["from_status"], said["from_weight_bp"]) == (state.status, state.weight_bp)
        after = desk.state
        assert (said["to_status"], said["to_weight_bp"]) == (after.status, after.weight_bp)
        assert said["generation"] == after.generation == state.generation + 1
    assert DIGEST[:12] in desk.history()[-1]["why"]  # which tombstone: the state no longer knows
    assert desk.state.tombstones == ()


def test_whoever_is_logged_in_acts_unless_a_name_is_given(desk, monkeypatch):
    """But nobody signs as the program itself; without a login a name is asked for."""
    desk.started()
    assert desk.said("pause")["audit"]["who"] == getpass.getuser()
    assert desk.run("resume", "--by", "judge").exit_code == 2
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "judge")
    refused(desk.run("resume"), "Give a name")
    assert desk.state.status == "paused"


def test_a_gate_needs_a_name_and_a_rollout_that_waits(desk):
    """The login is no approval."""
    desk.started()
    refused(desk.run("approve", "--by", "ann"), "nothing waits for an approval")
    desk.waiting()
    before = document(desk.state)
    for words in ((), ("--by", ""), ("--by", "  ")):
        refused(desk.run("approve", *words), "Give a name: --by NAME")
    assert document(desk.state) == before
    assert len(desk.history()) == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("start", "--digest", DIGEST), "is under way already"),
        (("start", "--digest", "cd" * 32), "is under way; roll it back first"),
        (("start", "--digest", "xy"), "is not a SHA-256"),
        (("approve", "--by", "ann"), "nothing waits"),
        (("resume",), "nothing to resume"),
        (("rollback",), "give --reason TEXT"),
        (("rollback", "--reason", " "), "give --reason TEXT"),
        (("clear", "ab"), "'ab' is not the digest of a tombstone; there are: none"),
        (("set-weight", "0.4"), "by hand it is at most 0.3"),
        (("set-weight", "10%"), "0.1 already"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_changes_nothing(desk, words, text):
    """Exit code 1; neither the state nor the log has changed."""
    desk.started()
    before = document(desk.state)
    refused(desk.run(*words), text)
    assert document(desk.state) == before
    assert len(desk.history()) == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("pause",), "nothing to pause"),
        (("resume",), "nothing to resume"),
        (("approve", "--by", "a"), "nothing waits"),
        (("rollback", "--reason", "r"), "nothing to roll back"),
        (("clear", DIGEST), "there are: none"),
        (("set-weight", "0.2"), "no share can be set"),
    ],
)
def test_where_nothing_began_nothing_is_made(desk, words, text):
    """Not even the store's file: it would belong to who looked, not to who serves."""
    refused(desk.run(*words), text)
    for verb in ("status", "history"):
        assert desk.run(verb).exit_code == 0
    assert not desk.db.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("set-weight", "20"),
        ("set-weight", "x"),
        ("set-weight", "nan"),
        ("set-weight", "0.12345"),
        ("pause", "--reason", "two\nlines"),
        ("pause", "--by", "x" * 81),
        ("approve", "--by", "controller"),
        ("clear",),
        ("nothing",),
    ],
)
def test_wrong_usage_is_exit_code_2(desk, words):
    """Before anything is read."""
    assert desk.run(*words).exit_code == 2
    assert not desk.db.exists()


def test_rolled_back_weights_start_again_only_when_cleared(desk):
    """By the digest, whatever the arm is called."""
    desk.started()
    assert desk.run("rollback", "--reason", "bad", "--by", "ann").exit_code == 0
    refused(desk.run("start", "--digest", DIGEST.upper()), f"ocrctl rollout clear {DIGEST}")
    refused(desk.run("clear", DIGEST[:7]), "not the digest of a tombstone")  # too short
    assert desk.run("clear", DIGEST[:8], "--by", "ann").exit_code == 0
    assert desk.run("start", "--digest", DIGEST, "--by", "ann").exit_code == 0


def test_the_share_is_set_as_a_ratio_or_in_per_cent(desk):
    """By hand, which the state remembers."""
    desk.started()
    for text, weight_bp in (("0.2", 2_000), ("12.5%", 1_250), ("0", 0)):
        assert desk.said("set-weight", text, "--by", "ann")["state"]["weight_bp"] == weight_bp
    assert desk.state.by_hand


# --- the candidate's weights


def test_the_digest_is_that_of_the_weights_in_the_repository(desk, tmp_path):
    """And agrees with what was published beside them."""
    version = tmp_path / "models" / CANDIDATE.model / str(CANDIDATE.version)
    version.mkdir(parents=True)
    (version / "model.onnx").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert weights.of_model(tmp_path / "models", CANDIDATE) == digest
    (version / "meta.json").write_text(json.dumps({"sha256": digest}), "utf-8")
    words = ("start", "--repository", tmp_path / "models", "--by", "ann")
    assert desk.said(*words)["state"]["digest"] == digest


@pytest.mark.parametrize(
    ("meta", "text"),
    [
        (json.dumps({"sha256": "00" * 32}), "not 000000000000... as meta.json says"),
        ("{", "cannot be read"),
    ],
)
def test_weights_that_are_not_the_published_ones_are_refused(desk, tmp_path, meta, text):
    """Nobody knows what they are."""
    version = tmp_path / CANDIDATE.model / str(CANDIDATE.version)
    version.mkdir(parents=True)
    (version / "model.onnx").write_bytes(b"weights")
    (version / "meta.json").write_text(meta, "utf-8")
    refused(desk.run("start", "--repository", tmp_path), text)
    refused(desk.run("start", "--repository", tmp_path / "none"), "no such file or directory")
    assert not desk.db.exists()


# --- which configuration, which store


def test_without_a_shared_store_it_says_what_to_add(tmp_path):
    """A ratio in memory, a store in memory, a ratio that is shared."""
    desk = Desk(tmp_path, "model_routing: {gray_scale_ratio: 0.2}")
    for words in (("status",), ("history",), ("pause",), ("rollback", "--reason", "r")):
        refused(desk.run(*words), "no rollout is configured; add a section to it")
    refused(Desk(tmp_path, "store: {url: 'memory:'}").run("status"), "only its own process sees")
    shared = Desk(tmp_path, "store: {url: 'sqlite:///rollout.db'}")
    refused(shared.run("start", "--digest", DIGEST), "a ratio alone needs no start")
    assert shared.said("status")["plan"]["phases"][0]["weight_bp"] == 1_000


def test_a_rollback_needs_no_configuration(desk):
    """config.yaml is broken, the store is named: stopping a rollout must not wait for a fix."""
    desk.started()
    url = desk.store.url
    desk.file.write_text("rollout: [", "utf-8")
    refused(desk.run("rollback", "--reason", "now"), "not YAML")
    result = CliRunner().invoke(app, ["rollback", "--store", url, "--reason", "now", "--json"])
    assert json.loads(result.stdout)["state"]["weight_bp"] == 0
    result = CliRunner().invoke(app, ["history", "--store", url])
    assert "rolled back" in result.stdout


def test_the_configuration_in_the_folder_is_the_default(desk, monkeypatch):
    """As for `ocrctl recognize`; a variable names another one."""
    desk.started()
    monkeypatch.chdir(desk.file.parent)
    result = CliRunner().invoke(app, ["status", "--json"])
    assert json.loads(result.stdout)["rollout"] == "r1"
    monkeypatch.setenv("OCR_ROLLOUT_CONFIG", "none.yaml")
    refused(CliRunner().invoke(app, ["status"]), "none.yaml: no such file")


def test_the_configuration_may_come_from_a_configuration_centre(desk):
    """As the clients have it; an address that does not answer is one line."""
    url = desk.store.url
    text = desk.file.read_text("utf-8") + f"\nstore: {{url: '{url}'}}\n"

    class Centre(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Centre) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"http://127.0.0.1:{server.server_port}/config.yaml"
        words = ["--config", where, "--digest", DIGEST, "--by", "ann", "--no-server-check"]
        assert CliRunner().invoke(app, ["start", *words]).exit_code == 0
        server.shutdown()
    assert desk.state.status == "running"
    refused(CliRunner().invoke(app, ["pause", "--config", where]), where)


# --- many at once


def test_a_lost_race_is_run_again_where_the_command_still_stands(desk):
    """The controller moves on to the gate while somebody pauses: paused all the same."""
    desk.started()
    there = setting(str(desk.file), None)
    raced = []

    def command(state, at_s):
        if not raced:
            raced.append(state)
            desk.waiting()
        return commands.pause(state, by="ann", reason="weekend", at_s=at_s)

    done = commit.carry_out(there, command, lambda state: (state.rollout_id, state.live))
    assert (done.audit.from_status, desk.state.status) == ("waiting", "paused")


def test_nobody_approves_a_phase_that_a_colleague_has_just_approved(desk):
    """Phase 2's gate opens in the blink between: nothing is done, and it says what changed."""
    desk.started().waiting()
    there = setting(str(desk.file), None)
    raced = []

    def command(state, at_s):
        if not raced:
            raced.append(state)
            desk.change(lambda s: commands.approve(desk.plan, s, by="bob", note="", at_s=at_s))
            desk.waiting()
        return commands.approve(desk.plan, state, by="ann", note="", at_s=at_s)

    about = orders._as_seen
    with pytest.raises(RefusedError) as caught:
        commit.carry_out(there, command, about)
    assert "from waiting, phase 1, 10 % to waiting, phase 2, 50 %" in str(caught.value)
    assert desk.state.phase == 1
    assert "ann" not in [entry["who"] for entry in desk.history()[1:]]


def test_a_rollback_that_comes_second_says_who_was_first(desk):
    """The judge was quicker."""
    desk.started()
    there = setting(str(desk.file), None)

    def command(state, at_s):
        if state.live:
            desk.change(lambda s: commands.rollback(s, by="bob", reason="bad", at_s=at_s))
        return commands.rollback(state, by="ann", reason="bad", at_s=at_s)

    with pytest.raises(RefusedError, match=r"meanwhile it went from running.*rolled back, 0 %"):
        commit.carry_out(there, command, orders._rollout)
    assert len(desk.history()) == 2


def test_of_four_approvals_at_once_one_counts(desk):
    """Four processes; three say that nothing waits, or what has changed."""
    desk.started().waiting()
    words = ("rollout", "approve", "--config", desk.file, "--no-server-check", "--by")
    running = [
        subprocess.Popen(
            [*OCRCTL, *map(str, words), f"p{k}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for k in range(4)
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert sorted(code for _, code in ended) == [0, 1, 1, 1]
    assert all(out[1].count("\n") == 1 for out, code in ended if code)
    assert [entry["action"] for entry in desk.history()] == ["start", "wait", "advance"]


def test_a_write_whose_answer_was_lost_is_not_done_twice(desk, monkeypatch):
    """Written again under the same id; where it never works, the line says what is unknown."""
    desk.started()
    monkeypatch.setattr(commit, "WAIT_S", 0.0)

    class Cut:
        """The store, whose first answers to `commit` get lost behind it."""

        def __init__(self, store, cuts):
            self._store, self.cuts = store, cuts

        def __getattr__(self, name):
            return getattr(self._store, name)

        def commit(self, write):
            done = self._store.commit(write)
            self.cuts -= 1
            if self.cuts >= 0:
                raise StoreUnavailableError("rollout.db", "the line was cut")
            return done

    there = setting(str(desk.file), None)
    orders.pause(Setting(there.config, there.name, Cut(there.store, 2)), by="ann", reason="")
    assert [entry["action"] for entry in desk.history()] == ["start", "pause"]
    with pytest.raises(StoreUnavailableError, match="ocrctl rollout history"):
        orders.resume(Setting(there.config, there.name, Cut(there.store, 9)), by="ann", reason="")


# --- the server


@pytest.mark.server
def test_a_share_is_raised_only_when_both_arms_are_ready(triton, tmp_path):
    """Asked of a real Triton; --no-server-check does not ask."""
    desk = Desk(tmp_path, triton=triton)
    result = desk.run("start", "--digest", DIGEST, "--by", "ann")
    assert (result.exit_code, result.stderr) == (0, "")
    absent = Desk(tmp_path, "rollout: {id: r2, candidate: 'crnn:9'}", triton=triton)
    assert desk.run("rollback", "--reason", "test", "--by", "ann").exit_code == 0
    refused(absent.run("start", "--digest", DIGEST[::-1]), "crnn:9 is not on the server")
    words = ("start", "--digest", DIGEST[::-1], "--no-server-check", "--by", "ann")
    assert absent.run(*words).exit_code == 0


def test_a_server_that_cannot_be_asked_is_a_warning(desk):
    """An operator's host need not reach it; a refused command does not even ask."""
    result = desk.run("start", "--digest", DIGEST, "--by", "ann")
    assert result.exit_code == 0
    assert "whether the arms are ready is not known" in result.stderr
    assert desk.run("approve", "--by", "ann").stderr.count("not known") == 0
