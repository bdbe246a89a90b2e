"""An import's answers and verdicts: by our rules and our grader, whatever the source says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ttc.grading import Verdict, extract, make_grader
from ttc.sal.source import Source
from ttc.settings.schema import ReadoutConfig


@dataclass(frozen=True)
class RuleGrades:
    """One rule's reading of a source: for each row, for each completion, its answer and verdict."""

    rule: str
    grader: str
    version: str
    answers: Sequence[Sequence[str | None]]
    verdicts: Sequence[Sequence[Verdict]]


async def grade_by_rules(source: Source, rules: Sequence[str], config: ReadoutConfig) -> list[RuleGrades]:
    """The source read by every rule, with one grader that asks each pair once."""
    grader = make_grader(config.grader, config.grade_timeout)
    found = []
    try:
        for rule in rules:
            answers = [[extract(text, rule) for text in row.completions] for row in source.rows]
            pairs = list(
                dict.fromkeys(
                    (row.problem.answer, answer)
                    for row, own in zip(source.rows, answers, strict=True)
                    for answer in own
                )
            )
            said = await asyncio.gather(*(grader.grade(*pair) for pair in pairs))
            known = dict(zip(pairs, said, strict=True))
            verdicts = [
                [known[row.problem.answer, answer] for answer in own]
                for row, own in zip(source.rows, answers, strict=True)
            ]
            found.append(RuleGrades(rule, grader.name, grader.version, answers, verdicts))
    finally:
        await grader.close()
    return found
