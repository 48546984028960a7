"""`ocrctl rollout export`: what is in the store, in files that other programs can take."""

import csv
import datetime as dt
import io
import json
import math
import sys
import time
from pathlib import Path

import pytest
from desk import DIGEST, NOWHERE, PLAN, Desk, refused
from hypothesis import given
from hypothesis import strategies as st
from redis_server import new_redis

from ocr_client.exports import files
from ocr_client.exports.counted import epochs, outcomes, pairs
from ocr_client.exports.tables import TABLES, manual
from ocr_client.exports.written import history
from ocr_client.operations.reviewing import desk_of, feedback_box
from ocr_client.operations.setting import setting
from ocr_client.reviews.feedback import Answered
from ocr_client.reviews.samples import DisagreementSample, Line, Origin
from ocr_client.settings import CANDIDATE, STABLE
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.stores import Sample

ROOT = Path(__file__).parents[2]
WHERE = f"reviews/r1/{DIGEST[:16]}"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def desk(tmp_path):
    """A rollout in its second phase, with counts in both; those of the first in one second."""
    made, at_s = Desk(tmp_path).started(), time.time()
    made.watched(2)
    made.counted("stable", Counts.of("ok", 40.0, 900), at_s)
    made.counted("candidate", Counts.of("ok", 50.0, 198) + Counts.of("timeout", 5_000.0, 2), at_s)
    made.counted("candidate", Counts.of("draining", 0.0, 7), at_s)
    pairs_seen = Pairs(both_fine=40, candidate_only=1, equal=30, distance_milli=1_500)
    made.counted("pairs", pairs_seen, at_s)
    assert made.look().status == "waiting"
    assert made.run("approve", "--by", "ann", "--no-server-check").exit_code == 0
    made.counted("shadow", Counts.of("empty", 10.0, 3))
    return made


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def exported(desk, folder, *words):
    """By table, what a program reads from its CSV."""
    said = desk.said("export", "--out", folder, *words)
    found = {one["what"]: rows(Path(one["file"]).read_bytes().decode()) for one in said["files"]}
    assert {one["what"]: one["rows"] for one in said["files"]} == {
        what: len(table) for what, table in found.items()
    }
    return found


def test_outcomes_are_by_time_and_arm_with_where_the_rollout_stood(desk, tmp_path):
    before_s = time.time()
    found = exported(desk, tmp_path / "out")["outcomes"]
    within_s = before_s, time.time()
    at = {(row["phase"], row["role"]): row for row in found}
    assert set(at) == {("1", "stable"), ("1", "candidate"), ("2", "shadow")}
    assert list(found[0]) == [column.name for column in TABLES["outcomes"].columns]
    candidate = at["1", "candidate"]
    assert {name: candidate[name] for name in ("requests", "errors", "ok", "timeout")} == {
        "requests": "200",
        "errors": "2",
        "ok": "198",
        "timeout": "2",
    }
    assert (candidate["draining"], candidate["timed"], candidate["arm"]) == (
        "7",
        "200",
        str(CANDIDATE),
    )
    assert float(candidate["latency_p50_ms"]) == pytest.approx(50, rel=0.1)
    assert (candidate["rollout"], candidate["weight"]) == ("r1", "0.1")
    assert at["1", "stable"]["arm"] == str(STABLE)
    assert (at["2", "shadow"]["quality_faults"], at["2", "shadow"]["weight"]) == ("3", "0.5")
    start = dt.datetime.fromisoformat(candidate["start"].replace("Z", "+00:00"))
    assert (start.timestamp() % 1_000, candidate["seconds"]) == (0, "1000")
    ends_s = start.timestamp() + 1_000
    assert candidate["complete"] in {str(ends_s <= now_s).lower() for now_s in within_s}


def test_pairs_and_the_audit_log(desk, tmp_path):
    found = exported(desk, tmp_path / "out", "--what", "pairs", "--what", "audit")
    (pair,) = found["pairs"]
    assert (pair["pairs"], pair["equal"], pair["candidate_bad"]) == ("41", "30", "1")
    assert float(pair["distance_sum"]) == 1.5
    assert [(row["action"], row["who"], row["to_phase"]) for row in found["audit"]] == [
        ("start", "ann", "1"),
        ("wait", "controller", "1"),
        ("advance", "ann", "2"),
    ]
    assert (found["audit"][2]["from_weight"], found["audit"][2]["to_weight"]) == ("0.1", "0.5")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audit.csv", "pairs.csv"]


