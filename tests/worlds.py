"""Worlds for strategies: the scripted one that ttc ships (ttc/run/scripted.py), and sessions on the fakes."""

from __future__ import annotations

import asyncio

from ttc.models.fake import FakePolicy, FakeVerifier
from ttc.run.scripted import PROBLEM as PROBLEM
from ttc.run.scripted import Script as Script
from ttc.run.scripted import search as search
from ttc.run.scripted import token_step as token_step
from ttc.run.session import Session
from ttc.types import Path, PolicyModel, Problem, Prompt, Sampling, Strategy, VerifierModel

TINY = Problem("p", "Start with 12. Day 1: gets 7. How many are there?", "19")
"""A problem that the fakes can solve."""


def session_of(
    policy: PolicyModel | None = None,
    verifier: VerifierModel | None = None,
    seed: int = 0,
    problem_key: str = "p",
    n: int = 16,
    first_child: int = 0,
) -> Session:
    """A session on the fakes, or on what else is given."""
    engines = (policy or FakePolicy(), verifier or FakeVerifier())
    return Session(*engines, Sampling(Prompt("plain")), seed, problem_key, n, first_child)


def run_search(strategy: Strategy, session: Session, problem: Problem = TINY) -> list[Path]:
    parts = (session.policy, session.verifier, session.context)
    return asyncio.run(strategy.search(Path(problem), *parts))
