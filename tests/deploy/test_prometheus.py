"""deploy/prometheus and deploy/grafana, as promtool and Grafana read them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import get_args

import deployed
import monitoring
import pytest
import yaml
from promql import Named, selectors
from promtool import promtool

from ocr_client.results import AnswerReason
from ocr_gateway.families import BY_SERIES
from ocr_rollout.core.outcomes import ERRORS, NEVER, OUTCOMES, QUALITY_FAULTS
from ocr_rollout.core.state import LIVE, Status
from ocr_rollout.core.verdict import VerdictStatus

ALERTS = [rule for rule in monitoring.rules() if "alert" in rule]
# Labels that Prometheus itself adds.
OF_PROMETHEUS = {"job", "instance"}


def checked(*words: str) -> str:
    """What promtool says; it must be content."""
    done = subprocess.run(
        [promtool(), *words],
        cwd=monitoring.PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_its_configuration_and_finds_the_rules() -> None:
    said = checked("check", "config", "prometheus.yml")
    assert f"{len(monitoring.rules())} rules found" in said


def test_prometheus_takes_the_rules() -> None:
    assert "SUCCESS" in checked("check", "rules", "--lint=all", "--lint-fatal", "rules.yml")


def test_prometheus_can_read_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    """Each as the expression of a rule, for `promtool check rules`."""
    rules = [
        {"record": f"panel:number:{number}", "expr": monitoring.filled(expression)}
        for number, (_, expression) in enumerate(monitoring.shown())
    ]
    assert len(rules) > 50
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in checked("check", "rules", str(path))


@pytest.mark.slow
def test_the_rules_do_what_their_tests_say() -> None:
    assert "SUCCESS" in checked("test", "rules", "rules_test.yml")


def test_every_alert_fires_in_a_test() -> None:
    document = yaml.safe_load((monitoring.PROMETHEUS / "rules_test.yml").read_text("utf-8"))
    fired = {
        name
        for test in document["tests"]
        for case in test.get("promql_expr_test", ())
        for sample in case.get("exp_samples", ())
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    } | {
        case["alertname"]
        for test in document["tests"]
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_it_means_and_what_to_type(rule: deployed.Object) -> None:
    """And each command of ours is one."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description"}
    told = re.findall(r"`([^`]+)`", rule["annotations"]["description"])
    commands = [shlex.split(line) for line in told if line.startswith("ocrctl ")]
    assert commands
    for words in commands:
        deployed.refuse_unknown(words[1:])


@pytest.mark.parametrize(("where", "expression"), [*monitoring.expressions()])
def test_every_metric_of_ours_is_exported_with_the_labels_that_are_asked_for(
    where: str, expression: str
) -> None:
    found = selectors(expression)
    assert found
    for named in found:
        labels = {label for label, _, _ in named.matchers}
        if named.metric.startswith("ocr_"):
            family = BY_SERIES[named.metric]
            bins = {"le"} if named.metric.endswith("_bucket") else set()
            assert labels <= set(family.labels) | OF_PROMETHEUS | bins, where
        elif ":" in named.metric:
            assert named.metric in monitoring.recorded(), where
        else:
            assert named.metric == "up" or named.metric.startswith("nv_"), where


def test_every_word_in_a_matcher_is_one_that_is_said() -> None:
    """A misspelt one would select nothing, and no alert would ever fire."""
    known = {
        ("ocr_client_attempts_total", "outcome"): {*OUTCOMES, "not_made"},
        ("ocr_client_requests_total", "reason"): {
            word for part in get_args(AnswerReason) for word in (get_args(part) or (part,))
        },
        ("ocr_client_rollout_info", "status"): set(get_args(Status)),
        ("ocr_client_verdict", "status"): set(get_args(VerdictStatus)),
        ("ocr_client_shadow_pairs_total", "result"): {"equal", "different"},
        ("ocr_client_notifications_total", "result"): {"given_up"},
    }
    asked = {
        ((named.metric, label), word)
        for _, expression in monitoring.expressions()
        for named in selectors(expression)
        for label, _, value in named.matchers
        for word in value.split("|")
    }
    assert {place for place, _ in asked} >= known.keys()
    for place, word in asked:
        assert word in known.get(place, {word}), place


def test_the_rules_count_what_the_judge_counts() -> None:
    texts = {rule.get("record"): rule["expr"] for rule in monitoring.rules()}

    def words(record: str, label: str) -> list[tuple[str, frozenset[str]]]:
        return [
            (operator, frozenset(value.split("|")))
            for named in selectors(texts[record])
            for name, operator, value in named.matchers
            if name == label
        ]

    assert words("job_arm:ocr_attempts:rate5m", "outcome") == [("!~", NEVER | {"not_made"})]
    assert words("job_arm:ocr_errors:ratio_rate5m", "outcome") == [("=~", ERRORS)]
    assert words("job_arm:ocr_empty_or_garbled:ratio_rate5m", "outcome") == [("=~", QUALITY_FAULTS)]
    assert words("job_arm:ocr_candidate:live", "status") == [("=~", LIVE)]


def test_the_dashboard_is_one_that_grafana_can_provision() -> None:
    """Its own id, a source that is provisioned, panels that do not lie on each other."""
    document = monitoring.dashboard()
    assert (document["uid"], document.get("id")) == ("ocr-rollout", None)
    folder = monitoring.DEPLOY / "grafana/provisioning/datasources"
    (path,) = folder.glob("*.yml")
    (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    assert source["type"] == "prometheus"
    assert source["url"] == "http://prometheus:9090"
    variables = {variable["name"] for variable in document["templating"]["list"]}
    assert variables == {"source", "job", "triton"}
    rows = [panel["title"] for panel in document["panels"] if panel["type"] == "row"]
    assert rows == [
        "Rollout",
        "Service",
        "Triton",
        "Store, configuration, notifications, reviews",
    ]
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    for panel in monitoring.panels():
        assert panel["description"], panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${source}"}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("a", [Named("a")]),
        ('sum by (x, y) (rate(a_total{x=~"p|q", y!="r"}[5m])) / on (x) group_left () b:c', [
            Named("a_total", (("x", "=~", "p|q"), ("y", "!=", "r"))), Named("b:c")]),
        ("a offset 1d unless on (x) b > 0.5e3 and c == bool 1", [Named("a"), Named("b"), Named("c")]),
        ('label_replace(a, "b", "$1", "c", "(.+)")', [Named("a")]),
        ("max without (x) (a) - time() # b", [Named("a")]),
        ("sum(rate(a[$__rate_interval])) by (x) + changes(b[1m:15s])", [Named("a"), Named("b")]),
    ],
)  # fmt: skip
def test_metrics_of_an_expression(expression: str, found: list[Named]) -> None:
    assert selectors(expression) == found
