"""`ocrctl rollout review`, and what `status` and the gate say of reviews."""

import json
import time

import pytest
from desk import DIGEST, Desk, refused
from typer.testing import CliRunner

from ocr_client.cli.rollout import app
from ocr_client.operations.reviewing import desk_of, feedback_box
from ocr_client.operations.setting import setting
from ocr_client.reviews.people import user_hash
from ocr_client.reviews.samples import DisagreementSample, Line, Origin
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.stores import Sample

PLAN = """
rollout:
  id: r1
  limits:
    review: {{min_reviewed: 4, margin: 0.1, binding: {binding}}}
  phases:
    - {{share: 0.1, min_dwell: 0, min_samples: 100}}
    - {{share: 0.5, min_dwell: 0, min_samples: 100}}
"""
WHERE = f"reviews/r1/{DIGEST[:16]}"
PICTURE = b"\x89PNG not really"


class Reviewing(Desk):
    """An operator's desk with samples."""

    def review(self, *words):
        where = ["--config", str(self.file)]
        return CliRunner().invoke(app, ["review", words[0], *map(str, words[1:]), *where])

    @property
    def people(self):
        return desk_of(setting(str(self.file), None))

    def line(self, name, role="candidate", text="hello", *, at_s=None, user=None, image=None):
        origin = Origin(name, WHERE, "r1", 1, 1, 1, 7, user)
        document = Line(origin, role, "crnn:2", text, 0.9, "ok").to_dict()
        at_s = time.time() if at_s is None else at_s
        assert self.store.put_sample(Sample(name, at_s, at_s + 1e7, document, image=image))

    def pair(self, name, stable="right", candidate="wrong"):
        origin = Origin(name, WHERE, "r1", 1, 1, 1, 7, None)
        document = DisagreementSample(origin, "convnext:2", stable, "crnn:2", candidate, 0.8, 4)
        at_s = time.time()
        sample = Sample(f"pair-{name}", at_s, at_s + 1e7, document.to_dict(), kind="pair")
        assert self.store.put_sample(sample)

    def reviewed(self, right, wrong, role="candidate", kind="print"):
        for k in range(right + wrong):
            name = f"{role}-{kind}-{k}"
            self.line(name, role)
            self.people.review(name, "hello" if k < right else "yellow", by="ann", kind=kind)


@pytest.fixture
def desk(tmp_path):
    return Reviewing(tmp_path, PLAN.format(binding="false")).started()


@pytest.fixture
def strict(tmp_path):
    return Reviewing(tmp_path, PLAN.format(binding="true")).started()


def test_nothing_put_aside(desk):
    result = desk.review("list")
    assert (result.exit_code, "nothing is put aside" in result.stdout) == (0, True)
    assert desk.review("list", "--json").stdout == ""
    assert json.loads(desk.review("delete", "--all", "--by", "ann", "--json").stdout) == {
        "deleted": 0
    }


def test_the_list_shows_lines_pairs_and_feedback(desk):
    """The newest first, with what was said, and nothing of a text is markup."""
    desk.line("s1", text="[red]合计[/red]", at_s=1e9, user="ab" * 16)
    desk.pair("p1")
    desk.people.review("s1", "合计", by="ann", kind="print")
    feedback_box(setting(str(desk.file), None)).put("q1", right=False, text="mended")
    shown = desk.review("list").stdout
    for part in ("[red]合计[/red]", "合计 (print, by ann)", "right / wrong", "wrong: mended"):
        assert part in shown
    assert "ab" * 16 in shown
    found = [json.loads(line) for line in desk.review("list", "--json").stdout.splitlines()]
    assert [sample["kind"] for sample in found] == ["feedback", "pair", "line"]
    assert found[2]["review"]["truth"] == "合计"
    assert len(desk.review("list", "--json", "--limit", 1).stdout.splitlines()) == 1


def test_what_was_reviewed_is_exported_with_its_images(desk, tmp_path):
    desk.line("../../s1", image=PICTURE)
    desk.line("s2")
    desk.line("s3")
    desk.people.confirm("../../s1", by="ann")
    desk.people.review("s2", "other", by="ann", kind="scan")
    folder = tmp_path / "out"
    result = desk.review("export", folder)
    assert result.stdout.strip() == f"{folder}: 2 reviews, 1 images"
    lines = [
        json.loads(line) for line in (folder / "reviews.jsonl").read_text("utf-8").split("\n")[:-1]
    ]
    by_id = {line["id"]: line for line in lines}
    assert set(by_id) == {"../../s1", "s2"}
    assert (folder / by_id["../../s1"]["image"]).read_bytes() == PICTURE
    assert by_id["s2"]["image"] is None
    assert by_id["s2"]["review"]["truth"] == "other"
    refused(desk.review("export", folder), "is not empty")


