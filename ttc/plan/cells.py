"""Points of the grid as composed -> cells: checked all together, made equal where they mean the same.

A cell is a point of a plot: (strategy with its parameters, n, policy, verifier, prompt, dataset);
seeds are repetitions inside it (semantics, "Words").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ttc.plan.points import (
    ending_of,
    foreign_parameters,
    given_parameters,
    known_parameters,
    read_strategy,
    registry_name,
    variant_of,
)
from ttc.readout import headline_votes
from ttc.readout.votes import VOTES
from ttc.settings.build import build
from ttc.settings.compose import Unread, compose
from ttc.settings.schema import Config, DatasetConfig, PolicyConfig, PrmConfig
from ttc.strategies import VOTES_OF
from ttc.types import Ending, Faults, Sampling, Strategy, did_you_mean

LAUNCH_KEYS = (
    *("cluster", "readout", "name", "results_dir", "plan_only", "grade_discarded"),
    *("search_steps", "search_tokens", "search_seconds", "max_failures", "track", "extend"),
)
"""Settings of the whole launch: they cannot be an axis."""


@dataclass(frozen=True)
class Cell:
    """One point of the plot, normalised: `strategy` holds its real n and width.

    Attributes:
        name: the strategy's, as the registry has it.
        headlines: votes that the line named as strategies, or that the strategy's paper reads; None: the
            readout's declared one.
        ending: when its pools have enough before they have n; None: never.
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
    ending: Ending | None = None

    @property
    def n(self) -> int:
        return self.strategy.n


