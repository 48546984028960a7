"""An audit that could not look is no audit."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FINE = {"name": "a", "version": "1", "vulns": []}
HOLE = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([FINE], 0, "1 of 1 packages looked up, 0 vulnerabilities"),
        ([FINE, HOLE], 1, "b 2: CVE-1, mended in 3"),
        ([FINE, SKIPPED], 2, "NOT AUDITED: 1 packages, e.g. not found on PyPI"),
        ([HOLE, SKIPPED], 2, "b 2: CVE-1"),
    ],
)
def test_what_an_audit_says(monkeypatch, capsys, packages, code, says):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.audit import report

    assert report("a.lock", packages) == code
    assert says in capsys.readouterr().out
