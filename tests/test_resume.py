"""Growing, killing, damaging, merging in any order: the same line again ends where an undisturbed run does.

Thirty walks of a Hypothesis state machine over a real folder and searches of fakes; more of them:

    TTC_WALKS=500 uv run pytest -n0 tests/test_resume.py
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.disk import Disk, Killed
from tests.grids import AXES, Key, Line, found_in, run, undisturbed, units_of
from ttc.models import make
from ttc.plan.jobs import Job
from ttc.run import search
from ttc.run.rows import path_key
from ttc.run.stopping import Stop
from ttc.store import DAMAGED, Folder
from ttc.store.folder import MERGED
from ttc.store.schema import COMMIT, KEYS
from ttc.types import UserError

WALKS = int(os.environ.get("TTC_WALKS", "30"))

EVENTS = ("kill", "cut_power", "look", "stop")
"""What happens in the middle of a run or of a merge."""

Damage = Callable[[bytes, bytes, int], bytes | None]
"""(A file's bytes, those of another part's, a number) -> its bytes from now on; None: it is deleted."""

DAMAGES: dict[str, Damage] = {
    "cut short": lambda data, other, place: data[: place % len(data)],
    "noise": lambda data, other, place: random.Random(place).randbytes(len(data)),
    "one bit": lambda data, other, place: flipped(data, place % (8 * len(data))),
    "emptied": lambda data, other, place: b"",
    "replaced": lambda data, other, place: other,
    "deleted": lambda data, other, place: None,
}

INDEX, PLACE = st.integers(0, 20), st.integers(0, 2**20)
SIZES = st.sampled_from([MERGED, 80_000])


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def footer(data: bytes) -> int:
    """Bytes of a Parquet file's footer, with its length and the mark behind it."""
    return int.from_bytes(data[-8:-4], "little") + 8


