"""What Prometheus can read of a launch from Ray's agents while it runs (docs/performance.md has the names).

Told where a report is sent anyway, once a second; nothing here can fail a run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ray.util.metrics import Counter, Gauge

from ttc.run.launch import Report
from ttc.types import EngineStats


class Meter:
    """The metrics of one process, under these tags. Outside Ray it tells nobody."""

    def __init__(self, **tags: str) -> None:
        self._tags = tags
        self._meters: dict[str, Any] = {}
        self._told: dict[str, int] = {}

    def searches(self, news: Report) -> None:
        """Of a shard: what has come to its end since the last report."""
        self._add("searches", news.done)
        self._add("searches_failed", len(news.failed))

    def engine(self, stats: EngineStats, calls: int) -> None:
        """Of a replica: its counters since it started, and how many calls it has not answered yet."""
        self._reach("requests", stats.requests)
        self._reach("computed_tokens", stats.computed_tokens or 0)
        self._reach("cached_tokens", stats.cached_tokens)
        with suppress(Exception):
            self._meter(Gauge, "open_calls").set(calls, self._tags)

    def _reach(self, name: str, total: int) -> None:
        """A process counts from 0, and so does an engine that was started again with it."""
        self._add(name, total - self._told.get(name, 0))
        self._told[name] = total

    def _add(self, name: str, number: int) -> None:
        with suppress(Exception):
            if number > 0:  # Ray takes nothing else
                self._meter(Counter, name).inc(number, self._tags)

    def _meter(self, kind: type[Counter] | type[Gauge], name: str) -> Any:
        if name not in self._meters:
            self._meters[name] = kind(f"ttc_{name}", tag_keys=tuple(self._tags))
        return self._meters[name]
