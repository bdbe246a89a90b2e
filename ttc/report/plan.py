"""The plan of a launch: cells, searches, what is shared, what is done already, what the rest will cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from ttc.plan.estimate import Expected
from ttc.plan.jobs import PlannedCell
from ttc.plan.plan import Plan
from ttc.report.console import show
from ttc.report.formats import about, counted, minutes
from ttc.report.tables import Table, column

COLUMNS = (
    column("search", "text", "search"),
    column("n", "list", "n"),
    column("paths a problem", "count", "paths"),
    column("searches", "count", "searches"),
    column("to do", "count", "to_do"),
)


def print_plan(console: Console, plan: Plan, notes: Sequence[str], expected: Expected) -> None:
    """A line per search (whose cells share their trees), the notes, and what is to do."""
    problems = {(one.record.dataset, problem.id) for one in plan.cells for problem in one.problems}
    seeds = {seed for one in plan.cells for seed in one.cell.seeds}
    size = f"{counted(len(problems), 'problem')}, {counted(len(seeds), 'seed')}"
    groups = _grouped(plan.cells)
    title = ", ".join([f"{counted(len(plan.cells), 'cell')} on {size}", *_shared(plan.cells)])
    rows = [_row(plan, search, cells) for search, cells in groups.items()]
    facts: dict[str, Any] = {"cells": len(plan.cells), "problems": len(problems), "seeds": len(seeds)}
    facts["expected"] = asdict(expected)
    show(Table("plan", COLUMNS, rows, title, [*_sharing(groups), *notes], facts), console, indent="  ")
    console.print(sentence(expected))


def sentence(expected: Expected) -> str:
    """`to do: 300 searches; expected: about 2.2M policy tokens, 2.2M verifier tokens`."""
    if not expected.searches and not expected.scorings:
        return "everything is done already"
    work = [counted(expected.searches, "search(es)")] * bool(expected.searches)
    work += [f"{counted(expected.scorings, 'stored pool')} to score"] * bool(expected.scorings)
    cost = [f"about {about(expected.policy_tokens)} policy tokens"] * bool(expected.policy_tokens)
    cost += [f"{about(expected.prm_tokens)} verifier tokens"] * bool(expected.prm_tokens)
    cost += [minutes(expected.seconds)] if expected.seconds is not None else []
    return f"to do: {', '.join(work)}" + (f"; expected: {', '.join(cost)}" if cost else "")


def _row(plan: Plan, title: str, cells: Sequence[PlannedCell]) -> dict[str, Any]:
    unit_of = {planned.family: planned.unit for planned in cells}
    counts = {family: plan.counts[family] for family in unit_of}
    return {
        "search": title,
        "strategy": cells[0].record.strategy,
        "variant": cells[0].record.variant,
        "n": sorted({planned.record.n for planned in cells}),
        "paths": sum(counts[family].units * unit for family, unit in unit_of.items()),
        "searches": sum(count.wanted for count in counts.values()),
        "to_do": sum(count.searches for count in counts.values()),
    }


def _grouped(cells: Sequence[PlannedCell]) -> dict[str, list[PlannedCell]]:
    groups: dict[str, list[PlannedCell]] = {}
    shared = _shared(cells)
    for planned in cells:
        own = " ".join(word for word in planned.record.variant.split() if word not in shared)
        title = planned.record.strategy + (f" ({own})" if own else "")
        groups.setdefault(title, []).append(planned)
    return groups


def _shared(cells: Sequence[PlannedCell]) -> list[str]:
    """The words that stand in the variant of every cell: said once, not in every line."""
    first, *others = [planned.record.variant.split() for planned in cells]
    return [word for word in first if all(word in other for other in others)]


def _sharing(groups: Mapping[str, Sequence[PlannedCell]]) -> Iterator[str]:
    for title, group in groups.items():
        unit, largest = group[0].record.unit, max(planned.record.n for planned in group)
        if len(group) == 1:
            continue
        if unit == 1:
            yield f"{title}: one pool of {largest} paths serves every n and every vote"
        elif unit:
            yield f"{title}: the subtrees of n={largest} serve every smaller n"
        else:
            yield f"{title}: a search of its own for each n"
