"""A shard's rows on their way into the folder."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pyarrow as pa

from ttc.store.folder import Folder, Part
from ttc.store.schema import table_schema

PART_SECONDS = 30.0
PART_SEARCHES = 64


class PartWriter:
    """Collects rows and hands them over in parts: after 30 s or 64 searches, whichever comes first."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._rows: dict[str, list[Mapping[str, object]]] = {}
        self._outcomes = 0
        self._since = time.monotonic()

    def add(self, rows: Mapping[str, list[dict[str, object]]]) -> None:
        for table, added in rows.items():
            self._rows.setdefault(table, []).extend(added)
        self._outcomes += 1

    @property
    def due(self) -> bool:
        full = self._outcomes >= PART_SEARCHES
        return full or (self._outcomes > 0 and time.monotonic() - self._since >= PART_SECONDS)

    def flush(self, policy_rate: float | None = None, prm_rate: float | None = None) -> Part | None:
        """Writes what has come in, for the driver to commit; None if there is nothing.

        Args:
            policy_rate, prm_rate: of the engines now, computed tokens per busy second.
        """
        rows, self._rows = self._rows, {}
        self._outcomes, self._since = 0, time.monotonic()
        if not rows:
            return None
        rates = {"policy_rate": policy_rate, "prm_rate": prm_rate}
        tables = {}
        for table, added in rows.items():
            schema = table_schema(table)
            columns = {key: rate for key, rate in rates.items() if key in schema.names}
            tables[table] = pa.Table.from_pylist([{**row, **columns} for row in added], schema=schema)
        return self._folder.hand_over(tables)
