"""What a launch can choose from: the options of conf/'s groups, over the dataclasses' defaults."""

from __future__ import annotations

import functools
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, cast

from ttc.settings import extensions
from ttc.settings.schema import GROUPS, BudgetConfig, Config, EngineConfig
from ttc.types import YOUNGER

PACKAGE = Path(__file__).parents[1]
HOME = PACKAGE if (PACKAGE / "conf").is_dir() else PACKAGE.parent
"""Where conf/ and sweeps/ are: in an installed package inside it, in a checkout beside it."""

CONF, SWEEPS = HOME / "conf", HOME / "sweeps"

PLAIN = {"cluster": "auto", "readout": "default", "dataset": "path", "stop": "none"}
"""Groups that have an option with nothing but the defaults; every group has them as `_base`."""


def shipped(group: str, name: str) -> dict[str, Any]:
    """An option of a group as it ships, over the group's defaults: what a variant is told apart from.

    Where ttc ships no such option, the defaults. A policy's own prompt stands under `prompt`.
    """
    return (
        of_heuristic(name) if group == "prm" and name in extensions.added("heuristic") else _read(group, name)
    )


@functools.cache
def _read(group: str, name: str) -> dict[str, Any]:
    from omegaconf import OmegaConf

    merged = base(group)
    file = CONF / group / f"{name}.yaml"
    if file in (CONF / group).iterdir():  # a name may be any text
        merged |= cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(file)))
    for entry in merged.pop("defaults", []):
        if isinstance(entry, dict) and "override /prompt@_global_.prompt" in entry:
            merged["prompt"] = entry["override /prompt@_global_.prompt"]
    return merged


def options(group: str) -> list[str]:
    """The names that a launch may give as `group=`, by what ttc ships."""
    names = {file.stem for file in (CONF / group).glob("*.yaml")}
    return sorted(names | {PLAIN[group]} if group in PLAIN else names)


def defaults() -> dict[str, Any]:
    """A launch's own settings."""
    usual = {field.name: field.default for field in fields(Config) if field.default is not MISSING}
    return {key: asdict(one) if isinstance(one, BudgetConfig) else one for key, one in usual.items()}


def of_heuristic(name: str) -> dict[str, Any]:
    """The option `prm=NAME` of a rule in a user's file."""
    return base("prm") | {"name": name, "engine": "heuristic", "format": name}


def base(group: str) -> dict[str, Any]:
    """A group's defaults; an engine's name is missing. Of a prompt, which is its file's alone, only what a
    file may not know yet."""
    settings = GROUPS.get(group)
    if settings is None:
        return dict(YOUNGER) if group == "prompt" else {}
    return asdict(settings(name="???") if issubclass(settings, EngineConfig) else settings())
