"""`/api/rollout`: what it shows and what it orders, over real HTTP and a real SQLite store."""

import json
import sqlite3
import time

import pytest
from desk import PLAN, Desk
from rollout_service import is_problem, serving

from ocr_client.settings import CANDIDATE, STABLE
from ocr_rollout.core import commands
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.stores import LogEntry

PEN = "<img src=x onerror=alert(1)> 李伟 & \"'"


@pytest.fixture
def desk(tmp_path):
    """A rollout under way, in phase 1."""
    return Desk(tmp_path).started()


@pytest.fixture
def running(desk):
    with serving(desk.file) as running:
        yield running


@pytest.fixture
def ann(running):
    with running.caller() as caller:
        yield caller


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """One for all that is refused: its rollout stays as it is."""
    desk = Desk(tmp_path_factory.mktemp("strict")).started()
    with serving(desk.file) as running, running.caller() as caller:
        yield caller
    assert (desk.state.status, len(desk.history())) == ("running", 1)


def status(caller):
    answer = caller.get("/api/rollout")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_status_is_what_the_command_line_prints(desk, ann):
    desk.counted("stable", Counts.of("ok", 40.0, 900))
    desk.counted("candidate", Counts.of("ok", 50.0, 90) + Counts.of("timeout", 5e3, 3))
    moving = {"at_s", "in_phase_s", "server"}

    def still(document):
        return {k: v for k, v in document.items() if k not in moving}

    for _ in range(50):  # the service counts as well: until it did nothing meanwhile
        before, shown, said = desk.said("status"), status(ann), desk.said("status")
        if still(before) == still(said):
            break
    assert shown.pop("success") is True
    assert set(shown) == set(said)
    assert still(shown) == still(said)
    assert (shown["arms"]["candidate"]["requests"], shown["weight_bp"]) == (93, 1_000)
    assert ann.get("/api/rollout").headers["cache-control"] == "no-store"


def test_a_gate_is_approved_by_name(desk, ann):
    desk.waiting()
    done = ann.done(
        "approve", by="Li Wei", note="200 read", expect_generation=status(ann)["generation"]
    )
    assert (done["state"]["status"], done["state"]["phase"]) == ("running", 1)
    assert "whether the arms are ready is not known" in done["warnings"][0]  # there is no Triton
    assert desk.state.weight_bp == 5_000
    last = desk.history()[-1]
    assert (last["who"], last["action"], last["why"]) == ("Li Wei", "advance", "200 read")
    assert done["audit"] == last


def test_two_approvals_of_one_gate_open_one(desk, ann):
    """The second person has looked at what is no longer so."""
    desk.waiting()
    seen = desk.state.generation
    ann.done("approve", by="ann", expect_generation=seen)
    before = desk.state
    said = is_problem(ann.order("approve", by="bob", expect_generation=seen), 409, "stale")
    assert "since you looked it went to running, phase 2, 50 %" in said
    assert desk.state == before


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("approve", {}),
        ("resume", {}),
        ("set-weight", {"weight": 0.05}),
        ("pause", {}),
        ("rollback", {"reason": "bad"}),
    ],
)
def test_no_order_is_carried_out_on_what_nobody_has_seen(desk, ann, verb, body):
    before = desk.state, desk.history()
    for generation in (0, desk.state.generation - 1, desk.state.generation + 1):
        answer = ann.order(verb, by="ann", expect_generation=generation, **body)
        is_problem(answer, 409, "stale")
    assert (desk.state, desk.history()) == before


@pytest.mark.parametrize("verb", ["approve", "resume", "set-weight"])
def test_who_gives_the_candidate_more_says_what_was_seen(desk, ann, verb):
    """Stopping asks for no such thing."""
    body = {"weight": 0.05} if verb == "set-weight" else {}
    answer = ann.order(verb, by="ann", **body)
    assert "expect_generation" in is_problem(answer, 422, "invalid")


