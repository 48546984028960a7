"""`ocrctl ab-test` as a program, on a real Triton."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import TritonSettings

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
OCRCTL = [sys.executable, "-m", "ocr_client.cli", "ab-test"]
NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there
ARMS = ("convnext:1", "crnn:1")

pytestmark = pytest.mark.server


def ab_test(*arguments, url, cwd=None):
    return subprocess.run(
        [*OCRCTL, *map(str, arguments), "--url", url],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=cwd,
    )


@pytest.fixture
def made(tmp_path):
    """Two samples beside everything that may be wrong with a set."""
    folder = tmp_path / "made"
    folder.mkdir()
    for name in ("02_print.png", "04_scan.png", "08_sign.png"):
        shutil.copy(SAMPLES / name, folder)
    (folder / "broken.png").write_bytes(b"no image at all")
    rows = (
        "file\ttext\tcategory\tlang\tslices",
        "02_print.png\tThe second recogniser is ready\tprint\ten\tblur,dark",
        "04_scan.png\tInvoice No. 20261122\tscan\ten\tdark",
        "broken.png\tnever read\tphoto\ten\t",
        "gone.png\tnot there\tprint\ten\t",
        "02_print.png\tanother text\tprint\ten\t",
        "04_scan.png\ttoo few",
    )
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_the_samples_are_read_and_reported(triton, tmp_path):
    """The same texts that the client reads, ten lines of two arms, each figure with its n."""
    run = ab_test(SAMPLES, "--arms", *ARMS, "--report", tmp_path / "out", url=triton.http_url)
    assert (run.returncode, run.stderr) == (0, "")
    for words in (
        *ARMS,
        "1-CER",
        "Lines read whole",
        "McNemar",
        "n = 10",
        "NFKC, spaces removed",
        "handwriting",
    ):
        assert words in run.stdout
    document = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert document["lines"] == {"labelled": 10, "asked": 10, "n": 10}
    groups = {(group["sort"], group["name"]): group for group in document["groups"]}
    assert sum(one["n"] for (sort, _), one in groups.items() if sort == "category") == 10
    assert set(groups["all", "all"]["arms"]) == set(ARMS)
    rows = (tmp_path / "out/readings.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(rows) == 20
    with OCRClient(ClientConfig(triton=TritonSettings(urls=(triton.http_url,)))) as client:
        for row in rows:
            file, _, arm, _, reading, *_ = row.split("\t")
            assert client.recognize(SAMPLES / file, arm=arm).text == reading


def test_what_is_wrong_with_a_set_is_said_and_the_rest_is_read(triton, made):
    """One line each on stderr; counted in the report; exit code 1."""
    run = ab_test(made, "--arms", *ARMS, "--json", url=triton.http_url)
    assert run.returncode == 1
    document = json.loads(run.stdout)
    assert document["lines"] == {"labelled": 3, "asked": 3, "n": 2}
    counts = {fault: n for fault, n in document["problems"]["counts"].items() if n}
    assert counts == {"columns": 1, "no image": 1, "no label": 1, "duplicate": 1}
    assert [(one["file"], one["arm"]) for one in document["failures"]] == [
        ("broken.png", arm) for arm in ARMS
    ]
    said = run.stderr.splitlines()
    assert len(said) == 6
    for words in ("gone.png", "a row already", "2 columns", "08_sign.png", "broken.png"):
        assert any(words in line for line in said), words
    slices = {g["name"]: g["n"] for g in document["groups"] if g["sort"] == "slice"}
    assert slices == {"blur": 1, "dark": 2}
    photo = next(group for group in document["groups"] if group["name"] == "photo")
    assert (photo["lines"], photo["n"], photo["failed"]) == (1, 0, dict.fromkeys(ARMS, 1))


def test_a_made_set_is_read_by_kind_and_by_what_was_done(triton, tmp_path):
    """What `ocrctl dataset make` writes is what the test takes; the alphabets are compared."""
    pytest.importorskip("fontTools", reason="the extra [training] is not installed")
    from ocr_evaluation.made.kinds import KINDS
    from ocr_evaluation.made.picture import PictureMaker
    from ocr_training.dataset import write_labelled

    pictures = list(PictureMaker(ROOT / "build/fonts-small").pictures(KINDS, 2, 1))
    write_labelled(pictures, tmp_path / "five")
    run = ab_test(tmp_path / "five", "--arms", *ARMS, "--json", url=triton.http_url, cwd=ROOT)
    assert (run.returncode, run.stderr) == (0, "")
    document = json.loads(run.stdout)
    counted = {(group["sort"], group["name"]): group["n"] for group in document["groups"]}
    assert {kind: counted["category", kind] for kind in KINDS} == dict.fromkeys(KINDS, 2)
    words = [word for one in pictures for word in one.slices]
    assert {k[1]: n for k, n in counted.items() if k[0] == "slice"} == {
        word: words.count(word) for word in words
    }
    assert {one["characters"] for one in document["alphabets"].values()} == {8085}
    elsewhere = ab_test(
        SAMPLES, "--arms", *ARMS, "--repository", tmp_path, url=triton.http_url, cwd=ROOT
    )
    assert elsewhere.returncode == 0
    assert f"no model of {', '.join(ARMS)} is at hand" in elsewhere.stdout


MISTAKES = [
    # arguments -> exit code, what is said
    (["--arms", "crnn:1"], 2, "crnn:1 alone compares nothing"),
    (["--arms", "crnn:1", "--arms", "crnn:1"], 2, "crnn:1 is named twice"),
    (["--arms", "crnn:1", "--arms", "crnn"], 2, "crnn"),
    (["--arms", "crnn:1", "--arms", "crnn:99"], 1, "crnn:99 is not on the server"),
    (["--config", "nothing.yaml"], 2, "nothing.yaml"),
    (["--variants", "nothing.json"], 1, "nothing.json"),
    (["--report", __file__], 1, "File exists"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), MISTAKES)
def test_a_mistake_is_one_line(triton, tmp_path, arguments, code, said):
    run = ab_test(SAMPLES, *arguments, url=triton.http_url, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (code, "")
    assert said in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("ocrctl: ")


def test_a_folder_without_labels_and_a_server_that_is_not_there_are_one_line(tmp_path):
    for where, said in ((tmp_path, "labels.tsv is not there"), (SAMPLES, NOWHERE)):
        run = ab_test(where, "--arms", *ARMS, url=NOWHERE)
        assert (run.returncode, run.stdout) == (1, "")
        assert said in run.stderr
        assert run.stderr.count("\n") == 1


def test_what_was_read_before_a_ctrl_c_is_reported(triton, tmp_path):
    """Partial, with its n; exit code 130; the bar is on stderr."""
    folder = tmp_path / "many"
    folder.mkdir()
    rows = ["file\ttext\tcategory"]
    for number in range(600):
        shutil.copy(SAMPLES / "08_sign.png", folder / f"{number}.png")
        rows.append(f"{number}.png\t欢迎光临\tsign")
    (folder / "labels.tsv").write_text("\n".join(rows), encoding="utf-8")
    terminal, theirs = pty.openpty()
    arguments = [folder, "--arms", *ARMS, "--json", "--url", triton.http_url]
    with subprocess.Popen(
        [*OCRCTL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as program:
        os.close(theirs)
        shown = b""
        while not re.search(rb"(\d\d|[1-9])/600", shown):
            shown += os.read(terminal, 4096)
        program.send_signal(signal.SIGINT)
        stdout, _ = program.communicate(timeout=60)
    os.close(terminal)
    assert program.returncode == 130
    document = json.loads(stdout)
    assert document["partial"] is True
    assert 0 < document["lines"]["n"] == document["lines"]["asked"] < 600
    assert document["verdicts"][0]["n"] == document["lines"]["n"]
