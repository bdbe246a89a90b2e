"""`ttc report FOLDER [FOLDER ...]`: the whole study as one file, report.html.

sources.py reads, panels.py says what is drawn and compared, findings.py what was found, optimal.py what
choosing by difficulty brings, misses.py where it fails, forests.py which search trees go along, origin.py
what it cost and where it comes from. ttc/report/page draws it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ttc.readout import catch_up, readout_config
from ttc.readout.pools import Tables
from ttc.report.console import Console, relative, show
from ttc.report.draw import draw_all
from ttc.report.page import as_page, render
from ttc.report.tables import Table, column
from ttc.settings.build import read, sort_words
from ttc.store import Folder
from ttc.store.provenance import now, versions
from ttc.store.published import REPORT
from ttc.studies.page import misses, origin
from ttc.studies.page.findings import find
from ttc.studies.page.forests import plant
from ttc.studies.page.optimal import best_of
from ttc.studies.page.panels import Panel, describe, make_panels
from ttc.studies.page.sources import Source
from ttc.studies.settings import ReportSettings
from ttc.types import UserError, place_of

PERIOD = 10.0
"""Seconds between two looks of --watch, at least; and five times what making the page takes."""

FINDINGS = (column("study", "text", "study", fold=True), column("found", "text", "found"))


def report(words: Sequence[str], console: Console) -> None:
    """Writes the page, and says what it found.

    Raises:
        UserError: a folder without results, another version's, or a wrong word.
    """
    watch = "--watch" in words
    given = sort_words(word for word in words if word != "--watch")
    settings = read(ReportSettings, given.own)
    if not given.names:
        raise UserError("name the results folder, as in `ttc report results/default`")
    folders = [Folder(name) for name in dict.fromkeys(given.names)]
    if settings.out is None and len(folders) > 1:
        raise UserError("several folders are one page: say where it goes, as in out=report.html")
    place = place_of(settings.out or f"{folders[0]}/{REPORT}")
    while True:
        began = time.monotonic()
        at_work = watch and any(folder.holder() for folder in folders)
        page, rows = make_report(folders)
        Folder(place.parent).write_bytes(place.name, page)
        for folder in folders:
            references = readout_config(folder).references
            draw_all(folder, folder.frame("readout"), folder.frame("readout_by"), references)
        notes = [f"report: {relative(place.absolute())}"]
        show(Table("report", FINDINGS, rows, notes=notes, facts={"file": str(place)}), console)
        if not at_work:
            return
        time.sleep(max(PERIOD, 5 * (time.monotonic() - began)))


def write_report(folder: Folder) -> None:
    """report.html of one folder."""
    folder.write_bytes(REPORT, make_report([folder])[0])


def make_report(folders: Sequence[Folder]) -> tuple[bytes, list[dict[str, Any]]]:
    """The page of some results folders together, and what it found: a row a sentence.

    Raises:
        UserError: a folder without results, or one that another version wrote.
    """
    for folder in folders:
        catch_up(folder)
    sources = [Source.of(folder) for folder in folders]
    panels = make_panels(sources)
    entries, blocks = plant(panels)
    tables = [Tables(source.folder, source.config) for source in sources]
    described = [
        _panel(panel, tables) | {"trees": trees} for panel, trees in zip(panels, entries, strict=True)
    ]
    names = ", ".join(folder.name for folder in folders)
    core = {
        "made": f"made {now()[:16].replace('T', ' ')} UTC by ttc {versions().get('ttc-sweep')} from {names}",
        "panels": described,
        "references": [vars(one) for source in sources for one in source.config.references],
        "trees_note": _told(panels, entries),
        "paid": [as_page(origin.paid(source)) for source in sources],
        "lines": [{"name": source.folder.name, "lines": origin.lines(source)} for source in sources],
        "launches": [as_page(origin.launches(source)) for source in sources],
    }
    found = [{"study": one["title"], "found": text} for one in described for text in one["findings"]]
    return render(f"ttc report: {names}", core, blocks), found


def _panel(panel: Panel, tables: Sequence[Tables]) -> dict[str, Any]:
    used = sorted(set(panel.rows["source"]))
    own = [panel.sources[place] for place in used]
    return {
        **describe(panel),
        "findings": find(panel),
        "optimal": next((one for place in used if (one := best_of(panel, tables[place], place))), None),
        "answers": as_page(misses.answers(panel)),
        "failed": [as_page(misses.failed(source)) for source in own],
        "disagreements": [as_page(misses.disagreements(source)) for source in own],
        "calibration": [one for place in used for one in misses.calibration(panel, tables[place], place)],
        "costs": as_page(origin.costs(panel)),
    }


def _told(panels: Sequence[Panel], entries: Sequence[Sequence[Any]]) -> str:
    """Which trees are here."""
    here = len({one["key"] for trees in entries for one in trees})
    every = len({key for panel in panels for key in panel.problems().index})
    some = "" if here == every else f" Trees of {here} of {every} problems have room; `ttc show` has all."
    return f"Each line at the largest n that has room.{some}"
