"""Hydra's command line as plain mappings: one per point of the grid. Nothing else in ttc knows Hydra.

Hydra reads the words, spells out the grid and composes conf/ over the defaults of the settings' dataclasses;
its launchers, loggers and output folders are left out on purpose: a whole `-m` grid becomes one sweep on one
set of engines.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from ttc.settings.schema import GROUPS, Config, EngineConfig
from ttc.strategies import STRATEGIES, VOTES_OF, parameters
from ttc.types import YOUNGER, Faults, UserError, did_you_mean

PACKAGE = Path(__file__).parents[1]
HOME = PACKAGE if (PACKAGE / "conf").is_dir() else PACKAGE.parent
"""Where conf/ and sweeps/ are: in an installed package inside it, in a checkout beside it."""

CONF, SWEEPS = HOME / "conf", HOME / "sweeps"
PRIMARY = "config"

PLAIN = {"cluster": "auto", "readout": "default", "dataset": "path"}
"""Groups that have an option with nothing but the defaults; every group has them as `_base`."""


@dataclass(frozen=True)
class Line:
    """A launch's words, sorted: the grid's flag, where its primary config is, and the overrides."""

    multirun: bool
    folder: str | None
    config: str
    overrides: list[str]


class Unread(Faults):
    """Words that Hydra cannot take, a line each. `rest`: the points of the command line without them."""

    rest: list[dict[str, Any]]


def compose(arguments: Sequence[str]) -> list[dict[str, Any]]:
    """All points of the grid that `arguments` (a command line without the program's name) spells.

    Raises:
        Unread: some words are no settings.
        UserError: the line cannot be composed, with or without some of its words.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    line, faults = read_line(arguments), []
    while True:  # Hydra stops at its first fault
        try:
            points = list(_points(line))
            break
        except (HydraException, OmegaConfBaseException, YAMLError, UserError) as error:
            faults.append(_one_line(error))
            word = getattr(error, "override", None) or faults[-1].partition(": ")[0]
            kept = [other for other in line.overrides if not _says(other, word)]
            if len(kept) == len(line.overrides):
                raise Faults(faults) from None
            line = replace(line, overrides=kept)
    if faults:
        unread = Unread(faults)
        unread.rest = points
        raise unread
    return points


def _says(word: str, fault: str) -> bool:
    """Is the word what Hydra stopped at, `key` or `group=option`, or a setting of that option?"""
    (own, _, values), (key, _, option) = (text.lstrip("+~").partition("=") for text in (word, fault))
    if option and own.startswith(f"{key}."):
        return True
    return word == fault or (own == key and (not option or option in values.split(",")))


def read_line(arguments: Sequence[str]) -> Line:
    """Refuses a flag that is not known, or one without its value."""
    values: dict[str, str] = {}
    names = {"-cd": "folder", "--config-dir": "folder", "-cn": "config", "--config-name": "config"}
    multirun, overrides, words = False, [], iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if word in ("-m", "--multirun"):
            multirun = True
        elif flag in names:
            given = value if equals else next(words, None)
            if not given:
                raise UserError(f"{flag}: expected one argument; see --help")
            values[names[flag]] = given
        elif word.startswith("-"):
            raise UserError(f"unrecognized arguments: {word}; see --help")
        else:
            overrides.append(word)
    return Line(multirun, values.get("folder"), values.get("config", PRIMARY), overrides)


def _points(line: Line) -> Iterator[dict[str, Any]]:
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.types import RunMode

    composer = _Composer(line)
    parsed: list[Any] = composer.parse(line.overrides)
    multirun, params = line.multirun, []
    if line.config != PRIMARY or any(word.startswith("hydra.") for word in line.overrides):
        fixed = [one.input_line for one in parsed if not one.is_sweep_override()]
        _, hydra = composer.from_files(composer.files(fixed))
        multirun |= hydra.mode == RunMode.MULTIRUN
        params = [f"{key}={value}" for key, value in (hydra.sweeper.params or {}).items()]
    if multirun:
        swept = composer.parse([*params, *line.overrides])
        [points] = BasicSweeper.split_arguments(swept, max_batch_size=None)
    elif several := next((one.input_line for one in parsed if one.is_sweep_override()), None):
        raise UserError(f"{several}: several values are a grid, and a grid needs -m")
    else:
        points = [line.overrides]
    yield from map(composer.plain, points)


class _Composer:
    """Hydra on conf/, the folder that a line names, and what stands in no file."""

    def __init__(self, line: Line) -> None:
        from hydra._internal.config_loader_impl import ConfigLoaderImpl
        from hydra._internal.hydra import Hydra
        from hydra._internal.utils import create_config_search_path
        from hydra.core.override_parser.overrides_parser import OverridesParser

        _offer()
        search_path = create_config_search_path(str(CONF))
        search_path.prepend("command-line", _folder(line).absolute().as_uri(), anchor="schema")
        self._config = line.config
        self._loader = Hydra("ttc", ConfigLoaderImpl(search_path)).config_loader
        self.parse = OverridesParser.create(self._loader).parse_overrides
        self.from_files = functools.cache(self._compose_files)
        self._chooses = functools.cache(self._is_group)  # Hydra looks at every folder for an answer

    def plain(self, words: Sequence[str]) -> dict[str, Any]:
        """The config of one point; points of the same files are composed from them once."""
        from hydra._internal.config_loader_impl import ConfigLoaderImpl
        from omegaconf import OmegaConf

        # any parameter may be said of any strategy, and a prompt's file leaves settings out; our own checks
        # refuse what there is not
        words = [re.sub(r"^(strategy|prompt)\.(?=\w)", r"++\1.", word) for word in words]
        files = self.files(words)
        config = copy.deepcopy(self.from_files(files)[0])
        overrides = self.parse([word for word in words if word not in files])
        ConfigLoaderImpl._apply_overrides_to_config(overrides, config)
        return cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))

    def files(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(word for word in words if self._chooses(word.partition("=")[0]))

    def _compose_files(self, words: tuple[str, ...]) -> tuple[Any, Any]:
        """Our settings, and Hydra's own, which a saved sweep may change."""
        from hydra.types import RunMode
        from omegaconf import open_dict

        for word in words:
            if listed := re.fullmatch(r"[+~]*(\w+)=(?:null|\[(.*)\])", word):
                name, several = listed.groups()
                grid = f"one name, no list; several are a grid: -m {name}={several}"
                raise UserError(f"{word}: {'null is no name' if several is None else grid}")
        config = self._loader.load_configuration(self._config, list(words), RunMode.RUN)
        with open_dict(config):
            own = config.pop("hydra")
        for group in ["strategy", "prompt", *GROUPS]:  # of a list, Hydra takes the last and notes no choice
            if group in config and group not in own.runtime.choices:
                raise UserError(f"-cn {self._config}: defaults: {group}: one name, no list")
        return config, own

    def _is_group(self, key: str) -> bool:
        """Does the key choose files, as `policy` does, or speak to Hydra itself?"""
        key = key.lstrip("+~").partition("@")[0]
        return key.startswith("hydra") or bool(self._loader.get_group_options(key))


def _folder(line: Line) -> Path:
    """Where else configs are looked for: the user's folder, or what ttc ships where there is none."""
    folder = Path(line.folder or SWEEPS).expanduser()
    if folder.is_dir():
        return folder
    if line.folder == SWEEPS.name:
        return SWEEPS
    raise UserError(f"-cd {line.folder}: no such folder")


def _offer() -> None:
    """What stands in no file: the group `strategy` is the registry, and defaults are their dataclasses'."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.repo.pop("strategy", None)
    for name in (*STRATEGIES, *VOTES_OF):
        store.store(group="strategy", name=name, node={"name": name}, provider="ttc")
    store.store(name="_launch", node=defaults(), provider="ttc")
    for group in GROUPS:
        for name in {"_base", PLAIN.get(group, "_base")}:
            store.store(group=group, name=name, node=_base(group), provider="ttc")


def _one_line(error: Exception) -> str:
    """Hydra's first fault, without the context that needs its source tree to make sense."""
    text = str(error)
    lines = [line.strip().rstrip(".:") for line in text.splitlines() if line.strip()]
    if mark := getattr(error, "problem_mark", None):
        return f"{mark.name}, line {mark.line + 1}: no YAML of plain values ({getattr(error, 'problem', '')})"
    if missing := re.search(r"Could not find '(.*)/(.*)'", text):
        names = re.findall(r"^\t([^_\s]\S*)$", text, re.MULTILINE)
        return f"{missing[1]}={missing[2]}: unknown {missing[1]}; take one of {', '.join(names)}"
    if unknown := re.search(r"Could not override '(.*)'", text):
        return f"{unknown[1]}: unknown key{_near(unknown[1])}"
    if config := re.search(r"Cannot find primary config '(.*?)'", text):
        return f"-cn {config[1]}: no such saved sweep; -cd names the folder that it is in"
    word = getattr(error, "override", None) or ""  # that Hydra's grammar stopped at
    if key := re.match(r"[\w.]+(?==)", word):
        return f"{word}: cannot be read; such a text stands in quotes of its own: '{key[0]}=\"...\"'"
    return f"{word}: cannot be read" if word else lines[0]


def _near(key: str) -> str:
    """A known key that `key` may be a misspelling of."""
    keys = [*defaults(), *(f"strategy.{name}" for one in STRATEGIES.values() for name in parameters(one))]
    for group in ("prompt", "strategy", *GROUPS):
        keys += [group, *(f"{group}.{inner}" for inner in _base(group))]
    keys += [f"dataset.columns.{role}" for role in _base("dataset")["columns"]]
    return did_you_mean(key, keys) or did_you_mean(key.split(".")[0], keys)


@functools.cache
def shipped(group: str, name: str) -> dict[str, Any]:
    """An option of a group as it ships, over the group's defaults: what a variant is told apart from.

    Where ttc ships no such option, the defaults. A policy's own prompt stands under `prompt`.
    """
    from omegaconf import OmegaConf

    merged = _base(group)
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
    return {field.name: field.default for field in fields(Config) if field.default is not MISSING}


def _base(group: str) -> dict[str, Any]:
    """A group's defaults; an engine's name is missing. Of a prompt, which is its file's alone, only what a
    file may not know yet."""
    settings = GROUPS.get(group)
    if settings is None:
        return dict(YOUNGER) if group == "prompt" else {}
    return asdict(settings(name="???") if issubclass(settings, EngineConfig) else settings())
