"""An operator's desk: a configuration, a store that clients share, and `ocrctl rollout`."""

import dataclasses
import json
import time
from pathlib import Path

from typer.testing import CliRunner

from ocr_client.cli.rollout import app
from ocr_client.config import ClientConfig
from ocr_rollout.core.controller import step
from ocr_rollout.core.counts import Counts
from ocr_rollout.core.evidence import MARK_S
from ocr_rollout.runtime.evidence import mark, read_evidence
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import CountBatch, KeyedDelta, open_store
from ocr_rollout.stores.series import deltas

DIGEST = "ab" * 32
NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there
PLAN = """
rollout:
  id: r1
  phases:
    - {share: 0.1, min_dwell: 1m, min_samples: 100, aim: look}
    - {share: 0.5, min_dwell: 0, min_samples: 100}
"""


class Desk:
    """folder: with config.yaml and, once something began, rollout.db."""

    def __init__(self, folder: Path, text: str = PLAN, *, triton=None):
        self.file = folder / "config.yaml"
        self.db = folder / "rollout.db"
        urls = (NOWHERE, NOWHERE) if triton is None else (triton.http_url, triton.metrics_url)
        self.file.write_text(
            f"{text}\ntriton: {{urls: ['{urls[0]}'], metrics_urls: ['{urls[1]}']}}\n", "utf-8"
        )
        self._batches = 0

    @property
    def plan(self):
        return ClientConfig.load(self.file).plan()

    @property
    def store(self):
        return open_store(ClientConfig.load(self.file).store.url)

    @property
    def state(self):
        return read_state(self.store)

    def history(self):
        return [entry.entry.document for entry in self.store.history(limit=1_000)]

    def run(self, verb, *words):
        return CliRunner().invoke(app, [verb, "--config", str(self.file), *map(str, words)])

    def said(self, verb, *words):
        """The object that a verb prints with --json; it must have worked."""
        result = self.run(verb, *words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def started(self):
        """At phase 1, by ann."""
        result = self.run("start", "--digest", DIGEST, "--by", "ann", "--no-server-check")
        assert result.exit_code == 0, result.stderr
        return self

    def counted(self, name, counts, at_s=None):
        """As a client's flush writes it."""
        self._add(deltas(self.state.epoch, name, time.time() if at_s is None else at_s, counts))

    def watched(self, minutes):
        """So many minutes, each of their slots marked by somebody."""
        now_s = time.time()
        for k in range(60 * minutes // MARK_S + 2):
            self._add((), (mark(self.state.epoch, now_s - MARK_S * k),))

    def waiting(self):
        """With all that a phase needs, at its gate."""
        self.watched(2)
        self.counted("stable", Counts.of("ok", 40.0, 900))
        self.counted("candidate", Counts.of("ok", 50.0, 200))
        assert self.look().status == "waiting"
        return self

    def look(self):
        """What every client does each second; the state after it."""
        state, now_s = self.state, time.time()
        found = step(self.plan, state, read_evidence(self.store, state, now_s), now_s)
        return state if found is None else commit(self.store, found)[1]

    def change(self, command):
        """Somebody else's command, carried out."""
        done = command(self.state)
        assert commit(self.store, done)[0]

    def _add(self, sums, keyed: tuple[KeyedDelta, ...] = ()):
        self._batches += 1
        self.store.add(CountBatch("desk", self._batches, time.time(), sums, keyed))


def refused(result, text):
    """One line on stderr, nothing on stdout, exit code 1."""
    assert result.exit_code == 1, (result.stdout, result.stderr)
    assert text in result.stderr
    assert result.stderr.startswith("ocrctl: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def document(state):
    return dataclasses.asdict(state)