@dataclass(frozen=True)
class Grid:
    """The cells of one launch, what was folded on the way, and the settings of the launch itself."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
    launch: Config
    stored: bool = False
    """Score stored paths only, and sample nothing."""


def read_grid(arguments: Sequence[str]) -> Grid:
    """The grid of a command line.

    Raises:
        Faults: everything that is wrong with the line, once; words that cannot be composed hide no others.
    """
    try:
        return build_grid(compose(arguments))
    except Unread as unread:
        try:
            build_grid(unread.rest)
        except Faults as others:
            raise Faults([*unread.lines, *others.lines]) from None
        raise


def build_grid(points: Iterable[Mapping[str, Any]]) -> Grid:
    """Validated cells of all points, equal ones folded, their seeds and headlines united.

    Args:
        points: one mapping per point, as composed.

    Raises:
        Faults: everything that is wrong with any point, once.
    """
    configs, faults = _built(points)
    if not faults:
        faults = _unused_parameters(configs) + _launch_axes(configs)
    cells: dict[tuple[Any, ...], Cell] = {}
    for config in configs:
        try:
            cell = _cell(config, *read_strategy(config))
        except Faults as error:
            faults += error.lines
        else:
            # no latency, batch size or other matter of the engines tells cells apart
            sampling = replace(cell.sampling, logprobs=False, confidence=False)
            prm = cell.prm and cell.prm.name
            key = (cell.name, cell.strategy, cell.variant, sampling, cell.policy.name, cell.dataset, prm)
            first = cells.setdefault(key, cell)
            faults += _silent_axes(first, cell)
            cells[key] = replace(
                first,
                seeds=tuple(sorted({*first.seeds, *cell.seeds})),
                headlines=tuple(dict.fromkeys([*first.headlines, *cell.headlines])),
                sampling=replace(
                    sampling,
                    logprobs=first.sampling.logprobs or cell.sampling.logprobs,
                    confidence=first.sampling.confidence or cell.sampling.confidence,
                ),
            )
    faults += [fault for cell in cells.values() for fault in _unkept(cell, configs[0])]
    if faults:
        raise Faults(list(dict.fromkeys(faults)))
    return Grid(tuple(cells.values()), _notes(configs, len(cells)), configs[0])


def _built(points: Iterable[Mapping[str, Any]]) -> tuple[list[Config], list[str]]:
    configs, faults = [], []
    for point in points:
        try:
            configs.append(build(Config, point))
        except Faults as error:
            faults += error.lines
    return configs, faults


def _unused_parameters(configs: Sequence[Config]) -> list[str]:
    """A strategy parameter that is said and that no strategy of the grid has."""
    known = [config for config in configs if registry_name(config)]
    names = _list({str(config.strategy["name"]) for config in known})
    there = sorted({key for config in known for key in known_parameters(config)})
    faults = [fault for config in known for fault in foreign_parameters(config)]
    for key, value in (given for config in known for given in given_parameters(config).items()):
        if key not in there:
            hint = did_you_mean(key, there, "strategy.")
            faults.append(f"strategy.{key}={value}: no strategy of this grid ({names}) has it{hint}")
    return faults


def _silent_axes(first: Cell, other: Cell) -> list[str]:
    """Settings of the engines that differ between two points of one cell: one of them would win unseen."""
    pairs = [("policy", first.policy, other.policy), ("prm", first.prm, other.prm)]
    harmless = {"temperature", "top_p", "logprobs", "confidence", "latency", "fail_rate", "max_num_seqs"}
    # none chooses who answers
    harmless |= {"memory_gib", "gpu_share", "tensor_parallel", "replicas", "timeout", "retries"}
    return [
        f"{group}.{field.name}: tells no cells apart, so it cannot be an axis: two launches, two names"
        for group, one, two in pairs
        if one and two
        for field in fields(one)
        if field.name not in harmless and getattr(one, field.name) != getattr(two, field.name)
    ]


def _unkept(cell: Cell, launch: Config) -> Iterator[str]:
    """A headline that reads what the policy is not asked to keep."""
    asked = cell.sampling
    kept = {"policy.logprobs=true": asked.logprobs, "policy.confidence=true": asked.confidence, None: True}
    for vote in headline_votes(cell.headlines, launch.readout):
        if vote in VOTES and not kept[key := VOTES[vote].key]:
            yield f"readout.headline={vote}: reads what is kept only if asked for when sampling: {key}"


def _launch_axes(configs: list[Config]) -> list[str]:
    return [
        f"{key}: one launch has one {key}; it cannot be an axis of the grid"
        for key in LAUNCH_KEYS
        if any(getattr(config, key) != getattr(configs[0], key) for config in configs)
    ]


def _cell(config: Config, name: str, strategy: Strategy) -> Cell:
    insisted = strategy.temperature
    sampling = Sampling(
        prompt=config.prompt,
        temperature=config.policy.temperature if insisted is None else insisted,
        top_p=config.policy.top_p if insisted is None else 1.0,
        max_tokens=config.max_tokens,
        logprobs=config.policy.logprobs,
        confidence=config.policy.confidence or strategy.confident,
    )
    return Cell(
        name=name,
        strategy=strategy,
        policy=config.policy,
        prm=config.prm if config.prm.engine != "none" else None,
        dataset=config.dataset,
        sampling=sampling,
        variant=variant_of(config, strategy),
        ending=ending_of(config, strategy),
        seeds=config.seeds if config.seeds is not None else (config.seed or 0,),
        headlines=(said if (said := str(config.strategy["name"])) in VOTES_OF else strategy.headline,),
    )


def _notes(configs: list[Config], cells: int) -> tuple[str, ...]:
    """What was folded: parameters that only some strategies have, and points that became equal."""
    notes = []
    for key in dict.fromkeys(key for config in configs for key in given_parameters(config)):
        having = {c.strategy["name"] for c in configs if key in known_parameters(c)}
        without = {c.strategy["name"] for c in configs if key in given_parameters(c)} - having
        if without:
            notes.append(
                f"strategy.{key} is an axis for {_list(having)} only; {_list(without)} has no such parameter"
            )
    if len(configs) > cells:
        notes.append(
            f"{len(configs)} points of the grid are {cells} cells: equal ones run once, n=1 is shared by all"
        )
    return tuple(notes)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
