"""Parts are whole or not there; a later row of one key counts; one driver at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ttc.store.folder import PartWriter, Store, read
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


def part(folder: Path, **tables: list[dict[str, object]]) -> str:
    writer = PartWriter(folder)
    writer.add(tables)
    name = writer.flush(None, None)
    assert name
    return name


def test_nothing_is_read_before_its_commit_and_all_after_it(tmp_path: Path) -> None:
    with Store(tmp_path).held() as store:
        name = part(tmp_path, searches=[search_row("done")], paths=[{"path": "a"}])
        assert len(read(tmp_path, "paths")) == 0
        store.commit(name)
        assert read(tmp_path, "paths")["path"].to_pylist() == ["a"]


def test_a_later_row_of_one_key_counts(tmp_path: Path) -> None:
    with Store(tmp_path).held() as store:
        for status in ("failed", "done"):
            store.commit(part(tmp_path, searches=[search_row(status), search_row("failed", "other")]))
    rows = read(tmp_path, "searches", ["problem_key", "status"]).to_pylist()
    assert {(row["problem_key"], row["status"]) for row in rows} == {("k", "done"), ("other", "failed")}


@pytest.mark.parametrize("renamed", [[], ["paths"], ["paths", "grades"]])
def test_a_commit_cut_short_leaves_nothing(tmp_path: Path, renamed: list[str]) -> None:
    with Store(tmp_path).held():
        name = part(tmp_path, searches=[search_row("done")], paths=[{"path": "a"}], grades=[{"path": "a"}])
    for table in renamed:
        (tmp_path / table / f"{name}.tmp").rename(tmp_path / table / f"000001-{name}.parquet")
    with Store(tmp_path).held():
        assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.name != ".lock"]


def test_a_part_without_a_search_commits_too(tmp_path: Path) -> None:
    with Store(tmp_path).held() as store:
        store.commit(part(tmp_path, scores=[{"path": "a", "verifier": "v"}]))
    assert len(read(tmp_path, "scores")) == 1


def test_a_second_driver_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    second = Store(tmp_path).held()
    with Store(tmp_path).held(), pytest.raises(UserError, match=r"in use by process \d+ on"):
        second.__enter__()


def test_part_names_sort_in_the_order_of_their_commits(tmp_path: Path) -> None:
    with Store(tmp_path).held() as store:
        store.commit(part(tmp_path, searches=[search_row("done")]))
    with Store(tmp_path).held() as store:
        store.commit(part(tmp_path, searches=[search_row("done", first=4)]))
        assert store.commits == 2
    assert len(read(tmp_path, "searches", after=1)) == 1


def test_a_part_of_an_older_version_reads_with_nulls(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for table, columns in (("searches", {"family": ["f"]}), ("grades", {"path": ["p"], "grader": ["exact"]})):
        (tmp_path / table).mkdir()
        pq.write_table(pa.table(columns), tmp_path / table / "000001-a.parquet")
    assert read(tmp_path, "grades", ["gold"]).to_pylist() == [
        {"path": "p", "grader": "exact", "extract": None, "gold": None}
    ]
