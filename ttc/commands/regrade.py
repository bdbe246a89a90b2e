"""Another grading of stored paths: `ttc regrade results/x readout.grader=exact`, or `golds=corrected.jsonl`.

Rows are added to grades/ and none is changed; of two with one path, grader and rule the later counts. Every
part is committed as a sweep's are, so that the same line again does what is missing. Then the report: how
often each two gradings agree, and where they do not.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ttc.commands.golds import corrected
from ttc.commands.settings import RegradeSettings
from ttc.commands.upkeep import tell_damages
from ttc.grading import Grader, extract, make_grader, name_reading
from ttc.plan.done import outdated
from ttc.readout import read_out, readout_config
from ttc.readout.names import plain
from ttc.report.console import Console, say, show
from ttc.report.formats import count
from ttc.report.summary import show_results
from ttc.report.tables import Table, column
from ttc.run.rows import grade_columns
from ttc.settings.build import read
from ttc.store import Folder, PartWriter
from ttc.store.problems import correct_golds
from ttc.store.schema import KEYS, common_columns
from ttc.studies.page import write_report
from ttc.types import Faults, UserError

CHUNK = 256
"""Paths that are graded side by side."""

SHOWN = 20
"""Disagreements on the console; disagreements.parquet has all."""

Row = dict[str, Any]


def regrade(folder: Folder, words: Sequence[str], console: Console) -> None:
    """Adds what the named grading lacks, or grades anew where the gold answer is another; then prints the
    disagreements and writes disagreements.parquet.

    Raises:
        UserError: no stored paths there, no gold answers, or a word that is not for this command.
    """
    if not words:
        raise UserError(
            "name a grading, as in `ttc regrade results/default readout.grader=exact`, or golds=FILE"
        )
    settings = read(RegradeSettings, words)
    if not settings.golds and (alone := [word for word in words if not word.startswith("readout.")]):
        raise Faults([f"{word}: of a file of corrected answers; name it: golds=FILE" for word in alone])
    if not len(folder.read("paths", [])):
        raise UserError(f"{folder}: no results here (no stored paths)")
    with folder.held():
        tell_damages(folder, console)
        if settings.golds:
            _correct(folder, settings, console)
        if any(word.startswith("readout.") for word in words):
            named = settings.readout
            _add(folder, named.grader, name_reading(named.extract, named.thinking), console)
        pairs, where = disagreements(folder.read("grades").to_pandas())
        folder.write("disagreements", where)
    _print(pairs, where, console)
    if settings.golds:
        readout = readout_config(folder)
        rows = read_out(folder, readout)["readout"].to_pandas()
        write_report(folder)
        show_results(console, folder, rows, list(rows["cell"]), vars(readout.doubts), readout.references)


def _correct(folder: Folder, settings: RegradeSettings, console: Console) -> None:
    """Every grading of the problems whose gold answer is another now, with the answers that it read."""
    golds, stored, others = corrected(folder, settings)
    rows = outdated(folder, golds, families=stored.families)
    problems = len(set(rows["problem_key"].to_pylist()))
    chunks = (
        [row | {"gold": golds[row["problem_key"]]} for row in batch.to_pylist()]
        for batch in rows.to_batches(max_chunksize=CHUNK)
    )
    added = asyncio.run(_commit_grades(folder, chunks))
    correct_golds(folder, stored.dataset, golds)
    spare = f" ({count(others)} of its rows name none)" if others else ""
    said = f"{count(len(golds))} of {count(len(stored.ids))} problems are in {settings.golds}{spare}"
    say(console, f"{said}, {count(problems)} with another gold answer: {count(added)} gradings made anew")
    if problems and any(cell.gold and cell.dataset == stored.dataset for cell in folder.cells()[0]):
        say(console, "an oracle scored with the earlier gold answers: its scores stay as they are")


def _add(folder: Folder, name: str, rule: str, console: Console) -> None:
    """The grading by that grader and rule, of the paths that lack it, or have it of an earlier version."""
    named = ["path", "problem_key", "grader", "version", "extract", "gold"]
    rows = folder.read("grades", named).to_pylist()
    own = (name, make_grader(name).version, rule)
    graded = {row["path"] for row in rows if (row["grader"], row["version"], row["extract"]) == own}
    # of paths, and of problems for paths that have no grading at all
    golds = {
        row[key]: row["gold"] for key in ("problem_key", "path") for row in rows if row["gold"] is not None
    }
    if not golds:
        raise UserError(
            f"{folder}: its grades tell no gold answers (they were written before those were kept), so "
            "nothing can be graded again; launch the line once more into a new folder"
        )
    lacking = 0

    def chunks() -> Iterator[list[Row]]:
        nonlocal lacking
        columns = [*(name for name, _ in common_columns()), "path", "steps"]
        for batch in folder.read("paths", columns).to_batches(max_chunksize=CHUNK):
            rows = [row for row in batch.to_pylist() if row["path"] not in graded]
            for row in rows:
                gold = golds.get(row["path"], golds.get(row["problem_key"]))
                answer = extract("".join(row.pop("steps")), rule)
                row |= {"grader": name, "extract": rule, "gold": gold, "answer": answer}
            known = [row for row in rows if row["gold"] is not None]
            lacking += len(rows) - len(known)
            yield known

    added = asyncio.run(_commit_grades(folder, chunks()))
    say(console, f"{name} on {rule}: {count(added)} paths graded, {count(len(graded))} had been")
    if lacking:
        say(console, f"{count(lacking)} paths have no gold answer and are left out")


async def _commit_grades(folder: Folder, chunks: Iterable[list[Row]]) -> int:
    """Grades rows that have all but a verdict and commits them, a chunk at a time; how many it graded."""
    writer = PartWriter()
    graders: dict[str, Grader] = {}
    added = 0

    def commit() -> None:
        if part := writer.flush():
            folder.commit(part)

    try:
        for rows in filter(None, chunks):
            for name in {row["grader"] for row in rows} - graders.keys():
                graders[name] = make_grader(name)
            writer.add({"grades": await _grade(rows, graders)})
            added += len(rows)
            if writer.due:
                commit()
    finally:  # also where it is interrupted: what is graded is kept
        commit()
        for grader in graders.values():
            await grader.close()
    return added


async def _grade(rows: Sequence[Row], graders: Mapping[str, Grader]) -> list[Row]:
    async def grade(row: Row) -> Row:
        grader = graders[row["grader"]]
        verdict = await grader.grade(row["gold"], row["answer"])
        named = (row["extract"], row["gold"], row["answer"])
        return row | grade_columns(grader.name, grader.version, *named, verdict)

    return await asyncio.gather(*map(grade, rows))


def disagreements(grades: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every two gradings of the same paths: how often they agree, and what they say where they do not.

    Returns:
        A row per pair of gradings; and a row per (pair of gradings, gold, answers, verdicts) that differ,
        with the number of `paths`, the most frequent first.
    """
    sides = ["answer", "verdict"]
    kept = grades[[*KEYS["grades"], "gold", *sides]]
    gradings: Any = kept.groupby(["grader", "extract"], sort=False)
    pairs, where = [], []
    for (a, left), (b, right) in itertools.combinations(gradings, 2):
        both = left.merge(right[["path", "grader", "extract", *sides]], on="path", suffixes=("_a", "_b"))
        differ = both[both.verdict_a != both.verdict_b]
        pair = {"a": " ".join(a), "b": " ".join(b), "paths": len(both), "agree": len(both) - len(differ)}
        pair |= {"right_a": int(both.verdict_a.sum()), "right_b": int(both.verdict_b.sum())}
        pairs.append(pair | {"only_a": int(differ.verdict_a.sum()), "only_b": int(differ.verdict_b.sum())})
        where.append(differ.drop(columns="path"))
    columns = ["grader_a", "extract_a", "grader_b", "extract_b", "gold"]
    columns += ["answer_a", "answer_b", "verdict_a", "verdict_b"]
    if not where:
        return pd.DataFrame(), pd.DataFrame(columns=[*columns, "paths"])
    counted = pd.concat(where).groupby(columns, dropna=False, sort=True).size().reset_index(name="paths")
    most_first = counted.sort_values("paths", ascending=False, kind="stable", ignore_index=True)
    return pd.DataFrame(pairs), most_first


