"""An imported run as rows of the five tables, and the cells that read them.

What the source does not tell is null: tokens of steps, what verifiers and discarded beams cost, why a path
ended. `scores` holds one score per step that is not blank, as everywhere; where the source has another list
(scores of empty steps, or too few), `raw_scores` keeps it as it stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ttc.data.problems import key_of
from ttc.plan.jobs import digest
from ttc.run.rows import grade_columns, path_name
from ttc.sal.grades import RuleGrades
from ttc.sal.settings import Origin
from ttc.sal.source import HEADER, SalRow, Source
from ttc.store.schema import CellRecord

PROMPT = "sal"
SEPARATOR = "\n\n"


@dataclass(frozen=True)
class Scored:
    """A path's scores, one per step that is not blank; the source's list where it differs; ok / unscored."""

    scores: list[float | None]
    raw: list[float | None] | None
    status: str


@dataclass(frozen=True)
class Run:
    """A source with its origin: one family of searches of one seed."""

    source: Source
    origin: Origin

    @property
    def n(self) -> int:
        return self.source.n

    @property
    def guided(self) -> bool:
        return self.origin.strategy != "sal_best_of_n"

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
        hashed = digest("import", *parts, o.max_tokens, self.verifier if self.guided else None)
        return f"{o.strategy}-{hashed}" if self.unit else f"{o.strategy}-n{self.n}-{hashed}"

    @cached_property
    def selection(self) -> str:
        return digest([key for key, _, _ in self.problems()])

    @property
    def line(self) -> str:
        """What must have one selection of problems: cells that a table shows as one line, by n."""
        o = self.origin
        return digest(o.strategy, self.variant, o.policy, o.prm, o.dataset, None if self.unit else self.n)

    @property
    def variant(self) -> str:
        """What differs from search-and-learn's usual settings."""
        usual = {"temperature": 0.8, "top_p": 1.0, "max_tokens": 2048, "width": 4, "search_agg": "last"}
        own = {name: getattr(self.origin, name) for name in usual}
        return " ".join(f"{k}={v}" for k, v in own.items() if v is not None and v != usual[k])

    def problems(self) -> list[tuple[str, str, int | None]]:
        """The selection, as sweep.json has it."""
        return [(key_of(row.problem), row.problem.id, row.problem.level) for row in self.source.rows]

    def columns(self) -> dict[str, Any]:
        """The parameter columns of rows and cells."""
        o = self.origin
        same = ("strategy", "width", "depth", "search_agg", "temperature", "top_p", "max_tokens", "policy")
        return {name: getattr(o, name) for name in same} | {
            "family": self.family,
            "finished": None,
            "prompt": PROMPT,
            "prm": o.prm if self.guided else None,
            "dataset": o.dataset,
        }

    def records(self) -> list[CellRecord]:
        """The cells: powers of two units up to n, and n; a beam search is one unit."""
        unit = self.unit or self.n
        sizes = {unit * 2**k for k in range((self.n // unit).bit_length())} | {self.n}
        return [self._record(n) for n in sorted(sizes)]

    def _record(self, n: int) -> CellRecord:
        o = self.origin
        hashed = digest(self.family, n, self.verifier, self.selection)[:8]
        return CellRecord(
            columns=self.columns() | {"prm": o.prm},
            cell=f"{o.strategy}-n{n}-{hashed}",
            variant=self.variant,
            n=n,
            seeds=(o.seed,),
            verifier=self.verifier,
            selection=self.selection,
            unit=self.unit,
            guided=self.guided,
        )

    def notes(self) -> list[str]:
        """What a user should know of the import, a line each."""
        rows, o = self.source.rows, self.origin
        scored = [scores for row in rows for scores in scored_rows(row)]
        short = sum(len(row.completions) < self.n for row in rows)
        tokens = sum(None in row.tokens for row in rows)
        lines = [
            f"{o.strategy}, policy {o.policy}, prm {o.prm or 'none'}, dataset {o.dataset}, seed {o.seed}: "
            f"{len(rows)} problems, n={self.n}"
        ]
        counts = {
            "completions began with the chat header (stripped)": sum(sum(row.headed) for row in rows),
            "paths have scores of empty steps (kept in raw_scores; readout.trailing=keep counts them)": sum(
                len(one.raw) > len(one.scores) for one in scored if one.raw is not None
            ),
            "paths have missing scores (their scored votes ignore them)": sum(
                one.status != "ok" for one in scored
            )
            if o.prm
            else 0,
            f"problems have fewer than {self.n} completions": short,
            "problems have no token counts (null)": tokens,
        }
        return lines + [f"{count:,} {what}" for what, count in counts.items() if count]


def scored_rows(row: SalRow) -> list[Scored]:
    """Each completion's scores, laid on its steps."""
    return [
        _scored(text, headed, list(scores) if scores is not None else None)
        for text, headed, scores in zip(row.completions, row.headed, row.scores, strict=True)
    ]


def _scored(text: str, headed: bool, stored: list[float | None] | None) -> Scored:
    """Scores lie on the pieces between blank lines, in order; those of empty pieces are nobody's.

    One more than there are pieces is that of an empty one behind a last blank line. A list that fits in no
    such way holds no score whose step we could name.
    """
    pieces = ((HEADER if headed else "") + text).split(SEPARATOR)
    worded = [i for i, piece in enumerate(pieces) if piece.strip() and not (headed and i == 0)]
    values = stored or []
    if len(values) > len(pieces) + 1:
        values = []
    scores = [values[i] if i < len(values) else None for i in worded]
    raw = stored if stored is not None and stored != scores else None
    return Scored(scores, raw, "unscored" if None in scores or not scores else "ok")


def steps_of(text: str) -> list[str]:
    """The text's steps: each ends in a blank line, or with the text."""
    *ended, last = text.split(SEPARATOR)
    return [piece + SEPARATOR for piece in ended] + ([last] if last else [])


def rows_of(run: Run, graded: Sequence[RuleGrades]) -> dict[str, list[dict[str, Any]]]:
    """All rows of a run. The first of `graded` is the declared rule: its answers are the paths'."""
    tables: dict[str, list[dict[str, Any]]] = {"paths": [], "grades": [], "scores": [], "searches": []}
    for place, row in enumerate(run.source.rows):
        (key, id_, level) = key_of(row.problem), row.problem.id, row.problem.level
        common = run.columns() | {
            "problem_key": key,
            "problem_id": id_,
            "level": level,
            "seed": run.origin.seed,
        }
        scored = scored_rows(row) if run.verifier else []
        for index in range(len(row.completions)):
            named = common | {"path": path_name(run.family, key, run.origin.seed, str(index))}
            tables["paths"].append(named | _path(run, row, index, graded[0].answers[place][index]))
            tables["grades"] += [named | _grade(row, place, index, one) for one in graded]
            if scored:
                one = scored[index]
                tables["scores"].append(
                    named
                    | {"prm": run.origin.prm, "verifier": run.verifier, "scores": one.scores}
                    | {"raw_scores": one.raw, "status": one.status}
                )
        tables["searches"].append(common | _search(run, row, graded[0].answers[place]))
    return tables


def _path(run: Run, row: SalRow, index: int, answer: str | None) -> dict[str, Any]:
    steps, tokens = steps_of(row.completions[index]), row.tokens[index]
    finish = None if tokens is None else "length" if tokens >= run.origin.max_tokens else "eos"
    return {
        "n": run.n,
        "unit": index // run.unit if run.unit else 0,
        "address": str(index),
        "steps": steps,
        "step_tokens": [None] * len(steps),
        "finish": finish,
        "answer": answer,
    }


def _grade(row: SalRow, place: int, index: int, graded: RuleGrades) -> dict[str, Any]:
    answer, verdict = graded.answers[place][index], graded.verdicts[place][index]
    return grade_columns(graded.grader, graded.version, graded.rule, row.problem.answer, answer, verdict)


def _search(run: Run, row: SalRow, answers: Sequence[str | None]) -> dict[str, Any]:
    """The search is settled whole: rows that are not there were not returned."""
    known = [count for count in row.tokens if count is not None]
    return {
        "n": run.n,
        "unit_first": 0,
        "units": run.n // run.unit if run.unit else 1,
        "status": "done",
        "paths": len(row.completions),
        "no_answer": sum(answer is None for answer in answers),
        "generated_tokens": sum(known) if len(known) == len(row.tokens) else None,
    }
