"""What of a results folder may be shown to everybody."""

from __future__ import annotations

from ttc.store.files import Files
from ttc.store.folder import RUNS, Folder
from ttc.store.parts import METADATA
from ttc.store.schema import TABLES
from ttc.types import UserError

REPORT = "report.html"


def publishable(folder: Folder) -> dict[str, int]:
    """File -> bytes: committed parts, our own tables, pictures, the report, and sweep.json, which holds no
    secret. Nothing else that lies there: no logs/, no lock, nothing of damaged/. Every part is read.

    Raises:
        UserError: no results there, a part is damaged, or a sweep is at work.
    """
    if not folder.runs():
        raise UserError(f"{folder}: no results here (no {RUNS})")
    if holder := folder.holder():
        raise UserError(f"{folder}: in use by {holder}; its files are not all there yet")
    parts = list(folder.check())
    if any(faults for _, faults in parts):
        raise UserError(f"{folder}: damaged; `ttc check {folder}` says where")
    files = Files(str(folder))
    found = [f"{table}/{part}" for table in TABLES for part, _ in parts if files.has(f"{table}/{part}")]
    tables = [name for name in files.list("") if name.endswith(".parquet") and not name.startswith(".")]
    found += [name for name in tables if METADATA.items() <= files.read_metadata(name).items()]
    found += [f"plots/{name}" for name in files.list("plots") if not name.startswith(".")]
    found += [name for name in (REPORT, RUNS) if files.has(name)]
    return {name: files.size(name) for name in found}
