"""What a study cost, what sharing saved, and where it comes from: the page's last tables."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ttc.readout.names import plain
from ttc.report.formats import amount, count, counted, duration, percent
from ttc.report.tables import Table, column
from ttc.studies.page.panels import Panel
from ttc.studies.page.sources import Source

COSTS = (
    column("reading", "text", "label"),
    column("generated", "amount", "generated_tokens"),
    column("policy tokens", "amount", "policy_tokens"),
    column("verifier tokens", "amount", "prm_tokens"),
    column("GFLOP", "giga", "flops"),
    column("seconds", "amount", "seconds"),
)
PAID = (
    column("strategy", "text", "strategy"),
    column("searches", "count", "searches"),
    column("generated", "amount", "generated_tokens"),
    column("prompts computed", "amount", "prompt_computed"),
    column("from cache", "amount", "prompt_cached"),
    column("hits", "percent", "hits"),
    column("verifier computed", "amount", "prm_computed"),
    column("from cache", "amount", "prm_cached"),
)
LAUNCHES = (
    column("started", "text", "started"),
    column("took", "text", "took"),
    column("status", "text", "status"),
    column("searches", "count", "searches"),
    column("line", "text", "line"),
    column("models", "text", "models"),
    column("on", "text", "hardware"),
    column("versions", "text", "versions"),
)
SEARCH_COLUMNS = ["strategy", "family", "generated_tokens", "prompt_computed", "prompt_cached"]
SEARCH_COLUMNS += ["prm_computed", "prm_cached", "problem_key", "seed"]
DOOR = {"launch": "python launch.py", "rescore": "ttc rescore"}


def costs(panel: Panel) -> Table:
    """Each headline alone, per problem."""
    rows = [plain(row) for row in panel.headlines.to_dict("records")]
    note = "Means per problem, stand-alone: what the cell would cost alone with perfect prefix re-use."
    return Table("costs", COSTS, rows, "costs by cell", [note], tight=True)


def paid(source: Source) -> Table:
    """What the engines really did, by strategy; searches that failed and were made again are not in it."""
    frame = source.folder.read("searches", SEARCH_COLUMNS).to_pandas()
    figures = ["generated_tokens", "prompt_computed", "prompt_cached", "prm_computed", "prm_cached"]
    rows = []
    for strategy, part in frame.groupby("strategy", sort=False):
        sums = {key: float(part[key].sum()) if part[key].notna().any() else float("nan") for key in figures}
        total = sums["prompt_computed"] + sums["prompt_cached"]
        own = {"strategy": strategy, "searches": len(part), **sums}
        rows.append(own | {"hits": sums["prompt_cached"] / total if total else float("nan")})
    title = f"what the engines did for {source.folder.name}"
    return Table("paid", PAID, rows, title, [*_saved(source, frame)])


def _saved(source: Source, searches: pd.DataFrame) -> Iterator[str]:
    """What the folder's cells would have generated one by one, against what was."""
    rows = source.rows()
    cells = rows[rows["accuracy"].notna()].drop_duplicates("cell")
    alone = float((cells["generated_tokens"] * cells["problems"] * cells["seeds"]).sum())
    wanted = {record.family for record in source.results.records.values()}
    done = float(searches.loc[searches["family"].isin(wanted), "generated_tokens"].sum())
    if len(cells) > 1 and alone > 0 and searches["generated_tokens"].notna().all():
        yield (
            f"Alone, the {counted(len(cells), 'cell')} would have generated {amount(alone)} tokens; together "
            f"{amount(done)}: sharing saved {percent(max(0.0, 1 - done / alone))}."
        )


def launches(source: Source) -> Table:
    """The lines that filled the folder, oldest first."""
    rows = [_launch(run) for run in source.folder.runs()]
    return Table("launches", LAUNCHES, rows, f"how {source.folder.name} was made")


def lines(source: Source) -> list[str]:
    """The lines to give again, each once; a later one goes on where an earlier one ended."""
    return list(dict.fromkeys(line_of(run) for run in source.folder.runs()))


def _launch(run: Mapping[str, Any]) -> dict[str, Any]:
    bill = run.get("bill") or {}
    seconds = [float(bill[key]) for key in ("start_seconds", "seconds") if bill.get(key)]
    return {
        "started": str(run["started"]).replace("T", " ")[:16],
        "took": duration(sum(seconds)) if seconds else "",
        "status": run["status"],
        "searches": bill.get("searches"),
        "line": line_of(run),
        "models": ", ".join(_model(model) for model in run.get("models", ())),
        "hardware": _hardware(run.get("hardware") or {}),
        "versions": _versions(run),
    }


def line_of(run: Mapping[str, Any]) -> str:
    """The line to give again."""
    command = run.get("command", "launch")
    return shlex.join([*DOOR.get(command, f"ttc {command}").split(), *run["overrides"]])


def _model(model: Mapping[str, Any]) -> str:
    commit = f"@{str(model['revision'])[:8]}" if model.get("revision") else ""
    return (
        f"{model['name']} ({model['model'] or model['engine']}{commit}, {model['engine']}, {model['dtype']})"
    )


def _hardware(known: Mapping[str, Any]) -> str:
    gpus: Sequence[Any] = known.get("gpus") or ()
    machine = f"{count(known.get('cores') or 0)} cores {known.get('processor') or known.get('machine') or ''}"
    return ", ".join([machine, f"{known.get('memory_gib')} GiB", *map(str, gpus)])


def _versions(run: Mapping[str, Any]) -> str:
    told = [f"{name} {version}" for name, version in run.get("versions", {}).items()]
    return ", ".join([*told, *([f"commit {run['revision'][:8]}"] if run.get("revision") else [])])
