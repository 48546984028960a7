"""What reviewers, users and those who delete do: the same on memory, SQLite and a real Redis."""

import dataclasses
import math
import threading
from collections import Counter

import pytest

from ocr_client.operations.refused import RefusedError
from ocr_client.reviews.accuracy import accuracy
from ocr_client.reviews.desk import ReviewDesk
from ocr_client.reviews.feedback import Answered, FeedbackBox
from ocr_client.reviews.people import user_hash
from ocr_client.reviews.samples import DisagreementSample, Line, Origin
from ocr_client.reviews.settings import ReviewSettings
from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.reviews import Disputes, Lines, Said
from ocr_rollout.stores import LogEntry, Sample, Transition
from ocr_rollout.stores.review_series import read_reviews

WHERE = "reviews/r1/" + "ab" * 8


class Clock:
    now_s = 1_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(store, clock):
    from ocr_rollout.core.state import RolloutState

    state = RolloutState(
        generation=1,
        epoch=1,
        status="running",
        rollout_id="r1",
        stable="convnext:1",
        candidate="crnn:1",
        digest="ab" * 32,
        weight_bp=1_000,
    )
    store.commit(Transition(0, state.to_dict(), LogEntry({})))
    return ReviewDesk(store, "r1", ReviewSettings(), clock)


def origin(request_id, where=WHERE, user=None):
    return Origin(request_id, where, "r1", 1, 1, 1, 7, user)


def line(desk, name, role="candidate", text="hello", *, where=WHERE, user=None, image=None):
    document = Line(origin(name, where, user), role, "a:1", text, 0.9, "ok").to_dict()
    at_s = desk._clock()
    assert desk.store.put_sample(Sample(name, at_s, at_s + 1e6, document, image=image))


def pair(desk, name, stable="stable text", candidate="candid text", distance=0.5, user=None):
    document = DisagreementSample(
        origin(name, user=user), "convnext:1", stable, "crnn:1", candidate, distance, 5
    )
    at_s = desk._clock()
    sample = Sample(f"pair-{name}", at_s, at_s + 1e6, document.to_dict(), kind="pair")
    assert desk.store.put_sample(sample)


def found(desk):
    return read_reviews(desk.store, WHERE)


def test_an_empty_queue_is_none(desk):
    assert desk.next("ann") is None
    assert desk.waiting("ann") == 0


def test_a_task_does_not_say_which_arm_it_was(desk):
    """Nor does its place in the queue."""
    line(desk, "s1", text="hello")
    task = desk.next("ann")
    assert task.to_dict() == {
        "sample_id": "s1",
        "kind": "line",
        "texts": ["hello"],
        "at_s": 1_000.0,
        "until_s": 1_600.0,
    }


def test_a_pairs_texts_stand_in_an_order_that_means_nothing(desk):
    for k in range(60):
        pair(desk, f"p{k}")
    first = Counter()
    while (task := desk.next("ann")) is not None:
        first[task.texts[0]] += 1
        assert sorted(task.texts) == ["candid text", "stable text"]
        desk.skip(task.sample_id, by="ann")
    assert sum(first.values()) == 60
    assert 15 <= first["stable text"] <= 45


