"""Several verifiers as one: a step's score is the mean, the least or the product of its members' scores.

Members are verifiers of conf/prm by name, as they ship, or NAME:MODEL with another model. They live in one
process, and what a replica gets of a GPU is divided among them (ttc/cluster/placement.py): so one that wants
several GPUs, or other settings than those it ships with, is no member.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import fmean
from typing import Any

from ttc.models.counters import Counters
from ttc.models.provider import Identity, Model, Provider
from ttc.models.rehearsal import rehearse
from ttc.models.size import Size
from ttc.models.together import together
from ttc.models.writers import compares
from ttc.settings.build import build
from ttc.settings.options import options, shipped
from ttc.settings.schema import EngineConfig, PrmConfig
from ttc.types import (
    EngineStats,
    Faults,
    Judgement,
    ModelFacts,
    Problem,
    Query,
    UserError,
    VerifierModel,
    context_sum,
    total,
)

RULES: dict[str, Callable[[Sequence[float]], float]] = {"mean": fmean, "min": min, "prod": math.prod}

OWN = ("name", "engine", "members", "combine", "gpu_share", "replicas")
"""Settings that an ensemble has; all others are its members'."""


@dataclass(frozen=True)
class EnsembleConfig(PrmConfig):
    """An ensemble's configuration as its engine gets it.

    Attributes:
        parts: the members' own; sizes: of their models.
    """

    parts: tuple[PrmConfig, ...] = ()
    sizes: tuple[Size | None, ...] = ()


@dataclass(frozen=True)
class EnsembleModel(Model):
    """What an ensemble's members stand for. parts, sizes: as in `EnsembleConfig`."""

    parts: tuple[PrmConfig, ...] = ()
    sizes: tuple[Size | None, ...] = ()

    def runs(self, config: Any) -> Any:
        own = {field.name: getattr(config, field.name) for field in fields(PrmConfig)}
        return EnsembleConfig(**own, parts=self.parts, sizes=self.sizes)


class Ensemble:
    """`VerifierModel` of several, by one of RULES.

    A step that one member does not score has no score: the others alone would be another verifier. Its cost
    is the sum of the members'.
    """

    def __init__(self, members: Sequence[VerifierModel], rule: str) -> None:
        self.members, self.rule = members, RULES[rule]
        self.counters = Counters()

    async def judge(self, queries: Sequence[Query]) -> list[Judgement]:
        """See `VerifierModel`."""
        with self.counters.working():
            judged = await together(member.judge(queries) for member in self.members)
        return [self._combine(one) for one in zip(*judged, strict=True)]

    async def check(self) -> None:
        for member in self.members:
            await member.check()

    async def stats(self) -> EngineStats:
        """The members' tokens; a busy second is one in which any of them was."""
        told = [await member.stats() for member in self.members]
        return EngineStats(
            computed_tokens=total(one.computed_tokens for one in told),
            cached_tokens=sum(one.cached_tokens for one in told),
            requests=sum(one.requests for one in told),
            busy_seconds=self.counters.stats().busy_seconds if any(one.busy_seconds for one in told) else 0.0,
        )

    async def shutdown(self) -> None:
        from ttc.models import shut_down

        for member in self.members:
            await shut_down(member)

    def _combine(self, judged: Sequence[Judgement]) -> Judgement:
        cached = [one.cached for one in judged if one.cached is not None]
        faults = [one.status for one in judged if one.status != "ok"]
        return Judgement(
            scores=tuple(map(self._score, zip(*(one.scores for one in judged), strict=True))),
            tokens=_sums(one.tokens for one in judged),
            contexts=_sums(map(_contexts, judged)),
            root=sum(one.root for one in judged),
            start=sum(one.start for one in judged),
            computed=sum(one.computed for one in judged),
            cached=sum(cached) if cached else None,
            shared=sum(one.shared for one in judged),
            status=faults[0] if faults else "ok",
        )

    def _score(self, scores: Sequence[float | None]) -> float | None:
        known = [score for score in scores if score is not None]
        return self.rule(known) if len(known) == len(scores) else None


def _sums(rows: Any) -> tuple[int, ...]:
    """Of each step over all members."""
    return tuple(map(sum, zip(*rows, strict=True)))


