"""Results folders that must be refused: sweep.json, parts and tables that are broken, or something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.mutations.common import Kind, Mutation, Place

ALL = {
    "status": (),
    "check": (),
    "compact": (),
    "optimal": ("splits=2",),
    "compare": (),
    "quirks": (),
    "regrade": ("readout.grader=exact",),
    "rescore": ("prm=length", "cluster=none"),
    "verify": (),
    "show": ("#1",),
    "export": ("table=flat",),
}
"""Every command on a folder, with words that it takes."""


def line(place: Place, command: str, folder: Path, *more: str) -> tuple[str, ...]:
    if command == "run":
        return place.run(f"results_dir={folder.parent}", f"name={folder.name}", *more)
    words = (*ALL[command], *more)
    return (command, str(folder), *words, *([f"out={place.here / 'out'}"] if command == "verify" else []))


# --- sweep.json ------------------------------------------------------------------------------------------

VALUES: list[Any] = [None, 7, "x", [], {}, [[1]], {"a": 1}, True, 1.5, -1, float("nan"), "\ud800", 10**400]


SHAPES = [
    *((), ("schema",), ("runs",), ("runs", 0), ("runs", 0, "cells"), ("runs", 0, "cells", 0)),
    *((("runs", 0, "cells", 0, key)) for key in ("columns", "n", "seeds", "selection", "headlines", "cell")),
    *(("runs", 0, key) for key in ("selections", "overrides", "config", "status", "versions")),
]
NEEDED = ("runs", "cells", "selections", "overrides", "config", "columns", "n", "seeds")
"""Of these keys none may lack."""


def sweep_shape(chance: Random, place: Place) -> Mutation:
    """JSON, and not what ttc wrote there."""
    folder = place.copied()
    outer, path = [json.loads((folder / "sweep.json").read_text())], (0, *chance.choice(SHAPES))
    inner: Any = outer
    for key in path[:-1]:
        inner = inner[key]
    usual, last = inner[path[-1]], path[-1]
    if last in NEEDED and chance.random() < 0.2:
        del inner[last]
    else:
        inner[last] = chance.choice([one for one in VALUES if type(one) is not type(usual) or one == -1])
    (folder / "sweep.json").write_text(json.dumps(outer[0]))
    command = chance.choice(["status", "rescore", "quirks", "show", "export"])
    return Mutation(line(place, command, folder), ("sweep.json", "ttc's schema"))


def sweep_bytes(chance: Random, place: Place) -> Mutation:
    folder = place.copied()
    file = folder / "sweep.json"
    data = file.read_bytes()
    at = chance.randrange(1, len(data) - 3)
    file.write_bytes(
        chance.choice(
            [
                *(data[:at], data[:at] + b"\xff\x00" + data[at:], bytes(len(data)), b"", b"\n"),
                *(data.decode().encode("utf-16-le"), data + data, b"[" * 100_000, b'{"runs":' * 100_000),
                *(data.replace(b'"schema": 2', b'"schema": 1'), data.replace(b'"schema": 2', b'"schema": 3')),
                *(
                    data.replace(b'"schema": 2', b'"schema": "2"'),
                    data.replace(b'"schema": 2', b'"schema": ' + b"9" * 5000),
                ),
                *(b"null", b"7", b'"x"', b"[]", b'{"schema": 2, "runs": {}}', b"<html>"),
            ]
        )
    )
    return Mutation(line(place, chance.choice([*ALL, "run"]), folder), ("sweep.json", "ttc's schema"))


# --- Parts and tables ------------------------------------------------------------------------------------

READ = {
    "searches": ["status", "check", "quirks", "show", "export"],
    "paths": ["check", "quirks", "show", "export"],
    "grades": ["check", "quirks", "verify", "show", "export"],
    "scores": ["check", "quirks", "show", "export"],
}
"""Table -> commands that read it and do not mend it: a launch, regrade, rescore and compact set a damaged
part aside (docs/reliability.md)."""


def no_parquet(chance: Random, data: bytes) -> bytes:
    ends = [b"", b"PAR1", b"\n", data[: len(data) // 2], data[:-1], data[4:], bytes(len(data)), b"PAR1" * 9]
    return chance.choice([*ends, data[:-8] + b"\xff" * 4 + b"PAR1", chance.randbytes(len(data))])


def part(chance: Random, place: Place) -> Mutation:
    """A file of a part is no Parquet any more, or is a folder."""
    folder = place.copied()
    table = chance.choice(list(READ))
    command = chance.choice(READ[table])
    for file in (folder / table).glob("*.parquet"):
        file.write_bytes(no_parquet(chance, file.read_bytes()))
    return Mutation(line(place, command, folder), (table,), (1,) if command == "check" else (2,))


def columns(chance: Random, place: Place) -> Mutation:
    """A part that is Parquet, with other columns or types than ttc wrote."""
    folder = place.copied()
    table = chance.choice(["searches", "paths", "grades"])
    file = max((folder / table).glob("*.parquet"), key=lambda file: file.stat().st_size)
    rows = pq.read_table(file)
    name = "path" if table == "grades" else chance.choice(["problem_key", "seed", "family"])
    at = rows.schema.names.index(name)
    kinds = [
        pa.array([{"a": 1}] * len(rows)),
        pa.array([[1, 2]] * len(rows)),
        pa.array([b"\xff\xfe"] * len(rows)),
    ]
    rows = rows.set_column(at, name, chance.choice(kinds))
    pq.write_table(rows.replace_schema_metadata(pq.read_schema(file).metadata), file)
    command = chance.choice(READ[table])
    return Mutation(line(place, command, folder), (table,), (1,) if command == "check" else (2,))


def readout(chance: Random, place: Place) -> Mutation:
    """readout.parquet or answers.parquet is broken, or lacks a column: a launch would write it anew."""
    folder = place.copied()
    name = chance.choice(["readout", "answers"])
    file = folder / f"{name}.parquet"
    made = chance.randrange(5)
    rows = pq.read_table(file)
    if made == 0:
        file.write_bytes(no_parquet(chance, file.read_bytes()))
    elif made == 1:
        needed = ["cell", "strategy", "n", "vote"] if name == "readout" else ["problem_key", "cell", "vote"]
        pq.write_table(rows.drop_columns([chance.choice(needed)]).replace_schema_metadata(None), file)
    elif made == 2:
        file.unlink()
    elif made == 3:
        file.unlink()
        file.mkdir()
    else:
        pq.write_table(pa.table({"a": [1, 2]}), file)
    command = chance.choice(["compare", "optimal"])
    words = ("best_of_n@2", "best_of_n@4") if command == "compare" else ()
    return Mutation(line(place, command, folder, *words), (name,))


def problems(chance: Random, place: Place) -> Mutation:
    """problems.parquet is broken, or is another program's: a launch writes it anew."""
    folder = place.copied()
    file = folder / "problems.parquet"
    rows = pq.read_table(file)
    made = chance.randrange(4)
    if made == 0:
        file.write_bytes(no_parquet(chance, file.read_bytes()))
    elif made == 1:
        pq.write_table(rows.replace_schema_metadata(None), file)
    elif made == 2:
        pq.write_table(rows.drop_columns([chance.choice(["dataset", "gold", "level", "problem_key"])]), file)
    else:
        file.unlink()
        file.mkdir()
    return Mutation(line(place, chance.choice(["show", "export"]), folder), ("problems",))


