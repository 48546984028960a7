"""`ocrctl recognize` as a program: what it prints, where, and its exit codes."""

import contextlib
import importlib.metadata
import json
import os
import pty
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from rollouts import until
from scripted import HANG
from typer.testing import CliRunner

from ocr_client.cli.app import found, lacking
from ocr_client.cli.rollout import app as rollout
from ocr_client.results import LineResult
from ocr_client.settings import CANDIDATE, STABLE

NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there
OCRCTL = [sys.executable, "-m", "ocr_client.cli"]


def ocrctl(*arguments, **options):
    return subprocess.run(
        [*OCRCTL, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


@pytest.fixture(scope="session")
def lines(tmp_path_factory):
    """25 images with strokes on them."""
    folder = tmp_path_factory.mktemp("lines")
    paths = []
    for number in range(25):
        pixels = np.full((32, 120 + 20 * number), 255, np.uint8)
        pixels[6:26, 10::17] = 0
        paths.append(folder / f"line{number:02}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_the_version_is_the_packages():
    run = ocrctl("--version")
    assert run.returncode == 0
    assert run.stdout == f"ocrctl {importlib.metadata.version('ocr-rollout')}\n"


@pytest.mark.server
@pytest.mark.parametrize("arm", [str(CANDIDATE), str(STABLE)])
def test_json_is_one_object_a_line_with_the_promised_keys(triton, lines, arm):
    """As the scorer calls it: every file, in order, from the arm that was named."""
    run = ocrctl("recognize", "--line", "--json", "--arm", arm, "--url", triton.http_url, *lines)
    assert (run.returncode, run.stderr) == (0, "")
    objects = [json.loads(line) for line in run.stdout.splitlines()]
    assert [one["file"] for one in objects] == [str(path) for path in lines]
    for one in objects:
        assert one["success"] is True
        assert one["error"] is None
        assert isinstance(one["text"], str)
        assert 0 <= one["confidence"] <= 1
        assert one["time_ms"] > 0
        assert "{model}:{version}".format(**one["arm"]) == arm
        assert 0 <= one["bucket"] <= 9_999
        assert one["fell_back"] is False


@pytest.mark.server
def test_without_json_it_is_a_table(triton, lines):
    """Whole names and texts where it goes into a file."""
    run = ocrctl("recognize", "--url", triton.http_url, *lines[:3])
    assert (run.returncode, run.stderr) == (0, "")
    for words in (
        "file",
        "text",
        "confidence",
        "arm",
        "ms",
        "fell back",
        str(lines[0]),
        str(STABLE),
    ):
        assert words in run.stdout


@pytest.mark.server
def test_one_bad_file_does_not_stop_the_others(triton, lines):
    """Exit code 1, and the rest is read."""
    paths = [lines[0], "nothing.png", lines[1]]
    run = ocrctl("recognize", "--json", "--url", triton.http_url, *paths)
    assert run.returncode == 1
    objects = [json.loads(line) for line in run.stdout.splitlines()]
    assert [one["success"] for one in objects] == [True, False, True]
    assert "nothing.png: no such file" in objects[1]["error"]
    run = ocrctl("recognize", "--url", triton.http_url, *paths)
    assert run.returncode == 1
    assert run.stderr == "ocrctl: nothing.png: no such file\n"
    assert str(lines[1]) in run.stdout


@pytest.mark.server
def test_a_user_meets_the_same_arm_each_time(triton, lines):
    """The bucket depends on the user and on nothing that changes between runs."""

    def buckets(user):
        run = ocrctl("recognize", "--json", "--user-id", user, "--url", triton.http_url, *lines[:5])
        return [json.loads(line)["bucket"] for line in run.stdout.splitlines()]

    assert buckets("u1") == buckets("u1") != buckets("u2")


@pytest.mark.server
def test_an_arm_that_is_not_there_fails_for_each_file(triton, lines):
    """Naming it and what is there."""
    run = ocrctl("recognize", "--arm", "crnn:9", "--url", triton.http_url, *lines[:2])
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("crnn:9 is not on the server") == 2
    assert re.search(rf"there is: .*{STABLE}, .*{CANDIDATE}", run.stderr)


@pytest.mark.server
def test_the_configuration_in_the_folder_is_used(triton, lines, tmp_path):
    """And --config names another one."""
    (tmp_path / "config.yaml").write_text(
        f"triton: {{urls: ['{triton.http_url}']}}\nmodel_routing: {{crnn_enabled: false}}\n"
    )
    run = ocrctl("recognize", "--json", lines[0], cwd=tmp_path)
    assert json.loads(run.stdout)["arm"]["model"] == "convnext"
    (tmp_path / "other.yaml").write_text(
        f"triton: {{urls: ['{triton.http_url}']}}\nmodel_routing: {{gray_scale_ratio: 1}}\n"
    )
    run = ocrctl("recognize", "--json", "--config", "other.yaml", lines[0], cwd=tmp_path)
    assert json.loads(run.stdout)["arm"]["model"] == "crnn"


@pytest.mark.server
@pytest.mark.parametrize(("count", "bar"), [(19, False), (20, True)])
def test_a_bar_from_20_images_on_when_stderr_is_a_terminal(triton, lines, count, bar):
    """On stderr only: stdout holds nothing but JSON."""
    run, shown = on_a_terminal("recognize", "--json", "--url", triton.http_url, *lines[:count])
    assert run.returncode == 0
    assert len([json.loads(line) for line in run.stdout.splitlines()]) == count
    assert (b"reading" in shown) == bar


def on_a_terminal(*arguments):
    """The finished program, and what its stderr, a terminal, was shown."""
    control, terminal = pty.openpty()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, control)
        run = subprocess.run(
            [*OCRCTL, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is gone once all was read
            while block := os.read(control, 65536):
                shown += block
    return run, shown


def test_no_server_is_one_line_however_many_files(lines):
    """It says how to start one; each file has its object."""
    run = ocrctl("recognize", "--url", NOWHERE, *lines)
    assert (run.returncode, run.stdout) == (1, "")
    assert len(run.stderr.splitlines()) == 1
    assert NOWHERE in run.stderr
    assert "ocrctl server up --detach" in run.stderr
    run = ocrctl("recognize", "--json", "--url", NOWHERE, *lines)
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert {json.loads(line)["owner"] for line in run.stdout.splitlines()} == {"network"}


WRONG = {
    # arguments: words of the message
    ("recognize",): "PATH",
    ("recognize", "--nonsense", "a.png"): "nonsense",
    ("recognize", "--arm", "crnn", "a.png"): "MODEL:VERSION",
    ("recognize", "--arm", "crnn:latest", "a.png"): "MODEL:VERSION",
    ("recognize", "--url", "http://127.0.0.1:8000", "a.png"): "HOST:PORT",
    ("recognize", "--config", "nothing.yaml", "a.png"): "nothing.yaml: no such file",
    ("recognise", "a.png"): "recognize",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_exit_code_2(arguments, tmp_path):
    """With a message on stderr and nothing on stdout."""
    run = ocrctl(*arguments, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert WRONG[arguments] in run.stderr
    assert "Traceback" not in run.stderr


def test_a_mistake_in_the_configuration_is_exit_code_2(tmp_path):
    """One line: file, key, value, what is accepted."""
    (tmp_path / "config.yaml").write_text("model_routing: {gray_scale_ratio: 10}\n")
    run = ocrctl("recognize", "a.png", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    (line,) = run.stderr.splitlines()
    assert "config.yaml: model_routing.gray_scale_ratio: 10 is not accepted" in line


def test_ctrl_c_is_clean(lines, scripted, tmp_path):
    """Exit code 130 and one line, even while a server hangs."""
    server, _ = scripted(*[HANG] * 20)
    with subprocess.Popen(
        [*OCRCTL, "recognize", "--json", "--url", server.url, *map(str, lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as program:
        until(lambda: server.requests, 60)
        program.send_signal(signal.SIGINT)
        stdout, stderr = program.communicate(timeout=30)
    assert (program.returncode, stdout, stderr) == (130, "", "ocrctl: interrupted\n")


def test_a_file_name_that_is_no_utf_8_is_still_json():
    """It comes back as the JSON escape of the byte."""
    run = ocrctl(
        "recognize", "--json", "--url", NOWHERE, b"\xff.png".decode("utf-8", "surrogateescape")
    )
    assert json.loads(run.stdout)["file"] == "\udcff.png"


def test_help_does_not_wait_for_the_libraries():
    """No OpenCV, numpy or tritonclient for `ocrctl --help`."""
    script = (
        "import sys\n"
        "from ocr_client.cli.app import main\n"
        "sys.argv = ['ocrctl', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'cv2', 'numpy', 'tritonclient', 'torch', 'gevent'} & set(sys.modules)\n"
        "print(f'heavy={sorted(heavy)}')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert "recognize" in run.stdout
    assert "heavy=[]" in run.stdout


def test_the_verb_is_found_through_its_entry_point():
    """As every package's verbs are."""
    assert found()["recognize"].value == "ocr_client.cli.recognize:app"


def test_another_package_brings_a_verb_of_the_rollout(tmp_path, monkeypatch):
    """Beside the verbs of the client's own, which none may replace; the root has none of it."""
    (tmp_path / "other_package.py").write_text("def verb():\n    'Verify.'\n    print('here')\n")
    installed = tmp_path / "other_package-1.0.dist-info"
    installed.mkdir()
    (installed / "entry_points.txt").write_text(
        "[ocrctl.rollout]\nother = other_package:verb\nstatus = other_package:verb\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    run = CliRunner().invoke(rollout, ["other"])
    assert (run.exit_code, run.stdout) == (0, "here\n")
    assert "Verify." in CliRunner().invoke(rollout, ["--help"]).stdout
    assert "Show the rollout" in CliRunner().invoke(rollout, ["status", "--help"]).stdout
    assert "other" not in found()
    wrong = CliRunner().invoke(rollout, ["othr"])
    assert (wrong.exit_code, "'other'" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("torch", "pip install 'ocr-rollout[export]'"),
        ("onnxruntime.capi", "[export]"),
        ("jieba", "[training]"),
        ("grpc", "[control]"),
        ("unheard_of", "is this installation complete?"),
    ],
)
def test_a_verb_whose_extra_is_missing_says_which(module, words):
    """One line instead of a stack trace."""
    line = lacking("export", ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert line.startswith("export ")
    assert words in line


def test_a_result_reads_like_its_json(triton_free_result):
    """The JSON of the command line is the result's own, and its file."""
    from ocr_client.pages.formats.entry import Place
    from ocr_client.pages.formats.plain import to_json

    found = to_json(Place("a.png", 1, 1), triton_free_result)
    assert found["file"] == "a.png"
    assert found["success"] is True
    assert {key: found[key] for key in triton_free_result.to_json()} == triton_free_result.to_json()


@pytest.fixture
def triton_free_result():
    from ocr_client import Arm

    return LineResult(
        text="a",
        confidence=0.5,
        characters=(),
        arm=Arm("crnn", 1),
        bucket=7,
        rollout="crnn-1",
        generation=3,
        fell_back=True,
        rescued=False,
        reason="fell_back",
        fault="boom",
        time_ms=1.5,
        request_id="r",
        width=200,
        height=32,
    )


def test_a_reader_that_stops_listening_is_no_stack_trace(lines):
    """`ocrctl recognize ... | head -1`."""
    with subprocess.Popen(
        [*OCRCTL, "recognize", "--json", "--url", NOWHERE, *map(str, lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        program.stdout.close()
        stderr = program.stderr.read()
    assert "Traceback" not in stderr
    assert "BrokenPipe" not in stderr
