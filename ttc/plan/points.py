"""One point of the grid by itself: what is wrong with it, its strategy, and how it differs from what ships.

Pure: nothing is looked up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ttc.models import check
from ttc.settings.build import Faults, build
from ttc.settings.schema import Config
from ttc.strategies import STRATEGIES, VOTES_OF, default_of, parameters
from ttc.types import Sampling, Strategy

Shipped = Callable[[str, str], Mapping[str, Any]]
"""(group, name) -> what conf/ ships for it: a variant names what differs from that."""

SELECTING = ("split", "levels", "subjects", "shuffle_seed", "limit", "draw", "config")
"""Settings of a dataset that choose its problems."""


def faults_of(config: Config) -> list[str]:
    """What is wrong with one point by itself, beyond types and ranges."""
    name = config.strategy.get("name")
    if registry_name(config) is None:
        return [f"strategy.name={name!r}: take one of {', '.join([*STRATEGIES, *VOTES_OF])}"]
    faults = []
    if config.seed is not None and config.seeds is not None:
        faults.append(f"seed={config.seed} and seeds={list(config.seeds)}: give one of them")
    if config.seeds is not None and not config.seeds:
        faults.append("seeds=[]: give at least one seed")
    faults += [*check(config.policy), *check(config.prm)]
    if "{question}" not in config.prompt.user:
        faults.append(f"prompt.user={config.prompt.user!r}: must contain {{question}}")
    if not config.prompt.separator:
        faults.append("prompt.separator='': must not be empty")
    if not config.dataset.path:
        faults.append("dataset.path=null: name a .jsonl, .json, .csv or .parquet file, or a Hub dataset")
    try:
        if strategy_of(config)[1].guided and config.prm.engine == "none":
            faults.append(f"prm=none: {name} is guided by a verifier; give it one, or search unguided")
    except Faults as error:
        faults += error.lines
    return faults


def given_parameters(config: Config) -> dict[str, Any]:
    """What the point says of its strategy's parameters."""
    return {key: value for key, value in config.strategy.items() if key != "name"}


def registry_name(config: Config) -> str | None:
    """The strategy's name in the registry; None: there is no such strategy."""
    name = str(config.strategy.get("name"))
    name = VOTES_OF.get(name, name)
    return name if name in STRATEGIES else None


def has_parameter(config: Config, key: str) -> bool:
    name = registry_name(config)
    return name is not None and key in parameters(STRATEGIES[name])


def strategy_of(config: Config) -> tuple[str, Strategy]:
    """The strategy of a point with its real n and width, and its name in the registry.

    n = 1 is one plain sample whatever searches (semantics, "Strategies"); greedy has one path; a width above
    n becomes n.

    Raises:
        Faults: what is wrong with its parameters.
    """
    name = registry_name(config)
    assert name, "checked before"
    if name == "greedy":
        return name, STRATEGIES[name]()
    own = {key: value for key, value in given_parameters(config).items() if has_parameter(config, key)}
    strategy = build(STRATEGIES[name], own | {"n": config.n}, "strategy.")
    if config.n == 1:
        return "best_of_n", STRATEGIES["best_of_n"](n=1)  # type: ignore[call-arg]
    if has_parameter(config, "width"):
        strategy = replace(strategy, width=min(strategy.width, config.n))  # type: ignore[attr-defined, type-var]
    return name, strategy


def variant_of(
    config: Config, name: str, strategy: Strategy, sampling: Sampling, shipped: Shipped, max_tokens: int
) -> str:
    """Sorted `key=value` words: every setting that shapes results and differs from its shipped one."""
    return " ".join(sorted(_differences(config, name, strategy, sampling, shipped, max_tokens)))


def _differences(
    config: Config, name: str, strategy: Strategy, sampling: Sampling, shipped: Shipped, max_tokens: int
) -> Iterable[str]:
    """`key=value` for every setting that shapes the cell's results and differs from its shipped config."""
    for key, parameter in parameters(STRATEGIES[name]).items():
        if getattr(strategy, key) != default_of(parameter):
            yield f"{key}={getattr(strategy, key)}"
    policy = shipped("policy", config.policy.name)
    yield from _changed("policy.", config.policy, policy, ("model", "revision", "context"))
    if strategy.temperature is None:
        yield from _changed("", config.policy, policy, ("temperature", "top_p"))
    if config.prompt.name != policy.get("prompt", "plain"):
        yield f"prompt={config.prompt.name}"
    yield from _changed(
        "prompt.",
        config.prompt,
        shipped("prompt", config.prompt.name),
        ("system", "user", "separator", "date"),
    )
    if config.prm.engine != "none":
        prm = shipped("prm", config.prm.name)
        yield from _changed("prm.", config.prm, prm, ("model", "revision", "format", "context"))
    dataset = shipped("dataset", config.dataset.name or "")
    yield from _changed("", config.dataset, dataset, SELECTING)
    if sampling.max_tokens != max_tokens:
        yield f"max_tokens={sampling.max_tokens}"


def _changed(prefix: str, section: Any, own: Mapping[str, Any], keys: Iterable[str]) -> Iterable[str]:
    for key in keys:
        value = getattr(section, key)
        if value != own.get(key):
            word = "_".join(str(value).split())
            short = (
                word if len(word) <= 40 else f"{word[:30]}~{hashlib.sha256(word.encode()).hexdigest()[:8]}"
            )
            yield f"{prefix}{key}={short}"
