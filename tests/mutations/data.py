"""Data files that must be refused: datasets, corrected golds, labelled steps, completions to import."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.mutations.common import Kind, Mutation, Place

Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """A command that reads a file, a row that it takes, and the columns it cannot do without."""

    row: Callable[[int], Row]
    needed: tuple[str, ...]
    words: Callable[[Place, str], tuple[str, ...]]


READERS = {
    "dataset": Reader(
        lambda i: {
            "question": f"What is {i} + 1, café?",
            "answer": str(i + 1),
            "id": f"p{i}",
            "level": i % 5 + 1,
        },
        ("question", "answer", "id"),
        lambda place, file: place.run(
            *("dataset=path", f"dataset.path={file}", "dataset.columns.id=id", "dataset.columns.level=level")
        ),
    ),
    "golds": Reader(
        lambda i: {"id": f"nano-0-{i}", "answer": f"{i}, café"},
        ("answer",),
        lambda place, file: ("regrade", str(place.copied()), f"golds={file}", "columns.id=id"),
    ),
    "labels": Reader(
        lambda i: {"id": f"p{i}", "problem": f"{i}, café?", "steps": ["One.", "Two."], "label": i % 2},
        ("problem", "steps", "label"),
        lambda place, file: ("verify", file, "prm=fake", f"out={place.here / 'out'}"),
    ),
    "completions": Reader(
        lambda i: {
            "problem": f"{i}, café?",
            "answer": "1",
            "completions": ["\\boxed{1}", "2"],
            "scores": [[0.1], [0.2]],
        },
        ("problem", "answer", "completions"),
        lambda place, file: (
            *("import", "sal", file, "strategy=sal_best_of_n", "readout.grader=exact"),
            *("check=false", "name=out", f"results_dir={place.here / 'results'}"),
        ),
    ),
}
ROWS = 8


def jsonl(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii="\ud800" in row.values()) + "\n" for row in rows).encode()


def as_json(rows: list[Row]) -> bytes:
    strange = any("\ud800" in row.values() for row in rows)
    return json.dumps(rows, ensure_ascii=strange, indent=1).encode()


def as_csv(rows: list[Row]) -> bytes:
    stream = io.StringIO(newline="")
    table = csv.DictWriter(stream, dict.fromkeys(name for row in rows for name in row))
    table.writeheader()
    for row in rows:
        flat = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()}
        table.writerow(flat)
    return stream.getvalue().encode()


def parquet(rows: list[Row]) -> bytes:
    stream = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue().to_pybytes()


FORMS = {".jsonl": jsonl, ".json": as_json, ".csv": as_csv, ".parquet": parquet}
PACKED: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}
PACKED[".zst"] = lambda data: pa.compress(data, "zstd", asbytes=True)


def written(chance: Random, place: Place, rows: list[Row], forms: list[str]) -> Path:
    end, pack = chance.choice(forms), chance.choice(list(PACKED))
    file = place.here / f"mine{end}{pack}"
    file.write_bytes(PACKED[pack](FORMS[end](rows)))
    return file


# --- What rows say ---------------------------------------------------------------------------------------

TEXTS: list[Any] = [None, "", "  ", {"a": {"b": "c"}}, ["a", "b"], [["a"], ["b"]], "\ud800", "['a' 'b']"]
"""What is no text of a question or an answer."""
LABELS: list[Any] = [
    None,
    "",
    "x",
    7,
    -2,
    1.5,
    [1],
    [1, 2],
    [0, 1, 0],
    {"a": 1},
    True and "yes",
    1e300,
    float("nan"),
]
LISTS: list[Any] = [None, "", "x", [], [7], [None], {"a": 1}, 7, ["a", ["b"]], [[]], [{}]]
BAD = {
    ("dataset", "question"): TEXTS,
    ("dataset", "answer"): [*TEXTS, "So it is\n#### 7", "because " * 30 + r"\boxed{7}"],
    ("dataset", "id"): [*TEXTS, "p0"],
    ("dataset", "level"): [1.5, "Level 2.5", 1e300, 10**30, "1e999", [1, 2], {"a": 1}],
    ("golds", "answer"): [*TEXTS, "So it is\n#### 7"],
    ("golds", "id"): [None, "", {"a": {"b": "c"}}, ["a", "b"], "\ud800"],
    ("labels", "problem"): TEXTS,
    ("labels", "steps"): LISTS,
    ("labels", "label"): LABELS,
    ("completions", "problem"): [None, "", " ", 7, ["a"], {"a": 1}],
    ("completions", "answer"): [None, "", " ", ["a", "b"], {"a": {"b": "c"}}, "\ud800"],
    ("completions", "completions"): LISTS,
    ("completions", "scores"): [
        "x",
        7,
        [],
        [[0.1]],
        [0.1, 0.2],
        [["a"], [0.1]],
        [[2], [0.1]],
        [[-1e9], [0.5]],
        {"a": 1},
        [[True], [0.1]],
    ],
}


def cell(chance: Random, place: Place) -> Mutation:
    """One value of one row is wrong."""
    (name, column), bad = chance.choice(list(BAD.items()))
    reader = READERS[name]
    rows = [reader.row(i) for i in range(ROWS)]
    at, value = chance.randrange(1, ROWS), chance.choice(bad)
    usual, rows[at][column] = rows[at].get(column), value
    forms = [".jsonl", ".json"]
    if isinstance(value, str) and value != "\ud800" and not (name == "labels" and value in ("", "x")):
        forms = [*forms, ".csv", *([".parquet"] if isinstance(usual, str) else [])]
    file = written(chance, place, rows, forms)
    return Mutation(reader.words(place, str(file)), (f"row {at + 1}", f"line {at + 1}", f"line {at + 2}"))


def missing(chance: Random, place: Place) -> Mutation:
    """A column is not there, or is called otherwise."""
    name = chance.choice(list(READERS))
    reader = READERS[name]
    column, other = chance.choice(reader.needed), chance.choice([None, "other", "Quest ion", "\x00", "ключ"])
    rows = [{other if key == column else key: one for key, one in reader.row(i).items()} for i in range(ROWS)]
    rows = [{key: one for key, one in row.items() if key is not None} for row in rows]
    file = written(chance, place, rows, list(FORMS) if other != "\x00" else [".jsonl", ".json"])
    return Mutation(reader.words(place, str(file)), (str(file), column))


# --- What bytes say --------------------------------------------------------------------------------------


def cut(chance: Random, data: bytes, end: str) -> bytes:
    """Ends inside a row."""
    if end == ".csv":
        return data[: data.rindex(b",")]
    return data[: chance.randrange(1, len(data) - 3)] if end != ".jsonl" else data[: -chance.randrange(2, 9)]


def noise(chance: Random, data: bytes, end: str) -> bytes:
    at = chance.randrange(len(data) // 2)
    if end == ".parquet":  # the footer's length and the magic; pages have no checksums
        return data[:-8] + chance.randbytes(7) + b"\xff"
    return data[:at] + b"\xff\xfe\xff" + data[at:]


def latin(chance: Random, data: bytes, end: str) -> bytes:
    return data.decode().encode("latin-1") if end != ".parquet" else data[4:]


def utf16(chance: Random, data: bytes, end: str) -> bytes:
    """Without a mark."""
    coding = chance.choice(["utf-16-le", "utf-16-be", "utf-32"])
    return data.decode().encode(coding) if end != ".parquet" else data[::-1]


def nul(chance: Random, data: bytes, end: str) -> bytes:
    return bytes(len(data)) if chance.random() < 0.5 or end == ".csv" else b"\x00" + data


def empty(chance: Random, data: bytes, end: str) -> bytes:
    return chance.choice([b"", b"\n", b" \n\t\n", b"\xef\xbb\xbf"])


def other(chance: Random, data: bytes, end: str) -> bytes:
    """Another kind of file under the name."""
    page, pointer = b"<!DOCTYPE html><html>\n", b"version https://git-lfs.github.com/spec/v1\n"
    return chance.choice(
        [page, pointer, b"PK\x03\x04" + chance.randbytes(99), b"\x7fELF", b"PAR1", b'"text"', b"7", b"null"]
    )


def deep(chance: Random, data: bytes, end: str) -> bytes:
    return chance.choice([b"[", b'{"a":', b'[{"a":']) * chance.choice([2000, 100_000]) + b"1"


def giant(chance: Random, data: bytes, end: str) -> bytes:
    return chance.choice([b"x", b'"', b"1", b","]) * 3_000_000


def doubled(chance: Random, data: bytes, end: str) -> bytes:
    """Two files in one, without a line's end between; of CSV, two columns of one name."""
    if end == ".csv":
        return b"a,a\n1,2\n"
    return data.rstrip() + data if end != ".parquet" else data + data[:-9]