def test_two_reviewers_never_have_the_same_sample(desk):
    """Eight at once, each asking until there is none left."""
    for k in range(40):
        line(desk, f"s{k}")
    had, barrier = [], threading.Barrier(8)

    def work(name):
        barrier.wait()
        while (task := desk.next(name)) is not None:
            had.append(task.sample_id)
            desk.confirm(task.sample_id, by=name)

    threads = [threading.Thread(target=work, args=(f"r{k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(had) == sorted(f"s{k}" for k in range(40))
    assert found(desk).candidate_total.lines == 40


def test_who_asks_again_gets_the_same_one(desk, clock):
    """A page that was reloaded loses nothing; after ten minutes somebody else may have it."""
    line(desk, "s1")
    assert desk.next("ann").sample_id == "s1"
    assert desk.next("ann").sample_id == "s1"
    assert desk.next("bo") is None
    with pytest.raises(RefusedError, match="is being looked at by ann"):
        desk.confirm("s1", by="bo")
    clock.now_s += 601
    assert desk.next("bo").sample_id == "s1"
    with pytest.raises(RefusedError, match="is being looked at by bo"):
        desk.confirm("s1", by="ann")


def test_the_arm_that_was_reviewed_least_comes_first(desk):
    """At a share of 10 % nearly all samples are stable's, and both arms are to be known."""
    for k in range(30):
        line(desk, f"s{k}", "stable")
    for k in range(10):
        line(desk, f"c{k}", "candidate")
    for _ in range(20):
        desk.confirm(desk.next("ann").sample_id, by="ann")
    assert (found(desk).stable_total.lines, found(desk).candidate_total.lines) == (10, 10)


def test_samples_of_the_rollout_under_way_come_first(desk):
    line(desk, "old", where="reviews/r0/-")
    line(desk, "new")
    assert desk.next("ann").sample_id == "new"
    desk.confirm("new", by="ann")
    assert desk.next("ann").sample_id == "old"
    desk.confirm("old", by="ann")
    assert found(desk).candidate_total.lines == 1
    assert read_reviews(desk.store, "reviews/r0/-").candidate_total.lines == 1


def test_a_review_is_counted_for_its_arm_and_kind(desk):
    """Compared as accuracy is: after NFKC and without white space."""
    line(desk, "s1", "candidate", "helo world")
    line(desk, "s2", "stable", "ＡＢ c")  # wide letters
    desk.review("s1", "hello world", by="ann", kind="print")
    desk.review("s2", "ABc", by="ann")
    assert found(desk).candidate == {"print": Lines.of(1, 10)}
    assert found(desk).stable == {"unsaid": Lines.of(0, 3)}


def test_a_corrected_review_counts_once(desk):
    """The last one; another kind, too."""
    line(desk, "s1", text="helo")
    desk.review("s1", "helo", by="ann", kind="print")
    desk.review("s1", "hello", by="bo", kind="scan")
    nothing = {kind: tally for kind, tally in found(desk).candidate.items() if tally != Lines()}
    assert nothing == {"scan": Lines.of(1, 5)}
    assert desk.store.sample("s1").review["by"] == "bo"
    for _ in range(3):
        desk.review("s1", "hello", by="bo", kind="scan")
    assert found(desk).candidate_total == Lines.of(1, 5)


@pytest.mark.parametrize(
    ("truth", "counted"),
    [
        ("stable text", Disputes(1, 0, 1)),
        ("candid text", Disputes(1, 1, 0)),
        ("neither", Disputes(1, 0, 0)),
    ],
)
def test_a_dispute_is_decided(desk, truth, counted):
    pair(desk, "p1")
    desk.review("pair-p1", truth, by="ann", kind="sign")
    assert found(desk).disputes == {"sign": counted}
    assert found(desk).stable == found(desk).candidate == {}


def test_one_of_a_pairs_texts_is_confirmed_by_its_place(desk):
    pair(desk, "p1")
    texts = desk.next("ann").texts
    desk.confirm("pair-p1", which=texts.index("candid text"), by="ann")
    assert found(desk).disputes_total == Disputes(1, 1, 0)
    with pytest.raises(RefusedError, match="text 2 of 2 is not there"):
        desk.confirm("pair-p1", which=2, by="ann")


def test_who_skips_does_not_see_it_again(desk):
    """Others do, until three could not tell."""
    line(desk, "s1")
    for name in ("ann", "bo", "cy"):
        assert desk.next(name).sample_id == "s1"
        desk.skip("s1", by=name)
        assert desk.next(name) is None
    assert desk.next("di") is None
    assert found(desk).candidate == {}
    desk.review("s1", "hello", by="di")  # who names it may
    with pytest.raises(RefusedError, match="is reviewed already"):
        desk.skip("s1", by="ann")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda d: d.review("missing", "x", by="ann"), "there is no sample 'missing'"),
        (lambda d: d.review("\ud800", "x", by="ann"), "there is no sample"),
        (lambda d: d.review("s1", "x" * 4_001, by="ann"), "at most 4000 characters"),
        (lambda d: d.review("s1", "a\nb", by="ann"), "without control characters"),
        (lambda d: d.review("s1", "a\ud800", by="ann"), "without control characters"),
        (lambda d: d.review("s1", "x", by="ann", kind="poem"), "kind 'poem' is not one of print"),
        (lambda d: d.confirm("s1", which=-1, by="ann"), "text -1 of 1 is not there"),
        (lambda d: d.delete(), "say what to delete"),
    ],
)
def test_what_is_not_accepted_is_refused_in_a_line(desk, call, said):
    line(desk, "s1")
    with pytest.raises(RefusedError) as caught:
        call(desk)
    assert said in str(caught.value)
    assert found(desk).candidate == {}


