"""`/api/review` and `/feedback` over real HTTP and a real SQLite store."""

import json
import math
import threading
import time

import cv2
import numpy as np
import pytest
from desk import DIGEST, PLAN, Desk
from rollout_service import is_problem, serving

from ocr_client.reviews.people import user_hash
from ocr_client.reviews.samples import DisagreementSample, Line, Origin
from ocr_rollout.stores import Sample
from ocr_rollout.stores.review_series import read_reviews

WHERE = f"reviews/r1/{DIGEST[:16]}"
KEPT = "review: {keep_images: true, kinds: [print, form]}\nservice: {reviewer_token_file: token}\n"
PICTURE = cv2.imencode(".png", np.zeros((32, 100), np.uint8))[1].tobytes()


@pytest.fixture
def desk(tmp_path):
    token = tmp_path / "token"
    token.write_text("reviewers-of-this-test\n")
    token.chmod(0o600)
    return Desk(tmp_path, PLAN + KEPT).started()


@pytest.fixture
def running(desk):
    with serving(desk.file) as running:
        yield running


@pytest.fixture
def ann(running):
    """With a reviewer's token."""
    with running.caller("reviewer") as caller:
        yield caller


def line(desk, name, role="candidate", text="hello", image=None):
    origin = Origin(name, WHERE, "r1", 1, 1, 1, 7, user_hash("u1"))
    document = Line(origin, role, "crnn:2", text, 0.9, "ok").to_dict()
    now_s = time.time()
    assert desk.store.put_sample(Sample(name, now_s, now_s + 1e6, document, image=image))


def pair(desk, name, distance=0.5):
    origin = Origin(name, WHERE, "r1", 1, 1, 1, 7, None)
    document = DisagreementSample(
        origin, "convnext:2", "<b>合计</b>", "crnn:2", "台计", distance, 3
    ).to_dict()
    now_s = time.time()
    sample = Sample(f"pair-{name}", now_s, now_s + 1e6, document, kind="pair", image=PICTURE)
    assert desk.store.put_sample(sample)


def found(desk):
    return read_reviews(desk.store, WHERE)


