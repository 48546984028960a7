"""The capacity model: its arithmetic, and that documents and deployments follow it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COSTS_FIELDS = {
    "triton_line_ms": 2.0,
    "triton_column_ms": 0.025,
    "service_line_ms": 3.0,
    "caller_ms": 0.5,
    "page_ms": 400.0,
    "page_lines": 40.0,
    "redis_process_ms": 2.0,
    "redis_process_operations": 5.0,
    "redis_request_us": 10.0,
}


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def costs():
    from benchmarks.capacity_model import Costs

    return Costs(**COSTS_FIELDS)


def test_need_is_processor_time_with_room(costs):
    """320 columns cost 2 + 8 = 10 ms, so 100 lines a second are one core of Triton."""
    from benchmarks.capacity_model import Load, need

    found = need(costs, Load(100))
    assert (found.triton_cores, found.service_cores) == pytest.approx((1.0, 0.3))
    assert (found.tritons, found.services) == (2, 1)
    assert found.redis_share == pytest.approx(0.002 + 100 * 10e-6)
    more = need(costs, Load(1_000))
    assert (more.tritons, more.services) == (15, 5)  # 10 and 3 cores, each seven tenths busy
    assert more.redis_operations == 5 * 5


def test_lines_of_pages_share_the_page_and_are_one_request(costs):
    from benchmarks.capacity_model import Load, need, requests, service_ms

    assert service_ms(costs, Load(1, pages=1.0)) == pytest.approx(10.0)
    assert service_ms(costs, Load(1, pages=0.5)) == pytest.approx(6.5)
    assert requests(costs, Load(80, pages=0.5)) == pytest.approx(41.0)
    assert need(costs, Load(100, pages=1.0)).service_cores == pytest.approx(1.0)


def test_first_to_give_way_is_the_busiest_part(costs):
    from benchmarks.capacity_model import Load, Size, first_bottleneck, shares

    small = Size(tritons=2, instances=2, services=2)
    part, until = first_bottleneck(costs, Load(100), small)
    assert part == "Triton"
    assert shares(costs, Load(until), small)["Triton"] == pytest.approx(0.7)
    part, until = first_bottleneck(costs, Load(100), Size(tritons=100, services=1))
    assert part == "service"
    assert until == pytest.approx(0.7 / 0.003)
    part, until = first_bottleneck(costs, Load(10), Size(tritons=10_000, services=10_000))
    assert part == "Redis"


def test_redis_gives_way_where_its_core_is_busy(costs):
    from benchmarks.capacity_model import Load, need, redis_limit

    most = redis_limit(costs, Load(1))
    assert need(costs, Load(most)).redis_share == pytest.approx(0.7, rel=0.01)


def test_wider_lines_and_more_of_them_never_need_less(costs):
    from benchmarks.capacity_model import Load, need

    needs = [need(costs, Load(lines, width)) for lines in (1, 10, 500) for width in (96, 320, 1024)]
    for one, other in ((0, 1), (1, 2), (2, 5), (5, 8)):
        assert needs[one].cores <= needs[other].cores


def test_command_says_what_to_do_without_measured_costs(tmp_path):
    done = run("--costs", str(tmp_path / "none.json"))
    assert done.returncode == 1
    assert "measure first: --measure" in done.stderr


def test_command_prints_what_a_load_needs(tmp_path):
    point = {
        "arm": "a:1",
        "cores": 1,
        "cores_got": 0.97,
        "width": 320,
        "predicted": 9.0,
        "measured": 10.0,
        "error": -0.1,
    }
    document = {"machine": {}, "costs": {"a:1": COSTS_FIELDS}, "checked": [point]}
    path = tmp_path / "costs.json"
    path.write_text(json.dumps(document))
    done = run("--costs", str(path), "--lines", "100", "--json")
    found = json.loads(done.stdout)
    assert found["need"]["triton_cores"] == pytest.approx(1.0)
    assert found["as_shipped"]["first"] == "Triton"
    shown = run("--costs", str(path), "--lines", "50").stdout
    assert shown.count("\n| 50 |") == 1
    assert "9.0 predicted, 10.0 measured (-10%)" in shown


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.capacity", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_fields_of_costs_are_all_here(costs):
    assert dataclasses.asdict(costs) == COSTS_FIELDS


def test_document_holds_what_the_kept_costs_give():
    from benchmarks.capacity import BEGIN, END, block

    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == block().strip()
