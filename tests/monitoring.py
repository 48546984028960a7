"""What deploy/prometheus and deploy/grafana ask for: every expression in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = DEPLOY / "grafana/dashboards/ocr-rollout.json"


@cache
def rules() -> tuple[dict[str, Any], ...]:
    document = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    return tuple(rule for group in document["groups"] for rule in group["rules"])


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


@cache
def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return document


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def shown() -> Iterator[tuple[str, str]]:
    """(title, PromQL with Grafana's variables) of everything that the dashboard draws."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for note in dashboard()["annotations"]["list"]:
        yield note["name"], note["expr"]


def filled(expression: str) -> str:
    """As Grafana sends it."""
    values = {"$__rate_interval": "1m", "$job": ".+", "$triton": ".+"}
    for variable, value in values.items():
        expression = expression.replace(variable, value)
    return expression


def expressions() -> Iterator[tuple[str, str]]:
    """(where it stands, PromQL) of rules and dashboard."""
    for rule in rules():
        yield rule.get("record") or rule["alert"], rule["expr"]
    yield from shown()
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":  # label_values(METRIC, LABEL)
            asked = variable["query"]["query"].removeprefix("label_values(").partition(",")[0]
            yield variable["name"], asked
