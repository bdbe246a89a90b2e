"""Another verifier for stored paths: `ttc rescore results/x prm=...` adds rows and changes none.

The folder knows the lines that filled it. They are composed once more with the new verifier, and what its
paths lack is scored: the machinery of a sweep that samples nothing. Guided searches are left out: another
verifier would have searched elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ttc.commands.sweep import sweep
from ttc.plan.cells import LAUNCH_KEYS, build_grid
from ttc.report.console import Console
from ttc.settings import extensions
from ttc.settings.build import section, sort_words
from ttc.settings.compose import compose
from ttc.store import Folder
from ttc.types import MASK, NOT_KEPT, Faults, UserError

OWN = ("prm", "cluster", "readout")
"""Settings that the new line may give; the others are those of the stored runs."""


def rescore(folder: Folder, arguments: Sequence[str], console: Console) -> int:
    """Scores the folder's unguided paths with the verifier that `arguments` name; returns the exit code.

    The same line again does what is missing.

    Raises:
        UserError: no results there, nothing to score, or an argument that is not for this command.
    """
    words = list(arguments)
    given = sort_words(words, OWN)
    faults = [
        f"{word}: rescore takes {', '.join(f'{key}=' for key in OWN)} and their keys; "
        "all else is as it was when the paths were sampled"
        for word in (*given.names, *given.own)
    ]
    if not any(word.startswith("prm=") for word in words):
        faults.append("prm: name the verifier, as in `ttc rescore results/default prm=fake`")
    if faults:
        raise Faults(faults)
    runs = [run for run in folder.runs() if run.get("command", "launch") == "launch"]
    if not runs:
        raise UserError(f"{folder}: no results here (no sweep.json with a launch)")
    distinct = {tuple(run["overrides"]): run for run in runs}.values()
    points = [point for run in distinct for point in _points(run, words)]
    own = {key: points[-1][key] for key in LAUNCH_KEYS}
    own |= {"name": folder.name, "results_dir": str(folder.local().parent), "plan_only": False, "track": None}
    grid = build_grid([point | own for point in points])
    cells = tuple(cell for cell in grid.cells if not cell.strategy.guided)
    if not cells:
        raise UserError(f"{folder}: only guided searches; their verifier is part of them")
    if any(cell.prm is None for cell in cells):
        raise UserError("prm=none: scores nothing; name a verifier")
    return sweep(replace(grid, cells=cells, stored=True), words, console, command="rescore")


def _points(run: dict[str, Any], words: list[str]) -> list[dict[str, Any]]:
    said = ("prm", "extend", *map(section, words))  # a folder's words name no file that is run
    kept = [word for word in run["overrides"] if section(word) not in said]
    if masked := [word for word in kept if MASK in word]:
        raise UserError(f"the stored line cannot be said again with {masked[0]}: {NOT_KEPT}")
    try:
        return compose([*kept, *words], own=False)
    except UserError as error:
        if str(error).startswith(tuple(words)):
            raise
        line = " ".join(run["overrides"])
        files = ",".join(one["path"] for one in run.get("extend", []))
        hint = f"; it had extend=[{files}]" if files and not extensions.loaded() else ""
        raise UserError(
            f"the stored line `launch.py {line}` cannot be composed any more: {error}{hint}"
        ) from None
