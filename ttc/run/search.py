"""One job -> rows: search, check what came back, grade it, and (a pool) score it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from ttc.grading import Grader, extract
from ttc.models import compares
from ttc.plan.jobs import Job
from ttc.run.growing import Growing
from ttc.run.launch import Failure, Launch
from ttc.run.rows import Grade, Row, grade_row, path_row, score_rows, search_row, step_rows
from ttc.run.session import Session, address_text
from ttc.settings import extensions
from ttc.types import Cut, EngineDied, Interrupted, Path, PolicyModel, TooLong, VerifierModel, in_a_line, mask

log = logging.getLogger(__name__)

Rows = dict[str, list[Row]]
"""Table -> rows of it."""


async def run_job(
    job: Job, launch: Launch, policy: PolicyModel | None, verifier: VerifierModel | None, grader: Grader
) -> tuple[Rows, Failure | None]:
    """One search, graded and (a pool) scored, or stored paths scored: rows, and how it failed where it did.

    A failed search is a row too; of stored paths that could not be scored there is only the failure.

    Raises:
        Interrupted, EngineDied: nothing is known about this search; it stays missing.
    """
    start, first_child = time.monotonic(), job.first * job.unit
    # a pool's paths are scored as they come, too; where draws are stored, they need not be what is returned
    early = (bool(job.score) and not job.strategy.keeps_tree) or job.strategy.scores_children
    names = (job.sampling, job.seed, job.problem_key)
    session = Session(policy, verifier, *names, job.n, first_child, early, launch.limits)
    if job.stored:
        return await _score(job, job.stored, session, launch)
    try:
        return await _search(job, launch, session, (policy, verifier), grader, start)
    finally:
        session.verifier.close()


async def _search(
    job: Job,
    launch: Launch,
    session: Session,
    engines: tuple[PolicyModel | None, VerifierModel | None],
    grader: Grader,
    start: float,
) -> tuple[Rows, Failure | None]:
    def summary(grades: Sequence[Grade], paths: Sequence[Path], *why: str) -> Row:
        session.verifier.close()  # what was asked for in vain is paid
        return search_row(job, session, paths, grades, time.monotonic() - start, launch.facts, *why)

    try:
        async with launch.limits.in_time():
            if job.endings:
                found, job = await Growing(job, session, engines, grader, launch).run()
            else:
                parts = (session.policy, session.verifier, session.context)
                found = await job.strategy.search(Path(job.problem), *parts)
        paths = number_copies(check_paths(job, found))
        leaves = _discarded(session, paths) if launch.discarded else []
        grades = await _grade(job, [*paths, *leaves], grader, launch.readout.reading)
    except (Interrupted, EngineDied):
        raise
    except (Cut, TooLong) as error:
        status = "cut" if isinstance(error, Cut) else "too_long"
        if job.endings:  # and nobody asks for more
            job = replace(job, units=max(1, job.least))
        return {"searches": [summary([], [], status, str(error))]}, None
    except Exception as error:  # one bad search must not take the others with it
        reason = f"{type(error).__name__}: {mask(str(error)).splitlines()[0] if str(error) else ''}"
        reason += f" ({at})" if (at := extensions.line_of(error)) else ""
        log.exception("search failed: %s %s seed %d", job.family, job.problem.id, job.seed)
        return {"searches": [summary([], [], "failed", reason)]}, Failure(job.title, reason)
    by_address = paths == sorted(paths, key=lambda path: (path.address, path.copy))
    rows: Rows = {
        "paths": [
            path_row(job, path, grade, None if by_address else place)
            for place, (path, grade) in enumerate(zip(paths, grades, strict=False))
        ],
        "grades": [
            grade_row(job, path, grade, grader, launch.readout.reading)
            for path, grade in zip([*paths, *leaves], grades, strict=True)
        ],
    }
    scores, failure = await _score(job, paths, session, launch)
    rows |= scores
    rows["steps"] = step_rows(job, session) if job.strategy.keeps_tree else []
    rows["searches"] = [summary(grades[: len(paths)], paths)]
    return rows, failure


def check_paths(job: Job, paths: object) -> Sequence[Path]:
    """What a strategy returned.

    Raises:
        ValueError: no list of paths, too many, one of another problem, or one that is not over where all
            should be.
    """
    name = job.shared["strategy"]
    if not isinstance(paths, list | tuple):
        raise ValueError(f"{name} returned {_what(paths)}, and no list of paths")
    if odd := [one for one in paths if not isinstance(one, Path)]:
        raise ValueError(f"{name} returned {_what(odd[0])} among its paths")
    if len(paths) > job.n:
        raise ValueError(f"{name} returned {len(paths)} paths, more than n={job.n}")
    for path in paths:
        if path.problem != job.problem:
            raise ValueError(f"{name} returned a path of problem {path.problem.id}")
        if not path.over and job.strategy.finishes:
            raise ValueError(
                f"{name} returned a path that is not over: address {address_text(path.address)!r}"
            )
    return paths


def _what(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def number_copies(paths: Sequence[Path]) -> list[Path]:
    """The same paths, each with a copy index that none before it has at its address."""
    numbered: dict[tuple[tuple[int, ...], int], Path] = {}
    for path in paths:
        copy = path.copy
        while (path.address, copy) in numbered:
            copy += 1
        numbered[path.address, copy] = path if copy == path.copy else replace(path, copy=copy)
    return list(numbered.values())


def _discarded(session: Session, paths: Sequence[Path]) -> list[Path]:
    """The tree's leaves that the search did not return. What was answered (a critique) is none."""
    inner = {path.address for path in paths} | {drawn.parent.address for drawn in session.drawn}
    return [
        drawn.child
        for drawn in session.drawn
        if drawn.child.over and drawn.verb != "roll_out" and drawn.child.address not in inner
    ]


async def _grade(job: Job, paths: Sequence[Path], grader: Grader, reading: str) -> list[Grade]:
    answers = [extract(path.text, reading) for path in paths]
    distinct = list(dict.fromkeys(answers))
    verdicts = await asyncio.gather(*(grader.grade(job.problem.answer, answer) for answer in distinct))
    known = dict(zip(distinct, verdicts, strict=True))
    return [Grade(answer, known[answer]) for answer in answers]


async def _score(
    job: Job, paths: Sequence[Path], session: Session, launch: Launch
) -> tuple[Rows, Failure | None]:
    """The scores of a pool, asked for here, or of paths that their search has scored.

    If the verifier fails, the paths stay and only their scores are missing.
    """
    if not (job.score or job.shared["prm"]):
        return {}, None
    try:
        ask = session.verifier.compare if compares(launch.prm) else session.verifier.score
        scored = await ask(paths) if job.score else paths
    except (Interrupted, EngineDied):
        raise
    except Exception as error:
        log.exception("scoring failed: %s %s seed %d", job.family, job.problem.id, job.seed)
        return {}, Failure(f"scores of {job.title}", f"{type(error).__name__}: {in_a_line(error)}")
    return {"scores": score_rows(job, scored, session, launch)}, None
