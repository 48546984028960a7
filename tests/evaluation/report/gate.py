"""A gate with people at it: a store as clients and reviewers fill it, and `ocrctl rollout report`."""

import json
import math
import random
import time
from pathlib import Path

from desk import DIGEST, Desk

from ocr_client.operations.reviewing import desk_of
from ocr_client.operations.setting import setting
from ocr_client.reviews.samples import DisagreementSample, Line, Origin
from ocr_rollout.core import commands
from ocr_rollout.core.controller import step
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.evidence import MARK_S
from ocr_rollout.core.reviews import Lines
from ocr_rollout.core.texts import edit_distance, normalised_distance, plain
from ocr_rollout.runtime.evidence import mark, read_evidence
from ocr_rollout.stores import Sample
from ocr_rollout.stores.review_series import review_deltas
from ocr_rollout.stores.series import deltas

ROOT = Path(__file__).parents[3]
SAMPLES = sorted((ROOT / "samples").glob("*.png"))
HOUR_S = 3_600.0
STABLE, CANDIDATE = "convnext:2", "crnn:3"
PLAN = """
model_routing: {{stable: '{stable}', candidate: '{candidate}'}}
rollout:
  id: r1
  {limits}
  phases:
    - {{share: 0.1, min_dwell: 1m, min_samples: 100, aim: "basic function"}}
    - {{share: 0.3, min_dwell: 1m, min_samples: 100, aim: "real feedback, accuracy"}}
    - {{share: 1.0, min_dwell: 1m, min_samples: 100}}
review: {{keep_images: true}}
"""
WHERE = f"reviews/r1/{DIGEST[:16]}"


