"""What is counted of each request: one outcome, against whom it belongs."""

import inspect

import pytest
from rollouts import BOTH, CANDIDATE, GARBLED, STABLE, client, configured, counted, image

from ocr_client import errors as tree
from ocr_client.fake import spelled
from ocr_client.outcomes import outcome_of
from ocr_rollout.core.outcomes import NEVER

OUTCOMES = [
    (tree.BadImageError("x"), "client_fault"),
    (tree.ArmFailedError("x"), "server_error"),
    (tree.ArmRefusedError("x"), "server_error"),
    (tree.BadSpecError("x"), "server_error"),
    (tree.PreparationError("x"), "server_error"),
    (tree.ArmTimeoutError("x"), "timeout"),
    (tree.ArmBusyError("x"), "timeout"),
    (tree.BadAnswerError("x"), "invalid_response"),
    (tree.ArmBrokenError("x"), None),
    (tree.ModelMissingError("x"), "draining"),
    (tree.DrainingError("x"), "draining"),
    (tree.AccessError("x"), "draining"),
    (tree.UnexpectedStatusError("x"), "transport_error"),
    (tree.UnreachableError("x"), "transport_error"),
    (tree.ConnectionLostError("x"), "transport_error"),
    (tree.NoArmError(tree.ArmError("x"), tree.ArmError("y")), None),
]


@pytest.mark.parametrize(("fault", "outcome"), OUTCOMES, ids=lambda case: type(case).__name__)
def test_each_fault_is_an_outcome_or_none(fault, outcome):
    """The table, line by line."""
    assert outcome_of(fault) == outcome


def test_the_table_knows_every_error():
    """A new one has to be thought about here."""
    kinds = {kind for _, kind in inspect.getmembers(tree, inspect.isclass)}
    leaves = {kind for kind in kinds if issubclass(kind, tree.OCRError)}
    leaves -= {base for kind in leaves for base in kind.__mro__[1:]}
    leaves.add(tree.BadImageError)  # raised itself as well
    never_an_attempt = {tree.BadArmError, tree.ConfigError, tree.PageError}
    assert leaves - never_an_attempt == {type(fault) for fault, _ in OUTCOMES}


def test_faults_that_are_not_the_arms_never_count_against_it():
    """The caller's and the operator's."""
    for fault, outcome in OUTCOMES:
        if isinstance(fault, tree.CallerError | tree.DrainingError | tree.ModelMissingError):
            assert outcome in NEVER


def test_each_request_is_one_outcome_of_its_arm():
    """However many windows the line has; with its latency."""
    reader, transport = client(config=configured(0.5))
    for number in range(20):
        reader.recognize(image(), user_id=f"u{number}")
    reader.recognize(image(width=5_000))
    asked = {arm: len({a.request_id for a in transport.asked if a.arm == arm}) for arm in BOTH}
    found = counted(reader)
    assert found.stable == {"ok": asked[STABLE]}
    assert found.candidate == {"ok": asked[CANDIDATE]}
    assert sum(asked.values()) == 21
    assert len(transport.asked) > 21


@pytest.mark.parametrize(
    "case", [case for case in OUTCOMES if case[1]], ids=lambda c: type(c[0]).__name__
)
def test_a_fault_of_the_candidate_counts_and_stables_help_does_not(case):
    """What stable does in its place is no first attempt."""
    fault, outcome = case
    reader, _ = client({STABLE: "stable", CANDIDATE: fault})
    try:
        reader.recognize(image())
    except (tree.CallerError, tree.UnreachableError):
        assert isinstance(fault, tree.CallerError | tree.UnreachableError)
    found = counted(reader)
    assert found.candidate == {outcome: 1}
    assert found.stable == {}


def test_stables_own_faults_count_for_stable():
    """They tell a common cause from a bad candidate."""
    reader, _ = client({STABLE: tree.ArmFailedError("boom")}, configured(0))
    with pytest.raises(tree.ArmFailedError):
        reader.recognize(image())
    assert counted(reader).stable == {"server_error": 1}


