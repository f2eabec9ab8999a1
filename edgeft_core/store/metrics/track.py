"""One kind of recorded thing (rows and their roll-ups) as the writer sees it: added in memory, written in bulk."""

from __future__ import annotations

import sqlite3
from typing import Any, Generic, Protocol, TypeVar

from edgeft_core.store.metrics.buckets import TOP_LEVEL, address, bucket_of, is_last_of_bucket
from edgeft_core.store.metrics.pyramid import Absorbing, Pyramid

B = TypeVar("B", bound=Absorbing)


class Codec(Protocol[B]):
    """How the content of rows and buckets looks in the database."""

    @property
    def rows(self) -> str:
        """The table of rows; its first column is the step."""
        ...

    @property
    def buckets(self) -> str:
        """The table of buckets; its first column is the address."""
        ...

    @property
    def lowest_level(self) -> int:
        """The finest level that is stored."""
        ...

    def of_row(self, row: tuple[Any, ...]) -> B: ...

    def of_bucket(self, row: tuple[Any, ...]) -> B: ...

    def bucket_row(self, address: int, content: B) -> tuple[Any, ...]: ...


class Track(Generic[B]):
    """Rows of ascending steps with their roll-ups. Nothing reaches the file before ``write``."""

    def __init__(self, connection: sqlite3.Connection, codec: Codec[B]) -> None:
        self._connection = connection
        self._codec = codec
        self._new_rows: list[tuple[Any, ...]] = []
        self._new_buckets: list[tuple[Any, ...]] = []
        self._pyramid: Pyramid[B] = Pyramid(codec.lowest_level, self._keep_bucket)
        self.last_step = -1
        self.reopen()

    def add(self, row: tuple[Any, ...], content: B) -> None:
        """A row (its step first) that is later than all before, and the same as content of buckets."""
        self.last_step = row[0]
        self._new_rows.append(row)
        self._pyramid.add(row[0], content)

    def write(self) -> None:
        """Hand everything new to the open transaction. Call ``written`` once that is committed."""
        self._insert(self._codec.rows, self._new_rows)
        self._insert(self._codec.buckets, self._new_buckets)

    def written(self) -> None:
        """What was handed over is safe and may be forgotten."""
        self._new_rows.clear()
        self._new_buckets.clear()

    def truncate_after(self, step: int) -> None:
        """Forget later rows, inside the open transaction and with nothing left to write."""
        self._connection.execute(f"DELETE FROM {self._codec.rows} WHERE step > ?", (step,))  # noqa: S608
        self.last_step = self._stored_last_step()
        for level in range(self._codec.lowest_level, TOP_LEVEL + 1):
            incomplete = address(level, bucket_of(self.last_step + 1, level)), address(level + 1, 0) - 1
            self._connection.execute(
                f"DELETE FROM {self._codec.buckets} WHERE address BETWEEN ? AND ?",  # noqa: S608
                incomplete,
            )
        self.reopen()

    def replace_row(self, row: tuple[Any, ...]) -> None:
        """Put a row in at a step that is not later than all others, inside the open transaction."""
        self._insert(self._codec.rows, [row])
        step = row[0]
        for level in range(self._codec.lowest_level, TOP_LEVEL + 1):
            bucket = bucket_of(step, level)
            if bucket >= bucket_of(self.last_step + 1, level):
                break
            content = self._content_of(level, bucket)
            assert content is not None
            self._insert(self._codec.buckets, [self._codec.bucket_row(address(level, bucket), content)])
        self.reopen()

    def reopen(self) -> None:
        """Rebuild the open buckets from what is stored (after a restart, or when rows changed)."""
        self._pyramid.clear()
        self.last_step = self._stored_last_step()
        for level in range(self._codec.lowest_level, TOP_LEVEL + 1):
            bucket = bucket_of(self.last_step, level)
            if self.last_step >= 0 and not is_last_of_bucket(self.last_step, level):
                content = self._content_of(level, bucket)
                if content is not None:
                    self._pyramid.reopen(level, bucket, content)

    def _content_of(self, level: int, bucket: int) -> B | None:
        """A bucket's content from the level below; there only complete buckets are stored."""
        if level == self._codec.lowest_level:
            span = 1 << (2 * level)
            bounds = bucket * span, (bucket + 1) * span - 1
            query = f"SELECT * FROM {self._codec.rows} WHERE step BETWEEN ? AND ? ORDER BY step"  # noqa: S608
            parts = [self._codec.of_row(row) for row in self._connection.execute(query, bounds)]
        else:
            bounds = address(level - 1, bucket * 4), address(level - 1, bucket * 4 + 3)
            query = f"SELECT * FROM {self._codec.buckets} WHERE address BETWEEN ? AND ? ORDER BY address"  # noqa: S608
            parts = [self._codec.of_bucket(row) for row in self._connection.execute(query, bounds)]
        if not parts:
            return None
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.absorb(part)
        return whole

    def _stored_last_step(self) -> int:
        query = f"SELECT max(step) FROM {self._codec.rows}"  # noqa: S608
        (newest,) = self._connection.execute(query).fetchone()
        return -1 if newest is None else int(newest)

    def _keep_bucket(self, level: int, bucket: int, content: B) -> None:
        self._new_buckets.append(self._codec.bucket_row(address(level, bucket), content))

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            places = ",".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", rows)  # noqa: S608