class Gate(Desk):
    """limits: more lines of the section `rollout`."""

    def __init__(self, folder, limits="{}", **options):
        text = PLAN.format(stable=STABLE, candidate=CANDIDATE, limits=f"limits: {limits}")
        super().__init__(folder, text, **options)
        self._lines = 0

    def gives(self, *words):
        """report.json, as the verb prints it; it must have worked."""
        return self.said("report", *words)

    def told(self, *words):
        """(recommendation, side/key of every point, a * behind those that block)."""
        decision = self.gives(*words)["decision"]
        said = {
            f"{point['side']}/{point['key']}{'*' * point['blocks']}" for point in decision["points"]
        }
        return decision["recommendation"], said

    def begun(self):
        """Started by ann two hours ago, in phase 2 since ben let it through an hour ago."""
        plan, now_s = self.plan, time.time()

        def start(state):
            begin_s = now_s - 2 * HOUR_S
            note = "as decided on Monday"
            return commands.start(plan, state, digest=DIGEST, by="ann", note=note, at_s=begin_s)

        def approve(state):
            note = "logs read, no complaint"
            return commands.approve(plan, state, by="ben", note=note, at_s=now_s - HOUR_S)

        self.change(start)
        self.hour(ago_s=HOUR_S, errors=0.006)
        gate_s = now_s - 1.1 * HOUR_S
        self.change(
            lambda state: step(plan, state, read_evidence(self.store, state, now_s), gate_s)
        )
        self.change(approve)
        return self

    def past_the_first_gate(self):
        """In phase 2, let through by ben."""
        self.waiting()
        plan = self.plan
        self.change(
            lambda state: commands.approve(plan, state, by="ben", note="fine", at_s=time.time())
        )
        return self

    def hour(self, *, ago_s=0.0, errors=0.004, slower=1.2, equal=0.93):
        """An hour of traffic, up to now or so long ago: what clients would have flushed."""
        chance, now_s, sums = random.Random(4), time.time() - ago_s, []
        epoch = self.state.epoch
        for back_s in range(3_400, 20, -40):
            load = 1 + 0.4 * math.sin(back_s / 500)
            arms = (("stable", 60, 62, 0.004), ("candidate", 26, 62 * slower, errors))
            for arm, n, typical_ms, share in arms:
                counts = Counts()
                for _ in range(round(n * load)):
                    bad = "server_error" if chance.random() < share else "ok"
                    counts += Counts.of(bad, typical_ms * chance.lognormvariate(0, 0.35))
                sums += deltas(epoch, arm, now_s - back_s, counts)
            same = sum(chance.random() < equal for _ in range(15))
            pairs = Pairs(15, equal=same, distance_milli=90)
            sums += deltas(epoch, "pairs", now_s - back_s, pairs)
        self._add(sums, tuple(mark(epoch, now_s - MARK_S * k) for k in range(300)))
        return self

    @property
    def people(self):
        return desk_of(setting(str(self.file), None))

    def line(self, role, text, truth, *, kind="print", confidence=0.9):
        """One that ann has checked."""
        self._lines += 1
        name = f"line-{self._lines}"
        arm = STABLE if role == "stable" else CANDIDATE
        self._put(name, Line(self._origin(name), role, arm, text, confidence, "ok"), "line")
        self.people.review(name, truth, by="ann", kind=kind)

    def lines(self, role, right, wrong, kind="print"):
        """What reviews of so many lines of two characters counted, without the lines themselves."""
        tally = sum([Lines.of(0, 2)] * right + [Lines.of(1, 2)] * wrong, Lines())
        self._add(review_deltas(WHERE, role, kind, tally, at_s=time.time()))

    def pair(self, stable, candidate, *, truth=None, image=None, where=WHERE):
        self._lines += 1
        name = f"pair-{self._lines}"
        one, other = plain(stable), plain(candidate)
        document = DisagreementSample(
            self._origin(name, where),
            STABLE,
            stable,
            CANDIDATE,
            candidate,
            normalised_distance(one, other),
            edit_distance(one, other),
        )
        self._put(name, document, "pair", image)
        if truth is not None:
            self.people.review(name, truth, by="ann", kind="print")

    def full(self):
        """With all that there may be to see, at the second gate."""
        self.begun().hour()
        for kind, stable, candidate in (
            ("print", (52, 8), (55, 5)),
            ("scan", (40, 20), (44, 16)),
            ("sign", (12, 28), (20, 20)),
            ("handwriting", (3, 5), (2, 4)),
        ):
            self.lines("stable", *stable, kind=kind)
            self.lines("candidate", *candidate, kind=kind)
        for k in range(24):  # of few the lines are kept, too
            role, sure = ("stable", "candidate")[k % 2], 0.97 if k < 12 else 0.75
            self.line(role, "发票" if sure > 0.9 or k % 3 else "发栗", "发票", confidence=sure)
        for picture, stable, candidate, truth in DISPUTES:
            image = None if picture is None else SAMPLES[picture].read_bytes()
            self.pair(stable, candidate, truth=truth, image=image)
        assert self.look().status == "waiting"
        return self

    def _origin(self, name, where=WHERE):
        return Origin(name, where, "r1", 1, 1, 2, 7, None)

    def _put(self, name, document, kind, image=None):
        at_s = time.time()
        sample = Sample(name, at_s, at_s + 1e7, document.to_dict(), kind=kind, image=image)
        assert self.store.put_sample(sample)


# (place in `samples/`, stable's text, the candidate's, a reviewer's)
DISPUTES = (
    (0, "模型版木切换不停机", "模型版本切换不停机", "模型版本切换不停机"),
    (1, "The second recogniser is reody", "The second recogniser is ready", None),
    (2, "第二季度销售额增长125%", "第二季度销售额增长12.5%", "第二季度销售额增长12.5%"),
    (3, "lnvoice No. 20261122", "Invoice No. 2O261122", "Invoice No. 20261122"),
    (4, "价税合计￥1,280.00", "价税合计￥1,280 00元", "价税合计￥1,280.00"),
    (6, "", "下午三点开会", None),
    (7, "欢迎光临", "迎光监", "欢迎光临"),
    (None, "EXIT ONLY", "EXIT 0NLY", None),
)


def as_json(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))
