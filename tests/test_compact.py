"""Parts that are merged: no moment without a row, none with one twice."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.test_store import ROWS, PowerCut, files, part, search_row
from ttc.store import Folder
from ttc.store.files import Files
from ttc.store.schema import TABLES, table_schema


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "x")


def test_merged_parts_hold_the_same_rows_in_the_same_order(folder: Folder) -> None:
    with folder.held():
        for number in range(5):
            tables = ROWS if number == 2 else {"searches": [search_row(str(number))]}
            folder.commit(part(**tables))
        rows = {table: folder.read_all(table, table_schema(table).names) for table in TABLES}
        assert folder.compact() == (5, 1)
        assert folder.commits == 5
        for table, before in rows.items():
            assert folder.read_all(table, table_schema(table).names).equals(before), table
        folder.commit(part(searches=[search_row("last")]))
        assert folder.read("searches", ["status"])["status"].to_pylist() == ["last"]
        assert len(folder.read_all("searches", ["status"], after=5)) == 1
        assert folder.compact() == (2, 1)
    assert all(not faults for _, faults in folder.check())


def merge_three_and_die(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is held. The merged part is committed, and its parts are still there."""
    for number in range(3):
        folder.commit(part(searches=[search_row("done", first=number)]))
    with monkeypatch.context() as patched:
        patched.setattr(Files, "delete", Mock(side_effect=PowerCut))
        with pytest.raises(PowerCut):
            folder.compact()


def test_a_merge_that_was_cut_short_counts_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    with folder.held():
        merge_three_and_die(folder, monkeypatch)
        assert len(files(folder)) == 4
        assert len(folder.read_all("searches", ["status"])) == 3
    with folder.held():
        assert len(files(folder)) == 1
        assert folder.commits == 3


def test_parts_outlive_a_damaged_one_that_they_were_merged_into(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folder.held():
        merge_three_and_die(folder, monkeypatch)
    [merged] = folder.local("searches").glob("000001-000003-*")
    merged.write_bytes(b"")
    with folder.held():
        assert len(folder.damages) == 1
        assert folder.read("searches")["unit_first"].to_pylist() == [0, 1, 2]
        assert folder.commits == 3


def test_parts_are_merged_up_to_a_size(folder: Folder) -> None:
    with folder.held():
        for number in range(4):
            folder.commit(part(searches=[search_row("done", first=number)]))
        size = max(folder.local(file).stat().st_size for file in files(folder))
        assert folder.compact(2 * size) == (4, 2)
        assert folder.read("searches")["unit_first"].to_pylist() == [0, 1, 2, 3]


def test_a_reader_that_meets_a_merge_reads_all(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    with folder.held():
        for number in range(3):
            folder.commit(part(searches=[search_row("done", first=number)], paths=[{"path": str(number)}]))
        list_, merges = Files.list, iter([True])

        def listed(self: Files, directory: str) -> list[str]:
            if directory == "paths" and next(merges, False):
                folder.compact()
            return list_(self, directory)

        monkeypatch.setattr(Files, "list", listed)
        assert folder.read("paths")["path"].to_pylist() == ["0", "1", "2"]
