"""An imported run as rows of the five tables, and the cells that read them.

What the source does not tell is null: tokens of steps, what verifiers and discarded beams cost, why a path
ended. `scores` holds one score per step that is not blank, as everywhere; where the source has another list
(scores of empty steps, or too few), `raw_scores` keeps it as it stands there. Of scores that went through a
sigmoid it keeps those of the steps, so that `trailing_scores` never takes a reward for a probability.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from ttc.data.problems import key_of
from ttc.grading import Grader, extract
from ttc.plan.jobs import digest
from ttc.run.rows import Row, grade_columns, path_name
from ttc.sal.settings import USUAL, Origin
from ttc.sal.source import HEADER, Completion, SalRow, Source
from ttc.store.records import CellRecord

SEPARATOR = "\n\n"


@dataclass(frozen=True)
class Run:
    """A source with its origin: one family of searches of one seed."""

    source: Source
    origin: Origin

    @property
    def n(self) -> int:
        return self.source.n

    @property
    def unit(self) -> int | None:
        """Rows that are one unit: a sample, a subtree's siblings, a whole beam search (null)."""
        return {"sal_best_of_n": 1, "sal_dvts": self.origin.width}.get(self.origin.strategy)

    @cached_property
    def verifier(self) -> str | None:
        return digest("import", "sal", self.origin.prm) if self.origin.prm else None

    @cached_property
    def family(self) -> str:
        o = self.origin
        parts = (o.strategy, o.policy, o.dataset, o.width, o.depth, o.search_agg, o.temperature, o.top_p)
        hashed = digest("import", *parts, o.max_tokens, self.verifier if o.guided else None)
        return f"{o.strategy}-{hashed}" if self.unit else f"{o.strategy}-n{self.n}-{hashed}"

    @cached_property
    def problems(self) -> list[tuple[str, str, int | None]]:
        """The selection, as sweep.json has it."""
        return [(key_of(row.problem), row.problem.id, row.problem.level) for row in self.source.rows]

    @cached_property
    def selection(self) -> str:
        return digest([key for key, _, _ in self.problems])

    @property
    def variant(self) -> str:
        """What differs from search-and-learn's usual settings."""
        own = {name: getattr(self.origin, name) for name in USUAL}
        return " ".join(f"{k}={v}" for k, v in own.items() if v is not None and v != USUAL[k])

    @property
    def line(self) -> str:
        """What must have one selection of problems: cells that a table shows as one line, by n."""
        o = self.origin
        return digest(o.strategy, self.variant, o.policy, o.prm, o.dataset, None if self.unit else self.n)

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The parameter columns of rows and cells."""
        told = asdict(self.origin)
        del told["seed"]
        prm = self.origin.prm if self.origin.guided else None
        return told | {"family": self.family, "finished": None, "prompt": "sal", "prm": prm}

    def records(self) -> list[CellRecord]:
        """The cells: powers of two units up to n, and n; a beam search is one unit."""
        o, unit = self.origin, self.unit or self.n
        sizes = {unit * 2**k for k in range((self.n // unit).bit_length())} | {self.n}
        return [
            CellRecord(
                columns=self.columns | {"prm": o.prm},
                cell=f"{o.strategy}-n{n}-{digest(self.family, n, self.verifier, self.selection)[:8]}",
                variant=self.variant,
                n=n,
                seeds=(o.seed,),
                verifier=self.verifier,
                selection=self.selection,
                unit=self.unit,
                guided=o.guided,
            )
            for n in sorted(sizes)
        ]

    def notes(self) -> list[str]:
        """What a user should know of the import, a line each."""
        rows, o = self.source.rows, self.origin
        every = [one for row in rows for one in row.completions]
        scored = [score_columns(one) for one in every] if o.prm else []
        counts = {
            "completions began with the chat header (stripped)": sum(one.headed for one in every),
            "paths have scores made by a sigmoid (raw_scores has what it was given)": sum(
                one.raw is not None for one in every
            ),
            "paths have scores of empty steps (readout.habits=[trailing_scores] reads them)": sum(
                len(one["raw_scores"] or ()) > len(one["scores"]) for one in scored
            ),
            "paths have missing scores (their scored votes ignore them)": sum(
                one["status"] != "ok" for one in scored
            ),
            f"problems have fewer than {self.n} completions": sum(
                len(row.completions) < self.n for row in rows
            ),
            "problems have no token counts (null)": sum(
                any(one.tokens is None for one in row.completions) for row in rows
            ),
        }
        head = (
            f"{o.strategy}, policy {o.policy}, prm {o.prm or 'none'}, dataset {o.dataset}, seed {o.seed}: "
            f"{len(rows)} problems, n={self.n}"
        )
        return [head, *(f"{count:,} {what}" for what, count in counts.items() if count)]


def score_columns(completion: Completion) -> dict[str, Any]:
    """A completion's scores, laid on its steps.

    Scores lie on the pieces between blank lines, in order; those of empty pieces are nobody's. One more than
    there are pieces is that of an empty one behind a last blank line. A list that fits in no such way holds
    no score whose step we could name.
    """
    stored, headed = completion.scores, completion.headed
    pieces = ((HEADER if headed else "") + completion.text).split(SEPARATOR)
    worded = [i for i, piece in enumerate(pieces) if piece.strip() and not (headed and i == 0)]
    values, raw = stored or [], completion.raw
    known = [i if i < len(values) <= len(pieces) + 1 else None for i in worded]
    scores = [None if i is None else values[i] for i in known]
    if raw is None:
        raw = stored if stored != scores else None
    else:
        raw = [None if i is None else raw[i] for i in known]
    status = "unscored" if None in scores or not scores else "ok"
    return {"scores": scores, "raw_scores": raw, "status": status}


def steps_of(text: str) -> list[str]:
    """The text's steps: each ends in a blank line, or with the text."""
    return re.findall(f".*?{SEPARATOR}|.+", text, re.DOTALL)


