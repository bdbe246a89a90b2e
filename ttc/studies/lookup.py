"""A folder's problems and cells by what a person says of them: `nano-0-3`, `#4`, `strategy=beam n=16`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ttc.report.formats import in_line
from ttc.report.view import name
from ttc.store import CellRecord, Folder
from ttc.types import UserError

LISTED = 8
"""Names in a line that says what there is."""


@dataclass(frozen=True)
class Asked:
    """A problem that some cell of a folder asks.

    Attributes:
        place: from 1 on, in the order in which the folder's launches had them.
    """

    place: int
    dataset: str
    key: str
    id: str
    level: int | None


def problems_of(folder: Folder) -> list[Asked]:
    """Of all cells, each once."""
    cells, selections = folder.cells()
    found: dict[tuple[str, str], tuple[str, int | None]] = {}
    for cell in cells:
        for key, id_, level in selections[cell.selection]:
            found.setdefault((cell.dataset, key), (id_, level))
    return [Asked(place, *names, *said) for place, (names, said) in enumerate(found.items(), start=1)]


def find_problem(problems: Sequence[Asked], text: str) -> Asked:
    """The one problem with that id, at that place (`#3`), or whose key begins so.

    Raises:
        UserError: it means none or several; the line says what there is.
    """
    for fits in (
        lambda one: one.id == text,
        lambda one: f"#{one.place}" == text,
        lambda one: bool(text) and one.key.startswith(text),
    ):
        if found := [one for one in problems if fits(one)]:
            break
    if len(found) == 1:
        return found[0]
    if not problems:
        raise UserError(f"{text}: there are no problems here")
    wrong = "several problems are meant" if found else "no problem has this id, key or place"
    names = [f"#{one.place} {in_line(one.id)} ({one.key}, {one.dataset})" for one in found or problems]
    raise UserError(f"{text}: {wrong}; there is {_listed(names)}")


def find_searches(
    folder: Folder, problem: Asked, said: Mapping[str, object], seed: int | None
) -> tuple[list[CellRecord], int]:
    """The cells that ask the problem and are as it is said, the likeliest first (`find_cells`), and the seed;
    None: the first one's first.

    Raises:
        UserError: there is no such cell or seed; the line says what there is.
    """
    cells, selections = folder.cells()
    asking = {name for name, own in selections.items() if problem.key in {key for key, *_ in own}}
    found = find_cells(
        [one for one in cells if one.dataset == problem.dataset and one.selection in asking], said
    )
    seeds = found[0].seeds
    if seed is not None and seed not in seeds:
        raise UserError(f"seed={seed}: {title(found[0])} has {', '.join(map(str, seeds))}")
    return found, seeds[0] if seed is None else seed


def find_cells(cells: Sequence[CellRecord], said: Mapping[str, object]) -> list[CellRecord]:
    """Those that are as it is said (an id by its beginning: `cell`), the likeliest first: of what is not said
    a guided search before others, and of a line the largest n.

    Raises:
        UserError: there is none; the line says what there is.
    """
    fitting = [cell for cell in cells if all(_is(cell, key, value) for key, value in said.items())]
    if not fitting:
        line = " ".join(f"{key}={value}" for key, value in said.items())
        names = list(dict.fromkeys(map(title, cells)))
        raise UserError(f"{line}: no such cell; there is {_listed(names)}")
    lines = list(dict.fromkeys(cell.line for cell in sorted(fitting, key=lambda cell: not cell.guided)))
    return sorted(fitting, key=lambda cell: (lines.index(cell.line), -cell.n))


def _is(cell: CellRecord, key: str, value: object) -> bool:
    if key == "cell":
        return cell.cell.startswith(str(value))
    return (cell.columns[key] if key in cell.columns else getattr(cell, key, None)) == value


def title(cell: CellRecord) -> str:
    """`beam width=8 n=16`."""
    return f"{name(cell.strategy, cell.variant)} n={cell.n}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
