"""`ocrctl rollout export`: the store's tables for other programs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import typer

from .options import Config, Json, StoreURL, print_json, refusing

if TYPE_CHECKING:
    from ocr_client.exports.counted import Every
    from ocr_client.exports.tables import Row, What
    from ocr_client.operations.setting import Setting

T = TypeVar("T")


def export(
    *,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the files; older ones are replaced.")
    ],
    what: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE", help="outcomes, pairs, reviews or audit; once for each, else all."
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="csv, or parquet (the extra of that name)."
        ),
    ] = "csv",
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="What is of this time or later, e.g. 2026-05-04T18:00Z."),
    ] = None,
    every: Annotated[
        str,
        typer.Option(
            metavar="SECONDS",
            help="Length of time buckets: 1, 10, 100, 1000 or 10000, of which 60 are kept; or"
            " `epoch`, of which all are.",
        ),
    ] = "1000",
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Write what the store knows as CSV or Parquet: a file for each table.

    Columns, units and keys are in docs/export.md, and stay as they are. A file is replaced as a
    whole, so whoever reads it never sees half of one.

    Example: ocrctl rollout export --out exported --what outcomes --every 100
    """
    with refusing():
        from ocr_client.exports.counted import EVERY  # noqa: PLC0415
        from ocr_client.exports.files import Format, write  # noqa: PLC0415
        from ocr_client.exports.tables import SCHEMA, TABLES  # noqa: PLC0415
        from ocr_client.operations import setting  # noqa: PLC0415

        tables = dict.fromkeys(_one_of("--what", name, TABLES) for name in what or TABLES)
        chosen: Format = _one_of("--format", form, get_args(Format))
        width, since_s = _one_of("--every", every, EVERY), _since(since)
        there = setting.without_plan(config, store)
        files = []
        for name in tables:
            path, rows = write(TABLES[name], _rows(there, name, width, since_s), out, chosen)
            files.append({"what": name, "file": str(path), "rows": rows})
            if not as_json:
                print(f"{path}: {rows} rows")
        if as_json:
            print_json({"schema": SCHEMA, "files": files})


def _rows(there: Setting, what: What, every: Every, since_s: float) -> Iterator[Row]:
    from ocr_client.exports import counted, written  # noqa: PLC0415

    store, now_s = there.to_read(), time.time()
    if what == "reviews":
        return written.reviews(store, since_s=since_s, now_s=now_s)
    log = written.history(store)
    if what == "audit":
        return written.audit(log, since_s=since_s)
    table = counted.outcomes if what == "outcomes" else counted.pairs
    of = counted.epochs(log, there.state())
    return table(store, of, every=every, since_s=since_s, now_s=now_s)


def _one_of(option: str, value: str, accepted: Iterable[T]) -> T:
    from ocr_client.operations.refused import RefusedError  # noqa: PLC0415

    by_name = {str(one): one for one in accepted}
    if value not in by_name:
        raise RefusedError(f"{option}: {value!r:.40} is not one of {', '.join(by_name)}")
    return by_name[value]


def _since(value: str | None) -> float:
    from ocr_client.operations.refused import RefusedError  # noqa: PLC0415
    from ocr_client.operations.reviewing import parsed_date  # noqa: PLC0415

    try:
        return -math.inf if value is None else parsed_date(value)
    except ValueError as error:
        raise RefusedError(f"--since: {error}") from None