def test_a_feedback_is_no_sample_and_cannot_be_reviewed(desk, clock):
    FeedbackBox(desk.store, "r1", desk.settings, clock).put("q1", right=False)
    (sample,) = desk.store.samples(0, math.inf, kind="feedback")
    with pytest.raises(RefusedError, match="there is no sample"):
        desk.review(sample.id, "x", by="ann")
    assert desk.next("ann") is None


def test_the_worst_disagreements_come_first(desk):
    for name, distance in (("a", 0.2), ("b", 0.9), ("c", 0.5)):
        pair(desk, name, distance=distance)
    assert [sample.id for sample, _ in desk.disagreements(2)] == ["pair-b", "pair-c"]


def test_accuracy_of_each_arm_and_kind(desk):
    """With intervals, the difference, and what users said."""
    for k in range(20):
        line(desk, f"s{k}", "stable", "text")
        line(desk, f"c{k}", "candidate", "text")
        desk.review(f"s{k}", "text", by="ann", kind="print")
        desk.review(f"c{k}", "text" if k % 2 else "tezt", by="ann", kind="print" if k else "scan")
    figures = accuracy(found(desk), Pairs())
    assert figures.reviewed == 40
    assert figures.all.stable.lines.value == 1
    assert figures.all.candidate.lines.value == 0.5
    assert figures.all.candidate.characters.value == pytest.approx(1 - 10 / 80)
    assert figures.all.difference.value == -0.5
    assert figures.all.difference.high < 0
    assert set(figures.kinds) == {"print", "scan"}
    assert figures.kinds["scan"].candidate.lines.n == 1
    assert figures.kinds["scan"].difference is None
    document = figures.to_dict()
    assert document["candidate"]["lines_right"]["n"] == 20
    assert document["paired_difference"] is None


def test_without_any_review_there_are_no_figures(desk):
    """No data is never a good figure."""
    figures = accuracy(found(desk), Pairs()).to_dict()
    assert figures["reviewed"] == 0
    assert figures["stable"] == {"lines_right": None, "characters_right": None}
    assert figures["difference"] is None


def test_a_user_says_that_an_answer_was_wrong(desk, clock):
    """Of a sample all is known; the user's word on the arm counts for nothing there."""
    line(desk, "q1", "candidate", "helo", user=user_hash("u1"))
    box = FeedbackBox(desk.store, "r1", desk.settings, clock)
    box.put("q1", right=False, text="hello", answered=Answered("convnext:1", "anything"))
    (said,) = box.newest()
    assert said.document["role"] == "candidate"
    assert said.document["text"] == "helo"
    assert said.document["sampled"] is True
    assert said.document["user"] == user_hash("u1")
    assert said.review["text"] == "hello"
    assert found(desk).feedback == {"candidate": Said(0, 1)}
    assert found(desk).candidate == {}  # who complains is no sample


def test_a_user_says_something_of_a_request_that_is_no_sample(desk, clock):
    """Kept without image; the arm is the user's word, and only the rollout's own are believed."""
    box = FeedbackBox(desk.store, "r1", desk.settings, clock)
    box.put("q1", right=False, text="hello", user_id="u1", answered=Answered("crnn:1", "helo"))
    box.put("q2", right=True, answered=Answered("gpt:4", "x"))
    box.put("q3", right=True)
    assert found(desk).feedback == {"candidate": Said(0, 1), "unsaid": Said(2, 0)}
    by_id = {said.document["request_id"]: said for said in box.newest()}
    assert by_id["q1"].document["user"] == user_hash("u1")
    assert desk.image(by_id["q1"].id) is None


