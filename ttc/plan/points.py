"""One point of the grid by itself: what is wrong with it, its strategy, and how it differs from what ships.

No model and no dataset is looked up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, replace
from typing import Any

from ttc import models, readout
from ttc.plan.columns import find_column_faults
from ttc.readout import endings
from ttc.settings import extensions
from ttc.settings.build import build
from ttc.settings.options import defaults, shipped
from ttc.settings.schema import Config
from ttc.strategies import STRATEGIES, VOTES_OF, parameters
from ttc.types import YOUNGER, Ending, Faults, Strategy, did_you_mean

SAMPLING = ("temperature", "top_p")
"""Settings of a policy that a strategy may insist on."""

SHAPING = {
    "policy": ("model", "revision", "context", "unseeded", *SAMPLING),
    "prompt": ("system", "user", "separator", "date", *YOUNGER),
    "prm": (
        *("model", "revision", "format", "context"),
        *("votes", "temperature", "max_tokens", "shown", "members", "combine"),
    ),
    "dataset": ("split", "levels", "subjects", "shuffle_seed", "limit", "draw", "config"),
}
"""Group -> the settings that shape what a cell's searches write, or choose its problems."""


def read_strategy(config: Config) -> tuple[str, Strategy]:
    """The strategy of a point with its real n and width, and its name in the registry.

    n = 1 is one plain sample whatever searches (semantics, "Strategies"); greedy has one path; a width above
    n becomes n.

    Raises:
        Faults: all that is wrong with the point by itself, beyond types and ranges.
    """
    name = registry_name(config)
    if name is None:
        known = ", ".join([*STRATEGIES, *VOTES_OF])
        raise Faults([f"strategy.name={config.strategy.get('name')!r}: take one of {known}"])
    faults = _find_faults(config)
    if extensions.content_of("strategy", name) and (odd := find_column_faults(STRATEGIES[name])):
        raise Faults([*faults, *odd])
    try:
        name, strategy = _build_strategy(config, name)
        if strategy.guided and config.prm.engine == "none":
            faults.append(f"prm=none: {name} is guided by a verifier; give it one, or search unguided")
    except Faults as error:
        faults += error.lines
    if faults:
        raise Faults(faults)
    return name, strategy


def _find_faults(config: Config) -> list[str]:
    faults = []
    if config.seed is not None and config.seeds is not None:
        faults.append(f"seed={config.seed} and seeds={list(config.seeds)}: give one of them")
    if config.seeds is not None and not config.seeds:
        faults.append("seeds=[]: give at least one seed")
    if "{question}" not in config.prompt.user:
        faults.append(f"prompt.user={config.prompt.user!r}: must contain {{question}}")
    if not config.prompt.separator:
        faults.append("prompt.separator='': must not be empty")
    if not config.dataset.path:
        faults.append("dataset.path=null: name a .jsonl, .json, .csv or .parquet file, or a Hub dataset")
    faults += [*models.check(config.policy), *models.check(config.prm), *readout.check(config.readout)]
    return faults + endings.check(_ending(config))


def _build_strategy(config: Config, name: str) -> tuple[str, Strategy]:
    if name == "greedy":
        return name, STRATEGIES[name]()
    own = {key: value for key, value in given_parameters(config).items() if key in known_parameters(config)}
    if STRATEGIES[name].spends:
        own |= vars(config.budget)
    strategy = build(STRATEGIES[name], own | {"n": config.n}, "strategy.")
    if "table" in known_parameters(config) and "table" not in own:
        made = "`ttc optimal FOLDER difficulty=predicted@4 axis=tokens table=FILE` writes one"
        raise Faults([f"strategy.table: name the file that says what to do; {made}"])
    if config.n == 1:
        return "best_of_n", STRATEGIES["best_of_n"](n=1)  # type: ignore[call-arg]
    if strategy.narrows and "width" in known_parameters(config):
        strategy = replace(strategy, width=min(strategy.width, config.n))  # type: ignore[attr-defined, type-var]
    return name, strategy


def given_parameters(config: Config) -> dict[str, Any]:
    """What the point says of its strategy's parameters: of every strategy's (`strategy.width=8`), and of this
    one's alone (`strategy.beam.width=8`)."""
    said = {key: value for key, value in config.strategy.items() if not isinstance(value, Mapping)}
    own = config.strategy.get(registry_name(config) or "", {})
    return {key: value for key, value in {**said, **own}.items() if key != "name"}