def places_taken(chance: Random, place: Place) -> Mutation:
    """A file where a folder belongs, a folder where a file does."""
    folder = place.copied()
    made = chance.randrange(4)
    if made == 0:
        (folder / "sweep.json").unlink()
        (folder / "sweep.json").mkdir()
        return Mutation(
            line(place, chance.choice(["status", "run", "rescore", "check"]), folder), ("sweep.json",)
        )
    if made == 1:
        shutil.rmtree(folder / "searches")
        (folder / "searches").write_text("x")
        return Mutation(
            line(place, chance.choice(["status", "run", "check", "verify", "compact"]), folder), ("searches",)
        )
    if made == 2:
        (folder / ".lock").unlink(missing_ok=True)
        (folder / ".lock").mkdir()
        return Mutation(line(place, chance.choice(["run", "compact", "regrade"]), folder), (folder.name,))
    name = chance.choice(["x.parquet", "000001.parquet", "a-b.parquet", "99-.parquet", "-.parquet"])
    commands = ["status", "check", "run"] if name[0] != "9" else ["check"]
    (folder / "searches" / name).write_bytes(b"x")
    return Mutation(line(place, chance.choice(commands), folder), (name,), (1, 2))


KINDS: dict[str, Kind] = {
    "sweep.json's bytes": sweep_bytes,
    "sweep.json's shape": sweep_shape,
    "a part's bytes": part,
    "a part's columns": columns,
    "a table of a readout": readout,
    "the problems' table": problems,
    "a place that is taken": places_taken,
}
