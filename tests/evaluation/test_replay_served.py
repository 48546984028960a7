"""`ocrctl replay` as a program, on a real Triton."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from held_triton import Held

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, ReviewSettings, StoreSettings, TritonSettings
from ocr_preprocessing.load import load_image
from ocr_rollout.stores import open_store

SAMPLES = Path(__file__).parents[2] / "samples"
OCRCTL = [sys.executable, "-m", "ocr_client.cli", "replay"]
NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there
STABLE, CANDIDATE = "convnext:1", "crnn:1"
ARMS = ("--arm", CANDIDATE, "--against", STABLE)

pytestmark = pytest.mark.server


def replay(where, *words, url, cwd=None):
    return subprocess.run(
        [*OCRCTL, *map(str, (where, *words)), "--url", url],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=cwd,
    )


@pytest.fixture
def state(tmp_path, monkeypatch):
    """The state folder. And deadlines with which a busy machine is nobody's fault."""
    patient = tmp_path / "patient.yaml"
    patient.write_text("triton: {deadline_s: 300, candidate_deadline_s: 150, concurrency: 2}\n")
    monkeypatch.setenv("OCR_ROLLOUT_CONFIG", str(patient))
    monkeypatch.setenv("OCR_ROLLOUT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


# Answers after which the relay holds: of 60 images two arms give 120, and a few say what arms are.
# With two threads, each 4 ahead at most, between 12 and 25 images are in the journal by then.
SOME = 50


@pytest.fixture
def relay(triton):
    relay = Held(triton.http_url)
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """60 lines that differ by a pixel or two."""
    folder = tmp_path_factory.mktemp("many")
    gray = load_image(SAMPLES / "08_sign.png").copy()
    for number in range(60):
        gray[0, number % gray.shape[1]] = number
        cv2.imwrite(str(folder / f"{number}.png"), gray)
    return folder


def settled(document):
    """What does not depend on the clock, nor on how often it was stopped."""
    for arm in document["arms"].values():
        arm["latency_ms"] = arm["latency_ms"]["n"]
    rules = [rule for rule in document["rules"] if not rule["rule"].startswith("latency")]
    document["images"].pop("from_the_journal")
    return {**document, "rules": rules, "at": None}


def test_the_samples_say_too_little(triton, state):
    """Exit code 4; figures with their n; texts are those of the client; nothing is left behind."""
    run = replay(SAMPLES, *ARMS, "--json", url=triton.http_url)
    assert (run.returncode, run.stderr) == (4, "")
    document = json.loads(run.stdout)
    assert document["images"]["n"] == document["arms"]["candidate"]["attempts"] == 10
    assert document["rollout"]["phases"][0]["samples"] == 10
    assert document["known_texts"]["candidate"]["lines_right"]["n"] == 10
    with OCRClient(ClientConfig(triton=TritonSettings(urls=(triton.http_url,)))) as client:
        for one in document["worst_disagreements"]:
            assert client.recognize(SAMPLES / one["image"], arm=STABLE).text == one["stable"]
            assert client.recognize(SAMPLES / one["image"], arm=CANDIDATE).text == one["candidate"]
    assert document["worst_disagreements"]
    assert list((state / "replay").iterdir()) == []


def test_a_table_says_the_same_to_people(triton, state):
    run = replay(SAMPLES, *ARMS, url=triton.http_url)
    assert (run.returncode, run.stderr) == (4, "")
    for words in (
        "10 of 10 images of",
        f"{STABLE} (stable)",
        f"{CANDIDATE} (candidate, weight 0)",
        "latency_ratio",
        "samples 10 of 200",
        "NFKC, spaces removed",
        f"{CANDIDATE} would not be taken back; to leave phase 1, 10 images are too few",
    ):
        assert words in run.stdout


def test_what_is_wrong_with_images_is_said_and_counted(triton, state, tmp_path):
    folder = tmp_path / "odd"
    shutil.copytree(SAMPLES, folder)
    (folder / "labels.tsv").unlink()
    shutil.copy(folder / "01_print.png", folder / "copy.png")
    (folder / "broken.png").write_bytes(b"no image at all")
    cv2.imwrite(str(folder / "dot.png"), np.zeros((1, 1), np.uint8))
    run = replay(folder, *ARMS, "--json", url=triton.http_url)
    document = json.loads(run.stdout)
    images = document["images"]
    assert (images["given"], images["n"], images["unreadable"]) == (13, 12, 2)
    assert {frozenset(pair) for pair in images["duplicates"]} == {
        frozenset({"01_print.png", "copy.png"})
    }
    assert {(one["image"], one["whose"]) for one in document["failing"]} == {
        ("broken.png", "image"),
        ("dot.png", "image"),
    }
    assert document["arms"]["candidate"]["outcomes"] == {"ok": 10, "client_fault": 2}
    assert document["known_texts"] is None
    told = replay(folder, *ARMS, url=triton.http_url).stdout
    assert "2 not read, for nobody can read them" in told
    assert "1 left out, the same as another" in told


@pytest.mark.slow
def test_killed_it_goes_on_and_says_what_it_would_have_said(triton, relay, state, many, tmp_path):
    """SIGKILL, twice, in the middle; each start reads what is left, and the end is the same."""
    whole = replay(many, *ARMS, "--json", "--journal", tmp_path / "whole", url=triton.http_url)
    words = [many, *ARMS, "--json", "--journal", tmp_path / "cut", "--url", relay.url]
    lines = 0
    for _ in range(2):
        relay.hold(after=SOME)
        with subprocess.Popen([*OCRCTL, *map(str, words)], stdout=subprocess.PIPE) as program:
            end = time.monotonic() + 120
            while _lines(tmp_path / "cut") < lines + 10:
                assert program.poll() is None, "it ended by itself"
                assert time.monotonic() < end
                time.sleep(0.01)
            program.kill()
        assert program.returncode == -signal.SIGKILL
        assert lines + 10 <= _lines(tmp_path / "cut") < 61
        lines = _lines(tmp_path / "cut")
    rest = replay(*words[:-2], url=triton.http_url)
    one, other = json.loads(whole.stdout), json.loads(rest.stdout)
    assert (one["images"]["from_the_journal"], other["images"]["from_the_journal"]) == (
        0,
        lines - 1,
    )
    assert settled(one) == settled(other)
    assert whole.returncode == rest.returncode
    assert _lines(tmp_path / "whole") == _lines(tmp_path / "cut") == 61, "none was read twice"
    again = replay(*words[:-2], url=NOWHERE)
    assert settled(json.loads(again.stdout)) == settled(json.loads(rest.stdout)), "without a Triton"


def _lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
def test_what_was_read_before_a_ctrl_c_is_shown_and_kept(triton, relay, state, many):
    """Exit code 130; the bar is on stderr; the next start goes on."""
    terminal, theirs = pty.openpty()
    words = [*OCRCTL, str(many), *ARMS, "--json", "--url", relay.url]
    relay.hold(after=SOME)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, text=True) as program:
        os.close(theirs)
        shown = b""
        while not re.search(rb"\d\d/60", shown):
            shown += os.read(terminal, 4096)
        program.send_signal(signal.SIGINT)
        stdout, _ = program.communicate(timeout=60)
    os.close(terminal)
    document = json.loads(stdout)
    assert (program.returncode, document["partial"]) == (130, True)
    assert 0 < document["images"]["n"] < 60
    (journal,) = (state / "replay").iterdir()
    known = _lines(journal) - 1
    rest = json.loads(replay(many, *ARMS, "--json", url=triton.http_url).stdout)
    assert (rest["partial"], rest["images"]["n"]) == (False, 60)
    assert rest["images"]["from_the_journal"] == known
    assert list((state / "replay").iterdir()) == []