def test_whole_epochs_go_back_further_than_time_buckets(desk, tmp_path):
    """A week and more ago; a bucket of 1,000 s is gone, or was never there."""
    long_ago = time.time() - 20 * 86_400
    desk.counted("candidate", Counts.of("ok", 50.0, 5), at_s=long_ago)
    desk.store.prune(time.time())
    by_time = exported(desk, tmp_path / "out", "--what", "outcomes")["outcomes"]
    assert ("2", "candidate") not in {(row["phase"], row["role"]) for row in by_time}
    whole = exported(desk, tmp_path / "out", "--what", "outcomes", "--every", "epoch")["outcomes"]
    at = {(row["phase"], row["role"]): row for row in whole}
    assert at["2", "candidate"]["requests"] == "5"
    assert (at["2", "candidate"]["complete"], at["2", "candidate"]["seconds"]) == ("false", "")
    assert at["1", "stable"]["complete"] == "true"


def test_the_bucket_that_holds_since_is_in_it(desk, tmp_path):
    now_s = 1_800_000_500.0
    desk.counted("stable", Counts.of("ok", 40.0, 1), at_s=now_s - 1_000)
    desk.counted("stable", Counts.of("ok", 40.0, 2), at_s=now_s)
    since = dt.datetime.fromtimestamp(now_s + 400, dt.timezone.utc).isoformat()
    words = ("--what", "outcomes", "--since", since)
    (row,) = exported(desk, tmp_path / "out", *words)["outcomes"]
    assert (row["ok"], row["phase"]) == ("2", "2")


def test_reviews_have_what_was_read_and_what_was_said_of_it(desk, tmp_path):
    """No user but by a hash; a formula that somebody wrote on paper stays a text."""
    origin = Origin("q1", WHERE, "r1", 1, 1, 1, 7, "ab" * 16)
    line = Line(origin, "candidate", "crnn:3", FORMULA, 0.25, "ok").to_dict()
    pair = DisagreementSample(origin, "convnext:2", "'a'", "crnn:3", 'a\r\nb,"c"', 0.5, 2)
    soon = time.time() + 1e5
    desk.store.put_sample(Sample("q1", 10.0, soon, line))
    desk.store.put_sample(Sample("pair-q1", 20.0, soon, pair.to_dict(), kind="pair"))
    there = setting(str(desk.file), None)
    desk_of(there).review("q1", "发票", by="ann", kind="print")
    feedback_box(there).put(
        "q2", right=False, text="-12.50", user_id="+60 12 345", answered=Answered("crnn:3", "x")
    )
    by_id = {row["kind"]: row for row in exported(desk, tmp_path / "out")["reviews"]}
    assert set(by_id) == {"line", "pair", "feedback"}
    one = by_id["line"]
    assert (one["text"], one["truth"], one["right"]) == (f"'{FORMULA}", "发票", "false")
    assert (one["status"], one["reviewer"], one["line_kind"]) == ("done", "ann", "print")
    assert (one["at"], one["user"], one["bucket"]) == ("1970-01-01T00:00:10.000Z", "ab" * 16, "7")
    two = by_id["pair"]
    assert (two["stable_text"], two["candidate_text"]) == ("''a'", 'a\r\nb,"c"')
    assert (two["status"], two["distance"], two["reviewed_at"]) == ("open", "0.5", "")
    said = by_id["feedback"]
    assert (said["status"], said["right"], said["truth"]) == ("said", "false", "'-12.50")
    assert len(said["user"]) == 32
    assert "345" not in (tmp_path / "out/reviews.csv").read_text("utf-8")


def test_a_review_that_was_done_since_is_in_it_however_old_its_sample(desk, tmp_path):
    origin = Origin("q1", WHERE, "r1", 1, 1, 1, 7, None)
    for name in ("q1", "q2"):
        line = Line(origin, "stable", "convnext:2", "a", 0.25, "ok").to_dict()
        desk.store.put_sample(Sample(name, 10.0, time.time() + 1e5, line))
    desk_of(setting(str(desk.file), None)).review("q1", "a", by="ann")
    desk.store.put_sample(Sample("old", time.time(), time.time() - 1, line))
    words = ("--what", "reviews", "--since", "2020-01-01")
    (row,) = exported(desk, tmp_path / "out", *words)["reviews"]
    assert (row["id"], row["right"]) == ("q1", "true")


@given(st.text(max_size=20))
def test_any_text_comes_back_from_a_csv_and_none_is_a_formula(text):
    """Halves of characters alone are written as an escape: no file can hold them."""
    table = TABLES["reviews"]
    content = files.as_csv(table, [{"id": "1", "text": text}])
    (row,) = rows(content.decode())
    cell = row["text"]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    kept = text.encode("utf-8", "backslashreplace").decode()
    assert cell.removeprefix("'") == kept


