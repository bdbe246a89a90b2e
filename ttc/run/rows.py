"""What a finished search becomes: rows of the five tables, as schema.TABLES names them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ttc.grading import Verdict
from ttc.plan.jobs import Job
from ttc.run.session import Drawn, Meter, StepScore, context_sum, logprobs, steps_before
from ttc.types import ModelFacts, Path

Row = dict[str, object]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Graded:
    """A path's answer and what a grader said of it."""

    answer: str | None
    verdict: Verdict


def address_text(address: Sequence[int]) -> str:
    return "/".join(map(str, address))


def path_key(job: Job, path: Path) -> str:
    """Names a path for good: family, problem, seed, address."""
    return path_name(job.family, job.problem_key, job.seed, address_text(path.address))


def path_name(family: str, problem_key: str, seed: int, address: str) -> str:
    return hashlib.sha256(f"{family}/{problem_key}/{seed}/{address}".encode()).hexdigest()[:24]


def grade_columns(
    grader: str, version: str, extract: str, gold: str, answer: str | None, verdict: Verdict
) -> Row:
    """What a grades/ row says of one path."""
    return {
        "grader": grader,
        "version": version,
        "extract": extract,
        "gold": gold,
        "answer": answer,
        "verdict": verdict.correct,
        "status": verdict.status,
    }


def unit_of(job: Job, address: Sequence[int]) -> int:
    """The unit an address belongs to: its root child // unit size; a beam search is one unit."""
    unit = job.strategy.prefix_unit
    return address[0] // unit if unit else 0


def path_rows(
    job: Job, paths: Sequence[Path], graded: Sequence[Graded], grader: tuple[str, str], extract: str
) -> Rows:
    rows: Rows = {"paths": [], "grades": []}
    for path, grade in zip(paths, graded, strict=True):
        common = job.columns | {"path": path_key(job, path)}
        rows["paths"].append(
            common
            | {
                "n": job.n,
                "unit": unit_of(job, path.address),
                "address": address_text(path.address),
                "steps": [step.text for step in path.steps],
                "step_tokens": [step.count for step in path.steps],
                "step_logprobs": logprobs(path.steps),
                "finish": path.finish,
                "answer": grade.answer,
            }
        )
        rows["grades"].append(
            common | grade_columns(*grader, extract, job.problem.answer, grade.answer, grade.verdict)
        )
    return rows


def score_rows(
    job: Job, paths: Sequence[Path], meter: Meter, prm: str, verifier: str, facts: ModelFacts
) -> list[Row]:
    """One row per path; the costs are null where the search itself paid them (guided: see steps/)."""
    rows = []
    for path in paths:
        count = len(path.scores)
        costs = [meter.scored[path.address, k] for k in range(count)] if job.score and count else []
        rows.append(
            job.columns
            | {
                "prm": prm,
                "path": path_key(job, path),
                "verifier": verifier,
                "scores": list(path.scores),
                "raw_scores": _raw(costs),
                "prm_tokens": sum(cost.tokens for cost in costs) if job.score else None,
                "prm_cached": _known_sum([cost.cached for cost in costs]) if job.score else None,
                "prm_context_sum": sum(cost.context_sum for cost in costs) if job.score else None,
                "prm_prompt_tokens": meter.bill.prm_prompt_tokens,
                "prm_params": facts.params,
                "prm_attention": facts.attention,
                "status": meter.status(path),
            }
        )
    return rows


def step_rows(job: Job, meter: Meter) -> list[Row]:
    """A row per sampled step of a guided search: trees are drawn from it, and costs are summed over it."""
    return [row for drawn in meter.drawn for row in _drawn_rows(job, drawn, meter)]


def _drawn_rows(job: Job, drawn: Drawn, meter: Meter) -> list[Row]:
    rows: list[Row] = []
    position, index = drawn.sample.prompt_tokens, steps_before(drawn.parent)
    for offset, step in enumerate(drawn.sample.steps):
        tokens = step.count
        scored = None if step.blank else meter.scored.get((drawn.child.address, index))
        last = offset == len(drawn.sample.steps) - 1
        rows.append(
            job.columns
            | {
                "unit": unit_of(job, drawn.child.address),
                "address": address_text(drawn.child.address),
                "parent": address_text(drawn.parent.address),
                "step": len(drawn.parent.steps) + offset,
                "verb": drawn.verb,
                "text": step.text,
                "finish": drawn.child.finish if last else None,
                "tokens": tokens,
                "prompt_tokens": drawn.sample.prompt_tokens,
                "cached_tokens": drawn.sample.cached_tokens if offset == 0 else None,
                "context_sum": context_sum(position, tokens),
                "score": scored.score if scored else None,
                "raw_score": scored.raw if scored else None,
                "prm_tokens": scored.tokens if scored else None,
                "prm_cached": scored.cached if scored else None,
                "prm_context_sum": scored.context_sum if scored else None,
            }
        )
        position += tokens
        index += not step.blank
    return rows


def search_row(
    job: Job,
    meter: Meter,
    paths: Sequence[Path],
    graded: Sequence[Graded],
    seconds: float,
    facts: tuple[ModelFacts, ModelFacts],
    status: str = "done",
    reason: str | None = None,
) -> Row:
    bill, (policy, prm) = meter.bill, facts
    ends = [path.finish for path in paths]
    return job.columns | {
        "n": job.n,
        "unit_first": job.first,
        "units": job.units,
        "status": status,
        "reason": reason,
        "paths": len(paths),
        "over_eos": ends.count("eos"),
        "over_length": ends.count("length"),
        "over_blank": ends.count("blank"),
        "no_answer": sum(grade.answer is None for grade in graded),
        "generated_tokens": bill.generated,
        "prompt_computed": bill.prompt_computed,
        "prompt_cached": bill.prompt_cached,
        "prm_computed": bill.prm_computed,
        "prm_cached": bill.prm_cached,
        "prm_shared": bill.prm_shared,
        "steps": sum(len(drawn.sample.steps) for drawn in meter.drawn),
        "seconds": seconds,
        "prompt_tokens": bill.prompt_tokens,
        "prm_prompt_tokens": bill.prm_prompt_tokens,
        "policy_params": policy.params,
        "policy_attention": policy.attention,
        "prm_params": prm.params,
        "prm_attention": prm.attention,
    }


def _raw(costs: Sequence[StepScore]) -> list[float | None] | None:
    values = [cost.raw for cost in costs]
    return values if any(value is not None for value in values) else None


def _known_sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
