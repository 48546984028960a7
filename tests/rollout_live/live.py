"""What the live tests share: commands as an operator gives them, and what a store has counted."""

from __future__ import annotations

import dataclasses
import time

from benchmarks.rollout_site import Said, Site, SiteError, wait_until
from benchmarks.traffic import Traffic
from typer.testing import CliRunner

from ocr_client import OCRClient
from ocr_client.cli.rollout import app
from ocr_rollout.runtime import Member
from ocr_rollout.runtime.evidence import read_evidence


@dataclasses.dataclass(frozen=True)
class Operator:
    """`ocrctl rollout` in this process, which saves a second for each command."""

    site: Site

    def __call__(self, verb: str, *arguments: str) -> Said:
        extra = ("--repository", str(self.site.repository)) if verb == "start" else ()
        result = CliRunner().invoke(
            app, [verb, *arguments, *extra], env={"OCR_ROLLOUT_CONFIG": str(self.site.config)}
        )
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return Said(result.exit_code, result.stdout, result.stderr.strip())

    def does(self, verb: str, *arguments: str) -> Said:
        """What is expected to be carried out."""
        said = self(verb, *arguments)
        assert said.code == 0, said.err or said.out
        return said


def member_of(client: OCRClient) -> Member:
    """The client's part in the rollout, which is known after its end, too."""
    return client._session.begin().member


def counted(site: Site) -> tuple[int, int]:
    """(stable's, the candidate's) requests of the present epoch that stand in the store."""
    state = site.state()
    with site.store() as store:
        evidence = read_evidence(store, state, time.time())
    return evidence.stable.total.requests, evidence.candidate.total.requests


def wait_for_requests(traffic: Traffic, more: int) -> None:
    """Until so many more were answered."""
    wanted = traffic.tally.answers.total() + more
    wait_until(lambda: traffic.tally.answers.total() >= wanted, f"{more} answers")


def wait_for_stable_alone(traffic: Traffic) -> None:
    """Until no request goes to the candidate any more. Raises SiteError when one does later on."""
    asked = -1
    for _ in range(20):
        before, asked = asked, traffic.tally.asked.total()
        if before == asked:
            return
        wait_for_requests(traffic, 50)  # at a share of 30 % one of them would be the candidate's
    raise SiteError("the candidate is still being asked")
