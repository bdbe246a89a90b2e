"""What a finished search becomes: rows of the five tables, as schema.TABLES names them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ttc.grading import Grader, Verdict
from ttc.plan.jobs import Job
from ttc.run.launch import Launch
from ttc.run.scores import StepScore, confidences, logprobs
from ttc.run.session import Drawn, Session, address_text, token_ids
from ttc.types import ModelFacts, Path, context_sum, total

Row = dict[str, object]


@dataclass(frozen=True)
class Grade:
    """A path's answer and what a grader said of it."""

    answer: str | None
    verdict: Verdict


def path_key(job: Job, path: Path) -> str:
    """Names a path for good: family, problem, seed, address, copy."""
    return path_name(job.family, job.problem_key, job.seed, address_text(path.address), path.copy)


def path_name(family: str, problem_key: str, seed: int, address: str, copy: int = 0) -> str:
    own = f"{address}/copy{copy}" if copy else address
    return hashlib.sha256(f"{family}/{problem_key}/{seed}/{own}".encode()).hexdigest()[:24]


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


def path_row(job: Job, path: Path, grade: Grade, place: int | None) -> Row:
    return job.columns | {
        "path": path_key(job, path),
        "n": job.strategy.n,
        "unit": job.unit_of(path.address),
        "address": address_text(path.address),
        "copy": path.copy,
        "place": place,
        "value": path.value,
        "steps": [step.text for step in path.steps],
        "step_tokens": [step.count for step in path.steps],
        "step_logprobs": logprobs(path.steps),
        "token_ids": token_ids(path.steps) or None,
        "finish": path.finish,
        "answer": grade.answer,
        "confidences": confidences(path.steps),
    }


def grade_row(job: Job, path: Path, grade: Grade, grader: Grader, extract: str) -> Row:
    key, gold = {"path": path_key(job, path)}, job.problem.answer
    said = grade_columns(grader.name, grader.version, extract, gold, grade.answer, grade.verdict)
    return job.columns | key | said


def score_rows(job: Job, paths: Sequence[Path], session: Session, launch: Launch) -> list[Row]:
    """One row per path; the costs are null where the search itself paid them (guided: see steps/)."""
    assert launch.prm, "scored by a verifier"
    facts, columns, rows = launch.facts[1], job.columns, []
    for path in paths:
        count = len(path.scores)
        costs = [session.scored[path.address, k] for k in range(count)] if job.score else []
        raws = [cost.raw for cost in costs]
        cached = [cost.cached for cost in costs if cost.cached is not None]
        rows.append(
            columns
            | {
                "prm": launch.prm.name,
                "path": path_key(job, path),
                "verifier": job.score or launch.verifier_id,
                "scores": list(path.scores),
                "raw_scores": raws if any(raw is not None for raw in raws) else None,
                "prm_tokens": sum(cost.tokens for cost in costs) if job.score else None,
                "prm_cached": sum(cached) if cached else None,
                "prm_context_sum": sum(cost.context_sum for cost in costs) if job.score else None,
                "prm_prompt_tokens": session.bill.prm_prompt_tokens,
                "prm_params": facts.params,
                "prm_attention": facts.attention,
                "status": session.verifier.status(path),
            }
        )
    return rows


def step_rows(job: Job, session: Session, first: int = 0) -> list[Row]:
    """A row per sampled step of a search that keeps its tree: it is drawn from them, and costs are summed
    over them. Scores stand there where the search has asked for them. first: from this unit on."""
    worded = {drawn.child.address: len(drawn.child.worded) for drawn in session.drawn}
    answers = {drawn.child.address for drawn in session.drawn if drawn.verb == "chat"}
    scored = {
        (_drawn_at(address, index, worded) if address not in answers else address, index): score
        for (address, index), score in session.scored.items()
        if job.strategy.guided
    }
    before = {
        drawn.child.address: (drawn.sample.prompt_tokens, total(step.count for step in drawn.sample.steps))
        for drawn in session.drawn
    }
    columns = job.columns
    return [
        row
        for drawn in session.drawn
        if job.unit_of(drawn.child.address) >= first
        for row in _drawn_rows(job, columns, drawn, scored, _turn_tokens(drawn, before))
    ]


