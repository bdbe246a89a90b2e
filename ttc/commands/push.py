"""`ttc push hf DATASET FOLDER` and `ttc push hf-space SPACE FOLDER`: results on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from ttc.commands.settings import PushSettings
from ttc.data.upload import NAME, upload
from ttc.readout import readout_config
from ttc.report.card import dataset_card, space_card
from ttc.report.console import show
from ttc.report.tables import Table, column
from ttc.settings.build import read, sort_words
from ttc.store import Folder
from ttc.store.published import REPORT, publishable
from ttc.studies.page.findings import find
from ttc.studies.page.panels import make_panels
from ttc.studies.page.sources import Source
from ttc.types import Faults, UserError

KINDS: Mapping[str, Literal["dataset", "space"]] = {"hf": "dataset", "hf-space": "space"}

FILES = (column("what", "text", "what"), column("files", "count", "files"), column("size", "bytes", "bytes"))


def push(words: Sequence[str], console: Console) -> None:
    """Says what would be seen, and puts it there.

    Raises:
        UserError: no such kind, no results, no report, or the Hub refuses.
        TransientError: the Hub does not answer.
    """
    given = sort_words(words)
    faults = []
    if len(given.names) != 3:
        faults.append("name what, where to and which folder, as in `ttc push hf me/study results/default`")
    if given.names and given.names[0] not in KINDS:
        faults.append(f"{given.names[0]}: push knows {', '.join(KINDS)}")
    if len(given.names) > 1 and not NAME.fullmatch(given.names[1]):
        faults.append(f"{given.names[1]}: a place on the Hub is OWNER/NAME, as in me/study")
    try:
        settings = read(PushSettings, given.own)
    except Faults as error:
        faults += error.lines
    if faults:
        raise Faults(faults)
    kind, name, where = given.names
    folder = Folder(where)
    sizes = publishable(folder)
    if kind == "hf":
        doubts = vars(readout_config(folder).doubts)
        found = [sentence for panel in make_panels([Source.of(folder)]) for sentence in find(panel)]
        card = dataset_card(folder, sizes, doubts, settings.license, found)
        files: dict[str, Path | bytes] = {file: folder.local(file) for file in sizes}
    else:
        if REPORT not in sizes:
            raise UserError(f"{folder}: no {REPORT} yet; `ttc report {folder}` makes it")
        card, files = space_card(folder.name, settings.license), {"index.html": folder.local(REPORT)}
        sizes = {"index.html": sizes[REPORT]}
    files["README.md"] = readme = card.encode()
    sizes["README.md"] = len(readme)
    facts = {"kind": KINDS[kind], "repository": name, "private": settings.private}
    told = f"{'private' if settings.private else 'public'} {KINDS[kind]} {name}"
    show(Table("push", FILES, _groups(sizes), f"{told}, from {folder}", facts=facts), console)
    if settings.dry_run:
        return
    message = f"{folder.name}, by ttc push"
    url = upload(KINDS[kind], name, files, settings.private, message)
    show(Table("pushed", (column("pushed to", "text", "url"),), [{"url": url}], facts=facts), console)


def _groups(sizes: Mapping[str, int]) -> list[dict[str, Any]]:
    """A row for each file, and one for each folder of files."""
    rows: dict[str, dict[str, Any]] = {}
    for file, size in sizes.items():
        what = f"{file.partition('/')[0]}/" if "/" in file else file
        row = rows.setdefault(what, {"what": what, "files": 0, "bytes": 0})
        row["files"] += 1
        row["bytes"] += size
    return list(rows.values())