def test_nothing_counts_in_the_rollout_that_is_live(triton, state, tmp_path):
    """The store whose samples are replayed, with a plan that has this very candidate."""
    config = tmp_path / "config.yaml"
    config.write_text(
        f"triton: {{urls: ['{triton.http_url}']}}\n"
        f"model_routing: {{stable: '{STABLE}', candidate: '{CANDIDATE}'}}\n"
        "rollout: {id: r1, phases: [{share: 1.0, min_dwell: 1d, min_samples: 5}]}\n"
        "review: {stable: 1.0, keep_images: true}\n"
    )
    with OCRClient(ClientConfig.load(config)) as client:
        for file in sorted(SAMPLES.glob("*.png")):
            client.recognize(file, user_id="u1")
        kept, end = 'ocr_client_review_samples_total{result="kept"}', time.monotonic() + 60
        while client.metrics().get(kept, 0) < 10:  # closing waits for them a moment only
            assert time.monotonic() < end
            time.sleep(0.01)
    store = open_store(f"sqlite:///{tmp_path / 'rollout.db'}")
    before = _facts(store)
    assert len(before["samples"]) == 10
    run = replay(tmp_path / "rollout.db", "--json", "--config", config, url=triton.http_url)
    assert _facts(store) == before
    store.close()
    document = json.loads(run.stdout)
    assert (run.returncode, document["images"]["n"]) == (4, 10)
    assert document["rollout"]["phases"][0]["missing"][0].startswith("proof: 0 of 10")


def _facts(store):
    return {
        "state": store.state(),
        "history": store.history(),
        "samples": store.samples(0, 1e11),
        "counts": store._file.run(lambda db: db.execute("SELECT * FROM counts").fetchall()),
    }


def test_images_that_were_not_kept_are_said(triton, state, tmp_path):
    settings = ClientConfig(
        triton=TritonSettings(urls=(triton.http_url,)),
        review=ReviewSettings(stable_bp=10_000, candidate_bp=10_000),
        store=StoreSettings(f"sqlite:///{tmp_path / 'texts.db'}"),
    )
    with OCRClient(settings) as client:
        client.recognize(SAMPLES / "08_sign.png")
    run = replay(tmp_path / "texts.db", *ARMS, url=triton.http_url)
    assert (run.returncode, run.stdout) == (1, "")
    assert re.search(r"texts\.db has no image to read; .*keep_images: true", run.stderr)


MISTAKES = [
    # arguments -> exit code, what is said
    (["--arm", "crnn:1", "--against", "crnn:1"], 2, "crnn:1 against itself says nothing"),
    (["--arm", "crnn"], 2, "'crnn' is not an arm"),
    (["--arm", "crnn:99"], 1, "crnn:99 is not on the server"),
    (["--config", "nothing.yaml"], 2, "nothing.yaml"),
    (["--journal", __file__], 1, "is no journal"),
    (["--journal", "/proc/nothing"], 1, "/proc/nothing: no such file"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), MISTAKES)
def test_a_mistake_is_one_line(triton, state, tmp_path, arguments, code, said):
    run = replay(SAMPLES, *arguments, url=triton.http_url, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (code, "")
    assert said in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("ocrctl: ")
    assert not list((state / "replay").glob("*")), "nothing was read, so nothing is kept"


def test_a_server_that_is_not_there_is_one_line(state):
    run = replay(SAMPLES, *ARMS, url=NOWHERE)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"ocrctl: no Triton at {NOWHERE}")
    assert run.stderr.count("\n") == 1
