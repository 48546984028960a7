"""What was measured is kept with the machine's facts, and names no host."""

from __future__ import annotations

import json
import platform
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def test_every_kept_result_has_the_facts_of_its_machine_and_no_host():
    files = sorted(RESULTS.glob("*.json"))
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        facts = json.loads(text)["machine"]
        assert {"cpu", "cores", "load", "python"} <= facts.keys(), path.name
        assert not {"host", "node", "hostname"} & facts.keys(), path.name
        assert platform.node() not in text or len(platform.node()) < 4, path.name
