"""The reader of data files: one content whatever the kind, values as written, faults with their places."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttc.data.files import kind_of, read_rows, stem_of
from ttc.data.problems import load_problems
from ttc.data.values import text_of
from ttc.settings.schema import DatasetConfig
from ttc.types import UserError

ROWS: list[dict[str, Any]] = [
    {"question": "a, b\nc", "answer": "007"},
    {"question": "\u00e9\u2028", "answer": "1.50"},
    {"question": "2024-01-01", "answer": "NA"},
]


def write(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """The same rows in every kind of file."""
    files = {kind: folder / f"rows.{kind}" for kind in ("jsonl", "json", "csv", "parquet")}
    files["jsonl"].write_text("\n".join(map(json.dumps, rows)))
    files["json"].write_text(json.dumps(rows, indent=1))
    with files["csv"].open("w", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    pd.DataFrame(rows).to_parquet(files["parquet"])
    return list(files.values())


def read(file: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(file)]


def test_every_kind_of_file_gives_what_was_written(tmp_path: Path) -> None:
    for file in write(tmp_path, ROWS):
        assert read(file) == ROWS


def test_jsonl_and_parquet_of_the_same_numbers_give_the_same_golds(tmp_path: Path) -> None:
    rows = [{"question": str(i), "answer": answer} for i, answer in enumerate([9007199254740993, 3, -1])]
    for file in write(tmp_path, rows):
        golds = [problem.answer for problem in load_problems(DatasetConfig(path=str(file)))]
        assert golds == ["9007199254740993", "3", "-1"]


def test_a_large_number_keeps_its_digits_beside_a_fraction_and_a_gap(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    numbers = ["9007199254740993", "0.5", str(2**70), "12345678901234567890.25", "3.14159265358979323846"]
    file.write_text("".join(f'{{"answer": {number}}}\n\n{{}}\n' for number in numbers))
    assert [text_of(row.get("answer")) for row in read(file)][::2] == numbers
    file.write_text('{"answer": 1E400}\n{"answer": 0.10000000000000001}\n')
    assert [text_of(row.get("answer")) for row in read(file)] == [str(10**400), "0.1"]


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_nothing(tmp_path: Path, kind: str, encoding: str) -> None:
    file = next(file for file in write(tmp_path, ROWS) if file.suffix == f".{kind}")
    file.write_bytes(file.read_bytes().decode().encode(encoding))
    assert read(file) == ROWS


def test_files_that_were_joined_have_a_mark_in_their_midst(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n' * 2)
    assert read(tmp_path / "a.jsonl") == [{"a": 1}] * 2


@pytest.mark.parametrize("codec", ["gzip", "zstd", "bz2"])
def test_a_compressed_file_is_what_its_inner_name_says(tmp_path: Path, codec: str) -> None:
    end = {"gzip": ".gz", "zstd": ".zst", "bz2": ".bz2"}[codec]
    for file in write(tmp_path, ROWS):
        with pa.CompressedOutputStream(str(file) + end, codec) as stream:
            stream.write(file.read_bytes())
        packed = file.with_name(file.name + end)
        assert read(packed) == ROWS
        assert (kind_of(packed), stem_of(packed)) == (file.suffix, "rows")
        packed.write_bytes(packed.read_bytes()[:-9])
        with pytest.raises(UserError, match="cannot be read, Truncated"):
            read(packed)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.CSV", "question,answer\n7;8,1\n"),
        ("a.csv", "question;answer\n7;1\n"),
        ("a.csv", "\nquestion, answer\n7, 1\n"),
        ("a.tsv", "question\tanswer\n7\t1\n"),
        ("a.tsv", '"a, b, c"\tquestion\tanswer \n0\t7\t1\n'),
        ("a.ndjson", '{"question": "7", "answer": "1"}'),
    ],
)
def test_files_as_other_programs_write_them(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    [row] = read(tmp_path / name)
    assert (row["question"].partition(";")[0], row["answer"]) == ("7", "1")


def test_what_only_parquet_has_is_read_by_its_digits(tmp_path: Path) -> None:
    columns = [pa.array([Decimal("3.00"), Decimal("12345678901234567890.50")]), pa.array([b"7", b"x"])]
    columns += [pa.array([0.1, 3], pa.float32())]
    pq.write_table(pa.table(dict(zip("abc", columns, strict=True))), tmp_path / "a.parquet")
    texts = [[text_of(value) for value in row.values()] for row in read(tmp_path / "a.parquet")]
    assert texts == [["3", "7", "0.1"], ["12345678901234567890.5", "x", "3"]]
    pq.write_table(
        pa.table({"a": pa.array([[("b", "c")]], pa.map_("string", "string"))}), tmp_path / "b.parquet"
    )
    assert read(tmp_path / "b.parquet") == [{"a": {"b": "c"}}]
    pq.write_table(pa.Table.from_arrays(columns[:2], ["a", "a"]), tmp_path / "c.parquet")
    with pytest.raises(UserError, match="two columns are called 'a'"):
        read(tmp_path / "c.parquet")


@pytest.mark.parametrize("orient", ["records", "columns"])
def test_json_as_pandas_writes_it(tmp_path: Path, orient: Any) -> None:
    pd.DataFrame(ROWS).to_json(tmp_path / "a.json", orient=orient)
    assert read(tmp_path / "a.json") == ROWS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "\n".join(map(json.dumps, ROWS))),
        ("a.jsonl", json.dumps(ROWS, indent=1)),
        ("a.json", json.dumps({"version": 1, "data": ROWS})),
    ],
)
def test_rows_are_found_under_the_other_name_and_inside_an_object(
    name: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert read(tmp_path / name) == ROWS


def test_objects_by_their_id_are_rows_with_that_id(tmp_path: Path) -> None:
    named = {"x1": ROWS[0], "x2": ROWS[1] | {"id": "own", "more": 1}}
    (tmp_path / "a.json").write_text(json.dumps(named))
    assert read(tmp_path / "a.json") == [{"id": "x1"} | ROWS[0], named["x2"]]


def test_places_are_lines_where_a_file_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a\n1\n\n"2\n2"\n3\n')
    (tmp_path / "a.jsonl").write_text("\n{}\n\n{}")
    assert [place for place, _ in read_rows(tmp_path / "a.csv")] == ["line 2", "line 4", "line 6"]
    assert [place for place, _ in read_rows(tmp_path / "a.jsonl")] == ["line 2", "line 4"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": ', "line 2: no JSON (Expecting value); the file ends inside this row"),
        ("a.jsonl", b'{"a": 1}\n{"a"}\n{}\n', "line 2: no JSON (Expecting ':' delimiter)"),
        ("a.jsonl", b'{}\n{"a": "\xe9"}\n', "line 2: not UTF-8 (byte 8 of the line)"),
        ("a.jsonl", b"{} {}", "line 1: no JSON (Extra data)"),
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\n", "only Git LFS's pointer to the file"),
        ("a.jsonl", b"{}\n7\n", "line 2: no problem: not an object"),
        ("a.jsonl", b"[" * 100_000, "line 1: no JSON (nested too deeply)"),
        ("a.jsonl", b"1" * 5000, "line 1: no JSON (Exceeds the limit"),
        ("a.json", b'[{"a": 1},\n {"a": "x', "line 2: no JSON (Unterminated string starting at); the"),
        ("a.json", b"[{}, 7]", "row 2: no problem: not an object"),
        ("a.json", b'{"a": [1, 2], "b": [1]}', "its columns are not of one length"),
        ("a.csv", b"a,b\n1,2\n3\n", "line 3: 1 values for 2 columns"),
        ("a.csv", b"a,b\n1,2,3\n", "line 2: 3 values for 2 columns"),
        ("a.csv", b'a\n1\n"2\n', "line 3: no CSV (unexpected end of data)"),
        ("a.csv", b"a,b,a\n", "two columns are called 'a'"),
        ("a.csv", b"a\n\xff\n", "line 2: not UTF-8 (byte 1 of the line)"),
        ("a.parquet", b"PAR1", "no Parquet ("),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_place(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        list(read_rows(tmp_path / name, "problem"))
    assert str(caught.value).startswith(f"{tmp_path / name}: cannot be read, {said}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [("gone.jsonl", "cannot be read, No such file"), ("a.txt", "take a .jsonl, .json, .csv, .parquet file")],
)
def test_a_file_that_is_none_is_refused_by_name(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{name}: {said}"):
        list(read_rows(tmp_path / name))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (3.0, "3"), (0.5, "0.5"), (" x ", "x"), (7, "7"), ("007", "007")],
)
def test_the_text_of_a_value(value: Any, text: str) -> None:
    assert text_of(value) == text
