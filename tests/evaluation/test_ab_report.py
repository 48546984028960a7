"""The report's files: whole, and never markup or columns of a text's own making."""

import csv
import json

from made_readings import LOST, answer, read

from ocr_evaluation.ab_report import markdown, readings, write
from ocr_evaluation.labels import Line
from ocr_evaluation.reading import Read
from ocr_evaluation.words import Wording


def test_the_files_are_the_test(tested, tmp_path):
    test = tested([read("发票", "发票", "发栗")] * 6)
    written = write(test, tmp_path / "new/folder")
    assert [path.name for path in written] == ["report.json", "report.md", "readings.tsv"]
    assert json.loads(written[0].read_text(encoding="utf-8")) == json.loads(
        json.dumps(test.to_json())
    )
    assert written[1].read_text(encoding="utf-8") == markdown(test)
    assert write(test, tmp_path / "new/folder") == written, "written over"


def test_the_page_says_first_what_can_be_said_and_what_is_missing(tested):
    rows = [read("ab", "ab", "ab")] * 8 + [read("cd", "cd", None, category="sign")]
    page = markdown(tested(rows, unread=3, problems=[("duplicate", "row 9: a.png has a row")]))
    start = page.split("## Accuracy")[0]
    for words in (
        "# A/B test: old:1 and new:2",
        "cannot be told at n = 8",
        "PARTIAL: stopped after 9 of 12 lines",
        "1 of 9 lines were not read by every arm and are in no figure; failed: old:1 0, new:2 1",
        "1 rows that name an image again",
        "category sign: none of 1 lines was read by every arm",
        "NFKC, spaces removed, case kept",
    ):
        assert words in start, words
    assert "- row 9: a.png has a row" in page
    assert "- a.png: new:2: the connection broke" in page


def test_every_table_row_has_the_columns_of_its_head(tested):
    rows = [read("a|b", "a|b", "a|b", category="p|q*", slices=("x|y",))] * 6
    page = markdown(tested([*rows, read("a", None, None, category="none")]))
    tables = [part.splitlines() for part in page.split("\n\n") if part.startswith("| ")]
    assert len(tables) >= 7
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1, table
    assert "p\\|q\\*" in page


def test_readings_are_a_row_for_each_line_and_arm(tested):
    line = Line("a.png", "TOTAL\u30001", "receipt")
    rows = [Read(line, (answer("Total\t1", confidence=0.5, time_ms=7.125), LOST))]
    text = readings(tested(rows, wording=Wording(frozenset({"receipt"}))))
    one, other = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    assert one == {
        "file": "a.png",
        "category": "receipt",
        "arm": "old:1",
        "text": "TOTAL\u30001",
        "reading": "Total 1",
        "edits": "0",
        "right": "1",
        "confidence": "0.5000",
        "check": "ok",
        "time_ms": "7.12",
        "error": "",
    }
    assert (other["arm"], other["right"], other["error"]) == ("new:2", "", LOST.error)