def _turn_tokens(drawn: Drawn, before: dict[tuple[int, ...], tuple[int | None, int | None]]) -> int | None:
    """Of an answer in a conversation: the input behind what was read and written before it (of every draw
    `before`: how many tokens), which the prefix cache holds. Where the template left out a part of the text
    (what it thought), the text is no prefix any more, and all behind the earlier input is new."""
    read, (earlier, written) = drawn.sample.prompt_tokens, before.get(drawn.parent.address, (None, None))
    if drawn.verb != "chat" or read is None or earlier is None or written is None:
        return None
    new = read - earlier
    return new - written if new >= written else new


def _drawn_at(address: tuple[int, ...], index: int, worded: dict[tuple[int, ...], int]) -> tuple[int, ...]:
    """Where the path's step `index` was drawn: at its own address, or above it where steps waited for their
    score until the path was longer. worded: how many steps that are not blank a node has."""
    above = (address[:depth] for depth in range(1, len(address)))
    return next((node for node in above if worded.get(node, 0) > index), address)


def _drawn_rows(
    job: Job,
    columns: Row,
    drawn: Drawn,
    scores: dict[tuple[tuple[int, ...], int], StepScore],
    turn_tokens: int | None,
) -> list[Row]:
    columns = columns | {
        "unit": job.unit_of(drawn.child.address),
        "address": address_text(drawn.child.address),
        "parent": address_text(drawn.parent.address),
        "verb": drawn.verb,
        "prompt_tokens": drawn.sample.prompt_tokens,
    }
    rows: list[Row] = []
    position, index = drawn.sample.prompt_tokens, len(drawn.parent.worded)
    for offset, step in enumerate(drawn.sample.steps):
        tokens, turn = step.count, None if offset else turn_tokens
        scored = None if step.blank else scores.get((drawn.child.address, index))
        rows.append(
            columns
            | {
                "step": len(drawn.parent.steps) + offset,
                "text": step.text,
                "finish": drawn.child.finish if offset == len(drawn.sample.steps) - 1 else None,
                "tokens": tokens,
                "token_ids": step.tokens or None,
                "cached_tokens": drawn.sample.cached_tokens if offset == 0 else None,
                "turn_tokens": turn,
                "context_sum": None
                if position is None or tokens is None
                else context_sum(position - (turn or 0), tokens + (turn or 0)),
                "score": scored.score if scored else None,
                "raw_score": scored.raw if scored else None,
                "prm_tokens": scored.tokens if scored else None,
                "prm_cached": scored.cached if scored else None,
                "prm_context_sum": scored.context_sum if scored else None,
            }
        )
        position = total([position, tokens])
        index += not step.blank
    return rows


def search_row(
    job: Job,
    session: Session,
    paths: Sequence[Path],
    grades: Sequence[Grade],
    seconds: float,
    facts: tuple[ModelFacts, ModelFacts],
    status: str = "done",
    reason: str | None = None,
) -> Row:
    policy, prm = facts
    ends = [path.finish for path in paths]
    return job.columns | {
        "n": job.strategy.n,
        "unit_first": job.first,
        "units": job.units,
        "status": status,
        "reason": reason,
        "paths": len(paths),
        "over_eos": ends.count("eos"),
        "over_length": ends.count("length"),
        "over_blank": ends.count("blank"),
        "no_answer": sum(grade.answer is None for grade in grades),
        **vars(session.bill),
        "steps": session.policy.steps,
        "seconds": seconds,
        "policy_params": policy.params,
        "policy_attention": policy.attention,
        "prm_params": prm.params,
        "prm_attention": prm.attention,
        "ended": [ending.word for ending in job.endings] if status != "failed" and job.endings else None,
    }
