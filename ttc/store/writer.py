"""A shard's rows on their way to the driver, who writes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import pyarrow as pa

from ttc.store.parts import Part, seal
from ttc.store.schema import table_schema

PART_SECONDS = 30.0
PART_SEARCHES = 64
BATCH = 1024
"""Rows that are made Arrow's at once: soon, since as Python's they take many times the memory."""


class PartWriter:
    """Collects rows and hands them over in parts: after 30 s or 64 searches, whichever comes first.

    A thread may flush while another adds: what is added together is in one part.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, list[Mapping[str, object]]] = {}
        self._batches: dict[str, list[pa.RecordBatch]] = {}
        self._outcomes = 0
        self._since = time.monotonic()

    def add(self, rows: Mapping[str, list[dict[str, object]]]) -> None:
        with self._lock:
            for table, added in rows.items():
                waiting = self._rows.setdefault(table, [])
                waiting.extend(added)
                if len(waiting) >= BATCH:
                    self._batches.setdefault(table, []).append(_packed(table, waiting))
                    del self._rows[table]
            self._outcomes += 1

    @property
    def due(self) -> bool:
        full = self._outcomes >= PART_SEARCHES
        return full or (self._outcomes > 0 and time.monotonic() - self._since >= PART_SECONDS)

    def flush(self, policy_rate: float | None = None, prm_rate: float | None = None) -> Part | None:
        """What has come in, for the driver to commit; None if there is nothing.

        Args:
            policy_rate, prm_rate: of the engines now, computed tokens per busy second.
        """
        with self._lock:
            rows, self._rows = self._rows, {}
            batches, self._batches = self._batches, {}
            self._outcomes, self._since = 0, time.monotonic()
        for table, waiting in rows.items():
            batches.setdefault(table, []).append(_packed(table, waiting))
        if not batches:
            return None
        rates = {"policy_rate": policy_rate, "prm_rate": prm_rate}
        tables = {table: _rated(pa.Table.from_batches(packed), rates) for table, packed in batches.items()}
        return seal(tables)


def _packed(table: str, rows: list[Mapping[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, table_schema(table))


def _rated(rows: pa.Table, rates: Mapping[str, float | None]) -> pa.Table:
    """With the rates, where the table has a column for them."""
    for name, rate in rates.items():
        if name in rows.schema.names and rate is not None:
            place, field = rows.schema.get_field_index(name), rows.schema.field(name)
            rows = rows.set_column(place, field, pa.repeat(pa.scalar(rate, field.type), len(rows)))
    return rows