def _print(pairs: pd.DataFrame, where: pd.DataFrame, console: Console) -> None:
    if pairs.empty:
        say(console, "one grading only: nothing to compare")
        return
    shares = pairs.assign(share=pairs["agree"] / pairs["paths"])  # 0 / 0 is NaN
    rows = [plain(row) for row in shares.to_dict("records")]
    notes = [_tell(plain(row)) for row in where.head(SHOWN).to_dict("records")]
    if len(where) > SHOWN:
        notes.append(f"and {count(len(where) - SHOWN)} more in disagreements.parquet")
    show(Table("gradings", COLUMNS, rows, notes=notes), console, indent="  ")


COLUMNS = (
    column("A", "text", "a"),
    column("B", "text", "b"),
    column("paths", "count", "paths"),
    column("agree", "agreement", "share"),
    column("A right", "count", "right_a"),
    column("B right", "count", "right_b"),
    column("only A", "count", "only_a"),
    column("only B", "count", "only_b"),
)


def _tell(row: Row) -> str:
    """`2 x gold '7'; exact boxed reads '7.0': wrong; math_verify boxed reads '7.0': right`."""
    sides = (
        f"{row[f'grader_{side}']} {row[f'extract_{side}']} reads {row[f'answer_{side}']!r}: "
        + ("right" if row[f"verdict_{side}"] else "wrong")
        for side in "ab"
    )
    return f"{count(row['paths'])} x gold {row['gold']!r}; {'; '.join(sides)}"