def said(caller, what, **body):
    answer = caller.post(f"/api/review/{what}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    return answer.json()


def test_a_reviewer_corrects_a_line(desk, ann):
    """Picture and text, and nothing that tells the arm; the next one is another."""
    line(desk, "s/1", text="helo", image=PICTURE)
    answer = said(ann, "next", by="ann")
    task = answer["task"]
    assert answer["waiting"] == 1
    assert task["texts"] == ["helo"]
    assert "crnn" not in json.dumps(answer)
    assert "candidate" not in json.dumps(answer)
    shown = ann.get(task["image"])
    assert (shown.headers["content-type"], shown.content) == ("image/png", PICTURE)
    assert shown.headers["cache-control"] == "no-store"
    said(ann, "verdict", sample_id=task["sample_id"], by="ann", text="hello", kind="form")
    assert found(desk).candidate["form"].edits == 1
    assert said(ann, "next", by="ann")["task"] is None


def test_a_reviewer_confirms_one_of_two_texts(desk, ann):
    pair(desk, "p1")
    task = said(ann, "next", by="ann")["task"]
    which = task["texts"].index("台计")
    said(ann, "verdict", sample_id=task["sample_id"], by="ann", which=which)
    assert found(desk).disputes["unsaid"].candidate_only == 1


def test_a_skipped_line_goes_to_somebody_else(desk, ann):
    line(desk, "s1")
    assert said(ann, "next", by="ann")["task"]["sample_id"] == "s1"
    assert said(ann, "next", by="bo")["task"] is None
    said(ann, "skip", sample_id="s1", by="ann")
    assert said(ann, "next", by="ann")["task"] is None
    assert said(ann, "next", by="bo")["task"]["sample_id"] == "s1"


def test_many_browsers_never_have_the_same_line(desk, running):
    for k in range(12):
        line(desk, f"s{k}")
    had = []

    def work(name):
        with running.caller("reviewer") as caller:
            while (task := said(caller, "next", by=name)["task"]) is not None:
                had.append(task["sample_id"])
                said(caller, "verdict", sample_id=task["sample_id"], by=name, which=0)

    threads = [threading.Thread(target=work, args=(f"r{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(had) == sorted(f"s{k}" for k in range(12))
    assert found(desk).candidate_total.right == 12


def test_the_overview_has_accuracy_with_intervals(desk, ann):
    line(desk, "s1")
    line(desk, "s2", "stable")
    said(ann, "verdict", sample_id="s1", by="ann", which=0, kind="print")
    shown = ann.get("/api/review", params={"by": "ann"}).json()
    assert (shown["waiting"], shown["images_kept"]) == (1, True)
    assert shown["kinds"] == ["print", "form"]
    right = shown["accuracy"]["candidate"]["lines_right"]
    assert (right["value"], right["n"]) == (1.0, 1)
    assert 0 < right["low"] < 1
    assert ann.get("/api/rollout").json()["review"]["reviewed"] == 1


def test_the_worst_disagreements(desk, ann):
    """As pictures with both texts; HTML in them is text."""
    pair(desk, "p1", 0.2)
    pair(desk, "p2", 0.9)
    shown = ann.get("/api/rollout/disagreements", params={"limit": 1}).json()
    (item,) = shown["items"]
    assert (item["distance"], item["truth"], shown["images_kept"]) == (0.9, None, True)
    assert item["stable"] == {"arm": "convnext:2", "text": "<b>合计</b>"}
    assert ann.get(item["image"]).content == PICTURE
    said(ann, "verdict", sample_id=item["sample_id"], by="ann", text="合计")
    assert ann.get("/api/rollout/disagreements").json()["items"][0]["truth"] == "合计"


def test_deleting_is_the_admins(desk, running, ann):
    line(desk, "s1", image=PICTURE)
    pair(desk, "p1")
    answer = ann.post("/api/review/delete", json={"by": "ann", "every": True})
    is_problem(answer, 403, "not-allowed")
    with running.caller() as admin:
        assert said(admin, "delete", by="li", user=user_hash("u1"))["deleted"] == 1
        is_problem(ann.get("/api/review/image", params={"sample_id": "s1"}), 404, "no-image")
        assert said(admin, "delete", by="li", every=True)["deleted"] == 1
    assert desk.history()[-1]["action"] == "delete-samples"
    assert desk.history()[-1]["who"] == "li"


@pytest.mark.parametrize(
    ("what", "body", "status", "kind"),
    [
        ("verdict", {"by": "ann", "sample_id": "s1"}, 422, "invalid"),
        ("verdict", {"by": "ann", "sample_id": "s1", "text": "x", "which": 0}, 422, "invalid"),
        ("verdict", {"by": "ann", "sample_id": "no", "text": "x"}, 409, "refused"),
        ("verdict", {"by": "ann", "sample_id": "s1", "text": "x", "kind": "poem"}, 409, "refused"),
        ("verdict", {"by": "ann", "sample_id": "s1", "text": "x" * 4_001}, 422, "invalid"),
        ("verdict", {"by": "ann", "sample_id": "s1", "text": "a\u0000b"}, 409, "refused"),
        ("verdict", {"by": "judge", "sample_id": "s1", "text": "x"}, 422, "invalid"),
        ("verdict", {"by": " ", "sample_id": "s1", "text": "x"}, 422, "invalid"),
        ("verdict", {"by": "ann", "sample_id": "s1", "which": 2}, 422, "invalid"),
        ("verdict", {"by": "ann", "sample_id": "s1", "which": True}, 422, "invalid"),
        ("verdict", [], 422, "invalid"),
        ("next", {"by": "a\nb"}, 422, "invalid"),
        ("next", {"by": "ann", "more": 1}, 422, "invalid"),
        ("skip", {"by": "ann", "sample_id": ""}, 422, "invalid"),
    ],
)
def test_what_is_not_accepted_is_refused(desk, ann, what, body, status, kind):
    line(desk, "s1")
    is_problem(ann.post(f"/api/review/{what}", json=body), status, kind)
    assert found(desk).candidate == {}


@pytest.mark.parametrize(
    "what",
    [
        {"every": True, "before": "2026-05-04"},
        {"every": True, "user": "ab"},
        {"every": False},
        {"before": "yesterday"},
    ],
)
def test_what_to_delete_has_to_be_clear(desk, running, what):
    line(desk, "s1")
    with running.caller() as admin:
        is_problem(admin.post("/api/review/delete", json={"by": "li", **what}), 422, "invalid")
        is_problem(admin.post("/api/review/delete", json={"by": "li"}), 409, "refused")
    assert desk.store.sample("s1")


def test_without_a_token_nobody_sees_a_picture_or_a_text(desk, running):
    line(desk, "s1", image=PICTURE)
    with running.caller(None) as nobody:
        for path in ("/api/review", "/api/review/image?sample_id=s1", "/api/rollout/disagreements"):
            assert nobody.get(path).status_code == 401
        for what in ("next", "verdict", "skip", "delete"):
            assert nobody.post(f"/api/review/{what}", json={"by": "x"}).status_code == 401


def test_a_user_says_that_an_answer_was_wrong(desk, running):
    """Without a token; the last word on a request counts, and no user's name is kept."""
    line(desk, "q1", text="helo")
    with running.caller(None) as user:
        for right in (True, False):
            answer = user.post(
                "/feedback",
                json={"request_id": "q1", "right": right, "text": "" if right else "hello"},
                headers={"X-User-Id": "li.wei@example.com"},
            )
            assert (answer.status_code, answer.json()) == (200, {"success": True})
    (kept,) = desk.store.samples(0, math.inf, kind="feedback")
    assert kept.review["text"] == "hello"
    assert kept.document["role"] == "candidate"
    assert kept.document["user"] == user_hash("li.wei@example.com")
    assert b"li.wei" not in b"".join(p.read_bytes() for p in desk.db.parent.glob("rollout.db*"))
    assert found(desk).feedback["candidate"].wrong == 1
    assert found(desk).feedback["candidate"].right == 0


def test_a_user_is_the_same_one_in_the_header_and_in_the_body(desk, running):
    """As with reading; and two are none."""
    with running.caller(None) as user:
        header = {"X-User-Id": "李伟".encode()}
        for name, more, headers in (("q1", {}, header), ("q2", {"user_id": "李伟"}, {})):
            body = {"request_id": name, "right": True, **more}
            assert user.post("/feedback", json=body, headers=headers).status_code == 200
        body = {"request_id": "q3", "right": True, "user_id": "ann"}
        is_problem(user.post("/feedback", json=body, headers=header), 422, "invalid")
    kept = desk.store.samples(0, math.inf, kind="feedback")
    assert {sample.document["user"] for sample in kept} == {user_hash("李伟")}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({}, 422, "invalid"),
        ({"request_id": "q", "right": "no"}, 422, "invalid"),
        ({"request_id": "", "right": True}, 422, "invalid"),
        ({"request_id": "a\nb", "right": True}, 422, "bad-feedback"),
        ({"request_id": "q", "right": True, "text": "a\u0007"}, 422, "bad-feedback"),
        ({"request_id": "q", "right": True, "user_id": "a\u0000"}, 422, "bad-user-id"),
        ({"request_id": "q" * 201, "right": True}, 422, "invalid"),
        ({"request_id": "q", "right": True, "admin": True}, 422, "invalid"),
    ],
)
def test_feedback_that_makes_no_sense_is_refused(desk, running, body, status, kind):
    with running.caller(None) as user:
        is_problem(user.post("/feedback", json=body), status, kind)
    assert desk.store.samples(0, math.inf, kind="feedback") == ()


def test_without_a_shared_store_feedback_stays_with_the_process(tmp_path):
    """A ratio alone has no store: what users say is counted in memory, and nobody gets an error."""
    config = tmp_path / "config.yaml"
    config.write_text("triton: {urls: ['127.0.0.1:9'], metrics_urls: []}\n")
    with serving(config) as running, running.caller(None) as user:
        assert user.post("/feedback", json={"request_id": "q", "right": False}).status_code == 200
        store = running.service.client._session._store
        assert len(store.samples(0, math.inf, kind="feedback")) == 1


def test_a_store_that_hangs_holds_up_no_event_loop(desk, running, monkeypatch):
    """Feedback is given up after a while, with 503; what reads goes on meanwhile."""
    from ocr_gateway.routes import feedback

    go = threading.Event()
    monkeypatch.setattr(feedback, "WITHIN_S", 0.3)
    monkeypatch.setattr(
        running.service.client, "feedback", lambda *_, **__: go.wait(20), raising=True
    )
    with running.caller(None) as user:
        answer = user.post("/feedback", json={"request_id": "q", "right": True})
        assert "did not answer within 0.3 s" in is_problem(answer, 503, "store")
        assert answer.headers["retry-after"]
        assert user.get("/healthz").status_code == 200
    go.set()
