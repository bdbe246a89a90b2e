"""Points of the grid as composed -> cells: checked all together, made equal where they mean the same.

Pure. A cell is a point of a plot: (strategy with its parameters, n, policy, verifier, prompt, dataset);
seeds are repetitions inside it (semantics, "Words").
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ttc.settings.build import Faults, build
from ttc.settings.schema import Config, DatasetConfig, PolicyConfig, PrmConfig
from ttc.strategies import STRATEGIES, VOTES_OF, default_of, parameters
from ttc.types import Sampling, Strategy

Shipped = Callable[[str, str], Mapping[str, Any]]
"""(group, name) -> what conf/ ships for it: a variant names what differs from that."""

LAUNCH_KEYS = ("cluster", "readout", "name", "results_dir", "plan_only", "grade_discarded")
"""Settings of the whole launch: they cannot be an axis."""

SELECTING = ("split", "levels", "subjects", "shuffle_seed", "limit", "draw", "config")
"""Settings of a dataset that choose its problems."""


@dataclass(frozen=True)
class Cell:
    """One point of the plot, normalised: `strategy` holds its real n and width.

    Attributes:
        name: the strategy's, as the registry has it.
        headlines: votes that the line named as strategies; None: the readout's declared one.
    """

    name: str
    strategy: Strategy
    policy: PolicyConfig
    prm: PrmConfig | None
    dataset: DatasetConfig
    sampling: Sampling
    variant: str
    seeds: tuple[int, ...]
    headlines: tuple[str | None, ...] = (None,)

    @property
    def n(self) -> int:
        return self.strategy.n


@dataclass(frozen=True)
class Grid:
    """The cells of one launch, what was folded on the way, and the settings of the launch itself."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
    launch: Config


def build_grid(points: list[dict[str, Any]], shipped: Shipped, max_tokens: int) -> Grid:
    """Validated cells of all points, equal ones folded, their seeds and headlines united.

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
                cell.name,
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
                headlines=tuple(dict.fromkeys([*first.headlines, *cell.headlines])),
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


# --- A point's strategy ----------------------------------------------------------------------------------


def _said(config: Config) -> dict[str, Any]:
    """What the point says of its strategy's parameters."""
    return {key: value for key, value in config.strategy.items() if key != "name"}


def _registered(config: Config) -> str | None:
    """The strategy's name in the registry; None: there is no such strategy."""
    name = str(config.strategy.get("name"))
    name = VOTES_OF.get(name, name)
    return name if name in STRATEGIES else None


def _has(config: Config, key: str) -> bool:
    name = _registered(config)
    return name is not None and key in parameters(STRATEGIES[name])


def _unused_parameters(configs: Sequence[Config]) -> list[str]:
    """A strategy parameter that is said and that no strategy of the grid has."""
    known = [config for config in configs if _registered(config)]
    names = ", ".join(sorted({str(config.strategy["name"]) for config in known}))
    there = {key for name in map(_registered, known) if name for key in parameters(STRATEGIES[name])}
    return [
        f"strategy.{key}={value}: no strategy of this grid ({names}) has it{_near(key, there)}"
        for config in known
        for key, value in _said(config).items()
        if not any(_has(other, key) for other in known)
    ]


def _near(key: str, there: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, sorted(there), n=1)
    return f"; did you mean strategy.{near[0]}?" if near else ""


def _strategy(config: Config) -> tuple[str, Strategy]:
    """The strategy of a point with its real n and width, and its name in the registry.

    n = 1 is one plain sample whatever searches (semantics, "Strategies"); greedy has one path; a width above
    n becomes n.

    Raises:
        Faults: what is wrong with its parameters.
    """
    name = _registered(config)
    assert name, "checked before"
    said = {key: value for key, value in _said(config).items() if _has(config, key)}
    if name == "greedy":
        return name, STRATEGIES[name]()
    width = (
        said.get("width", default_of(parameters(STRATEGIES[name])["width"]))
        if _has(config, "width")
        else None
    )
    if isinstance(width, int):
        said["width"] = min(width, config.n)
    strategy = build(STRATEGIES[name], {**said, "n": config.n}, "strategy.")
    return ("best_of_n", STRATEGIES["best_of_n"](n=1)) if config.n == 1 else (name, strategy)  # type: ignore[call-arg]


# --- What is wrong, beyond types and ranges --------------------------------------------------------------


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
    name = config.strategy.get("name")
    if _registered(config) is None:
        return [f"strategy.name={name!r}: take one of {', '.join([*STRATEGIES, *VOTES_OF])}"]
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
    except Faults as error:
        faults += error.lines
    return faults


def _cell(config: Config, shipped: Shipped, max_tokens: int) -> Cell:
    name, strategy = _strategy(config)
    insisted = strategy.temperature
    sampling = Sampling(
        prompt=config.prompt,
        temperature=config.policy.temperature if insisted is None else insisted,
        top_p=config.policy.top_p if insisted is None else 1.0,
        max_tokens=config.max_tokens,
        logprobs=config.policy.logprobs,
    )
    return Cell(
        name=name,
        strategy=strategy,
        policy=config.policy,
        prm=config.prm if config.prm.engine != "none" else None,
        dataset=config.dataset,
        sampling=sampling,
        variant=" ".join(sorted(_differences(config, name, strategy, sampling, shipped, max_tokens))),
        seeds=config.seeds if config.seeds is not None else (config.seed or 0,),
        headlines=(str(config.strategy["name"]) if config.strategy["name"] in VOTES_OF else None,),
    )


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


def _notes(configs: list[Config], points: int, cells: int) -> tuple[str, ...]:
    """What was folded: parameters that only some strategies have, and points that became equal."""
    notes = []
    for key in dict.fromkeys(key for config in configs for key in _said(config)):
        having = {config.strategy["name"] for config in configs if _has(config, key)}
        without = {c.strategy["name"] for c in configs if key in _said(c) and not _has(c, key)}
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