def test_an_open_breaker_falls_back_at_once_and_counts_nothing():
    """The faults that opened it have been counted."""
    reader, _ = client({STABLE: "stable", CANDIDATE: tree.ArmBrokenError("open")})
    result = reader.recognize(image())
    assert (result.text, result.fell_back) == ("stable", True)
    assert (
        reader.metrics()[f'ocr_client_attempts_total{{arm="{CANDIDATE}",outcome="not_made"}}'] == 1
    )
    found = counted(reader)
    assert (found.candidate, found.stable) == ({}, {})


def test_only_who_has_somebody_else_to_ask_may_be_refused():
    """The candidate's attempt and a rescue may; stable's, a fallback and a forced arm may not."""
    reader, transport = client({STABLE: "stable", CANDIDATE: ""})
    reader.recognize(image())
    assert [(a.arm, a.last_resort) for a in transport.asked] == [
        (CANDIDATE, False),
        (STABLE, False),
    ]
    transport.asked.clear()
    transport.arms[CANDIDATE] = tree.ArmFailedError("boom")
    reader.recognize(image())
    reader.recognize(image(), arm=STABLE)
    assert [a.last_resort for a in transport.asked] == [False, True, True]
    reader.close()


def test_a_forced_arm_counts_nothing():
    """It is how arms are measured."""
    reader, transport = client()
    reader.recognize(image(), arm=CANDIDATE)
    transport.arms[CANDIDATE] = tree.ArmFailedError("boom")
    with pytest.raises(tree.ArmFailedError):
        reader.recognize(image(), arm=CANDIDATE)
    transport.arms[CANDIDATE] = ""
    assert reader.recognize(image(), arm=CANDIDATE).text == ""
    found = counted(reader)
    assert (found.candidate, found.stable) == ({}, {})


def test_a_bad_image_counts_against_nobody():
    """It has met no arm."""
    reader, _ = client()
    with pytest.raises(tree.BadImageError):
        reader.recognize(b"no image")
    assert reader.metrics()['ocr_client_failed_total{error="BadImageError"}'] == 1
    found = counted(reader)
    assert (found.candidate, found.stable) == ({}, {})


@pytest.mark.parametrize(("text", "outcome"), [("", "empty"), (" ", "empty"), (GARBLED, "garbled")])
def test_empty_and_garbled_answers_are_counted_as_such(text, outcome):
    """Of both arms alike, for one is judged by the other."""
    for ratio, arm in ((0, STABLE), (1, CANDIDATE)):
        reader, _ = client({STABLE: "stable", CANDIDATE: "candidate", arm: text}, configured(ratio))
        reader.recognize(image())
        found = counted(reader)
        assert (found.stable, found.candidate)[ratio] == {outcome: 1}
        assert (found.stable, found.candidate)[1 - ratio] == {}


def test_a_confidence_far_below_the_arms_norm_is_garbled(monkeypatch):
    """Learnt from 500 fine answers of this process; and what is garbled does not lower it."""
    # Nobody judges before the end: so many garbled answers take a candidate back.
    monkeypatch.setattr("ocr_rollout.runtime.member.TICK_S", 3600.0)
    sure = 0.9

    def answer(tensor):
        return spelled("text", lines=1, steps=tensor.shape[3] // 4, confidence=sure)

    reader, _ = client({STABLE: "stable", CANDIDATE: answer}, configured(rescue=False))
    norms = reader._session.norms
    for number in range(520):
        reader.recognize(image(width=40), user_id=f"u{number}")
    norms.refresh(CANDIDATE)
    assert norms.of(CANDIDATE).low == pytest.approx(0.9)
    assert norms.of(STABLE) is None
    sure = 0.3
    for number in range(300):
        reader.recognize(image(width=40), user_id=f"v{number}")
    norms.refresh(CANDIDATE)
    assert norms.of(CANDIDATE).low == pytest.approx(0.9)
    found = counted(reader)
    assert found.candidate["garbled"] > 250  # each bucket key once a minute
    assert found.candidate["ok"] > 450
