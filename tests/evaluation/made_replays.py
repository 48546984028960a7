"""Images as if both arms had read them, for tests of what a replay makes of it."""

import datetime as dt

from ocr_evaluation.replay.attempts import Attempt, Reading
from ocr_evaluation.replay.result import replayed
from ocr_evaluation.replay.run import Seen
from ocr_evaluation.replay.sources import Picture
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm

OLD, NEW = Arm("old", 1), Arm("new", 2)
AT = dt.datetime(2026, 11, 29, 12, tzinfo=dt.timezone.utc)
PHASES = (Phase(1_000, 86_400.0, 100), Phase(10_000, 86_400.0, 100, "auto"))
BROKEN = Attempt(ms=3.0, fault="server_error", why="new:2: it raised")
UNREADABLE = Attempt(fault="client_fault", why="no image")


def answer(text="TOTAL 12.50", *, confidence=0.9, ms=10.0):
    return Attempt(text, confidence, ms)


def reading(number, candidate=None, stable=None, *, truth=None):
    """(picture, reading, truth) of one image; both arms read the same where nothing is said."""
    digest = f"{number:064x}"
    made = Reading(digest, 32, 200, stable or answer(), candidate or answer())
    return Picture(f"{number}.png", truth), made


def plan(*, phases=PHASES, on_failure="rollback", **limits):
    return Plan("r1", OLD, NEW, phases, limits=Limits(**limits), on_failure=on_failure)


class Nowhere:
    """A source that was read already."""

    def __init__(self, pictures):
        self.where, self.said, self.pictures = "made", {}, pictures


def replay(readings, of=None):
    truths = {made.digest: picture.truth for picture, made in readings if picture.truth}
    source = Nowhere([picture for picture, _ in readings])
    return replayed(source, Seen(list(readings), truths), of or plan(), threads=4, at=AT)
