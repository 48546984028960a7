"""The card: its figures are the textbook's, its readings are the server's, its page is whole."""

import json

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")
pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from typer.testing import CliRunner

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import ModelRouting, TritonSettings
from ocr_export.repository import Version
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.texts import edit_distance
from ocr_training.card import markdown
from ocr_training.card.confusions import align, confusions
from ocr_training.card.figures import accuracy
from ocr_training.card.measure import engines
from ocr_training.card.reader import Reader, collapse, published
from ocr_training.card.samples import Sample
from ocr_training.card.slices import slices
from ocr_training.card.words import strict
from ocr_training.cli import app
from ocr_training.dataset import write_dataset
from ocr_training.lines import KINDS, LineMaker


@pytest.fixture(scope="module")
def maker(fonts_folder):
    return LineMaker(fonts_folder, held_out=True)


def test_accuracy_is_a_corpus_rate_with_an_interval_around_it():
    pairs = [("abcd", "abcd"), ("ab", "xy"), ("abcdef", "abcde")] * 20
    found = accuracy(pairs)
    assert found.n == 60
    assert found.line == pytest.approx(1 / 3)
    assert found.one_minus_cer == pytest.approx(1 - 3 / 12)
    assert found.line_interval.low < found.line < found.line_interval.high
    assert found.cer_interval.low < found.one_minus_cer < found.cer_interval.high
    assert accuracy(pairs) == found, "seeded: the same lines give the same interval"
    narrower = accuracy(pairs * 10).cer_interval
    assert narrower.high - narrower.low < found.cer_interval.high - found.cer_interval.low


def test_a_handful_of_lines_gets_no_interval():
    found = accuracy([("a", "a")] * 4)
    assert found.line == 1
    assert found.cer_interval is None
    with pytest.raises(ValueError, match="no lines"):
        accuracy([])


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """200 sets of 60 lines, each read with probability 0.7: about 190 intervals hold 0.7."""
    random = np.random.default_rng(4)
    inside = 0
    for _ in range(200):
        read = random.random(60) < 0.7
        interval = accuracy([("a", "a" if right else "b") for right in read]).line_interval
        inside += interval.low <= 0.7 <= interval.high
    assert 180 <= inside <= 199


def test_confusions_follow_the_cheapest_alignment():
    assert align("abc", "axc") == [("a", "a"), ("b", "x"), ("c", "c")]
    assert align("abc", "ac") == [("a", "a"), ("b", ""), ("c", "c")]
    assert align("ac", "abc") == [("a", "a"), ("", "b"), ("c", "c")]
    pairs = [("O0a", "00a"), ("0O11", "0011"), ("完全不同", "abcdefg")]
    assert confusions(pairs) == [("O", "0", 2)], "the last line's alignment is chance"


def test_receipts_are_compared_in_upper_case():
    assert strict("Ａ ｂ，。") == "Ab,。"
    assert strict("Ab", upper=True) == "AB"


def test_slices_say_what_they_say():
    parts = slices({"國": "国"})
    dark = np.full((12, 60), 20, np.uint8)
    dark[4:8, 10:30] = 240
    sample = Sample(dark, "國12", "print", "zh", "key")
    member = {name for name, belongs in parts.items() if belongs(sample)}
    assert member == {
        "1 to 5 characters",
        "half or more digits",
        "lower than 16 px",
        "light on dark (by pixels)",
        "traditional characters",
    }
    assert "traditional characters" not in slices({}), "not measured without the table"


def test_published_is_what_config_lists(tmp_path):
    folder = tmp_path / "crnn"
    folder.mkdir()
    with pytest.raises(ValueError, match="publish one first"):
        published(tmp_path)
    (folder / "config.pbtxt").write_text("version_policy { specific { versions: [ 3, 1 ] } }")
    assert published(tmp_path) == [Version(folder / "1"), Version(folder / "3")]