def test_a_rollback_needs_nothing_but_a_name_and_a_reason(desk, ann):
    """Whatever the rollout did since somebody looked."""
    desk.change(lambda state: commands.pause(state, by="bob", at_s=time.time()))
    done = ann.done("rollback", by="ann", reason="wrong dates")
    assert (done["state"]["status"], done["state"]["weight_bp"]) == ("rolled_back", 0)
    assert desk.state.tombstones[0].reason == "wrong dates"
    assert desk.history()[-1]["who"] == "ann"
    said = is_problem(ann.order("rollback", by="ann", reason="again"), 409, "refused")
    assert said == "there is nothing to roll back: the rollout is rolled back"


def test_a_pause_a_resumption_and_a_share_by_hand(desk, ann):
    assert ann.done("pause", by="ann", reason="weekend")["state"]["status"] == "paused"
    done = ann.done("resume", by="ann", reason="monday", expect_generation=2)
    assert done["state"]["status"] == "running"
    done = ann.done("set-weight", by="ann", weight=0.055, expect_generation=3, note="fewer")
    assert (done["state"]["weight_bp"], done["state"]["by_hand"]) == (550, True)
    assert [(e["who"], e["action"], e["why"]) for e in desk.history()[1:]] == [
        ("ann", "pause", "weekend"),
        ("ann", "resume", "monday"),
        ("ann", "set-weight", "fewer"),
    ]


def test_a_share_beyond_the_blast_radius_is_refused(desk, ann):
    answer = ann.order("set-weight", by="ann", weight=0.9, expect_generation=1)
    assert "at most 0.3" in is_problem(answer, 409, "refused")
    assert desk.state.weight_bp == 1_000


@pytest.mark.parametrize(
    "weight", ["0.2", True, None, -0.1, 1.1, 0.00001, 1e400, [0.2], {"a": 1}], ids=repr
)
def test_a_share_that_is_none_is_refused(strict, weight):
    number = json.dumps(weight)  # infinity as Infinity, which is no JSON
    body = f'{{"by": "ann", "expect_generation": 1, "weight": {number}}}'
    answer = strict.post(
        "/api/rollout/set-weight", content=body, headers={"Content-Type": "application/json"}
    )
    assert "weight" in is_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    "by",
    ["", "  ", "judge", " controller ", "config", "a\nb", "a\x1b[31mb", "\u202enna", "x" * 81, 7],
    ids=repr,
)
def test_a_name_that_is_none_is_refused(strict, by):
    answer = strict.order("rollback", by=by, reason="bad")
    assert is_problem(answer, 422, "invalid").startswith("by: ")


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "bad"},
        {"by": "ann"},
        {"by": "ann", "reason": " "},
        {"by": "ann", "reason": "two\nlines"},
        {"by": "ann", "reason": "x" * 1_001},
        {"by": "ann", "reason": "bad", "weight": 0},
        {"by": "ann", "reason": "bad", "expect_generation": "1"},
        {"by": "ann", "reason": "bad", "expect_generation": -1},
        {"by": "ann", "reason": "bad", "expect_generation": 1.5},
        ["ann"],
        "ann",
        None,
    ],
    ids=repr,
)
def test_a_body_that_does_not_fit_is_refused(strict, body):
    answer = strict.post("/api/rollout/rollback", json=body)
    is_problem(answer, 422, "invalid")


def test_what_is_missing_is_asked_for_in_plain_words(strict):
    said = is_problem(strict.order("rollback", by="ann", reason=" "), 422, "invalid")
    assert said == "reason: why? Give a reason"
    said = is_problem(strict.order("rollback", by=" ", reason="bad"), 422, "invalid")
    assert said == "by: who does it? Give a name"


def test_what_is_no_json_is_refused(strict):
    for content in (b"", b"{", b"\xff\xfe", b'{"by": "ann", "reason": "bad"} x'):
        headers = {"Content-Type": "application/json"}
        answer = strict.post("/api/rollout/rollback", content=content, headers=headers)
        is_problem(answer, 422, "invalid")
    form = strict.post("/api/rollout/rollback", data={"by": "ann", "reason": "bad"})
    is_problem(form, 422, "invalid")


