"""The card of a folder on the Hub: what was found, how to run it again, and what its tables are."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ttc.report.console import keep_tables, make_console
from ttc.report.summary import print_readout
from ttc.report.tables import Table, column, in_order, to_markdown
from ttc.store import Folder
from ttc.types import MASK, NOT_KEPT

TAGS = ("test-time-compute", "ttc")
ROWS = {
    "readout": "cell x vote x aggregation x subset: accuracy with its 95 % interval, and costs per problem",
    "readout_by": "the same by level and by seed",
    "answers": "cell x problem x seed x vote: the answer that was chosen, and whether it is right",
    "problems": "a problem: its question and its gold answer",
    "paths": "a solution that the policy wrote",
    "steps": "a sampled step of a search that is more than independent samples: its tree",
    "scores": "a path as one verifier scored it",
    "grades": "a path as one grader judged its answer",
    "searches": "one search: its status, and what was paid for it",
}
"""Table -> what a row of it is; others are there as well."""
DOWNLOADED = """Downloaded, this is a results folder again: `hf download --repo-type dataset NAME --local-dir
results/{0}`, then `ttc compare results/{0}`, or the line above, which goes on from here.
"""


def dataset_card(
    folder: Folder,
    files: Iterable[str],
    doubts: Mapping[str, float],
    license: str | None,
    found: Sequence[str] = (),
) -> str:
    """README.md of a dataset with these files of the folder. found: what the study found, in sentences."""
    files = list(files)
    tables = in_order((name for file in files if (name := _table_of(file))), ROWS)
    pictures = [file for file in files if file.startswith("plots/") and file.endswith((".png", ".svg"))]
    shown = [file for file in pictures if file.endswith(".png") or file[:-3] + "png" not in pictures]
    kinds = [{"table": name, "row": ROWS.get(name, "")} for name in tables]
    columns = (column("table", "text", "table"), column("a row", "text", "row"))
    parts = [
        _header(folder.name, tables, files, license),
        f"# {folder.name}\n",
        "Accuracy against compute at test time: strategies and budgets side by side, measured by ttc.\n",
        *(f"{sentence}\n" for sentence in found),
        *(f"![{_title(file)}]({file})\n" for file in shown[:1]),
        *map(to_markdown, headlines(folder, doubts)),
        *(f"![{_title(file)}]({file})\n" for file in shown[1:]),
        "## Again\n",
        *_lines(folder.runs()),
        DOWNLOADED.format(folder.name),
        "## Tables\n",
        to_markdown(Table("tables", columns, kinds)),
        "## Made with\n",
        _versions(folder.runs()[-1]),
    ]
    return "\n".join(parts)


def space_card(title: str, license: str | None) -> str:
    """README.md of a static Space that shows index.html."""
    return _front({"title": title, "sdk": "static", "app_file": "index.html", "tags": [*TAGS]}, license)


def headlines(folder: Folder, doubts: Mapping[str, float]) -> list[Table]:
    """The table that a sweep ends with, its declared results only."""
    with keep_tables() as tables:
        print_readout(folder.frame("readout"), make_console(), doubts)
    return [replace(one, rows=[row for row in one.rows if row["headline"]]) for one in tables]


def _header(name: str, tables: Sequence[str], files: Sequence[str], license: str | None) -> str:
    """One configuration a table, for the Hub's viewer; the first one opens."""
    configs: list[dict[str, Any]] = []
    for table in tables:
        place = f"{table}.parquet" if f"{table}.parquet" in files else f"{table}/*.parquet"
        configs.append({"config_name": table, "data_files": place, **({} if configs else {"default": True})})
    return _front({"pretty_name": name, "tags": [*TAGS], "configs": configs}, license)


def _front(said: Mapping[str, Any], license: str | None) -> str:
    import yaml

    said = {**said, **({"license": license} if license else {})}
    return f"---\n{yaml.safe_dump(said, sort_keys=False, allow_unicode=True)}---\n"


def _table_of(file: str) -> str | None:
    """`paths` of paths/000001-ab.parquet, `readout` of readout.parquet."""
    return file.removesuffix(".parquet").partition("/")[0] if file.endswith(".parquet") else None


def _title(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0].replace("_", " ")


def _lines(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The commands that filled the folder, each once, to be typed."""
    named = ((run.get("command", "launch").replace("launch", "run"), run["overrides"]) for run in runs)
    typed = dict.fromkeys(f"    ttc {command} {shlex.join(words)}\n" for command, words in named)
    return [*typed, *[f"{NOT_KEPT}\n"] * any(MASK in line for line in typed)]


def _versions(run: Mapping[str, Any]) -> str:
    hardware = run.get("hardware") or {}
    said = dict(run["versions"]) | {"revision": run.get("revision")}
    said |= {key: hardware.get(key) for key in ("processor", "cores", "memory_gib")}
    said |= {"GPUs": ", ".join(hardware.get("gpus") or ()), "finished": run.get("finished")}
    return "\n".join(f"- {key}: {value}" for key, value in said.items() if value) + "\n"