DAMAGES = [cut, noise, latin, utf16, nul, empty, other, deep, giant, doubled]


def damaged(chance: Random, place: Place) -> Mutation:
    reader = READERS[chance.choice(list(READERS))]
    end, pack = chance.choice(list(FORMS)), chance.choice(list(PACKED))
    data = FORMS[end]([reader.row(i) for i in range(ROWS)])
    file = place.here / f"mine{end}{pack}"
    file.write_bytes(PACKED[pack](chance.choice(DAMAGES)(chance, data, end)))
    return Mutation(reader.words(place, str(file)), (str(file),))


def packed(chance: Random, place: Place) -> Mutation:
    """The compression is broken, is none, or is another."""
    reader = READERS[chance.choice(list(READERS))]
    end, pack = chance.choice(list(FORMS)), chance.choice([".gz", ".bz2", ".zst"])
    plain = FORMS[end]([reader.row(i) for i in range(ROWS)])
    data = PACKED[pack](plain)
    another = PACKED[chance.choice([one for one in PACKED if one != pack])](plain)
    half = data[: chance.randrange(1, len(data) - 9)]
    file = place.here / f"mine{end}{pack}"
    file.write_bytes(chance.choice([half, another, data[:20] + chance.randbytes(len(data)), b"", data[5:]]))
    return Mutation(reader.words(place, str(file)), (str(file),))


def no_file(chance: Random, place: Place) -> Mutation:
    """A folder under a file's name, a name that is none, a file that cannot be one."""
    reader = READERS[chance.choice(list(READERS))]
    end = chance.choice([*FORMS, ".txt", "", ".jsonl.xz", ".gz"])
    file = place.here / f"mine{end}"
    made = chance.randrange(4)
    if made == 0:
        file.mkdir()
    elif made == 1:
        file.symlink_to(file)
    elif made == 2 and end not in FORMS:
        file.write_text("{}\n")
    return Mutation(reader.words(place, str(file)), (str(file), file.name))


KINDS: dict[str, Kind] = {
    "a value of a row": cell,
    "a column": missing,
    "a file's bytes": damaged,
    "a file's compression": packed,
    "no file": no_file,
}
