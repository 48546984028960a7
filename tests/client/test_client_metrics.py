"""`OCRClient.metrics()`: histograms, and verdicts as states."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ocr_client import Arm, report
from ocr_client.fallback import Attempt
from ocr_client.metrics import EDGES_S, Metrics
from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.outcomes import OUTCOMES, TIMED
from ocr_rollout.core.verdict import Verdict

ARM = Arm("crnn", 2)


def parsed(found):
    """Name -> samples, as Prometheus reads the exposition format."""
    text = "".join(f"{series} {float(value)!r}\n" for series, value in found.items())
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample)
    return samples


def test_a_histogram_counts_what_is_not_above_each_edge():
    metrics = Metrics()
    for value_s in (0.001, 0.005, 0.006, 3.0, 60.0):
        metrics.observe("a_seconds", value_s, arm="crnn:2")
    found = parsed(metrics.snapshot())
    counts = {sample.labels["le"]: sample.value for sample in found["a_seconds_bucket"]}
    assert tuple(map(float, list(counts)[:-1])) == EDGES_S
    assert (counts["0.005"], counts["0.01"], counts["2.0"], counts["5.0"]) == (2, 3, 3, 4)
    assert counts["10.0"] == 4
    assert counts["+Inf"] == found["a_seconds_count"][0].value == 5
    assert found["a_seconds_sum"][0].value == pytest.approx(63.012)
    assert found["a_seconds_sum"][0].labels == {"arm": "crnn:2"}


@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_an_attempt_is_timed_where_its_duration_says_how_fast_the_arm_is(outcome):
    metrics = Metrics()
    report.count_attempt(metrics, Attempt(ARM, outcome, 20.0))
    found = metrics.snapshot()
    assert (
        found[f'ocr_client_attempts_total{{arm="crnn:2",outcome="{outcome or "not_made"}"}}'] == 1
    )
    timed = found.get('ocr_client_attempt_seconds_bucket{arm="crnn:2",le="0.02"}')
    assert timed == (1 if outcome in TIMED else None)


@pytest.mark.parametrize(
    ("pair", "result"),
    [
        (Pairs(both_fine=1, equal=1), "equal"),
        (Pairs(both_fine=1, distance_milli=300), "different"),
        (Pairs(candidate_only=1), "candidate_bad"),
        (Pairs(stable_only=1), "stable_bad"),
        (Pairs(both_bad=1), "both_bad"),
    ],
)
def test_how_the_two_texts_of_an_image_compare(pair, result):
    metrics = Metrics()
    report.count_pair(metrics, pair)
    assert metrics.snapshot() == {f'ocr_client_shadow_pairs_total{{result="{result}"}}': 1}


def test_a_rule_has_one_status_and_the_numbers_it_has():
    """Asked twice, it shows what speaks against the candidate."""
    told = dict(
        report.of_verdicts(
            (
                Verdict("FAIL", "quality", 0.3, 0.1, 50, "too many"),
                Verdict("PASS", "quality", 0.1, 0.2, 60, "alike"),
                Verdict("INCONCLUSIVE", "latency", None, 200.0, 0, "nothing timed"),
            )
        )
    )
    states = {series: value for series, value in told.items() if "status" in series}
    assert {series for series, value in states.items() if value} == {
        'ocr_client_verdict{rule="latency",status="INCONCLUSIVE"}',
        'ocr_client_verdict{rule="quality",status="FAIL"}',
    }
    assert len(states) == 8
    assert {series: told[series] for series in told.keys() - states.keys()} == {
        'ocr_client_verdict_observed{rule="quality"}': 0.3,
        'ocr_client_verdict_limit{rule="quality"}': 0.1,
        'ocr_client_verdict_samples{rule="quality"}': 50,
        'ocr_client_verdict_limit{rule="latency"}': 200.0,
        'ocr_client_verdict_samples{rule="latency"}': 0,
    }