def test_deleting_by_user_by_date_and_all(desk):
    """Who did it, and how many, stands in the audit log; whose they were does not."""
    desk.line("old", at_s=1e9, user=user_hash("u1"))
    desk.line("a", user=user_hash("u1"), image=PICTURE)
    desk.line("b", user=user_hash("u2"))
    desk.line("c")
    assert desk.review("delete", "--before", "2020-01-01", "--by", "ann").stdout == "1 deleted\n"
    assert desk.review("delete", "--user-id", "u1", "--by", "ann").stdout == "1 deleted\n"
    assert desk.store.sample_image("a") is None
    assert desk.review("delete", "--user", user_hash("u2"), "--by", "bo").stdout == "1 deleted\n"
    assert desk.review("delete", "--all", "--by", "bo").stdout == "1 deleted\n"
    told = [(line["who"], line["why"]) for line in desk.history()[-3:]]
    assert told == [
        ("ann", "1 samples for review of one user"),
        ("bo", "1 samples for review of one user"),
        ("bo", "1 samples for review"),
    ]
    assert user_hash("u1") not in json.dumps(desk.history())
    assert desk.run("history").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what to delete"),
        (["--before", "yesterday"], "--before: 'yesterday' is not a date; write 2026-05-04"),
        (["--all", "--user", "x"], "--all goes with nothing else"),
        (["--user", "x", "--user-id", "y"], "give one of them"),
    ],
)
def test_a_delete_that_says_nothing_clear_deletes_nothing(desk, words, said):
    desk.line("s1")
    refused(desk.review("delete", *words, "--by", "ann"), said)
    assert desk.store.sample("s1") is not None


def proved(desk):
    """All that the phase needs, but for reviews."""
    desk.watched(1)
    desk.counted("stable", Counts.of("ok", 40.0, 900))
    desk.counted("candidate", Counts.of("ok", 50.0, 200))


def test_status_shows_what_is_missing_and_then_what_was_found(desk):
    proved(desk)
    assert "review: 0 of 4 lines are reviewed" in desk.run("status").stdout
    assert "nobody has reviewed a line of this rollout yet" in desk.run("status").stdout
    assert desk.look().status == "running"
    desk.reviewed(3, 1, "candidate")
    desk.reviewed(4, 0, "stable")
    desk.reviewed(1, 0, "stable", kind="scan")
    shown = desk.run("status").stdout
    assert "75.0% (30.1% to 95.4%), n 4" in shown
    assert "scan: lines right" in shown
    said = desk.said("status")
    assert said["review"]["candidate"]["lines_right"]["value"] == 0.75
    assert said["review"]["kinds"]["scan"]["stable"]["lines_right"]["n"] == 1
    assert said["missing"] == []
    (verdict,) = (found for found in said["verdicts"] if found["rule"] == "review")
    assert verdict["status"] == "INCONCLUSIVE"
    assert verdict["samples"] == 4
    assert desk.look().status == "waiting"


def test_disputes_and_feedback_are_shown_apart(desk):
    desk.counted("pairs", Pairs(both_fine=400, equal=380))
    for k in range(6):
        desk.pair(f"p{k}")
        desk.people.review(f"pair-p{k}", "right", by="ann", kind="sign")
    feedback_box(setting(str(desk.file), None)).put("q1", right=False)
    shown = desk.run("status").stdout
    assert "of 6 disputes stable alone was right in 6, the candidate alone in 0" in shown
    assert "users said, unasked: unsaid 1 wrong, 0 right" in shown
    paired = desk.said("status")["review"]["paired_difference"]
    assert paired["value"] == pytest.approx(-0.05)
    assert paired["high"] < 0


def test_a_binding_review_takes_the_candidate_back(strict):
    """Any client process that looks does it, whoever reviewed; and the reason is in the log."""
    proved(strict)
    strict.reviewed(60, 0, "stable")
    assert strict.look().status == "running"
    strict.reviewed(10, 50, "candidate")
    assert strict.look().status == "rolled_back"
    assert strict.history()[-1]["rule"] == "review"
    assert "60 of 60 lines right; candidate 10 of 60" in strict.history()[-1]["why"]


def test_what_was_found_stays_for_the_next_phase(desk):
    """People's time is dear; the weights are the same."""
    proved(desk)
    desk.reviewed(4, 0, "candidate")
    desk.reviewed(4, 0, "stable")
    assert desk.look().status == "waiting"
    assert desk.run("approve", "--by", "ann", "--no-server-check").exit_code == 0
    assert desk.said("status")["phase"] == 2
    assert desk.said("status")["review"]["reviewed"] == 8


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    """Looking makes no file that then belongs to who looked."""
    desk = Reviewing(tmp_path, PLAN.format(binding="false"))
    assert desk.review("list").exit_code == 0
    assert desk.review("delete", "--all", "--by", "ann").exit_code == 0
    assert not desk.db.exists()


def test_the_plan_says_what_reviewers_are_asked(strict):
    shown = strict.run("plan").stdout
    assert "4 lines before a phase is left; taken back where fewer" in shown
    strict.file.write_text(PLAN.format(binding="false"))
    assert "people are told" in strict.run("plan").stdout
    strict.file.write_text("rollout: {id: r1}")
    assert "reviewers" not in strict.run("plan").stdout
