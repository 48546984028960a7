"""`ocrctl rollout plan | simulate`: what would happen, before anything does."""

import json
import subprocess
import sys

import pytest
from desk import refused
from PIL import Image
from typer.testing import CliRunner

from ocr_client.cli.rollout import app

SHORT = ("simulate", "--becomes", 0.5, "--after", 300, "--requests", 600, "--rollouts", 50)


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_plan_is_printed_for_people_and_for_programs(tmp_path, monkeypatch):
    """The default one, saying so, and a file's."""
    monkeypatch.chdir(tmp_path)
    shown = run("plan").output
    for words in ("98 %", "2 d", "basic function", "the default plan: config.yaml has no section"):
        assert words in shown
    file = tmp_path / "config.yaml"
    file.write_text("rollout:\n  id: r7\n  phases: [{share: 0.5, gate: auto}]\n", "utf-8")
    said = json.loads(run("plan", "--config", file, "--json").output)
    assert (said["id"], said["phases"][0]["weight_bp"]) == ("r7", 5_000)
    assert "default plan" not in run("plan").output


def test_without_a_plan_the_ratio_s_arms_and_limit_are_taken(tmp_path):
    """What a plan would have of them."""
    file = tmp_path / "config.yaml"
    file.write_text("model_routing: {candidate: 'crnn:2', auto_rollback_threshold: 0.1}", "utf-8")
    said = json.loads(run("plan", "--config", file, "--json").output)
    assert (said["candidate"], said["limits"]["errors"], len(said["phases"])) == ("crnn:2", 0.1, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rollout: {id: r, phases: []}", "rollout.phases"),
        ("rollout: [", "not YAML"),
        ("- a", "not a mapping"),
        ("model_routing: {stable: x}", "model_routing.stable"),
        ("model_routing: {auto_rollback_threshold: 0}", "auto_rollback_threshold"),
        ("model_routing: 3", "model_routing"),
        ("model_routing: {gray_scale_ratio: 0.7}\nrollout: {id: r}", "gray_scale_ratio"),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "simulate", "status"])
def test_a_mistake_in_the_file_is_one_line_on_stderr(tmp_path, verb, text, said):
    """And exit code 1."""
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    refused(run(verb, "--config", file), said)
    refused(run(verb, "--config", tmp_path / "none.yaml"), "no such file")


def test_a_simulation_is_printed_and_comes_out_the_same_for_a_seed(tmp_path, monkeypatch):
    """As a table, and as one JSON object."""
    monkeypatch.chdir(tmp_path)
    assert "median requests" in run(*SHORT).output
    first, again = (json.loads(run(*SHORT, "--json").output) for _ in range(2))
    assert first == again
    assert first["rules"][0]["rule"] == "judge"
    assert first["timeline"]["outcome"] == "rolled_back"
    refused(run("simulate", "--becomes", 0.5, "--after", 900, "--requests", 600), "--after 900")


def test_a_simulation_is_drawn(tmp_path, monkeypatch):
    """A picture with something on it, and the same table as without."""
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    monkeypatch.chdir(tmp_path)
    drawn = run(*SHORT, "--plot", "odds.png").output
    assert drawn == run(*SHORT).output + "drawn: odds.png\n"
    with Image.open("odds.png") as image:
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100


def test_a_drawing_that_cannot_be_made_is_refused_before_the_work(tmp_path, monkeypatch):
    """Without matplotlib, under another name, in no folder."""
    monkeypatch.chdir(tmp_path)
    refused(run(*SHORT, "--plot", "odds.txt"), "accepted: a name that ends in .png")
    refused(run(*SHORT, "--plot", "none/odds.png"), "there is no folder none; create it")
    monkeypatch.delitem(sys.modules, "ocr_rollout.simulation.plot", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused(run(*SHORT, "--plot", "odds.png"), "pip install 'ocr-rollout[plot]'")


def test_help_waits_for_nothing_heavy():
    """Every verb is there, and no library that takes a second to load."""
    code = (
        "import sys; from typer.testing import CliRunner; from ocr_client.cli.rollout import app; "
        "print(CliRunner().invoke(app, ['--help']).output); "
        "print([name for name in ('cv2', 'numpy', 'scipy', 'matplotlib', 'tritonclient') "
        "if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert shown.rstrip().endswith("[]")
    for verb in (
        *("plan", "start", "status", "approve", "pause", "resume", "rollback", "clear"),
        *("history", "set-weight", "simulate"),
    ):
        assert f" {verb} " in shown