def test_a_name_is_data_wherever_it_stands(desk, ann):
    """HTML, quotes and Chinese come back as they were given, as JSON that no browser sniffs."""
    ann.done("pause", by=PEN, reason=PEN)
    answer = ann.get("/api/rollout/history")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    entry = answer.json()["entries"][-1]
    assert (entry["who"], entry["why"]) == (PEN, PEN)
    assert status(ann)["state"]["reason"] == PEN


def test_the_history_is_read_page_by_page(desk, ann):
    for _ in range(3):
        ann.done("pause", by="ann")
        ann.done("resume", by="ann", expect_generation=desk.state.generation)
    assert [e["sequence"] for e in ann.get("/api/rollout/history").json()["entries"]] == [
        *range(1, 8)
    ]
    last = ann.get("/api/rollout/history", params={"limit": 2}).json()
    assert [entry["sequence"] for entry in last["entries"]] == [6, 7]
    first = ann.get("/api/rollout/history", params={"after": 0, "limit": 3}).json()
    assert ([entry["action"] for entry in first["entries"]], first["next"]) == (
        ["start", "pause", "resume"],
        3,
    )
    end = ann.get("/api/rollout/history", params={"after": 7}).json()
    assert (end["entries"], end["next"]) == ([], 7)
    for params in ({"after": -1}, {"limit": 0}, {"limit": 501}, {"after": "x"}):
        is_problem(ann.get("/api/rollout/history", params=params), 422, "invalid")


def test_the_curves_go_on_through_the_phases(desk, ann):
    """Counts of an earlier phase, a later one, the shadow and the pairs; the steps as marks."""
    now_s = time.time()
    desk.counted("candidate", Counts.of("ok", 50.0, 19) + Counts.of("timeout", 5e3, 1), now_s - 30)
    desk.counted("stable", Counts.of("ok", 40.0, 180), now_s - 30)
    desk.waiting()
    ann.done("approve", by="ann", expect_generation=desk.state.generation)
    desk.counted("candidate", Counts.of("server_error", 10.0), time.time() + 2)
    desk.counted("pairs", Pairs(both_fine=20, candidate_only=3, equal=18, distance_milli=500))
    drawn = ann.get("/api/rollout/series").json()
    candidate, agreed = drawn["arms"]["candidate"], drawn["agreement"]
    assert (drawn["arms"]["stable"]["arm"], candidate["arm"]) == (str(STABLE), str(CANDIDATE))
    assert candidate["start_s"] == sorted(candidate["start_s"])
    first, last = candidate["start_s"].index(int(now_s - 30)), -1
    assert (candidate["requests"][first], candidate["errors"][first]) == (20, 1)
    assert candidate["error_share"][first] == 0.05
    assert 50 <= candidate["p50_ms"][first] < 55
    assert 40 <= drawn["arms"]["stable"]["p95_ms"][first] < 44
    assert candidate["error_share"][last] == 1.0
    assert candidate["p50_ms"][last] is None or candidate["p50_ms"][last] > 0
    assert sum(candidate["requests"]) == 20 + 200 + 1
    assert (agreed["pairs"], agreed["equal_share"], agreed["mean_distance"]) == (
        [23],
        [0.9],
        [0.025],
    )
    assert [(mark["action"], mark["phase"], mark["weight_bp"]) for mark in drawn["marks"]] == [
        ("start", 1, 1_000),
        ("wait", 1, 1_000),
        ("advance", 2, 5_000),
    ]
    assert drawn["limits"]["errors"] == 0.05
    for over_s in (59, 604_801, "nan"):
        is_problem(ann.get("/api/rollout/series", params={"over_s": over_s}), 422, "invalid")


def test_without_a_rollout_each_address_says_how_to_have_one(tmp_path):
    """A ratio alone, in the process's own memory."""
    desk = Desk(tmp_path, "model_routing: {gray_scale_ratio: 0.1}")
    with serving(desk.file) as running, running.caller() as ann:
        answers = [
            ann.get("/api/rollout"),
            ann.get("/api/rollout/history"),
            ann.get("/api/rollout/series"),
            ann.order("rollback", by="ann", reason="bad"),
            ann.order("approve", by="ann", expect_generation=0),
        ]
        for answer in answers:
            said = is_problem(answer, 404, "no-rollout")
            assert "config.yaml: no rollout is configured; add a section" in said