def test_parquet_has_exact_values_types_and_what_they_mean(desk, tmp_path):
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    origin = Origin("q1", WHERE, "r1", 1, 1, 1, 7, None)
    line = Line(origin, "stable", "convnext:2", FORMULA, 0.1, "ok").to_dict()
    desk.store.put_sample(Sample("q1", 10.5, time.time() + 1e5, line))
    desk.said("export", "--out", tmp_path / "out", "--format", "parquet")
    for what, table in TABLES.items():
        found = parquet.read_table(tmp_path / "out" / f"{what}.parquet")
        assert found.column_names == [column.name for column in table.columns]
        assert found.schema.metadata[b"ocr-rollout"] == f"{what} 1".encode()
        for column in table.columns:
            assert found.schema.field(column.name).metadata == {b"what": column.what.encode()}
    (row,) = parquet.read_table(tmp_path / "out/reviews.parquet").to_pylist()
    assert (row["text"], row["confidence"], row["reviewed_at"]) == (FORMULA, 0.1, None)
    assert row["at"] == dt.datetime(1970, 1, 1, 0, 0, 10, 500_000, dt.timezone.utc)
    counted = parquet.read_table(tmp_path / "out/outcomes.parquet").to_pylist()
    assert sum(row["requests"] for row in counted) == 1_103
    assert {type(row["complete"]) for row in counted} == {bool}


def test_without_the_extra_it_is_said_and_nothing_is_written(desk, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = tmp_path / "out"
    refused(desk.run("export", "--out", out, "--format", "parquet"), "'ocr-rollout[parquet]'")
    assert not out.exists()


def test_a_file_is_replaced_whole_or_stays(desk, tmp_path, monkeypatch):
    out = tmp_path / "out"
    exported(desk, out)
    before = (out / "audit.csv").read_bytes()
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space")))
    refused(desk.run("export", "--out", out, "--what", "audit"), "no space; name another folder")
    assert (out / "audit.csv").read_bytes() == before
    assert all(not path.name.startswith(".") for path in out.iterdir())


MISTAKES = [
    # words -> what is said
    (("--what", "texts"), "--what: 'texts' is not one of outcomes, pairs, reviews, audit"),
    (("--format", "xlsx"), "--format: 'xlsx' is not one of csv, parquet"),
    (("--every", "60"), "--every: '60' is not one of 1, 10, 100, 1000, 10000, epoch"),
    (("--since", "Monday"), "--since: 'Monday' is not a date"),
    (("--config", "nothing.yaml"), "nothing.yaml"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_one_line(desk, tmp_path, words, said):
    refused(desk.run("export", "--out", tmp_path / "out", *words), said)
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_no_folder_is_one_line(desk, tmp_path):
    (tmp_path / "out").write_text("a file")
    refused(desk.run("export", "--out", tmp_path / "out"), "name another folder with --out")


def test_before_anything_began_the_tables_are_empty_and_no_store_is_made(tmp_path):
    desk = Desk(tmp_path, PLAN)
    found = exported(desk, tmp_path / "out")
    assert found == {what: [] for what in TABLES}
    assert (tmp_path / "out/outcomes.csv").read_text("utf-8").startswith("rollout,epoch,phase,")
    assert not desk.db.exists()


def test_a_redis_store_says_the_same(desk, tmp_path):
    """All that is read goes by the stores' protocol."""
    for server in new_redis(tmp_path):
        text = desk.file.read_text("utf-8")
        folder = tmp_path / "redis"
        folder.mkdir()
        other = Desk(
            folder,
            f"{text}\nstore: {{url: '{server.url}'}}\n".replace(
                f"triton: {{urls: ['{NOWHERE}'], metrics_urls: ['{NOWHERE}']}}\n", ""
            ),
        )
        other.started().counted("candidate", Counts.of("ok", 50.0, 5))
        store, now_s = other.store, time.time()
        of = epochs(history(store), other.state)
        for every in (1, 100, 10_000, "epoch"):
            (row,) = outcomes(store, of, every=every, since_s=-math.inf, now_s=now_s)
            assert (row["requests"], row["role"], row["phase"]) == (5, "candidate", 1)
            assert not list(pairs(store, of, every=every, since_s=0.0, now_s=now_s))
        store.close()


def test_the_manual_names_every_column():
    text = (ROOT / "docs/export.md").read_text("utf-8")
    assert text.endswith(manual())
    names = [column.name for table in TABLES.values() for column in table.columns]
    assert len(names) > 70
    for table in TABLES.values():
        assert len({column.name for column in table.columns}) == len(table.columns)
        assert {*table.key} <= {column.name for column in table.columns}
    json.dumps(names)
