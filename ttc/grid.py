"""Points of the grid as composed -> cells: checked all together, made equal where they mean the same.

Pure. A cell is a point of a plot: (strategy with its parameters, n, policy, verifier, prompt, dataset);
seeds are repetitions inside it (spec 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ttc.config import Config, DatasetConfig, Faults, PolicyConfig, PrmConfig, StrategyConfig, build
from ttc.strategies import ALIASES, STRATEGIES
from ttc.types import Sampling, Strategy

Shipped = Callable[[str, str], Mapping[str, Any]]
"""(group, name) -> what conf/ ships for it: a variant names what differs from that."""

LAUNCH_KEYS = ("cluster", "readout", "name", "results_dir", "plan_only")
"""Settings of the whole launch: they cannot be an axis."""

SELECTING = ("split", "levels", "subjects", "shuffle_seed", "limit", "draw", "config")
"""Settings of a dataset that choose its problems."""

PARAMETERS = [f.name for f in fields(StrategyConfig) if f.name != "name"]


@dataclass(frozen=True)
class Cell:
    """One point of the plot, normalised: `strategy` holds its real n and width."""

    label: str
    strategy: Strategy
    policy: PolicyConfig
    prm: PrmConfig | None
    dataset: DatasetConfig
    sampling: Sampling
    variant: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """The cells of one launch, what was folded on the way, and the settings of the launch itself."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
    launch: Config


def build_grid(points: list[dict[str, Any]], shipped: Shipped, max_tokens: int) -> Grid:
    """Validated cells of all points, equal ones folded, their seeds united.

    Args:
        points: one mapping per point, as composed.
        max_tokens: the shipped default, for `variant`.

    Raises:
        Faults: everything that is wrong with any point, once.
    """
    configs, faults = _built(points)
    if not faults:
        faults = _unused_parameters(configs) + _launch_axes(configs)
    cells: dict[tuple[Any, ...], Cell] = {}
    for config in configs:
        wrong = _wrong(config)
        faults += wrong
        if not wrong:
            cell = _cell(config, shipped, max_tokens)
            # no latency, batch size or other matter of the engines tells cells apart
            key = (
                cell.label,
                cell.strategy,
                cell.variant,
                replace(cell.sampling, logprobs=False),
                cell.policy.name,
                cell.dataset,
                cell.prm and cell.prm.name,
            )
            first = cells.setdefault(key, cell)
            faults += _silent_axes(first, cell)
            logprobs = first.sampling.logprobs or cell.sampling.logprobs
            cells[key] = replace(
                first,
                seeds=tuple(sorted({*first.seeds, *cell.seeds})),
                sampling=replace(first.sampling, logprobs=logprobs),
            )
    if faults:
        raise Faults(faults)
    return Grid(tuple(cells.values()), _notes(configs, len(points), len(cells)), configs[0])


def _built(points: list[dict[str, Any]]) -> tuple[list[Config], list[str]]:
    configs, faults = [], []
    for point in points:
        try:
            configs.append(build(Config, point))
        except Faults as error:
            faults += error.lines
    return configs, faults


def parameters_of(name: str) -> list[str]:
    """Names of the parameters that the strategy has."""
    own = {f.name for f in fields(STRATEGIES[ALIASES.get(name, name)])}  # type: ignore[arg-type]
    return [key for key in PARAMETERS if key in own]


def _unused_parameters(configs: list[Config]) -> list[str]:
    """A strategy parameter that is set and that no strategy of the grid has."""
    known = [config for config in configs if config.strategy.name in {*STRATEGIES, *ALIASES}]
    used = {key for config in known for key in parameters_of(config.strategy.name)}
    names = ", ".join(sorted({config.strategy.name for config in known}))
    return [
        f"strategy.{key}={getattr(config.strategy, key)}: no strategy of this grid ({names}) has it"
        for config in known
        for key in PARAMETERS
        if key not in used and getattr(config.strategy, key) is not None
    ]


def _silent_axes(first: Cell, other: Cell) -> list[str]:
    """Settings of the engines that differ between two points of one cell: one of them would win unseen."""
    pairs = [("policy", first.policy, other.policy), ("prm", first.prm, other.prm)]
    harmless = {"temperature", "top_p", "logprobs", "latency", "fail_rate", "max_num_seqs", "memory_gib"}
    harmless |= {"gpu_share", "tensor_parallel", "replicas", "timeout", "retries"}  # none chooses who answers
    return [
        f"{group}.{field.name}: tells no cells apart, so it cannot be an axis: two launches, two names"
        for group, one, two in pairs
        if one and two
        for field in fields(one)
        if field.name not in harmless and getattr(one, field.name) != getattr(two, field.name)
    ]


