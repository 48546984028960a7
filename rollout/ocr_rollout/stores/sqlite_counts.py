"""Adding up counts in SQLite, within a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from ocr_rollout.stores.batches import SOURCE_KEPT_S, Place, Seen, Sum, add_counts, summed
from ocr_rollout.stores.protocol import Added, CountBatch


def add_batch(connection: sqlite3.Connection, batch: CountBatch) -> Added:
    last = connection.execute(
        "SELECT sequence FROM sources WHERE source = ?", (batch.source,)
    ).fetchone()
    if last is not None and batch.sequence <= last[0]:
        return Added(False)
    connection.execute(
        "INSERT OR REPLACE INTO sources VALUES (?, ?, ?)",
        (batch.source, batch.sequence, batch.at_s + SOURCE_KEPT_S),
    )
    windows: dict[Place, Seen] = {}
    for place in {(keyed.scope, keyed.window_s) for keyed in batch.keyed}:
        row = connection.execute(
            "SELECT bits, expires_s FROM seen WHERE scope = ? AND window_s = ?", place
        ).fetchone()
        windows[place] = Seen(bytearray(row[0]), row[1]) if row else Seen.empty()
    sums, repeats = summed(batch, windows)
    connection.executemany(
        "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)",
        [(*place, bytes(seen.bits), seen.expires_s) for place, seen in windows.items()],
    )
    add_sums(connection, sums)
    return Added(True, repeats)


def add_sums(connection: sqlite3.Connection, sums: Mapping[Place, Sum]) -> None:
    for place, more in sums.items():
        row = connection.execute(
            "SELECT counts, expires_s FROM counts WHERE series = ? AND start_s = ?", place
        ).fetchone()
        there = Sum(json.loads(row[0]), row[1]) if row else Sum({}, 0)
        add_counts(there.counts, more.counts)
        connection.execute(
            "INSERT OR REPLACE INTO counts VALUES (?, ?, ?, ?)",
            (*place, json.dumps(there.counts), max(there.expires_s, more.expires_s)),
        )