def test_steps_collapse_as_the_client_collapses_them():
    codes = np.array([0, 65, 65, 0, 65, 66], np.int32)
    sure = np.array([0.9, 0.4, 0.8, 0.9, 0.5, 0.2], np.float32)
    found = collapse(codes, sure)
    assert found.text == "AAB"
    assert found.confidence == pytest.approx((0.8 * 0.5 * 0.2) ** (1 / 3))
    assert collapse(codes[:1], sure[:1]).text == ""


@pytest.mark.server
def precision(version) -> str:
    return json.loads(version.meta.read_text(encoding="utf-8")).get("precision", "float32")


def test_it_reads_what_the_server_and_the_client_read(maker, triton, repository):
    """Same text, same confidence: the card's figures are those of the product."""
    config = ClientConfig(ModelRouting(), TritonSettings(urls=(triton.http_url,)))
    with OCRClient(config) as client:
        for version in published(repository):
            reader = Reader(version)
            for i, kind in enumerate(KINDS):
                image, _ = maker.raw(6, i, kind)
                mine, served = (
                    reader.read(image),
                    client.recognize(image, arm=Arm(version.name, version.number)),
                )
                # Releases of ONNX Runtime round 8-bit products differently, and the server has 1.19:
                # one character of a line that is hardly readable may be another.
                edits, close = (1, 0.02) if precision(version) == "int8" else (0, 1e-3)
                assert edit_distance(mine.text, served.text) <= edits
                assert mine.confidence == pytest.approx(served.confidence, abs=close)


def test_the_command_writes_json_and_the_block(fonts_folder, maker, repository, tmp_path):
    """Real lines from a labels.tsv, made ones, the stress sets; text outside the block stays."""
    write_dataset(maker, tmp_path / "real", count=1, seed=3)
    page = tmp_path / "card.md"
    page.write_text(f"before\n{markdown.BEGIN}\nold\n{markdown.END}\nafter\n", encoding="utf-8")
    version = next(v for v in published(repository) if v.name == "crnn")
    label = f"{version.name}:{version.number}"
    arguments = ["card", "--labels", str(tmp_path / "real/labels.tsv"), "--made", "2"]
    arguments += ["--stress", "1", "--fonts", str(fonts_folder), "--repository", str(repository)]
    arguments += ["--work", str(tmp_path / "work"), "--version", label, "--write", str(page)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (version_facts,) = found["versions"]
    assert version_facts["version"] == label
    assert version_facts["ms_320_px_one_thread"] > 0
    assert version_facts["sets"]["made"]["groups"]["all"]["strict"]["n"] == 10
    assert version_facts["sets"]["real"]["groups"]["all"]["strict"]["n"] == 5
    assert "strokes hidden" in version_facts["sets"]["stress"]["groups"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{markdown.BEGIN}\n")
    assert text.endswith(f"{markdown.END}\nafter\n")
    assert version_facts["sha256"] in text
    assert "old" not in text.splitlines()


def test_a_version_that_is_not_published_is_refused(fonts_folder, repository, tmp_path):
    arguments = ["card", "--made", "0", "--stress", "0", "--fonts", str(fonts_folder)]
    arguments += ["--repository", str(repository), "--work", str(tmp_path), "--version", "crnn:99"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "crnn:99: not published" in done.output


def test_readings_of_others_are_by_image(tmp_path):
    path = tmp_path / "others.json"
    path.write_text(json.dumps([{"engine": "X 1", "readings": {"ab": ["text", 0.5]}}]))
    (engine,) = engines(path)
    assert engine.readings["ab"].text == "text"
    path.write_text("[1]")
    with pytest.raises(ValueError, match=r"benchmarks\.others"):
        engines(path)


def test_a_page_without_the_markers_is_left_alone(tmp_path):
    page = tmp_path / "card.md"
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="needs the lines"):
        markdown.replace_block(page, "x")
    assert page.read_text(encoding="utf-8") == "mine"