def _launch_axes(configs: list[Config]) -> list[str]:
    return [
        f"{key}: one launch has one {key}; it cannot be an axis of the grid"
        for key in LAUNCH_KEYS
        if any(getattr(config, key) != getattr(configs[0], key) for config in configs)
    ]


def _wrong(config: Config) -> list[str]:
    """What is wrong with one point by itself, beyond types and ranges."""
    name = config.strategy.name
    if name not in STRATEGIES and name not in ALIASES:
        return [f"strategy.name={name!r}: take one of {', '.join([*STRATEGIES, *ALIASES])}"]
    faults = []
    if config.seed is not None and config.seeds is not None:
        faults.append(f"seed={config.seed} and seeds={list(config.seeds)}: give one of them")
    if config.seeds is not None and not config.seeds:
        faults.append("seeds=[]: give at least one seed")
    for group in ("policy", "prm"):
        engine = getattr(config, group)
        if engine.engine in ("auto", "vllm", "transformers") and not engine.model:
            faults.append(f"{group}.model=null: name a folder, a Hub id or an embedded model")
    if config.policy.engine == "openai" and not config.policy.base_url:
        faults.append("policy.base_url=null: say where the server's API begins, as http://localhost:8000/v1")
    if "{question}" not in config.prompt.user:
        faults.append(f"prompt.user={config.prompt.user!r}: must contain {{question}}")
    if not config.prompt.separator:
        faults.append("prompt.separator='': must not be empty")
    if not config.dataset.path:
        faults.append("dataset.path=null: name a .jsonl, .json, .csv or .parquet file, or a Hub dataset")
    try:
        if _strategy(config)[1].guided and config.prm.engine == "none":
            faults.append(f"prm=none: {name} is guided by a verifier; give it one, or search unguided")
    except ValueError as error:
        faults.append(str(error))
    return faults


def _strategy(config: Config) -> tuple[str, Strategy]:
    """The strategy of a point with its real n and width, and its label.

    n = 1 is one plain sample whatever searches (spec 3); greedy has one path; a width above n becomes n.
    """
    label = ALIASES.get(config.strategy.name, config.strategy.name)
    if label == "greedy":
        return label, STRATEGIES[label]()
    if config.n == 1:
        return "best_of_n", STRATEGIES["best_of_n"](n=1)  # type: ignore[call-arg]
    given = {key: getattr(config.strategy, key) for key in parameters_of(label)}
    chosen = {key: value for key, value in given.items() if value is not None}
    if "width" in chosen:
        chosen["width"] = min(chosen["width"], config.n)
    return label, STRATEGIES[label](n=config.n, **chosen)  # type: ignore[call-arg]


def _cell(config: Config, shipped: Shipped, max_tokens: int) -> Cell:
    label, strategy = _strategy(config)
    insisted = strategy.temperature
    sampling = Sampling(
        prompt=config.prompt,
        temperature=config.policy.temperature if insisted is None else insisted,
        top_p=config.policy.top_p if insisted is None else 1.0,
        max_tokens=config.max_tokens,
        logprobs=config.policy.logprobs,
    )
    return Cell(
        label=label,
        strategy=strategy,
        policy=config.policy,
        prm=config.prm if config.prm.engine != "none" else None,
        dataset=config.dataset,
        sampling=sampling,
        variant=" ".join(sorted(_differences(config, label, strategy, sampling, shipped, max_tokens))),
        seeds=config.seeds if config.seeds is not None else (config.seed or 0,),
    )


def _differences(
    config: Config, label: str, strategy: Strategy, sampling: Sampling, shipped: Shipped, max_tokens: int
) -> Iterable[str]:
    """`key=value` for every setting that shapes the cell's results and differs from its shipped config."""
    own = shipped("strategy", label)
    for key in parameters_of(label):
        if getattr(strategy, key) != own.get(key):
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


def _notes(configs: list[Config], points: int, cells: int) -> tuple[str, ...]:
    """What was folded: parameters that only some strategies have, and points that became equal."""
    notes = []
    for key in PARAMETERS:
        having = {c.strategy.name for c in configs if key in parameters_of(c.strategy.name)}
        without = {
            c.strategy.name
            for c in configs
            if key not in parameters_of(c.strategy.name) and getattr(c.strategy, key) is not None
        }
        if without:
            notes.append(
                f"strategy.{key} is an axis for {_list(having)} only; {_list(without)} has no such parameter"
            )
    if points > cells:
        notes.append(
            f"{points} points of the grid are {cells} cells: equal ones run once, n=1 is shared by all"
        )
    return tuple(notes)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
