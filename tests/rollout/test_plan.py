"""A plan is taken as written or refused with key, value and what is accepted."""

import json

import pytest

from ocr_rollout.core.plan import DEFAULT_PHASES, FieldError, Phase, Plan, parse, refuse_conflict
from ocr_rollout.core.routing import Arm

STABLE, CANDIDATE = Arm("convnext", 1), Arm("crnn", 1)


def parsed(**section):
    return parse({"id": "crnn-1", **section}, stable=STABLE, candidate=CANDIDATE)


def test_the_default_plan_is_the_one_of_the_table():
    """10/30/60/100 % on day 1, days 2-3, days 4-5, day 6 on, every gate manual."""
    plan = parsed()
    assert plan.phases == DEFAULT_PHASES
    assert [phase.share_bp for phase in plan.phases] == [1_000, 3_000, 6_000, 10_000]
    starts = [sum(p.min_dwell_s for p in plan.phases[:k]) / 86_400 for k in range(4)]
    assert starts == [0, 1, 3, 5]
    assert {phase.gate for phase in plan.phases} == {"manual"}


def test_every_key_is_read():
    """One of each."""
    plan = parsed(
        stable="crnn:1",
        candidate="crnn:2",
        phases=[
            {"share": 0, "min_samples": 10},
            {"share": 0.2, "min_dwell": "12h", "min_samples": 7, "gate": "auto", "aim": "看"},
            {"share": 1.0},
        ],
        sticky="user",
        holdout=0.05,
        mode="literal",
        on_failure="freeze",
        on_new_candidate="restart",
        blast_radius=0.5,
        limits={
            "errors": 0.1,
            "alpha": 0.05,
            "quality_ratio": 2,
            "quality_share": 0.2,
            "latency_p95_ms": 300,
            "latency_ratio": None,
            "latency_window": "5m",
        },
    )
    assert plan.phases[1] == Phase(2_000, 43_200.0, 7, "auto", "看")
    assert [plan.weight_bp(k) for k in range(3)] == [0, 2_000, 9_500]
    assert (plan.limits.mode, plan.limits.errors, plan.limits.latency_ratio) == (
        "literal",
        0.1,
        None,
    )
    assert (plan.limits.latency_window_s, plan.highest_by_hand_bp(0)) == (300, 5_000)
    json.dumps(plan.to_dict())


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"phases": []}, r"rollout\.phases: \[\]"),
        ({"phases": None}, r"rollout\.phases: None"),
        ({"phases": [{"share": 0.3}, {"share": 0.1}]}, r"0\.3, 0\.1 .* ascending"),
        ({"phases": [{"share": 0.3}, {"share": 0.3}]}, "ascending"),
        ({"phases": [{"share": 1.5}]}, r"phases\[0\]\.share: 1\.5 .* 0\.\.1"),
        ({"phases": [{"share": 100}]}, r"phases\[0\]\.share: 100"),
        ({"phases": [{"share": 0}]}, "first may be 0"),
        ({"phases": [{}]}, r"phases\[0\]\.share: is missing"),
        ({"phases": [{"share": 0.1, "gaet": "auto"}]}, r"gaet: unknown key \(did you mean gate"),
        ({"phases": [{"share": 0.1, "gate": "both"}]}, "gate: 'both' .* manual, auto"),
        ({"phases": [{"share": 0.1, "min_dwell": "soon"}]}, "min_dwell: 'soon' .* 12h"),
        ({"phases": [{"share": 0.1, "min_dwell": "1000d"}]}, "at most 90d"),
        ({"phases": [{"share": 0.1, "min_samples": 0}]}, "min_samples: 0"),
        ({"phases": [{"share": 0.1, "min_samples": True}]}, "min_samples: True"),
        ({"phases": "10%"}, "phases: '10%'"),
        ({"limits": {"errors": 0}}, r"limits\.errors: 0 .* above 0 and at most 1"),
        ({"limits": {"errors": 1.1}}, r"limits\.errors: 1\.1"),
        ({"limits": {"errors": float("nan")}}, r"limits\.errors: nan"),
        ({"limits": {"latency_ratio": 0.5}}, r"latency_ratio: 0\.5"),
        ({"limits": {"latency_window": "2d"}}, "latency_window"),
        ({"limits": []}, r"rollout\.limits: \[\]"),
        ({"mode": "strict"}, "mode: 'strict' .* confirmed, literal"),
        ({"stable": "crnn"}, "stable: 'crnn' .* MODEL:VERSION"),
        ({"stable": "crnn:1"}, "candidate: 'crnn:1' is stable already"),
        ({"sticky": "cookie"}, "sticky"),
        ({"holdout": 0.9}, "holdout"),
        ({"holdout": 0.45}, "holdout: leaves the last phase"),
        ({"on_failure": "ignore"}, "on_failure"),
        ({"id": "two words"}, r"rollout\.id"),
        ({"shadows": 1}, "shadows: unknown key"),
    ],
)
def test_a_mistake_is_refused_in_one_line(section, said):
    """Naming the key, the value and what is accepted."""
    with pytest.raises(FieldError, match=said) as caught:
        parsed(**section)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "plan", 7])
def test_a_section_that_is_no_mapping_is_refused(document):
    """Not taken for the default plan."""
    with pytest.raises(FieldError, match="mapping"):
        parse(document, stable=STABLE, candidate=CANDIDATE)


def test_a_plan_needs_a_name():
    """It is also the salt of its hash."""
    with pytest.raises(FieldError, match="id: is missing"):
        parse({}, stable=STABLE, candidate=CANDIDATE)


def test_a_ratio_in_conflict_with_the_plan_is_refused():
    """The plan's share wins, and nobody is left to guess."""
    plan = Plan("r", STABLE, CANDIDATE)
    refuse_conflict(plan, 1_000)
    with pytest.raises(FieldError, match=r"gray_scale_ratio: 0\.3 .* begins at 0\.1"):
        refuse_conflict(plan, 3_000)
