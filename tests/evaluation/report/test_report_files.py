"""The report's files: one page that needs nothing, texts that stay texts, all files or none."""

import html.parser
import json
import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from desk import refused
from gate import DISPUTES, Gate, as_json

from ocr_evaluation.report import files
from ocr_evaluation.report.files import write_together
from ocr_evaluation.report.words import LANGUAGES

VOID = {"meta", "img", "br"}
EVIL = "<script>alert(1)</script>&\"'\x00\u202e\ud800`|*"


class Outline(html.parser.HTMLParser):
    """Every tag with its attributes, and that all of them are closed."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self._open = [], [], []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def written(full_gate, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "report"
    run = full_gate.run("report", "--out", out)
    assert run.exit_code == 0, run.stderr
    assert run.stdout.endswith(f"written: {out / 'report.html'}\n")
    return out


@pytest.fixture(scope="module")
def page(written):
    return (written / "report.html").read_text(encoding="utf-8")


def test_one_page_that_needs_nothing_from_anywhere(page):
    """No script and no address but pictures within it; ids meet only what they name."""
    found = Outline(page)
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "link", "iframe", "object", "a"})
    assert len(found.of("svg")) == 7
    pictures = found.of("img")
    assert len(pictures) == sum(place is not None for place, *_ in DISPUTES)
    assert all(one["src"].startswith("data:image/png;base64,") for one in pictures)
    assert all(one["alt"] for one in pictures)
    assert len(found.ids) == len(set(found.ids))
    named = re.findall(r'(?:url\(#|href="#)([^")]+)', page)
    assert named
    assert set(named) <= set(found.ids)
    policies = [one["content"] for one in found.of("meta") if "http-equiv" in one]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_the_first_thing_is_what_is_asked_and_what_speaks_against_it(page):
    order = [
        page.index(words)
        for words in (
            "Gate 2 of 3: shall crnn:3 go from 30\u00a0% to 98\u00a0% of the traffic?",
            "The figures support going on, with open points",
            "What speaks against it",
            "What is not known",
            "What speaks for it",
            "Do people find its texts right?",
            "worst disagreements",
            "What changed since the last gate",
            "What the judge says, rule by rule",
            "How sure can one be at this n?",
        )
    ]
    assert order == sorted(order)
    assert "NOT KNOWN" not in page


def test_edits_are_marked_in_both_texts(page):
    assert "<bdi>模型版<mark>木</mark>切换不停机</bdi>" in page
    assert "<bdi>第二季度销售额增长12<ins>.</ins>5%</bdi>" in page
    assert "<bdi><del>欢</del>迎光<mark>临</mark></bdi>" in page
    assert "<em>(no text)</em>" in page
    assert "<bdi>木 → 本</bdi>" in page


def test_the_same_things_stand_in_all_three_files(written, page):
    document, text = as_json(written), (written / "report.md").read_text(encoding="utf-8")
    assert document["decision"]["recommendation"] == "go"
    for point in document["decision"]["points"]:
        assert point["said"].split("(")[0].split("<")[0] in page.replace("&#x27;", "'")
    assert "模型版{木}切换不停机" in text
    assert text.startswith("# Gate report: r1\n")
    assert document["power"]["surely"] < 0.10
    assert {"status", "curves", "evidence", "since", "disagreements", "calibration"} <= set(
        document
    )


def test_every_table_of_the_markdown_is_whole(written):
    text = (written / "report.md").read_text(encoding="utf-8")
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("| ")]
    assert len(tables) >= 6
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1, table


def test_files_are_for_their_owner_alone(written):
    assert {path.stat().st_mode & 0o777 for path in written.iterdir()} == {0o600}
    assert sorted(path.name for path in written.iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]


def test_nothing_known_is_loud_everywhere(tmp_path):
    gate = Gate(tmp_path).started()
    assert gate.run("report", "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    Outline(page)
    assert page.count("NOT KNOWN") >= 9
    assert "NOBODY HAS CHECKED A TEXT" in page
    assert "NOTHING WAS COUNTED" in page
    assert "<svg" not in page
    assert "It holds no text and no picture of a user." in page
    assert "**NOT KNOWN" in (tmp_path / "out/report.md").read_text(encoding="utf-8")


def test_texts_names_and_notes_are_never_markup(tmp_path):
    gate = Gate(tmp_path).started()
    gate.pair(EVIL, f"{EVIL}<img src=x onerror=alert(2)>", image=b"<svg onload=alert(3)>")
    gate.run("pause", "--by", "<b>ann</b>", "--reason", "<i>|`why`*</i> <!--")
    gate.run("resume", "--by", "ann")
    run = gate.run("report", "--out", tmp_path / "out")
    assert run.exit_code == 0, run.stderr
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    found = Outline(page)
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "img", "i"})
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;ann" in page
    assert "<ins>&lt;img src=x onerror=alert(2)&gt;</ins>" in page
    assert "\u2400" in page, "a control character is shown"
    assert "no picture was kept" in page
    text = (tmp_path / "out/report.md").read_text(encoding="utf-8")
    assert "\\<script\\>" in text
    assert "\\<b\\>ann" in text


def test_an_ab_test_is_shown_with_it_and_its_kinds_in_chinese(full_gate, ab_folder, tmp_path):
    run = full_gate.run("report", "--ab", ab_folder, "--out", tmp_path / "out", "--lang", "zh")
    assert run.exit_code == 0, run.stderr
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert re.search(r"<text[^>]*>街道 \$1 招牌 \$2</text>", drawn), "as text, in whatever font"
    assert "整行正确" in drawn
    assert '<html lang="zh-CN">' in page
    assert "标注图片上的 A/B 测试" in page
    found = as_json(tmp_path / "out")["ab"]
    assert (found["status"], found["all"]["n"]) == ("PASS", 60)
    assert [kind["n"] for kind in found["kinds"]] == [20, 20, 20]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document.update(arms=["convnext:2", "crnn:2"]), "compares convnext:2"),
        (lambda document: document["groups"][0].pop("differences"), "is no report of"),
        (lambda document: document["groups"][0].update(n="many"), "is no report of"),
        (lambda document: document.clear(), "is no report of"),
    ],
)
def test_another_ab_test_is_refused(full_gate, ab_folder, tmp_path, change, words):
    file = ab_folder / "report.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    change(document)
    file.write_text(json.dumps(document), encoding="utf-8")
    refused(full_gate.run("report", "--ab", file, "--out", tmp_path / "out"), words)
    assert not (tmp_path / "out").exists()


def test_an_ab_test_that_is_not_there_is_refused(full_gate, tmp_path):
    refused(full_gate.run("report", "--ab", tmp_path, "--json"), "ocrctl ab-test DATASET --arms")
    (tmp_path / "report.json").write_text("{")
    refused(full_gate.run("report", "--ab", tmp_path, "--json"), "is no JSON")


def test_without_texts_of_users_on_request(full_gate, tmp_path):
    run = full_gate.run("report", "--disagreements", "0", "--out", tmp_path / "out")
    assert run.exit_code == 0
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "模型" not in page
    assert f"Left out, as ordered (--disagreements 0); {len(DISPUTES)} are kept." in page


def test_twenty_large_pictures_stay_below_two_megabytes(tmp_path):
    """Of noise, which no format makes small, and of the longest texts that are marked."""
    gate = Gate(tmp_path).started()
    chance = np.random.default_rng(0)
    for k in range(21):
        noise = cv2.imencode(".png", chance.integers(0, 256, (200, 900), np.uint8))[1].tobytes()
        gate.pair(f"{k:02}" + "发" * 398, f"{k:02}" + "票发" * 199, image=noise)
    run = gate.run("report", "--out", tmp_path / "out")
    assert run.exit_code == 0, run.stderr
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 20
    assert len(page.encode()) < 2_000_000


def test_an_unknown_language_is_wrong_usage(full_gate):
    run = full_gate.run("report", "--lang", "fr")
    assert (run.exit_code, "accepted: en, zh" in run.stderr) == (2, True)


def test_all_languages_say_the_same_things():
    english, chinese = LANGUAGES["en"], LANGUAGES["zh"]
    named = {key for key in chinese if key.startswith("kind.")}  # English kinds name themselves
    assert set(english) - named == set(chinese) - named
    for key in english:
        assert set(re.findall(r"{(\w+)", english[key])) == set(re.findall(r"{(\w+)", chinese[key]))


def test_json_alone_writes_nothing_and_needs_no_matplotlib(full_gate, tmp_path):
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from ocr_client.cli.app import main; main()\n"
    )
    command = [sys.executable, "-c", script, "rollout", "report", "--config", str(full_gate.file)]
    run = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert json.loads(run.stdout)["decision"]["recommendation"] == "go"
    assert list(tmp_path.iterdir()) == []
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    assert "a report needs the extra [plot]: pip install 'ocr-rollout[plot]'" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_reading_changes_nothing(full_gate, tmp_path):
    before = full_gate.state, full_gate.history()
    assert full_gate.run("report", "--out", tmp_path / "out").exit_code == 0
    assert (full_gate.state, full_gate.history()) == before


def test_a_folder_that_is_none_is_refused_before_the_work(full_gate, tmp_path):
    (tmp_path / "file").write_text("here")
    refused(full_gate.run("report", "--out", tmp_path / "file/out"), "not a directory")
    (tmp_path / "out/report.html").mkdir(parents=True)
    refused(full_gate.run("report", "--out", tmp_path / "out"), "is a directory")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


OLD = {"a.md": "old a", "b.json": "old b"}
NEW = {"a.md": "new a", "b.json": "new b", "c.html": "new c"}


@pytest.mark.parametrize("fails", range(len(NEW)))
@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt()])
def test_all_files_are_replaced_or_none(tmp_path, monkeypatch, fails, error):
    """Whatever goes wrong at whichever of them; nothing is left over."""
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    real, seen = files.Path.replace, []

    def replace(path, target):
        if path.parent.name == "new":
            seen.append(path)
            if len(seen) == fails + 1:
                raise error
        return real(path, target)

    monkeypatch.setattr(files.Path, "replace", replace)
    with pytest.raises(type(error)):
        write_together(tmp_path, NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == OLD


def test_a_full_disk_replaces_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("old a")

    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_together(tmp_path, NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.md": "old a"}
    monkeypatch.undo()
    write_together(tmp_path, NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == NEW
