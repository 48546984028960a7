"""pip-audit over every lock, which says so where it could not look: `make audit`.

Where no vulnerability service is reached, pip-audit itself ends well and lists each package as one
that could not be audited. That is no result, so here it is exit code 2.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    "requirements/service.lock",
    "requirements/dev.lock",
    "server/ocr_server/requirements.lock",
)
# Known, with why it stays: id of the vulnerability -> reason.
ACCEPTED: dict[str, str] = {}


def main(program: str) -> int:
    """0: nothing known; 1: vulnerabilities; 2: at least one lock could not be looked up whole."""
    worst = 0
    for lock in LOCKS:
        command = [program, "--progress-spinner", "off", "--disable-pip", "--require-hashes"]
        done = subprocess.run(
            [*command, "--format", "json", "-r", str(ROOT / lock)],
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.stdout.startswith("{"):
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"{lock}: NOT AUDITED: {said}")
            worst = 2
            continue
        worst = max(worst, report(lock, json.loads(done.stdout)["dependencies"]))
    return worst


def report(lock: str, packages: list[dict[str, Any]]) -> int:
    """Prints what was found of one lock; the exit code for it."""
    skipped = [one for one in packages if "skip_reason" in one]
    found = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or '-'}"
        for one in packages
        for hole in one.get("vulns", ())
        if hole["id"] not in ACCEPTED
    ]
    looked_up = len(packages) - len(skipped)
    print(
        f"{lock}: {looked_up} of {len(packages)} packages looked up, {len(found)} vulnerabilities"
    )
    for line in found:
        print(f"    {line}")
    if skipped:
        print(f"    NOT AUDITED: {len(skipped)} packages, e.g. {skipped[0]['skip_reason']}")
    return 2 if skipped else 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
