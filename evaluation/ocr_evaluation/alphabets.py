"""Which characters each arm can write at all, as far as its model is at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from ocr_client.versions.graph import GraphError, read_graph
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.texts import plain

_SHOWN: Final = 10  # characters


@dataclasses.dataclass(frozen=True)
class Reach:
    """characters: that the arm has classes for; None where that is not known.

    lacking: characters of the set's texts that it has none for, the most frequent first. lines:
    of the set that hold one of them, which the arm cannot read whole.
    """

    arm: Arm
    characters: frozenset[str] | None
    lacking: str = ""
    lines: int = 0

    def to_json(self) -> dict[str, Any]:
        known = self.characters is not None
        return {
            "characters": len(self.characters or ()) if known else None,
            "lacking": self.lacking if known else None,
            "lines_that_hold_such": self.lines if known else None,
        }


def reaches(arms: Sequence[Arm], repository: Path, texts: Iterable[str]) -> tuple[Reach, ...]:
    """repository: folder of models that a Triton serves; what is not there is not known."""
    folded = [plain(text) for text in texts]
    return tuple(reach(arm, alphabet(repository, arm), folded) for arm in arms)


def alphabet(repository: Path, arm: Arm) -> frozenset[str] | None:
    """From the table in the arm's graph; None where there is no such file or no table."""
    try:
        graph = read_graph((repository / arm.model / str(arm.version) / "model.onnx").read_bytes())
    except (OSError, GraphError):
        return None
    return None if graph.alphabet is None else frozenset(map(chr, graph.alphabet[1:]))


def reach(arm: Arm, characters: frozenset[str] | None, texts: Sequence[str]) -> Reach:
    """texts: normalised, as they are compared."""
    if characters is None:
        return Reach(arm, None)
    written = {piece for character in characters for piece in plain(character)}
    missed: dict[str, int] = {}
    for text in texts:
        for character in set(text) - written:
            missed[character] = missed.get(character, 0) + 1
    lacking = "".join(sorted(missed, key=lambda one: (-missed[one], one)))
    lines = sum(not written.issuperset(text) for text in texts)
    return Reach(arm, characters, lacking, lines)


def said(found: Sequence[Reach], lines: int) -> list[str]:
    """One line each: what is not known, whether alphabets differ, what an arm cannot write."""
    notes = []
    unknown = [str(one.arm) for one in found if one.characters is None]
    if unknown:
        notes.append(f"alphabets are not compared: no model of {', '.join(unknown)} is at hand")
    known = [(one.arm, one.characters) for one in found if one.characters is not None]
    notes += [
        f"the alphabets of {known[0][0]} and {arm} differ: {len(known[0][1]):,} and"
        f" {len(characters):,} characters, {len(known[0][1] & characters):,} of them in both"
        for arm, characters in known[1:]
        if characters != known[0][1]
    ]
    notes += [
        f"{one.arm} cannot read {one.lines} of {lines} lines whole: it has no class for"
        f" {len(one.lacking)} of their characters{_some(one.lacking)}"
        for one in found
        if one.lacking
    ]
    return notes


def _some(characters: str) -> str:
    shown = " ".join(characters[:_SHOWN])
    return f", such as {shown}" if len(characters) > _SHOWN else f": {shown}"
