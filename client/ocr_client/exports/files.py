"""A table as a file, whole or not at all.

CSV is RFC 4180 in UTF-8 with a header. A spreadsheet runs a cell that begins with `=` and the like, and
a text here is whatever somebody put on paper. So a text cell that begins with one of these, or with an
apostrophe, gets one apostrophe in front: whoever reads with a program takes one away.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from ocr_client.operations.refused import RefusedError

from .tables import SCHEMA, Kind, Row, Table

Format = Literal["csv", "parquet"]
RISKY: Final = tuple("=+-@'\t\r\n＝＋－＠")


def write(table: Table, rows: Iterable[Row], folder: Path, form: Format) -> tuple[Path, int]:
    """The file in the place of an older one, and its rows. Raises RefusedError, one line."""
    path, seen = folder / f"{table.what}.{form}", list(rows)
    content = _FORMS[form](table, seen)
    temporary = folder / f".{path.name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undo:
            undo.callback(temporary.unlink, missing_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RefusedError(f"{path}: {reason}; name another folder with --out") from None
    return path, len(seen)


def as_csv(table: Table, rows: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(column.name for column in table.columns)
    for row in rows:
        lines.writerow(_cell(row.get(column.name), column.kind) for column in table.columns)
    return text.getvalue().encode("utf-8", "backslashreplace")


def as_parquet(table: Table, rows: Iterable[Row]) -> bytes:
    """Raises RefusedError where the extra is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # of the extra [parquet]
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise RefusedError(
            "--format parquet needs the extra [parquet]: pip install 'ocr-rollout[parquet]'"
        ) from None
    kinds: Mapping[Kind, Any] = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    fields = [
        pa.field(column.name, kinds[column.kind], metadata={"what": column.what})
        for column in table.columns
    ]
    schema = pa.schema(fields, metadata={"ocr-rollout": f"{table.what} {SCHEMA}"})
    seen = list(rows)
    columns = [
        pa.array([_value(row.get(c.name), c.kind) for row in seen], kinds[c.kind])
        for c in table.columns
    ]
    out = io.BytesIO()
    parquet.write_table(pa.table(columns, schema=schema), out)
    return out.getvalue()


_FORMS: Final[Mapping[Format, Callable[[Table, Iterable[Row]], bytes]]] = {
    "csv": as_csv,
    "parquet": as_parquet,
}


def _cell(value: Any, kind: Kind) -> str:
    """Empty: not known."""
    found = _value(value, kind)
    if found is None:
        return ""
    if kind == "text":
        return f"'{found}" if found.startswith(RISKY) else found
    if kind == "boolean":
        return "true" if found else "false"
    if kind == "time":
        return str(found.isoformat(timespec="milliseconds")).replace("+00:00", "Z")
    return str(found)


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "text":
        return str(value).encode("utf-8", "backslashreplace").decode()
    if kind == "time":
        return dt.datetime.fromtimestamp(value, dt.timezone.utc)
    return value
