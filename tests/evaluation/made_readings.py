"""Answers and lines as if they had been read, for tests of what is figured from them."""

from ocr_evaluation.labels import Line
from ocr_evaluation.reading import Answer, Failure, Read
from ocr_rollout.core.routing import Arm

ARMS = (Arm("old", 1), Arm("new", 2))
LOST = Failure("the connection broke", "ConnectionLostError", "network")


def answer(text, *, confidence=0.9, time_ms=10.0, height=32, kind="ok"):
    return Answer(text, confidence, time_ms, height, kind)


def read(truth, *texts, category="print", file="a.png", **line):
    """None: that arm failed."""
    results = tuple(LOST if text is None else answer(text) for text in texts)
    return Read(Line(file, truth, category, **line), results)
