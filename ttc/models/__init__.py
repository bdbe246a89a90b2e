"""Models behind engines. An engine is a file here with its `Provider`, and one line of ENGINES."""

from __future__ import annotations

import gc
import inspect
import os
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ttc.models import ensemble, fake, heuristics, local, openai_policy, oracle
from ttc.models.ensemble import parts_of as parts_of
from ttc.models.provider import Model, Provider, part_of
from ttc.models.vllm_engine import ENGINES_HERE
from ttc.models.writers import compares as compares
from ttc.settings import extensions
from ttc.settings.schema import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import EngineDied, Problem, UserError, either

ENGINES: dict[str, Provider] = {
    "auto": local.VLLM,  # or transformers: `look_up` finds out
    "vllm": local.VLLM,
    "transformers": local.TRANSFORMERS,
    "openai": openai_policy.OPENAI,
    "heuristic": heuristics.HEURISTIC,
    "oracle": oracle.ORACLE,
    "ensemble": ensemble.ENSEMBLE,
    "fake": fake.FAKE,
}
"""By the name that `policy.engine` and `prm.engine` give; prm.engine=none is no verifier at all."""


def environment(engines: Iterable[EngineConfig]) -> dict[str, str]:
    """For every process with one of these engines, all on one machine. Read when torch loads, so it must be
    there before the first import.

    libgomp's threads spin for a while before they sleep, and small batches are 1.5 times as fast for it. But
    threads that spin on a core which another engine needs hold it up, down to a third: so each engine that
    computes here has its own share of the cores (benchmarks/threads.py). A count that the user has set stays.
    """
    here = (local.VLLM, local.TRANSFORMERS)
    loaded = [(config, part) for config in engines for part in parts_of(config)]
    count = sum(config.replicas or 1 for config, part in loaded if ENGINES[part.engine] in here)
    return {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "10000"), ENGINES_HERE: str(max(1, count))}


def check(config: EngineConfig) -> list[str]:
    """What is wrong with an engine's configuration by itself, one line each."""
    part = part_of(config)
    names = [name for name, one in ENGINES.items() if (one.verifier if part == "prm" else one.policy)]
    if config.engine == "none" and part == "prm":
        return []
    if config.engine not in names:
        known = either(map(repr, [*names, "none"] if part == "prm" else names))
        return [f"{part}.engine={config.engine!r}: must be {known}"]
    engine = ENGINES[config.engine]
    faults = [
        f"{part}.{name}=null: {what}" for name, what in engine.needs.items() if not getattr(config, name)
    ]
    if isinstance(config, PrmConfig):
        faults += engine.faults(config)
        if config.members and engine is not ensemble.ENSEMBLE:
            faults.append(f"prm.members: prm.engine={config.engine} has none; take prm=ensemble")
    if isinstance(config, PolicyConfig) and config.base_url and "base_url" not in engine.needs:
        faults.append(
            f"policy.base_url={config.base_url}: policy.engine={config.engine} asks no server; take "
            "policy=openai"
        )
    if isinstance(config, PolicyConfig) and config.unseeded and not engine.unseeded:
        faults.append(f"policy.unseeded=true: policy.engine={config.engine} takes seeds; leave it false")
    return faults


def look_up(config: EngineConfig, problems: Sequence[Problem] = ()) -> Model:
    """Which model a checked configuration names, found without loading it; the problems are what the model
    will have to read.

    Raises:
        UserError: no such model, server, format or engine; the model cannot play its part, or its tokenizer
            does not know a word of the problems.
    """
    model = ENGINES[config.engine].look(config, problems)
    named: dict[str, str | None] = {"engine": config.engine}
    if isinstance(config, PrmConfig):
        named |= {"format": config.format, "heuristic": config.format}
    own = [content for kind, name in named.items() for content in extensions.content_of(kind, name)]
    # by a user's own file, as it is: another one is another model
    identity = replace(model.identity, model="+".join([model.identity.model, *own]))
    return replace(model, identity=identity) if own else model


async def start(config: PolicyConfig | PrmConfig) -> Any:
    """The engine of `config`, made in the event loop that uses it and in its `environment`; a verifier has
    checked itself.

    Raises:
        UserError: the model does not fit its part.
        EngineDied: it did not start, with the line that says why; the traceback is printed.
    """
    engine: Any = None
    try:
        engine = make(config)
        if isinstance(config, PrmConfig):
            await engine.check()
        # what is loaded stays: a collection that walks through it stops every call for a third of a second
        gc.collect()
        gc.freeze()
    except Exception as error:
        await shut_down(engine)
        if isinstance(error, UserError | EngineDied):
            raise
        traceback.print_exc()
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
        said = next((line for line in lines if "rror" in line or "must" in line), lines[0])
        raise EngineDied(f"{config.name} did not start: {type(error).__name__}: {said[:300]}") from None
    return engine


def make(config: PolicyConfig | PrmConfig) -> Any:
    """The engine of a configuration that `Model.runs` has filled in, not yet checked."""
    provider = ENGINES[config.engine]
    maker: Any = provider.policy if isinstance(config, PolicyConfig) else provider.verifier
    assert maker, "checked when the grid is built"
    return maker(config)


async def shut_down(engine: object) -> None:
    """Ends the processes of an engine that has any."""
    if hasattr(engine, "shutdown"):
        ending = engine.shutdown()
        if inspect.isawaitable(ending):
            await ending
