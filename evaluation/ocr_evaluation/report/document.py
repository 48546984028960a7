"""The report as blocks, in the order in which it is read."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from ocr_client.operations.words import moment, zone

from .blocks import Block, Document, Heading, Text
from .counts import Drawings, counts, since, sure
from .decision import Decision
from .disputes import disputes
from .evidence import Evidence
from .head import head, verdicts
from .people import people
from .words import Words


def document(found: Evidence, decision: Decision, say: Words, drawings: Drawings) -> Document:
    facts = found.facts
    return Document(
        say("title", rollout=facts.state.rollout_id),
        say(
            "made",
            when=moment(facts.at_s),
            zone=zone(),
            store=facts.store,
            generation=facts.state.generation,
            version=importlib.metadata.version("ocr-rollout"),
        ),
        say.language,
        tuple(_blocks(found, decision, say, drawings)),
    )


def _blocks(found: Evidence, decision: Decision, say: Words, drawings: Drawings) -> Iterator[Block]:
    yield from head(found, decision, say)
    yield from people(found, say, drawings)
    yield from disputes(found, say, drawings)
    yield from since(found, say)
    yield from verdicts(found, say)
    yield from counts(found, say, drawings)
    yield from sure(found, say, drawings)
    yield Heading(say("section.about"))
    pictures = sum(one.picture is not None for one in found.disagreements)
    texts = 2 * len(found.disagreements)
    if texts:
        yield Text(say("about.personal", texts=texts, pictures=pictures), "warn")
    else:
        yield Text(say("about.nothing_personal"))
    for name in ("share", "look", "files"):
        yield Text(say(f"about.{name}"), "quiet")
