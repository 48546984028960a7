"""`ocrctl dataset make` as a program: a whole set, or one line and nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from ocr_evaluation.labels import load

FONTS = Path(__file__).parents[2] / "build" / "fonts-small"
OCRCTL = [sys.executable, "-m", "ocr_client.cli"]


def command(*arguments, program=OCRCTL):
    return [*program, "dataset", "make", *map(str, arguments)]


def make(*arguments, program=OCRCTL, **how):
    line = command(*arguments, program=program)
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=300, **how)


def test_a_set_is_made_and_told(tmp_path):
    done = make(
        tmp_path / "a", "--kind", "sign", "--kind", "print", "--n", 3, "--fonts", FONTS, "--json"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [f"ocrctl: {FONTS} has only faces that training sees, too"]
    facts = json.loads(done.stdout)
    dataset = load(tmp_path / "a")
    assert (facts["images"], facts["kinds"], facts["n"]) == (6, ["print", "sign"], 3)
    assert [line.file for line in dataset.lines][::3] == ["print_0000.png", "sign_0000.jpg"]
    words = [word for line in dataset.lines for word in line.slices]
    assert facts["slices"] == {word: words.count(word) for word in words}
    again = make(tmp_path / "b", "--kind", "print", "--n", 2, "--fonts", FONTS)
    assert again.stdout.startswith(
        f"2 images in {tmp_path / 'b'}: 2 each of print; seed 1\ndigest "
    )
    for name in ("print_0000.png", "print_0001.png"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
    over = make(tmp_path / "a", "--fonts", FONTS)
    assert (over.returncode, over.stdout) == (1, "")
    assert over.stderr == f"ocrctl: {tmp_path / 'a/labels.tsv'} exists; take another folder\n"


NO_EXTRA = [
    sys.executable,
    "-c",
    "import sys; sys.modules['fontTools'] = None; from ocr_client.cli.app import main; main()",
]


@pytest.mark.parametrize(
    ("program", "arguments", "code", "said"),
    [
        (OCRCTL, ["new", "--fonts", "nowhere"], 1, "run `make fonts`"),
        (OCRCTL, ["new", "--kind", "photo"], 2, "accepted: print, scan, invoice"),
        (OCRCTL, ["new", "--n", "0"], 2, "--n"),
        (OCRCTL, ["new", "--seed", "-1"], 2, "--seed"),
        (OCRCTL, ["file"], 1, "file: Not a directory"),
        (NO_EXTRA, ["new"], 1, "needs the extra [training]"),
    ],
)
def test_a_mistake_is_said_and_leaves_nothing(tmp_path, program, arguments, code, said):
    (tmp_path / "file").write_text("mine")
    done = make(*arguments, program=program, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert code == 2 or done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_ctrl_c_leaves_nothing_that_looks_like_a_set(tmp_path):
    """Another that writes into the same folder meanwhile is refused."""
    out = tmp_path / "set"
    arguments = command(out, "--n", 9999, "--fonts", FONTS)
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as program:
        end = time.monotonic() + 120
        while not list(out.glob("*.png")):
            assert time.monotonic() < end
            time.sleep(0.02)
        second = make(out, "--n", 1, "--fonts", FONTS)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=60)
    assert program.returncode == 130
    assert said.splitlines()[-1] == "ocrctl: interrupted"
    assert second.returncode == 1
    assert "take another folder" in second.stderr
    assert not out.exists()
