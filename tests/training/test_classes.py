"""Which characters are not read: every one is printed as often, and told by what it was read as."""

import collections
import json
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")
pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from typer.testing import CliRunner

from ocr_export import alphabet
from ocr_training.card import classes
from ocr_training.card.reader import Reader, published
from ocr_training.cli import app
from ocr_training.lines import KINDS, LineMaker

REPOSITORY = Path(__file__).parents[2] / "model_repository"


def test_a_line_says_what_it_said_before_it_was_made(fonts_folder):
    maker = LineMaker(fonts_folder)
    lines = [maker.make(4, index) for index in range(40)]
    assert [maker.text(4, index) for index in range(40)] == [line.text for line in lines]
    assert {line.kind for line in lines} == set(KINDS)


def test_every_character_is_printed_as_often_in_other_company():
    wanted = classes.distinct(alphabet.characters())
    assert "題" in wanted
    assert not set(" ＋…①") & set(wanted), "NFKC makes others of them"
    found = classes.texts(wanted, 3)
    assert set(collections.Counter("".join(found)).values()) == {3}
    assert max(map(len, found)) == classes.TOGETHER
    assert len(set(found)) == len(found)


def test_characters_are_told_by_what_they_were_read_as():
    pairs = [("天地人", "天地人"), ("人天", "入天"), ("地", ""), ("人", "入"), ("人", "八")]
    sky, earth, human, unseen = classes.tell("天地人和", collections.Counter("天天地"), pairs)
    assert sky == classes.Shown("天", shown=2, printed=2, read=2, taken_for="")
    assert earth == classes.Shown("地", shown=1, printed=2, read=1, taken_for="")
    assert human == classes.Shown("人", shown=0, printed=4, read=1, taken_for="入")
    assert unseen.printed == 0

    told = classes.render([sky, earth, human, unseen], "crnn:4", 500).splitlines()
    assert told[0].startswith("crnn:4 reads 0.500 of 3 characters")
    assert told[3].split() == ["0", "to", "9", "3", "0.500", "0"]
    never = classes.Shown("未", shown=1, printed=3, read=0, taken_for="末")
    assert classes.render([sky, never], "crnn:4", 500).endswith("未→末")


def test_a_version_reads_what_is_printed(fonts_folder):
    (version,) = published(REPOSITORY, {"crnn:4"})
    maker = LineMaker(fonts_folder, held_out=True)
    pairs = classes.readings(maker, Reader(version), ["天地人和中国"] * 8)
    found = classes.tell("天地人和中国", classes.shown(maker, 20), pairs)
    assert [one.printed for one in found] == [8] * 6
    assert sum(one.read for one in found) > 40


def test_the_command_names_what_is_published(fonts_folder, monkeypatch):
    monkeypatch.setattr(classes, "distinct", lambda _: "天地人和中国")
    asked = ["classes", "crnn:4", "--fonts", str(fonts_folder), "--repository", str(REPOSITORY)]
    done = CliRunner().invoke(app, [*asked, "--lines", "30", "--times", "2", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["character"] for one in found] == list("天地人和中国")
    assert {one["printed"] for one in found} == {2}
    asked[1] = "crnn:99"
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: crnn:99: not published in")
    assert "crnn:4" in done.stderr
