"""Samples and their images in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

from ocr_rollout.stores.batches import summed_deltas
from ocr_rollout.stores.documents import check_review, check_sample, decode, encode
from ocr_rollout.stores.samples import ReviewStep, Sample, SampleKind
from ocr_rollout.stores.sqlite_counts import add_sums
from ocr_rollout.stores.sqlite_file import SqliteFile

_COLUMNS = "id, at_s, expires_s, document, review, kind"


class SqliteSamples:
    """The part of `SqliteStore` that keeps samples."""

    _file: SqliteFile

    def put_sample(self, sample: Sample, *, keep: int | None = None) -> bool:
        check_sample(sample)
        text = encode(sample.document)
        review = None if sample.review is None else encode(sample.review)
        row = (sample.id, sample.kind, sample.at_s, sample.expires_s, text, review)

        def work(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?, ?)", row
            )
            if done.rowcount != 1:
                return False
            if sample.image is not None:
                connection.execute("INSERT INTO images VALUES (?, ?)", (sample.id, sample.image))
            if keep is not None:
                connection.execute(
                    "DELETE FROM samples WHERE id IN (SELECT id FROM samples WHERE kind = ? "
                    "ORDER BY at_s DESC, id DESC LIMIT -1 OFFSET ?)",
                    (sample.kind, keep),
                )
            return True

        return self._file.write(work, durable=False)

    def samples(
        self, since_s: float, until_s: float, limit: int = 100, *, kind: SampleKind = "line"
    ) -> Sequence[Sample]:
        def work(connection: sqlite3.Connection) -> Sequence[Sample]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM samples WHERE kind = ? AND at_s >= ? AND at_s < ? "  # noqa: S608  # our own words
                "ORDER BY at_s DESC, id DESC LIMIT ?",
                (kind, since_s, until_s, max(0, limit)),
            )
            return tuple(map(_sample, rows))

        return self._file.run(work)

    def sample(self, sample_id: str) -> Sample | None:
        row = self._file.run(
            lambda connection: connection.execute(
                f"SELECT {_COLUMNS} FROM samples WHERE id = ?",  # noqa: S608  # our own words
                (sample_id,),
            ).fetchone()
        )
        return None if row is None else _sample(row)

    def sample_image(self, sample_id: str) -> bytes | None:
        row = self._file.run(
            lambda connection: connection.execute(
                "SELECT image FROM images WHERE id = ?", (sample_id,)
            ).fetchone()
        )
        return None if row is None else bytes(row[0])

    def review_sample(self, step: ReviewStep) -> bool:
        check_review(step)
        before = None if step.before is None else encode(step.before)
        after, sums = encode(step.after), summed_deltas(step.counts)

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(
                "SELECT review FROM samples WHERE id = ?", (step.sample_id,)
            ).fetchone()
            if row is None or row[0] not in {before, after}:
                return False
            if row[0] != after:
                connection.execute(
                    "UPDATE samples SET review = ? WHERE id = ?", (after, step.sample_id)
                )
                add_sums(connection, sums)
            return True

        return self._file.write(work)

    def delete_samples(self, sample_ids: Collection[str]) -> int:
        rows = [(name,) for name in sample_ids]

        def work(connection: sqlite3.Connection) -> int:
            return connection.executemany("DELETE FROM samples WHERE id = ?", rows).rowcount

        gone = max(0, self._file.write(work)) if rows else 0
        self._file.forget()
        return gone


def _sample(row: tuple[Any, ...]) -> Sample:
    name, at_s, expires_s, text, review, kind = row
    return Sample(
        name, at_s, expires_s, decode(text), decode(review) if review else None, kind=kind
    )
