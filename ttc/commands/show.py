"""`ttc show FOLDER PROBLEM`: one search as a tree in the terminal; without a problem, the list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.text import Text
from rich.tree import Tree as Drawing

from ttc.commands.settings import ShowSettings
from ttc.readout import readout_config
from ttc.readout.ballots import UNSCORED
from ttc.readout.names import Results
from ttc.report.console import Console, say
from ttc.report.console import show as show_table
from ttc.report.formats import figures, in_line, score, visible
from ttc.report.summary import standing
from ttc.report.tables import Table, column
from ttc.settings.build import read, sort_words
from ttc.store import Folder
from ttc.store.problems import read_problems
from ttc.studies.lookup import Asked, find_cells, find_problem, find_searches, problems_of, title
from ttc.studies.tree import Leaf, Node, Tree, Vote
from ttc.studies.trees import Forest
from ttc.types import Faults, UserError

ANSWER, QUESTION, LEAST = 40, 60, 30
"""Characters that are shown of an answer, of a question in the list, and of a node's text however deep it
stands."""
LONG = 4000
"""Characters of a text that are looked at: no line has more."""
GROUPS = 6
"""Groups of equal answers whose totals are shown."""


def show(folder: Folder, words: Sequence[str], console: Console) -> None:
    """Prints a problem's tree, or without a problem what there is.

    Raises:
        UserError: no results there, or words that mean no problem or no cell.
    """
    given = sort_words(words)
    faults = [f"{word}: show takes one problem" for word in given.names[1:]]
    settings = ShowSettings()
    try:
        settings = read(ShowSettings, given.own)
    except Faults as error:
        faults += error.lines
    if faults:
        raise Faults(faults)
    problems = problems_of(folder)
    if not problems:
        raise UserError(f"{folder}: no results here (no cells in sweep.json)")
    if given.names:
        _show_tree(folder, find_problem(problems, given.names[0]), settings, console)
    else:
        _show_problems(folder, problems, settings, console)


def _show_problems(
    folder: Folder, problems: Sequence[Asked], settings: ShowSettings, console: Console
) -> None:
    cells = {cell.cell for cell in find_cells(folder.cells()[0], settings.of_cell)}
    texts = {(row["dataset"], row["problem_key"]): row for row in read_problems(folder).to_pylist()}
    shares: dict[tuple[str, str], list[float]] = {}
    if folder.has("readout.parquet"):
        results = Results(folder)
        rows = results.rows[results.rows["headline"] & results.rows["accuracy"].notna()]
        for reading in results.readings(rows[rows["cell"].isin(cells)]):
            for key, own in results.correct(reading).mean(axis=1).items():
                shares.setdefault((reading.row["dataset"], str(key)), []).append(float(own))
    listed: list[dict[str, Any]] = []
    for one in problems:
        names, text = (one.dataset, one.key), texts.get((one.dataset, one.key), {})
        solved = float(np.mean(shares[names])) if names in shares else float("nan")
        told = {"question": text.get("question"), "gold": text.get("gold"), "solved": solved}
        listed.append(vars(one) | {"mark": f"#{one.place}"} | told)
    note = (
        "solved: the share of right answers, over seeds and headline readings. A problem is named by its id, "
        "the beginning of its key, or its place: `ttc show FOLDER '#3'`."
    )
    show_table(Table("problems", PROBLEMS, listed, f"problems of {folder}", [note]), console)


def _show_tree(folder: Folder, problem: Asked, settings: ShowSettings, console: Console) -> None:
    found, seed = find_searches(folder, problem, settings.of_cell, settings.seed)
    cell = found[0]
    others = [one for one in found[1:] if settings.of_cell and one.n == cell.n]
    tree = Forest(folder, readout_config(folder)).tree(cell, problem.key, seed)
    level = "" if tree.level is None else f", level {tree.level}"
    head = f"{in_line(tree.problem_id)} ({tree.dataset}{level}): {title(cell)}, seed {seed}, {tree.status}"
    notes = [f"{tree.status}: {in_line(tree.reason)}"] if tree.reason else []
    if others:
        names = ", ".join(f"{title(one)} (cell={one.cell})" for one in others)
        notes.append(f"The same words mean other cells, too: {names}.")
    for name, text in (("question", tree.question), ("gold", tree.gold)):
        if text is not None:
            say(console, "\n".join(map(visible, text.splitlines())), bold=f"{name}: ")
    facts = {name: value for name, value in vars(tree).items() if name not in ("nodes", "votes")}
    rows = [vars(node) | {"text": "".join(node.texts), "score": last_score(node)} for node in tree.nodes]
    show_table(Table("tree", NODES, rows, head, notes, facts), console, instead=draw(tree, console.width))
    if tree.votes:
        totals = "totals: what each group of equal answers got, group by group."
        show_table(
            Table(
                "votes",
                VOTES,
                [vars(vote) | {"chosen": _chosen(vote)} for vote in tree.votes],
                "votes",
                [totals],
            ),
            console,
        )


def draw(tree: Tree, width: int) -> Drawing:
    """A line per node: its index below its parent, its last score, its fate, its text; and what was returned
    there. What a model wrote stands there as text, on one line."""
    root = Drawing(Text("the problem" if tree.nodes else "nothing is there"))
    branches = {"": root}
    leaves: dict[str, list[Leaf]] = {}
    for leaf in tree.leaves:
        leaves.setdefault(leaf.address, []).append(leaf)
    for node in tree.nodes:
        line = _line(node, leaves.get(node.address, ()), width - 4 * (1 + node.address.count("/")))
        branches[node.address] = branches.get(node.parent, root).add(line)
    return root


def _line(node: Node, leaves: Sequence[Leaf], width: int) -> Text:
    known = last_score(node)
    before = f"{node.address.rpartition('/')[2]} {'    -' if known is None else score(known)} {node.fate:6} "
    after = Text("".join(f"  = {_told(leaf)}" for leaf in leaves), style="bold")
    text = Text(in_line("".join(node.texts)[:LONG]), style="dim" if node.fate == "cut" else "")
    text.truncate(max(LEAST, width - len(before) - after.cell_len), overflow="ellipsis")
    return Text.assemble(before, text, after)


def _told(leaf: Leaf) -> str:
    """`7 right, group 0`."""
    answer = "no answer" if leaf.answer is None else _shortened(leaf.answer, ANSWER)
    verdict = "not graded" if leaf.right is None else "right" if leaf.right else "wrong"
    return f"{answer}, {verdict}" + (f", group {leaf.group}" if leaf.group >= 0 else "")


def last_score(node: Node) -> float | None:
    """The score of the last of its texts that has one."""
    return next((one for one in reversed(node.scores) if one is not None), None)


def _shortened(text: str, size: int) -> str:
    line = in_line(text[: 10 * size])
    return line if len(line) <= size else f"{line[: size - 3]}..."


def _chosen(vote: Vote) -> str:
    if vote.winner == UNSCORED:
        return "nothing: no answered path has a score"
    return "nothing: no path has such an answer" if vote.answer is None else _shortened(vote.answer, ANSWER)


def _totals(totals: Sequence[float | None]) -> str:
    shown = ["-" if one is None else figures(one) for one in totals[:GROUPS]]
    return ", ".join([*shown, "..."] if len(totals) > GROUPS else shown)


PROBLEMS = (
    column("", "text", "mark"),
    column("problem", in_line, "id"),
    column("key", "text", "key"),
    column("dataset", "text", "dataset"),
    column("level", "whole", "level"),
    column("solved", "points", "solved"),
    column("gold", lambda gold: _shortened(gold, ANSWER), "gold"),
    column("question", lambda question: _shortened(question, QUESTION), "question"),
)
NODES = (
    column("address", "text", "address"),
    column("fate", "text", "fate"),
    column("returned", lambda returned: "yes" if returned else "", "returned"),
    column("score", "score", "score"),
    column("tokens", "count", "tokens"),
    column("text", in_line, "text"),
)
VOTES = (
    column("vote", "text", "vote", fold=True),
    column("aggregation", "text", "agg"),
    column("chosen", "text", "chosen"),
    column("", lambda right: "right" if right else "wrong", "right"),
    column("group", lambda winner: str(winner) if winner >= 0 else "", "winner"),
    column("totals", _totals, "totals"),
    column("", standing, "upper_bound", "headline"),
)