def test_of_one_request_the_last_word_counts(desk, clock):
    """However often somebody clicks, also from many browsers at a time."""
    box = FeedbackBox(desk.store, "r1", desk.settings, clock)
    for k in range(5):
        box.put("q1", right=bool(k % 2))
    assert found(desk).feedback == {"unsaid": Said(0, 1)}
    threads = [
        threading.Thread(target=box.put, args=("q1",), kwargs={"right": True}) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(desk).feedback == {"unsaid": Said(1, 0)}
    assert len(box.newest()) == 1


def test_feedback_is_bounded(desk, clock):
    """Anybody may send it."""
    box = FeedbackBox(desk.store, "r1", dataclasses.replace(desk.settings, keep=5), clock)
    for k in range(12):
        clock.now_s += 1
        box.put(f"q{k}", right=True)
    assert [said.document["request_id"] for said in box.newest()] == [
        f"q{k}" for k in range(11, 6, -1)
    ]
    clock.now_s -= 1_000
    box.put("late", right=True)  # of a host whose clock is behind: no error, and no room
    assert len(box.newest()) == 5


@pytest.mark.parametrize("request_id", ["", "x" * 201, "a\nb"])
def test_a_request_id_that_cannot_be_is_refused(desk, clock, request_id):
    with pytest.raises(RefusedError, match="a request id has"):
        FeedbackBox(desk.store, "r1", desk.settings, clock).put(request_id, right=True)


def test_any_other_request_id_will_do(desk, clock):
    """It never becomes a key of the store as it is."""
    box = FeedbackBox(desk.store, "r1", desk.settings, clock)
    box.put("请求 1 {x}:*", right=True)
    assert box.newest()[0].document["request_id"] == "请求 1 {x}:*"


def filled(desk, clock):
    """Of two users, at two times: lines with images, pairs, feedback."""
    box = FeedbackBox(desk.store, "r1", desk.settings, clock)
    for user in ("u1", "u2"):
        for at_s in (1_000.0, 2_000.0):
            clock.now_s = at_s
            name = f"{user}-{at_s:.0f}"
            line(desk, name, user=user_hash(user), image=b"\x89PNG picture")
            pair(desk, name, user=user_hash(user))
            box.put(f"f-{name}", right=False, user_id=user)
    desk.review("u1-1000", "hello", by="ann")


def left(desk):
    return {
        sample.id if kind != "feedback" else sample.document["request_id"]
        for kind in ("line", "pair", "feedback")
        for sample in desk.store.samples(0, math.inf, kind=kind)
    }


def test_what_is_of_a_user_is_deleted(desk, clock):
    """Lines, pairs and feedback, with images and reviews; of nobody else."""
    filled(desk, clock)
    assert desk.delete(user=user_hash("u1")) == 6
    assert all("u2" in name for name in left(desk))
    assert len(left(desk)) == 6
    assert desk.image("u1-1000") is None
    assert desk.image("u2-1000") is not None
    assert found(desk).candidate_total.lines == 1  # a number names nobody


def test_what_is_older_is_deleted(desk, clock):
    filled(desk, clock)
    assert desk.delete(before_s=1_500.0) == 6
    assert all("2000" in name for name in left(desk))
    assert desk.delete(before_s=2_500.0, user=user_hash("u2")) == 3
    assert desk.delete(every=True) == 3
    assert left(desk) == set()
    assert desk.delete(every=True) == 0
    assert list(desk.reviewed()) == []


def test_retention_deletes_by_itself(desk, clock):
    """As every client process prunes the store."""
    line(desk, "s1", image=b"\x89PNG picture")
    desk.store.prune(clock.now_s + 2e6)
    assert desk.store.sample("s1") is None
    assert desk.image("s1") is None


def test_a_sample_of_another_version_says_so(desk):
    desk.store.put_sample(Sample("s1", 1_000, 1e6, {"schema": 9}))
    from ocr_client.reviews.samples import SampleError

    with pytest.raises(SampleError, match="newer version"):
        desk.confirm("s1", by="ann")
