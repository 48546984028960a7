"""Which tables there are, and what stands in each column: docs/export.md is printed from it.

Columns are never renamed, moved or given another meaning under the same SCHEMA; new ones come last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Literal

from ocr_rollout.core.outcomes import OUTCOMES

SCHEMA: Final = 1

# time: seconds since 1970 within this program; UTC in the files.
Kind = Literal["text", "integer", "number", "boolean", "time"]
What = Literal["outcomes", "pairs", "reviews", "audit"]
Row = Mapping[str, Any]  # by column; None, or a column that is left out: not known


@dataclasses.dataclass(frozen=True)
class Column:
    """what: with the unit."""

    name: str
    kind: Kind
    what: str


@dataclasses.dataclass(frozen=True)
class Table:
    """key: the columns that tell a row from all others, and never change."""

    what: What
    about: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def _text(name: str, what: str) -> Column:
    return Column(name, "text", what)


def _integer(name: str, what: str) -> Column:
    return Column(name, "integer", what)


def _number(name: str, what: str) -> Column:
    return Column(name, "number", what)


_WHERE: Final = (
    _text("rollout", "id of the rollout"),
    _integer("epoch", "stretch in which nothing was changed; counts begin anew with each"),
    _integer("phase", "from 1"),
    _number("weight", "the candidate's share of the traffic in it, 0..1"),
)
_WHEN: Final = (
    Column("start", "time", "start of the bucket, or of the epoch"),
    _integer("seconds", "length of the bucket; empty for a whole epoch"),
    Column("complete", "boolean", "false: counting may go on in it"),
)
_LATENCY: Final = "upper edge of the bin, at most 9.1 % above; of `timed` attempts, milliseconds"

TABLES: Final[Mapping[What, Table]] = {
    table.what: table
    for table in (
        Table(
            "outcomes",
            "attempts by time and arm",
            ("rollout", "epoch", "role", "start", "seconds"),
            (
                *_WHERE,
                _text("role", "stable, candidate, or shadow: the candidate off the response path"),
                _text("arm", "MODEL:VERSION; empty for stable in rollouts before the present one"),
                *_WHEN,
                _integer("requests", "attempts that count: all but draining and client_fault"),
                _integer("errors", "of these, how many failed"),
                _integer("quality_faults", "of these, how many answers were empty or garbled"),
                *(_integer(outcome, f"attempts that ended as {outcome}") for outcome in OUTCOMES),
                _integer("timed", "attempts whose latency is counted"),
                _number("latency_p50_ms", _LATENCY),
                _number("latency_p95_ms", _LATENCY),
                _number("latency_p99_ms", _LATENCY),
            ),
        ),
        Table(
            "pairs",
            "images that both arms have read (shadow), by time",
            ("rollout", "epoch", "start", "seconds"),
            (
                *_WHERE,
                *_WHEN,
                _integer("pairs", "images"),
                _integer("both_fine", "both answers were fine"),
                _integer("equal", "of both_fine, how many texts were alike (NFKC, no spaces)"),
                _integer("candidate_bad", "error, empty or garbled: the candidate's alone"),
                _integer("stable_bad", "stable's alone"),
                _integer("both_bad", "both"),
                _number("distance_sum", "of both_fine: sum of edit distance / longer text"),
            ),
        ),
        Table(
            "reviews",
            "samples for reviewers, what they said, and users' feedback",
            ("id",),
            (
                _text("id", "of the sample"),
                _text("kind", "line: an answer; pair: two texts of an image; feedback: a user's"),
                Column("at", "time", "when it was put aside"),
                Column("expires", "time", "when it is deleted"),
                _text("rollout", "id of the rollout"),
                *_WHERE[1:3],
                _text("request_id", "of the request"),
                _integer("bucket", "0..9999, what the request hashed to"),
                _text("user", "a keyed hash; empty where the request named nobody"),
                _text("role", "of a line or feedback: stable or candidate"),
                _text("arm", "MODEL:VERSION that answered"),
                _text("text", "as it was read"),
                _number("confidence", "0..1"),
                _text("outcome", "what the judge counted it as"),
                _text("stable_arm", "of a pair"),
                _text("stable_text", "of a pair"),
                _text("candidate_arm", "of a pair"),
                _text("candidate_text", "of a pair"),
                _number("distance", "of a pair: edit distance / longer text, 0..1"),
                _integer("edits", "of a pair: characters"),
                _text("status", "open, claimed, skipped, done, or said (feedback)"),
                _text("reviewer", "who reviewed it"),
                Column("reviewed_at", "time", "when"),
                _text("truth", "as it should be, as far as somebody said"),
                _text("line_kind", "what the reviewer called the line"),
                Column("right", "boolean", "feedback: what the user said; line: text equals truth"),
            ),
        ),
        Table(
            "audit",
            "who did what, when and why; the judge too",
            ("sequence",),
            (
                _integer("sequence", "1 for the first, without gaps"),
                _text("id", "of the entry"),
                Column("at", "time", "when"),
                _text("who", "a person, judge, controller, config or notifier"),
                _text("action", "start, advance, rollback, ..."),
                _text("why", "one line"),
                _integer("generation", "of the state that it led to"),
                _text("rollout", "id of the rollout"),
                _text("candidate", "MODEL:VERSION"),
                _text("from_status", "before it"),
                _text("to_status", "after it"),
                _integer("from_phase", "from 1"),
                _integer("to_phase", "from 1"),
                _number("from_weight", "0..1"),
                _number("to_weight", "0..1"),
                _text("rule", "of the judge, where it decided"),
                _number("observed", "what the rule saw, in its own unit"),
                _number("limit", "what it compared that with"),
                _integer("samples", "how much that rests on"),
            ),
        ),
    )
}


def manual() -> str:
    """Markdown, as in docs/export.md."""
    parts = []
    for table in TABLES.values():
        rows = [f"| `{c.name}` | {c.kind} | {c.what} |" for c in table.columns]
        key = ", ".join(f"`{name}`" for name in table.key)
        head = f"### {table.what}: {table.about}\nKey: {key}.\n"
        parts.append("\n".join([head, "| column | kind | what |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