class Walk(RuleBasedStateMachine):
    """One folder, and what is known of it without the code under test."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.line, self.through = Line(), False
        self.asked: list[Job] = []
        self.contents: dict[str, set[Key]] = {}
        """Part -> the units that were searched for it, and the (path, verifier) that were scored."""
        self.kept: set[Key] = set()
        """Of all parts that lie there undamaged: only damage makes it smaller."""
        self.damages: dict[str, bytes | None] = {}
        """Files that were damaged, as `paths/000001-0be3d114.parquet`, and what is in them; None: deleted."""
        self.misread: set[str] = set()
        """Those of them that a reader may take for sound: footers have no checksum of their own."""
        self.clock = count()

    # --- What happens --------------------------------------------------------------------------------------

    @rule(axis=st.integers(0, len(AXES) - 1))
    def grow(self, axis: int) -> None:
        self.line = self.line.grown(axis)
        self.through = False

    @rule()
    def run(self) -> None:
        damaged = [file for file in self.hurt if self.at(file).exists()]
        self.launch(Disk())
        self.keep()
        found, whole = found_in(Folder(self.place)), undisturbed(self.line)
        assert (found.rows, found.pools) == (whole.rows, whole.pools)
        assert not self.hurt
        assert all(self.at(f"{DAMAGED}/{file}").exists() for file in damaged)
        left = {file.name for table in KEYS for file in self.at(table).iterdir()}
        assert left == {name for name, _ in Folder(self.place).check()}
        self.through = True

    @precondition(lambda self: not self.through)
    @rule(number=st.integers(1, 110), event=st.sampled_from(EVENTS), faulty=st.booleans())
    def run_disturbed(self, number: int, event: str, faulty: bool) -> None:
        stop = Stop()
        with contextlib.suppress(Killed, KeyboardInterrupt):
            self.launch(self.disk(number, event, stop), stop, faulty)
        self.look()

    @precondition(lambda self: self.contents)
    @rule(size=SIZES, number=st.integers(1, 60), event=st.sampled_from(EVENTS[:-1]))
    def merge(self, size: int, number: int, event: str) -> None:
        with contextlib.suppress(Killed):
            self.compact(self.disk(number, event, Stop()), size)
        self.look()

    @precondition(lambda self: self.contents)
    @rule(part=INDEX, file=INDEX, damage=st.sampled_from([*DAMAGES]), place=PLACE)
    def damage(self, part: int, file: int, damage: str, place: int) -> None:
        names = [name for name, _ in Folder(self.place).check()]
        if not names:
            return
        name, other = names[part % len(names)], names[(part + 1) % len(names)]
        files = [f"{table}/{name}" for table in KEYS if self.at(f"{table}/{name}").exists()]
        chosen = files[file % len(files)]
        if chosen in self.hurt:
            return
        before, others = self.at(chosen).read_bytes(), self.at(chosen.replace(name, other))
        after = DAMAGES[damage](before, others.read_bytes() if others.exists() else b"", place)
        if after is None:
            self.at(chosen).unlink()
        else:
            self.at(chosen).write_bytes(after)
        if after != before:
            self.damages[chosen] = after
            if damage == "one bit" and place // 8 % len(before) >= len(before) - footer(before):
                self.misread.add(chosen)
        self.kept, self.through = self.standing(), False
        self.look()

    # --- What must hold, whatever has happened -------------------------------------------------------------

    def look(self) -> None:
        """A reader finds nothing wrong and nothing twice, and all that was kept; `ttc check` the damages."""
        self.keep()
        folder, hurt = Folder(self.place), self.hurt
        faults = dict(folder.check())
        assert {name for name, lines in faults.items() if lines} == {file.split("/")[1] for file in hurt}
        told = {line.split(":")[0] for lines in faults.values() for line in lines}
        assert all(file in told or f"{COMMIT}/{file.split('/')[1]}" in told for file in hurt)
        try:
            found = found_in(folder)
        except UserError:
            assert hurt
            return
        if self.misread & hurt:
            return
        whole = undisturbed(self.line)
        for table, rows in found.rows.items():
            for key, row in rows.items():
                assert row == whole.rows[table].get(key), (table, key)
        if not hurt:
            assert self.kept <= found.rows[COMMIT].keys() | found.rows["scores"].keys()
            assert not found.doubles

    def look_on(self) -> None:
        """While a driver is at work: another is refused."""
        self.look()
        with pytest.raises(UserError, match="in use by process"), Folder(self.place).held():
            pass

    def keep(self) -> None:
        for file in self.commits():
            if file.name not in self.contents:
                self.contents[file.name] = contents_of(self.place, file.name)
        standing = self.standing()
        assert self.kept <= standing
        self.kept = standing

    def teardown(self) -> None:
        try:
            if not sys.exception():
                self.run()
        finally:
            shutil.rmtree(self.place)

    # --- How -----------------------------------------------------------------------------------------------

    def disk(self, number: int, event: str, stop: Stop) -> Disk:
        """Where the event happens at the operation of this number."""
        disk = Disk()
        events: dict[str, Callable[[], object]] = {
            "kill": disk.kill,
            "cut_power": disk.cut_power,
            "look": self.look_on,
            "stop": lambda: stop.ask(KeyboardInterrupt()),
        }
        disk.number, disk.event = number, events[event]
        return disk

    def launch(self, disk: Disk, stop: Stop | None = None, faulty: bool = False) -> None:
        before = self.kept
        self.asked.clear()
        with self.folder(disk) as folder:
            try:
                run(folder, self.line.inputs(faulty), stop, self.keep)
            finally:
                asked = [key for job in self.asked for key in keys_of(job)]
                assert before.isdisjoint(asked), "done again"
                assert faulty or len(asked) == len({*asked}), "done twice"

    def compact(self, disk: Disk, size: int) -> None:
        with self.folder(disk) as folder, folder.held():
            folder.compact(size)

    @contextlib.contextmanager
    def folder(self, disk: Disk) -> Iterator[Folder]:
        async def watched(job: Job, *rest: Any) -> Any:
            self.asked.append(job)
            return await search.run_job(job, *rest)

        undisturbed(self.line)  # known from now on: in the middle of this run no other can be
        folder = Folder(self.place)
        folder._files._system = disk
        # no search takes as long as another, so no part has the bytes of another
        clock = SimpleNamespace(monotonic=lambda: float(next(self.clock) ** 2))
        with (
            patch("ttc.store.files._force", disk.force),
            patch("ttc.run.shard.run_job", watched),
            patch("ttc.run.search.time", clock),
        ):
            yield folder

    def standing(self) -> set[Key]:
        hurt = {file.split("/")[1] for file in self.hurt}
        return {key for file in self.commits() if file.name not in hurt for key in self.contents[file.name]}

    def commits(self) -> list[Path]:
        return sorted(self.at(COMMIT).glob("[!.]*.parquet"))

    @property
    def hurt(self) -> set[str]:
        """Damaged files whose parts are committed. What was lost may be done again with the very same rows,
        and under the same name: then it is whole."""
        committed = {file.name for file in self.commits()}
        return {
            file
            for file, now in self.damages.items()
            if file.split("/")[1] in committed
            and not (self.at(file).exists() and self.at(file).read_bytes() != now)
        }

    def at(self, file: str) -> Path:
        return self.place / file


def keys_of(job: Job) -> Iterator[Key]:
    """What a job does, as `Walk.contents` names it."""
    for path in job.stored:
        yield path_key(job, path), job.score
    for unit in range(job.first, job.first + job.units):
        yield job.family, job.problem_key, job.seed, unit


def contents_of(place: Path, name: str) -> set[Key]:
    found = {key for row in pq.read_table(place / COMMIT / name).to_pylist() for key in units_of(row)}
    if (scores := place / "scores" / name).exists():
        found |= {(row["path"], row["verifier"]) for row in pq.read_table(scores).to_pylist()}
    return found


@pytest.mark.timeout(60 + 10 * WALKS)
def test_any_walk_ends_where_an_undisturbed_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(call: Callable[..., Any], *rest: Any) -> Any:
        return call(*rest)

    async def start(config: Any) -> Any:
        return make(config)

    monkeypatch.setenv("TTC_CACHE", "off")
    monkeypatch.setattr(search.log, "disabled", True)  # engines that are to fail
    monkeypatch.setattr("ttc.run.local.start", start)  # which freezes what is loaded, for good
    for said, nothing in (("revision", str), ("versions", dict), ("hardware", dict)):
        monkeypatch.setattr(f"ttc.run.launch_log.{said}", nothing)
    # small parts, and no waiting: a walk goes the same way whenever it is tried
    monkeypatch.setattr("ttc.run.shard.HEARTBEAT", 0)
    monkeypatch.setattr("ttc.run.shard.asyncio.to_thread", at_once)
    monkeypatch.setattr("ttc.store.writer.PART_SEARCHES", 2)
    monkeypatch.setattr("ttc.run.tries.PAUSES", (0, 0, None))
    monkeypatch.setattr("ttc.store.files.LOOKS", 1)
    walks = settings(
        max_examples=WALKS, stateful_step_count=10, deadline=None, suppress_health_check=[*HealthCheck]
    )
    run_state_machine_as_test(Walk, settings=walks)
