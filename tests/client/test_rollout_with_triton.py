"""The rollout on the real embedded Triton: processes that share a store, rollback, shadow, rescue."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import pytest
from client_process import line
from rollouts import CANDIDATE, STABLE, counted, until

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import (
    ModelRouting,
    ShadowSettings,
    StoreSettings,
    TritonSettings,
)
from ocr_client.fake import spelled
from ocr_client.transport import TritonTransport
from ocr_rollout.core import commands
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import open_store
from ocr_rollout.stores.series import read_epoch

pytestmark = pytest.mark.server

PROGRAM = Path(__file__).with_name("client_process.py")


def config(server, ratio=0.5, **rest):
    return ClientConfig(
        ModelRouting(candidate_weight_bp=round(ratio * 10_000)),
        TritonSettings(urls=(server.http_url,)),
        **rest,
    )


class Sometimes(TritonTransport):
    """The real one; but what the candidate says to every image is replaced by `instead`."""

    def __init__(self, url, instead):
        super().__init__([url])
        self.instead = instead

    def infer(self, arm, image, **rest):
        codepoints, confidence = super().infer(arm, image, **rest)
        if arm != CANDIDATE:
            return codepoints, confidence
        return spelled(self.instead, lines=image.shape[0], steps=codepoints.shape[1])


def test_two_processes_count_into_one_store(triton, tmp_path):
    """Both find the started plan, route alike, and their outcomes are there when they have ended."""
    path = tmp_path / "config.yaml"
    path.write_text(
        f"rollout: {{id: crnn-1, phases: [{{share: 0.5}}]}}\ntriton: {{urls: ['{triton.http_url}']}}\n"
    )
    loaded = ClientConfig.load(path)
    store = open_store(loaded.store.url)
    step = commands.start(loaded.plan(), read_state(store), digest="d", by="ann", at_s=time.time())
    assert commit(store, step)[0]
    runs = [
        subprocess.Popen(
            [sys.executable, PROGRAM, path, name, "30"], stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    answers = [run.communicate(timeout=120)[0].split() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert [len(answer) for answer in answers] == [30, 30]
    found = read_epoch(store, read_state(store).epoch, time.time())
    together = answers[0] + answers[1]
    assert 10 < together.count(str(CANDIDATE)) < 50
    # Rescued answers are stable's, and a bucket key counts once a minute: hence at most a few less.
    attempts = found.candidate.total.requests + found.stable.total.requests
    assert 55 <= attempts <= 60
    assert found.candidate.total.timed == found.candidate.total.requests
    assert found.candidate.total.requests >= together.count(str(CANDIDATE)) - 3
    store.close()


def test_a_candidate_that_fails_is_taken_back_by_itself(triton):
    """By the ratio alone: a version that the server refuses to compute, no failure for users."""
    with OCRClient(config(triton, 1.0), transport=Refused(triton.http_url)) as client:
        end, number = time.monotonic() + 60, 0
        while (result := client.recognize(line(number), user_id=f"u{number}")).fell_back:
            assert result.arm == STABLE
            assert time.monotonic() < end
            number += 1
        assert result.reason == "candidate_out"
        assert client.rollout.status == "rolled_back"
        print(f"taken back after {number} requests: {client.rollout.reason}")


class Refused(TritonTransport):
    """The real one; but the candidate is sent a line of the wrong height, which its model refuses."""

    def __init__(self, url):
        super().__init__([url])

    def infer(self, arm, image, **rest):
        return super().infer(arm, image[:, :, :31] if arm == CANDIDATE else image, **rest)


@pytest.mark.parametrize("instead", ["", "\ufffd" * 4])
def test_a_bad_answer_is_rescued_by_the_real_stable(triton, instead):
    """What users see is what stable alone would have said."""
    with OCRClient(config(triton, 0)) as client:
        alone = client.recognize(line(3))
    with OCRClient(config(triton, 1.0), transport=Sometimes(triton.http_url, instead)) as client:
        result = client.recognize(line(3))
        if alone.text:
            assert (result.text, result.arm, result.rescued) == (alone.text, STABLE, True)
        assert sum(counted(client).candidate.values()) == 1


def test_the_real_candidate_reads_along(triton, tmp_path):
    """At weight 0, before a start; pairs are counted, answers are all stable's."""
    url = f"sqlite:///{tmp_path}/rollout.db"
    settings = dataclasses.replace(
        config(triton, shadow=ShadowSettings(10_000), store=StoreSettings(url)),
        rollout=config(triton).plan(),
    )
    client = OCRClient(settings)
    for number in range(12):
        assert client.recognize(line(number), user_id=f"u{number}").arm == STABLE
        until(
            lambda n=number: client.metrics().get('ocr_client_shadow_total{result="read"}', 0) > n
        )
    found = counted(client)
    assert sum(found.stable.values()) == 12
    assert sum(found.shadow.values()) == 12
    assert sum(found.pairs.get(name, 0) for name in PAIR_NAMES) == 12
    assert found.candidate == {}


PAIR_NAMES = ("both_fine", "candidate_only", "stable_only", "both_bad")
