"""Parts are whole or not there; a later row of one key counts; one driver at a time; one version a folder."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ttc.store import Folder, Part, PartWriter
from ttc.store.files import Files
from ttc.store.parts import METADATA
from ttc.store.writer import BATCH
from ttc.types import UserError


def search_row(status: str, problem: str = "k", first: int = 0) -> dict[str, object]:
    return {
        "family": "f",
        "problem_key": problem,
        "seed": 0,
        "unit_first": first,
        "units": 4,
        "status": status,
    }


def part(**tables: list[dict[str, object]]) -> Part:
    writer = PartWriter()
    writer.add(tables)
    written = writer.flush()
    assert written
    return written


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "x")


def files(folder: Folder) -> list[str]:
    found = (file for file in folder.local().rglob("*") if file.is_file() and file.name != ".lock")
    return sorted(str(file.relative_to(folder.local())) for file in found)


def test_making_a_folder_touches_no_disk_and_it_reads_as_empty(folder: Folder) -> None:
    assert len(folder.read("paths")) == 0
    assert folder.runs() == []
    assert not folder.local().exists()


def test_nothing_is_read_before_its_commit_and_all_after_it(folder: Folder) -> None:
    with folder.held():
        written = part(searches=[search_row("done")], paths=[{"path": "a"}])
        assert len(folder.read("paths")) == 0
        folder.commit(written)
        assert folder.read("paths")["path"].to_pylist() == ["a"]


def test_a_later_row_of_one_key_counts(folder: Folder) -> None:
    with folder.held():
        for status in ("failed", "done"):
            folder.commit(part(searches=[search_row(status), search_row("failed", "other")]))
    rows = folder.read("searches", ["problem_key", "status"]).to_pylist()
    assert {(row["problem_key"], row["status"]) for row in rows} == {("k", "done"), ("other", "failed")}


ROWS = {"searches": [search_row("done")], "paths": [{"path": "a"}], "grades": [{"path": "a"}]}


class PowerCut(Exception):
    """The driver is gone."""


@pytest.mark.parametrize("written", range(3))
def test_a_commit_cut_short_leaves_nothing(
    folder: Folder, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, files_written = Files.write, []

    @contextmanager
    def cut(self: Files, name: str) -> Iterator[Any]:
        with write(self, name) as stream:
            yield stream
            if len(files_written) == written:
                raise PowerCut
        files_written.append(name)

    with folder.held():
        folder.commit(part(searches=[search_row("done", "other")]))
        monkeypatch.setattr(Files, "write", cut)
        with pytest.raises(PowerCut):
            folder.commit(part(**ROWS))
    assert len(folder.read("searches")) == 1
    before = {file for file in files(folder) if "000001" in file}
    with folder.held():
        assert {*files(folder)} == before
        assert not folder.damages


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def noise(file: Path) -> None:
    size = file.stat().st_size
    file.write_bytes(random.Random(0).randbytes(size))


def one_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


@pytest.mark.parametrize("table", ["searches", "paths"])
@pytest.mark.parametrize("damage", [cut_short, noise, one_bit, Path.unlink])
def test_a_damaged_part_is_found_and_set_aside_and_every_other_row_kept(
    folder: Folder, table: str, damage: Callable[[Path], None]
) -> None:
    with folder.held():
        for name in ("a", "b", "c"):
            folder.commit(part(searches=[search_row("done", name)], paths=[{"path": name}]))
    [file] = folder.local(table).glob("000002-*.parquet")
    damage(file)
    gone = table == "searches" and damage is Path.unlink  # so it was never committed
    assert [len(faults) for _, faults in folder.check()] == ([0, 0] if gone else [0, 1, 0])
    with folder.held():
        assert [table in line for line in folder.damages] == ([] if gone else [True])
        assert folder.commits == 3
        assert folder.read("paths")["path"].to_pylist() == ["a", "c"]
        assert folder.read("searches")["problem_key"].to_pylist() == ["a", "c"]
    assert all(not faults for _, faults in folder.check())


def test_a_reader_of_a_damaged_file_is_told_what_to_do(folder: Folder) -> None:
    with folder.held():
        folder.commit(part(**ROWS))
    [file] = folder.local("paths").glob("*.parquet")
    cut_short(file)
    with pytest.raises(UserError, match=r"paths: a file is damaged .*ttc check"):
        folder.read("paths")


def test_no_flipped_bit_of_a_page_is_read_as_a_value(folder: Folder) -> None:
    with folder.held():
        folder.commit(part(searches=[search_row("done")], paths=[{"path": "a", "token_ids": [*range(300)]}]))
    [file] = folder.local("paths").glob("*.parquet")
    data, rows = file.read_bytes(), folder.read("paths")
    pages = len(data) - 8 - int.from_bytes(data[-8:-4], "little")  # a footer lies behind them
    refused = 0
    for place in range(4, pages, 5):
        changed = bytearray(data)
        changed[place] ^= 1
        file.write_bytes(changed)
        try:
            assert folder.read("paths").equals(rows), place
        except UserError:
            refused += 1
    assert refused > pages // 10


def test_a_part_without_a_search_commits_too(folder: Folder) -> None:
    with folder.held():
        folder.commit(part(scores=[{"path": "a", "verifier": "v"}]))
    assert len(folder.read("scores")) == 1


def test_a_second_driver_is_refused_and_told_who_holds_the_folder(folder: Folder) -> None:
    with folder.held(), pytest.raises(UserError, match=r"in use by process \d+ on"):
        Folder(str(folder)).held().__enter__()


def test_part_names_sort_in_the_order_of_their_commits(folder: Folder) -> None:
    with folder.held():
        folder.commit(part(searches=[search_row("done")]))
    with folder.held():
        folder.commit(part(searches=[search_row("done", first=4)]))
        assert folder.commits == 2
    assert len(folder.read("searches", after=1)) == 1


def test_rows_are_chosen_by_columns_that_are_not_asked_for(folder: Folder) -> None:
    with folder.held():
        folder.commit(part(searches=[search_row("done"), search_row("done", "other")]))
    rows = folder.read("searches", ["seed"], where=pc.field("problem_key") == "other")
    assert rows["problem_key"].to_pylist() == ["other"]
    assert set(rows.column_names) == {"family", "problem_key", "seed", "unit_first"}


def test_rows_keep_their_order_and_get_the_rates_however_many_there_are(folder: Folder) -> None:
    names = [f"p{place}" for place in range(BATCH + 1)]
    writer = PartWriter()
    writer.add({"paths": [{"path": name} for name in names[:BATCH]], "searches": [search_row("done")]})
    writer.add(
        {"paths": [{"path": name} for name in names[BATCH:]], "searches": [search_row("done", "other")]}
    )
    with folder.held():
        written = writer.flush(policy_rate=2.0)
        assert written
        assert writer.flush() is None
        folder.commit(written)
    assert folder.read("paths")["path"].to_pylist() == names
    assert folder.read("searches")["policy_rate"].to_pylist() == [2.0, 2.0]
    assert folder.read("searches")["prm_rate"].to_pylist() == [None, None]


def test_nothing_is_lost_where_a_thread_hands_over_while_rows_come_in(folder: Folder) -> None:
    writer, parts, searches = PartWriter(), [], 3000
    with folder.held(), ThreadPoolExecutor() as threads:
        for number in range(searches):
            writer.add({"searches": [search_row("done", first=number)], "paths": [{"path": str(number)}]})
            if number % 300 == 0:
                parts.append(threads.submit(writer.flush))
        for written in [*(one.result() for one in parts), writer.flush()]:
            if written:
                folder.commit(written)
    assert sorted(folder.read("searches")["unit_first"].to_pylist()) == list(range(searches))
    assert len(folder.read("paths")) == searches


def test_all_rows_are_read_where_they_are_asked_for(folder: Folder) -> None:
    with folder.held():
        assert folder.empty
        for status in ("failed", "done"):
            folder.commit(part(searches=[search_row(status)]))
        assert not folder.empty
    assert folder.read_all("searches", ["status"]).to_pydict() == {"status": ["failed", "done"]}
    assert folder.read("searches", ["status"])["status"].to_pylist() == ["done"]


def commit_by_hand(folder: Folder, number: int, **tables: dict[str, list[object]]) -> None:
    for table, columns in tables.items():
        folder.local(table).mkdir(parents=True, exist_ok=True)
        rows = pa.table(columns).replace_schema_metadata(METADATA)
        pq.write_table(rows, folder.local(table, f"{number:06d}-a.parquet"))


def test_a_parameter_that_came_later_reads_as_null_and_an_unknown_one_is_ignored(folder: Folder) -> None:
    commit_by_hand(folder, 1, searches={"family": ["f"]}, grades={"path": ["p"], "grader": ["exact"]})
    commit_by_hand(folder, 2, searches={"family": ["g"], "tau": [0.3], "width": [4]})
    assert folder.read("grades", ["gold"]).to_pylist() == [
        {"path": "p", "grader": "exact", "extract": None, "gold": None}
    ]
    whole = folder.read("searches")
    assert "tau" not in whole.column_names
    assert whole["width"].to_pylist() == [None, 4]
    assert folder.read("searches", where=pc.field("width").is_null())["family"].to_pylist() == ["f"]


@pytest.mark.parametrize("said_by", ["sweep.json", "a part"])
def test_a_folder_of_another_version_is_refused_by_every_reader(folder: Folder, said_by: str) -> None:
    if said_by == "sweep.json":
        folder.write_text("sweep.json", json.dumps({"schema": 1, "runs": []}))
    else:
        folder.local("searches").mkdir(parents=True)
        rows = pa.table({"family": ["f"]}).replace_schema_metadata({b"schema": b"1"})
        pq.write_table(rows, folder.local("searches", "000001-a.parquet"))
    before = files(folder)
    readers = (
        *(folder.runs, folder.cells, lambda: folder.read("paths"), lambda: folder.frame("readout")),
        lambda: folder.held().__enter__(),
    )
    for reader in readers:
        with pytest.raises(UserError, match="was written by ttc's schema 1, and this version reads 2: take"):
            reader()
    assert files(folder) == before
    assert not folder.local(".lock").exists()


def test_a_folder_that_cannot_be_written_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = Folder(tmp_path / "file" / "x")
    with pytest.raises(UserError, match="cannot be written"):
        folder.write_text("a.txt", "a")
    with pytest.raises(UserError, match="cannot be written"):
        folder.held().__enter__()


def test_files_beside_the_tables_are_written_whole_and_read_back(folder: Folder) -> None:
    folder.write("readout", pa.table({"n": [1, 2], "vote": ["best", "oracle"]}))
    folder.write("choices", folder.frame("readout", ["n"], filters=[("vote", "==", "oracle")]))
    folder.write_bytes("plots/accuracy.png", b"png")
    assert folder.frame("choices")["n"].tolist() == [2]
    assert files(folder) == ["choices.parquet", "plots/accuracy.png", "readout.parquet"]
    with pytest.raises(UserError, match=r"no answers.parquet here"):
        folder.frame("answers")
