"""`ocrctl rollout history`: the audit log as a story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Config, Json, StoreURL, print_json, refusing

if TYPE_CHECKING:
    from ocr_rollout.stores import Recorded


def history(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The last so many entries.")] = 50,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Tell who did what and why, the oldest first; with --json one object a line.

    Example: ocrctl rollout history --limit 10
    """
    with refusing():
        from ocr_client.operations import setting  # noqa: PLC0415

        there = setting.without_plan(config, store)
        entries = there.to_read().history(after=-limit, limit=limit)
        if as_json:
            for entry in entries:
                print_json(
                    {"sequence": entry.sequence, "id": entry.entry.id, **entry.entry.document}
                )
        elif entries:
            _print_story(entries)
        else:
            print(f"nothing has happened yet in {there.store.url}")


def told(document: Mapping[str, Any]) -> tuple[str, ...]:
    """An entry as (time, rollout, who, action, from -> to, why).

    Never raises: an entry that this version cannot read says so in its place.
    """
    from ocr_client.operations.words import moment, moved  # noqa: PLC0415
    from ocr_rollout.core.state import AuditEntry, StateError  # noqa: PLC0415

    try:
        entry = AuditEntry.from_dict(document)
        when = moment(entry.at_s)
    except (StateError, OverflowError, ValueError, OSError) as error:
        said = (str(document.get(key, "")) for key in ("who", "action"))
        return ("?", str(document.get("rollout_id", "")), *said, "", f"unreadable: {error}")
    return (when, entry.rollout_id, entry.who, entry.action, moved(entry), entry.why)


def _print_story(entries: Sequence[Recorded]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ocr_client.cli.table import print_table  # noqa: PLC0415
    from ocr_client.operations.words import zone  # noqa: PLC0415

    table = Table("", f"time ({zone()})", "rollout", "who", "action", "from -> to", "why")
    for entry in entries:
        document = entry.entry.document
        if document.get("action") in {"start", "restart"}:
            table.add_section()  # another chapter
        row = map(Text, told(document))
        table.add_row(str(entry.sequence), *row)
    print_table(table)
