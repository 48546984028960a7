"""What each arm's confidences are usually like, learnt in this process from its own answers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from ocr_rollout.core.garbled import Finding, Norm, examine
from ocr_rollout.core.routing import Arm

from .results import Reading

SAMPLE: Final = 2_000  # the last answers that were fine
EVERY: Final = 250  # answers between two looks at the sample


class Norms:
    """Norms by arm. Reading and noting take well below a microsecond; sorting is done elsewhere.

    later: hands work to another thread, or refuses it; the next answers ask again.

    Only answers that are fine are noted: an arm that goes bad must not drag down its own norm.
    """

    def __init__(self, later: Callable[[Callable[[], None]], bool]) -> None:
        self._later = later
        self._lock = threading.Lock()
        self._samples: dict[Arm, deque[float]] = {}
        self._unseen: dict[Arm, int] = {}
        self._norms: dict[Arm, Norm] = {}

    def examine(self, arm: Arm, reading: Reading) -> Finding:
        """Whether an answer can be what stands on the paper, seen from the arm's norm.

        A page is no text where most of it is none, line by line: over all of its lines, three
        scripts or a word again and again are nothing strange.
        """
        norm = self._norms.get(arm)
        if not reading.lines:
            return examine(reading.text, reading.confidence, norm)
        found = [(examine(line.text), line.text) for line in reading.lines]
        fine = [text for finding, text in found if finding.kind == "ok"]
        bad = [(finding, text) for finding, text in found if finding.kind != "ok"]
        if sum(len(text) for _, text in bad) > sum(map(len, fine)) or not fine:
            return bad[0][0]
        return examine(fine[0], reading.confidence, norm)

    def learn(self, arm: Arm, reading: Reading) -> Finding:
        """The same; a fine answer's confidence is noted."""
        finding = self.examine(arm, reading)
        if finding.kind == "ok":
            self._note(arm, reading.confidence)
        return finding

    def of(self, arm: Arm) -> Norm | None:
        """None until the arm has answered often enough for a norm."""
        return self._norms.get(arm)

    def _note(self, arm: Arm, confidence: float) -> None:
        with self._lock:
            sample = self._samples.get(arm)
            if sample is None:
                sample = self._samples[arm] = deque(maxlen=SAMPLE)
            sample.append(confidence)
            unseen = self._unseen[arm] = self._unseen.get(arm, 0) + 1
        if unseen >= EVERY and len(sample) >= Norm.LEAST and self._later(lambda: self.refresh(arm)):
            self._unseen[arm] = 0

    def refresh(self, arm: Arm) -> None:
        """Looks at the sample. Takes some 0.2 ms."""
        with self._lock:
            sample = list(self._samples.get(arm, ()))
        if len(sample) >= Norm.LEAST:
            self._norms[arm] = Norm.of(sample)