def test_before_the_start_there_is_something_to_see_and_nothing_to_order(tmp_path):
    desk = Desk(tmp_path)
    with serving(desk.file) as running, running.caller() as ann:
        assert (status(ann)["status"], status(ann)["generation"]) == ("idle", 0)
        assert ann.get("/api/rollout/history").json()["entries"] == []
        assert ann.get("/api/rollout/series").json()["arms"]["candidate"]["requests"] == []
        said = is_problem(ann.order("rollback", by="ann", reason="bad"), 409, "refused")
        assert said == "there is nothing to roll back: the rollout is idle"


def test_a_reload_is_followed(tmp_path):
    """The plan that comes into the file is the one that is shown and ordered."""
    desk = Desk(tmp_path, "model_routing: {gray_scale_ratio: 0.1}")
    with serving(desk.file) as running, running.caller() as ann:
        is_problem(ann.get("/api/rollout"), 404, "no-rollout")
        Desk(tmp_path, PLAN)
        until(lambda: ann.get("/api/rollout").status_code == 200)
        assert status(ann)["plan"]["id"] == "r1"
        Desk(tmp_path, PLAN.replace("share: 0.5", "share: 0.7"))
        until(lambda: status(ann)["plan"]["phases"][1]["share"] == 0.7)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_store_that_is_gone_or_damaged_is_said(desk, ann):
    """In words, for every address; it is not taken for one that never was."""
    assert status(ann)["status"] == "running"
    desk.db.unlink()
    for answer in (ann.get("/api/rollout"), ann.order("rollback", by="ann", reason="bad")):
        assert "the file is gone; restore it" in is_problem(answer, 503, "store")
    # Without the log beside it, which SQLite would take for the new file's.
    for path in desk.db.parent.glob("rollout.db?*"):
        path.unlink(missing_ok=True)  # SQLite may have been quicker
    damaged = desk.db.with_name("damaged")
    damaged.write_bytes(b"not a database at all, but long enough to be read as one" * 50)
    damaged.replace(desk.db)
    for answer in (ann.get("/api/rollout"), ann.order("rollback", by="ann", reason="bad")):
        assert "not an SQLite file" in is_problem(answer, 503, "store")
        assert int(answer.headers["retry-after"]) > 0


def test_a_state_of_a_newer_version_is_said(desk, ann):
    with sqlite3.connect(desk.db) as connection:
        connection.execute("UPDATE state SET document = json_set(document, '$.schema', 2)")
    connection.close()
    for answer in (ann.get("/api/rollout"), ann.order("rollback", by="ann", reason="bad")):
        said = is_problem(answer, 503, "unreadable")
        assert "schema 2 was written by a newer version" in said


def test_another_plan_in_the_store_is_shown_and_not_approved(desk, tmp_path):
    """The service's configuration was changed, the rollout was not."""
    desk.waiting()
    other = Desk(tmp_path, PLAN.replace("id: r1", "id: r2"))
    with serving(other.file) as running, running.caller() as ann:
        shown = status(ann)
        assert (shown["follows_plan"], shown["rollout"], shown["plan"]["id"]) == (False, "r1", "r2")
        answer = ann.order("approve", by="ann", expect_generation=shown["generation"])
        assert "the plan is not the one of rollout r1" in is_problem(answer, 409, "refused")


def test_entries_that_are_no_steps_are_in_the_history(desk, ann):
    """Other parts of the product write into the same log."""
    desk.store.record(LogEntry({"kind": "dead_letter", "target": "ops"}))
    assert ann.get("/api/rollout/history").json()["entries"][-1]["kind"] == "dead_letter"
    assert ann.get("/api/rollout/series").json()["marks"][-1]["action"] == "start"
