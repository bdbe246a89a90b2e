"""Verdicts that outlive the run: one small sqlite file per user and host, shared by all their processes.

It lies in $TTC_CACHE, else in ttc/ of $XDG_CACHE_HOME or ~/.cache; TTC_CACHE=off does without. The name has
the host's in it, as sqlite's write-ahead log must not be shared over a network's file system. A key is a hash
of (grader, versions, gold, answer), so a new version asks anew. A cache that cannot be read or written is as
good as none: it says so once, and grading goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import socket
import sqlite3
import time
from pathlib import Path

log = logging.getLogger(__name__)

BATCH, SECONDS = 512, 5.0
"""Verdicts that are written together, and how long the first of them waits at most for the next to come."""

PATIENCE = 2.0
"""Seconds to wait for another process that is writing; then the batch waits for the next occasion."""

TABLE = (
    "CREATE TABLE IF NOT EXISTS verdicts (key BLOB PRIMARY KEY, correct INTEGER, status TEXT) WITHOUT ROWID"
)


def cache_file() -> Path | None:
    """Where verdicts are kept; None: nowhere."""
    given = os.environ.get("TTC_CACHE")
    if given is not None and given.lower() in ("", "0", "off", "none"):
        return None
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ttc"
    except RuntimeError:  # a user without a home
        return None
    host = re.sub(r"[^\w.-]", "_", socket.gethostname())
    return Path(given or base).expanduser() / f"verdicts-{host}.sqlite"


class Cache:
    """Reads at once, writes in batches. For one thread at a time; many processes may share the file."""

    def __init__(self, file: Path | None, *names: str) -> None:
        """`names`: who judges: the grader and its versions."""
        self._file, self._names = file, names
        self._link: sqlite3.Connection | None = None
        self._new: dict[bytes, tuple[bool, str]] = {}
        self._since = 0.0

    def get(self, gold: str, answer: str) -> tuple[bool, str] | None:
        """The remembered verdict (correct, status)."""
        key = self._key(gold, answer)
        if key in self._new:
            return self._new[key]
        try:
            link = self._open()
            row = (
                link and link.execute("SELECT correct, status FROM verdicts WHERE key = ?", (key,)).fetchone()
            )
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return None
        return (bool(row[0]), str(row[1])) if row else None

    def put(self, gold: str, answer: str, correct: bool, status: str) -> None:
        if self._file is None:
            return
        if not self._new:
            self._since = time.monotonic()
        self._new[self._key(gold, answer)] = correct, status
        if len(self._new) >= BATCH or time.monotonic() - self._since >= SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what is new, all or nothing."""
        if not self._new:
            return
        rows = [(key, int(correct), status) for key, (correct, status) in self._new.items()]
        try:
            if link := self._open():
                with link:
                    link.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)", rows)
            self._new.clear()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                self._give_up(error)
            self._since = time.monotonic()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def close(self) -> None:
        self.flush()
        self._drop_link()

    def _key(self, gold: str, answer: str) -> bytes:
        parts = [part.encode("utf-8", "surrogatepass") for part in (*self._names, gold, answer)]
        return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).digest()[:20]

    def _open(self) -> sqlite3.Connection | None:
        if self._link is None and self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            link = sqlite3.connect(self._file, timeout=PATIENCE, check_same_thread=False)
            try:
                link.execute("PRAGMA journal_mode=WAL")
                link.execute("PRAGMA synchronous=NORMAL")  # a lost batch is asked again; the file stays whole
                link.execute(TABLE)
            except BaseException:
                link.close()
                raise
            self._link = link
        return self._link

    def _give_up(self, error: Exception) -> None:
        log.warning("the cache of verdicts %s is not used (%s); grading goes on without", self._file, error)
        self._drop_link()
        self._file = None
        self._new.clear()

    def _drop_link(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._link:
                self._link.close()
        self._link = None
