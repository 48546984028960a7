"""Each kind of broken candidate before its rollout: a replay over the real Triton finds it out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from benchmarks.rollout_site import Site, phases
from benchmarks.traffic import LONG, made_lines

pytestmark = pytest.mark.server

Replayed = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def replayed(site: Site, tmp_path: Path) -> Replayed:
    """(exit code, document) of a candidate on short lines and on long ones."""

    def replay(
        candidate: str, *, short: int, long: int = 0, stable: str = "convnext:1"
    ) -> tuple[int, dict[str, Any]]:
        site.configure({"id": "live", "phases": phases(0.3, 1.0, samples=150)})
        folder = tmp_path / "lines"
        folder.mkdir()
        for number, line in enumerate([*made_lines(short), *made_lines(long, width=LONG)]):
            cv2.imwrite(str(folder / f"{number}.png"), line)
        arms = ("--arm", candidate, "--against", stable)
        journal = str(tmp_path / "journal")
        said = site.ocrctl("replay", str(folder), *arms, "--json", "--journal", journal)
        assert said.err == ""
        return said.code, json.loads(said.out)

    return replay


@pytest.mark.parametrize(
    ("candidate", "rules", "outcome"),
    [
        ("crnn:2", {"early", "late"}, "server_error"),  # raises on half of the images
        ("crnn:3", {"quality", "quality_pairs"}, "empty"),
        ("crnn:4", {"quality", "quality_pairs"}, "garbled"),
    ],
)
def test_a_broken_candidate_would_be_taken_back(
    replayed: Replayed, candidate: str, rules: set[str], outcome: str
) -> None:
    """By the rule that takes it back in a rollout, within a few images, each with its cause."""
    code, document = replayed(candidate, short=60)
    assert (code, document["status"], document["rollout"]["ending"]) == (3, "FAIL", "roll_back")
    assert document["rollout"]["why"].partition(":")[0] in rules
    assert document["rollout"]["at_image"] < 60
    outcomes = document["arms"]["candidate"]["outcomes"]
    assert set(outcomes) == {"ok", outcome}
    assert len(document["failing"]) == outcomes[outcome]
    for one in document["failing"]:
        assert (one["whose"], one["candidate"]["outcome"]) == ("candidate", outcome)
        assert candidate in one["candidate"]["why"]
    assert document["arms"]["stable"]["outcomes"] == {"ok": 60}


@pytest.mark.slow
def test_a_slow_candidate_would_be_taken_back(replayed: Replayed) -> None:
    """Of 115 lines stable's p95 is bounded by its slowest answer; of 250 four may be held up."""
    code, document = replayed("crnn:5", short=250)
    assert (code, document["rollout"]["why"].partition(":")[0]) == (3, "latency_ratio")
    latency = {role: arm["latency_ms"]["p95"] for role, arm in document["arms"].items()}
    assert latency["candidate"] > 2 * latency["stable"]


def test_a_corner_that_both_arms_fail_in_takes_nobody_back(replayed: Replayed) -> None:
    """Long lines alone raise, in stable and in the candidate alike."""
    code, document = replayed("crnn:6", short=20, long=30, stable="convnext:2")
    assert (code, document["rollout"]["ending"]) == (4, "common_cause")
    assert {one["whose"] for one in document["failing"]} == {"both"}


def test_a_healthy_candidate_would_go_on(replayed: Replayed) -> None:
    code, document = replayed("crnn:1", short=160)
    assert (code, document["failing"], document["worst_disagreements"]) == (0, [], [])
    assert document["rollout"]["phases"][0]["left"] is not None
    assert document["texts"]["agreement"]["value"] == 1