def foreign_parameters(config: Config) -> list[str]:
    """What is said of one strategy alone, and is none of its parameters; a line each."""
    faults = []
    for name, own in config.strategy.items():
        if isinstance(own, Mapping) and name not in STRATEGIES:
            faults.append(f"strategy.{name}: no strategy is called so{did_you_mean(name, STRATEGIES)}")
        elif isinstance(own, Mapping):
            there = parameters(STRATEGIES[name])
            faults += [
                f"strategy.{name}.{key}={value}: {name} has no such parameter{did_you_mean(key, there)}"
                for key, value in own.items()
                if key not in there
            ]
    return faults


def registry_name(config: Config) -> str | None:
    """The strategy's name in the registry; None: there is no such strategy."""
    name = str(config.strategy.get("name"))
    name = VOTES_OF.get(name, name)
    return name if name in STRATEGIES else None


def known_parameters(config: Config) -> Mapping[str, Field]:
    """What the point's strategy has; none where there is no such strategy."""
    name = registry_name(config)
    return parameters(STRATEGIES[name]) if name else {}


def _ending(config: Config) -> Ending:
    own = extensions.content_of("rule", config.stop.rule)
    return Ending(**vars(config.stop), **vars(config.budget), content="+".join(own) or None)


def ending_of(config: Config, strategy: Strategy) -> Ending | None:
    """When the point's pools have enough before they have n; None: never. One path is one path. A rule counts
    paths that were drawn independently of each other."""
    ending = _ending(config)
    if strategy.guided or strategy.prefix_unit != 1:
        ending = Ending(**vars(config.budget))
    own = strategy.n > 1 and not strategy.spends
    return ending if own and (ending.rule or ending.budgets) else None


def variant_of(config: Config, strategy: Strategy) -> str:
    """Sorted `key=value` words: every setting that shapes results and differs from its shipped one."""
    own = {group: shipped(group, getattr(config, group).name or "") for group in SHAPING}
    words = [
        f"{key}={_shorten(getattr(strategy, key))}"
        for key, parameter in parameters(type(strategy)).items()
        if getattr(strategy, key) != (None if parameter.default is MISSING else parameter.default)
    ]
    if config.prompt.name != own["policy"].get("prompt", "plain"):
        words.append(f"prompt={config.prompt.name}")
    if config.max_tokens != defaults()["max_tokens"]:
        words.append(f"max_tokens={config.max_tokens}")
    words += _ending_words(ending_of(config, strategy))
    for group, keys in SHAPING.items():
        for key in keys:
            sampled = group == "policy" and key in SAMPLING
            silent = (group == "prm" and config.prm.engine == "none") or (
                sampled and strategy.temperature is not None
            )
            value, usual = getattr(getattr(config, group), key), own[group].get(key)
            if not silent and value != usual:
                plain = group == "dataset" or sampled
                words += _spell(key if plain else f"{group}.{key}", value, usual)
    return " ".join(sorted(words))


def _ending_words(ending: Ending | None) -> Iterator[str]:
    if ending is None:
        return
    yield from (f"budget.{measure}={limit:g}" for measure, limit in ending.budgets.items())
    if ending.rule:
        yield f"stop={ending.rule}"
        usual = shipped("stop", ending.rule)
        yield from (
            f"stop.{key}={getattr(ending, key)}"
            for key in ("certainty", "window")
            if getattr(ending, key) != usual[key]
        )


def _spell(key: str, value: object, usual: object) -> list[str]:
    """`key=value`, as a line would say it; of several in one only those that differ."""
    if not isinstance(value, Mapping) or not isinstance(usual, Mapping):
        return [f"{key}={_shorten(value)}"]
    return [f"{key}.{one}={_shorten(said)}" for one, said in value.items() if said != usual.get(one)]


def _shorten(value: object) -> str:
    text = f"[{','.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
    word = "_".join(text.split())
    if word.startswith("{"):
        return f"~{hashlib.sha256(word.encode()).hexdigest()[:8]}"
    return word if len(word) <= 40 else f"{word[:30]}~{hashlib.sha256(word.encode()).hexdigest()[:8]}"
