"""Sections of the configuration that belong to packages above this one.

Such a package registers a parser under its section's name, in the entry-point group
`ocr_client.sections`: `parse(section: Fields, *, folder: Path | None) -> record`, which raises
FieldError. So one file holds everything and is checked as a whole, and this package imports none of
them.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ocr_rollout.core.fields import Fields

GROUP = "ocr_client.sections"
Parser = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Sections:
    """records: section -> what its package made of it, where the document has it.

    unread: section -> why its parser could not be loaded; its keys are not checked.
    """

    records: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    unread: Mapping[str, str] = dataclasses.field(default_factory=dict)


def read(top: Fields, *, folder: Path | None) -> Sections:
    """Raises FieldError of a section that holds a mistake. Loads parsers of those present only."""
    records: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for name, entry in registered().items():
        value = top.raw(name, None)
        if value is None:
            continue
        try:
            parse: Parser = entry.load()
        except ModuleNotFoundError as error:
            unread[name] = f"{error}; is the extra that it belongs to installed?"
            continue
        records[name] = parse(Fields(name, value), folder=folder)
    return Sections(records, unread)


@functools.cache
def registered() -> Mapping[str, importlib.metadata.EntryPoint]:
    """By section, in alphabetical order; where two packages claim one, the first."""
    return dict(sorted(_found()))


def _found() -> Iterator[tuple[str, importlib.metadata.EntryPoint]]:
    entries = importlib.metadata.entry_points(group=GROUP)
    return ((entry.name, entry) for entry in reversed(tuple(entries)))