async def make_rows(run: Run, rules: Sequence[str], grader: Grader) -> dict[str, list[Row]]:
    """All rows of a run, by table; answers and verdicts are by our rules and our grader, whatever the source
    says of them. The first of `rules` is the declared one: its answers are the paths'."""
    grades = await asyncio.gather(*(_grade(row, rules, grader) for row in run.source.rows))
    tables: dict[str, list[Row]] = {"paths": [], "grades": [], "scores": [], "searches": []}
    seed = run.origin.seed
    for row, (key, id_, level), graded in zip(run.source.rows, run.problems, grades, strict=True):
        common = run.columns | {"problem_key": key, "problem_id": id_, "level": level, "seed": seed}
        for index, (completion, by_rule) in enumerate(zip(row.completions, graded, strict=True)):
            named = common | {"path": path_name(run.family, key, seed, str(index))}
            tables["paths"].append(named | _path(run, completion, index) | {"answer": by_rule[0]["answer"]})
            tables["grades"] += [named | one for one in by_rule]
            if run.verifier:
                who = {"prm": run.origin.prm, "verifier": run.verifier}
                tables["scores"].append(named | who | score_columns(completion))
        no_answer = sum(by_rule[0]["answer"] is None for by_rule in graded)
        tables["searches"].append(common | _search(run, row) | {"no_answer": no_answer})
    return tables


async def _grade(row: SalRow, rules: Sequence[str], grader: Grader) -> list[list[Row]]:
    """For each completion, by each rule, what a grades/ row says of it."""
    gold = row.problem.answer

    async def read(text: str, rule: str) -> Row:
        answer = extract(text, rule)
        verdict = await grader.grade(gold, answer)
        return grade_columns(grader.name, grader.version, rule, gold, answer, verdict)

    return [[await read(one.text, rule) for rule in rules] for one in row.completions]


def _path(run: Run, completion: Completion, index: int) -> Row:
    steps, tokens = steps_of(completion.text), completion.tokens
    finish = None if tokens is None else "length" if tokens >= run.origin.max_tokens else "eos"
    return {
        "n": run.n,
        "unit": index // run.unit if run.unit else 0,
        "address": str(index),
        "steps": steps,
        "step_tokens": [None] * len(steps),
        "finish": finish,
    }


def _search(run: Run, row: SalRow) -> Row:
    """The search is settled whole: rows that are not there were not returned."""
    counts = [one.tokens for one in row.completions]
    known = [count for count in counts if count is not None]
    return {
        "n": run.n,
        "unit_first": 0,
        "units": run.n // run.unit if run.unit else 1,
        "status": "done",
        "paths": len(counts),
        "generated_tokens": sum(known) if len(known) == len(counts) else None,
    }