def _contexts(judged: Judgement) -> tuple[int, ...]:
    """The sum of the positions of every step's tokens."""
    if judged.contexts:
        return judged.contexts
    kept = [tokens - judged.tail for tokens in judged.tokens]
    starts = [judged.start + sum(kept[:step]) for step in range(len(kept))]
    return tuple(map(context_sum, starts, judged.tokens))


def parts_of(config: EngineConfig) -> tuple[EngineConfig, ...]:
    """The engines that a configuration stands for, as `Model.runs` gives it."""
    return config.parts if isinstance(config, EnsembleConfig) else (config,)


def members(config: PrmConfig) -> list[PrmConfig]:
    """Of an ensemble; of another verifier itself."""
    return [_member(name) for name in config.members] or [config]


def _member(said: str) -> PrmConfig:
    """NAME or NAME:MODEL as a configuration, called by all that was said: so no two have one name."""
    name, _, model = said.partition(":")
    own = shipped("prm", name)
    return build(PrmConfig, own | {"name": said, "model": model or own["model"]}, "prm.")


def _look(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    from ttc.models import look_up

    assert isinstance(config, PrmConfig), "no policy"
    found: list[tuple[PrmConfig, Model]] = []
    faults: list[str] = []
    for member in members(config):
        try:
            found.append((member, look_up(member, problems)))
            lines = rehearse(*found[-1], ())
        except UserError as error:
            lines = str(error).splitlines()
        faults += [f"{member.name}: {line}" for line in lines]
    if faults:
        raise Faults([f"prm.members: {fault}" for fault in faults])
    return EnsembleModel(
        # what a score is keyed by: every member's identity in its place, and the rule
        Identity(
            f"ensemble:{config.combine}",
            None,
            tuple((*vars(model.identity).values(), member.format) for member, model in found),
        ),
        _facts([model.facts for _, model in found]),
        "ensemble",
        note="; ".join(f"{member.name}: {model.note}" for member, model in found if model.note) or None,
        parts=tuple(model.runs(member) for member, model in found),
        sizes=tuple(model.size for _, model in found),
    )


def _facts(members: Sequence[ModelFacts]) -> ModelFacts:
    """Of the one member that computes tokens; of several nothing is known: a sum of tokens does not say whose
    they are, so their FLOPs are null."""
    loaded = [facts for facts in members if facts.params != 0]
    if not loaded:
        return ModelFacts(params=0, attention=0)
    return loaded[0] if len(loaded) == 1 else ModelFacts()


def _faults(config: PrmConfig) -> list[str]:
    usual = PrmConfig(config.name)
    lines = [
        f"prm.{name}={getattr(config, name)}: members run as they ship, and an ensemble's own settings are "
        f"{', '.join(OWN[2:])}"
        for name in (field.name for field in fields(PrmConfig))
        if name not in OWN and getattr(config, name) != getattr(usual, name)
    ]
    if len(config.members) == 1 or len({*config.members}) < len(config.members):
        lines.append(f"prm.members=[{','.join(config.members)}]: name two verifiers or more, each once")
    faults = ((name, _why_not(name)) for name in dict.fromkeys(config.members))
    return lines + [f"prm.members: {name}: {why}" for name, why in faults if why]


def _why_not(name: str) -> str | None:
    """Why a name is no member's; None: it may be one's."""
    from ttc.models import ENGINES, check

    known = [option for option in options("prm") if option != "none"]
    if name.partition(":")[0] not in known:
        return f"no such verifier; take some of {', '.join(known)}, or NAME:MODEL"
    member = _member(name)
    if member.engine == "ensemble":
        return "an ensemble itself"
    if ENGINES[member.engine].knows_gold:
        return "knows the gold answers, and no result would come of it"
    if compares(member):
        return "scores a pool together, and members score steps"
    return next(iter(check(member)), None)


def _needs_logprobs(config: PrmConfig) -> bool:
    from ttc.models import ENGINES

    return any(ENGINES[one.engine].needs_logprobs(one) for one in members(config))


def _make(config: PrmConfig) -> VerifierModel:
    from ttc.models import make

    assert isinstance(config, EnsembleConfig), "filled in by `Model.runs`"
    return Ensemble([make(part) for part in config.parts], config.combine)


ENSEMBLE = Provider(
    _look,
    verifier=_make,
    needs={"members": "list verifiers by name, as prm.members=[nano,length]"},
    faults=_faults,
    needs_logprobs=_needs_logprobs,
    devices=1,
)
