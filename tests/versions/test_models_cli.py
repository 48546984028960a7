"""`ocrctl models`: every verb as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import bars
import pytest
from typer.testing import CliRunner

from ocr_client.cli.models import app

HEAVY = ("cv2", "numpy", "scipy", "torch", "tritonclient", "grpc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, served) -> Path:
    """A working directory as a user has it: model_repository/, samples/, config.yaml."""
    root, triton = served
    own = tmp_path_factory.mktemp("user")
    (own / "model_repository").symlink_to(root)
    bars.write_golden(own / "samples")
    (own / "config.yaml").write_text(
        f"model_routing: {{gray_scale_ratio: 0.1, {bars.ARMS}}}\n"
        f"triton: {{urls: ['{triton.http_url}']}}\n"
    )
    return own


@pytest.fixture
def ocrctl(folder, monkeypatch):
    """In this process: a process for each of fifty commands would take a minute."""
    monkeypatch.chdir(folder)
    return called


def called(*words: object, **variables: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(map(str, words)), env=variables)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.server
def test_swap_in_four_commands(ocrctl, folder):
    """Publish, see, take away; and doctor is content before and after."""
    bars.write_version(folder / "build/crnn/2", version=2)
    code, out, err = ocrctl("publish", "crnn", "build/crnn/2/model.onnx")
    assert code == 0, err
    assert out.startswith("crnn:2 is ready for traffic at 127.0.0.1:")
    assert "reading 10 golden lines with crnn:2" in err
    assert "CER 0.0% on 55 golden characters, crnn:1 has 0.0%" in err

    code, out, _ = ocrctl("list", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [(row["model"], row["version"], row["listed"]) for row in rows] == [
        ("convnext", 1, True),
        ("crnn", 1, True),
        ("crnn", 2, True),
    ]
    assert set(rows[-1]["states"].values()) == {"READY"}
    assert rows[-1]["done"].startswith("publish 20")
    assert "crnn:2" in ocrctl("list")[1]

    assert ocrctl("doctor")[:2] == (0, ocrctl("doctor")[1])
    assert "nothing is wrong" in ocrctl("doctor")[1]
    code, out, err = ocrctl("retire", "crnn:2", "--keep")
    assert (code, out) == (0, "crnn:2 is retired; its files are kept\n")
    code, out, err = ocrctl("activate", "crnn:2", "--json")
    assert code == 0, err
    assert json.loads(out)["arm"] == {"model": "crnn", "version": 2}
    code, out, _ = ocrctl("verify")
    assert (code, out) == (0, "convnext:1: ok\ncrnn:1: ok\ncrnn:2: ok\n")
    assert ocrctl("retire", "crnn:2")[0] == 0
    assert ocrctl("recover")[:2] == (0, "every server serves what the files list\n")
    assert json.loads(ocrctl("doctor", "--json")[1])[-1]["severity"] == "note"


@pytest.mark.server
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["retire", "convnext:1"], "model_routing.stable in the configuration names it"),
        (["retire", "crnn:1"], "gray_scale_ratio gives it 10.00%"),
        (["retire", "../crnn:1"], "'../crnn' is no model name"),
        (["retire", "crnn:01"], "'01' is no version"),
        (["retire", "crnn"], "is not MODEL:VERSION"),
        (["activate", "crnn:0"], "'0' is no version"),
        (["activate", "crnn:1"], "listed already"),
        (["publish", "../crnn", "x"], "is no model name"),
        (["publish", "crnn", "x", "--version", "1/2"], "is no version"),
        (["publish", "crnn", "nowhere/model.onnx"], "no such file"),
        (["publish", "crnn", "x", "--smoke", "nowhere"], "name a folder"),
        (["publish", "crnn", "x", "--against", "crnn"], "is not MODEL:VERSION"),
        (["publish", "crnn", "x", "--endpoint", "localhost"], "its HTTP and its gRPC address"),
        (["verify", "crnn:9"], None),
        (["list", "--repository", "nowhere"], "no such folder"),
        (["list", "--work", "model_repository/x"], "must lie outside"),
        (["doctor", "--config", "nowhere.yaml"], "no such file or directory"),
        (["list", "--key-file", "nowhere", "--endpoint", "a:1,a:2"], "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refusals_are_one_line_and_change_nothing(ocrctl, folder, words, reason):
    before = bars.tree((folder / "model_repository").resolve())
    code, out, err = ocrctl(*words)
    assert code == 1
    if reason is None:
        assert "no such file" in out or "missing" in out
    else:
        assert reason in err
        assert err.startswith("ocrctl: ")
        assert err.count("\n") == 1, err
    assert bars.tree((folder / "model_repository").resolve()) == before


@pytest.mark.server
def test_named_endpoint_takes_its_key_from_a_file_or_the_environment(ocrctl, served, tmp_path):
    _, triton = served
    named = ["--endpoint", f"{triton.http_url},{triton.grpc_url}"]
    (tmp_path / "key").write_text(f"{triton.control_key}\n")
    for words, variables in (
        (["--key-file", tmp_path / "key"], {}),
        ([], {"OCR_CONTROL_KEY": triton.control_key}),
    ):
        code, out, _ = ocrctl("list", "--json", *named, *words, **variables)
        assert code == 0
        assert json.loads(out)[0]["states"] == {triton.http_url: "READY"}
    code, _, err = ocrctl("retire", "crnn:1", *named)
    assert code == 1, "without the key"
    code, _, err = ocrctl("recover", *named)
    assert (code, err.count("\n")) == (1, 1)
    assert "--key-file" in err


@pytest.mark.server
def test_every_server_of_the_clients_must_be_named(ocrctl, folder, tmp_path):
    """Ready means: wherever a request may go."""
    path = tmp_path / "config.yaml"
    path.write_text("triton: {urls: ['127.0.0.1:7']}\n")
    code, _, err = ocrctl("publish", "crnn", "x", "--config", path)
    assert code == 1
    assert "sends requests to 127.0.0.1:7, too" in err


def test_without_a_server_it_says_how_to_start_one(tmp_path, monkeypatch):
    """And the files can be looked at all the same."""
    monkeypatch.chdir(tmp_path)
    bars.write_repository(tmp_path / "model_repository")
    bars.write_golden(tmp_path / "samples")
    bars.write_version(tmp_path / "new", version=2)
    (tmp_path / "config.yaml").write_text(f"model_routing: {{{bars.ARMS}}}\n")
    for words, code, said in (
        (["publish", "crnn", "new"], 1, "no Triton of yours serves"),
        (["retire", "crnn:1"], 1, "ocrctl server up --detach"),
        (["verify"], 0, ""),
        (["list"], 0, ""),
        (["doctor"], 0, ""),
    ):
        found = called(*words)
        assert (found[0], said in found[2]) == (code, True), found


def test_verify_says_what_is_wrong(tmp_path, monkeypatch):
    """Exit code 1 and the reason; --json gives all of them."""
    monkeypatch.chdir(tmp_path)
    root = bars.write_repository(tmp_path / "model_repository", versions=(1, 2))
    (root / "crnn/2/model.onnx").write_bytes(bars.graph(9).SerializeToString())
    (root / "convnext/2/meta.json").unlink()
    bars.write_meta(root / "crnn/1", name="other", version=3)
    code, out, _ = called("verify", "--json")
    found = json.loads(out)
    assert code == 1
    assert found["convnext:1"] == []
    assert "meta.json: missing" in found["convnext:2"][0]
    assert found["crnn:1"] == ["meta.json is of other:3, not of crnn:1"]
    assert "meta.json says" in found["crnn:2"][0]


@pytest.mark.server
def test_sigterm_puts_everything_back(folder, served):
    """As Ctrl+C does: the command undoes what it began, and says so, before it ends."""
    bars.write_version(folder / "build/crnn/9", version=9)
    # So many golden lines that it is never done before it is told to end, however late that is.
    long = bars.write_golden(folder / "long")
    (long / "labels.tsv").write_text("file\ttext\n" + "10.png\tIIIIIIIIII\n" * 5_000)
    root, _ = served
    before = bars.tree(root)
    command = [str(Path(sys.executable).with_name("ocrctl")), "models", "publish", "crnn"]
    with subprocess.Popen(
        [*command, "build/crnn/9", "--version", "9", "--smoke", str(long)],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr.readline() == "loading crnn:9\n"
        process.terminate()
        told = process.stderr.read()
    assert process.returncode == 130
    assert "putting everything back: KeyboardInterrupt" in told
    assert bars.tree(root) == before
    assert not (root.parent / f".{root.name}.versions/transaction.json").exists()


def test_help_imports_nothing_heavy():
    """As every verb of `ocrctl`."""
    script = (
        "import sys\nfrom ocr_client.cli.models import app\nimport typer.main\n"
        "typer.main.get_command(app)\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_missing_extra_is_named(tmp_path):
    """Without grpcio the verbs that need it say which extra to install."""
    bars.write_repository(tmp_path / "model_repository")
    script = (
        "import sys\nsys.modules['grpc'] = None\nsys.argv = ['ocrctl', 'models', 'list']\n"
        "from ocr_client.cli.app import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'ocr-rollout[control]'" in done.stderr
    assert done.stderr.count("\n") == 1
