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
from dataclasses import replace
from pathlib import Path
from traceback import walk_tb
from typing import Any, cast

from ttc.settings import extensions
from ttc.settings.grid import multiply
from ttc.settings.line import PRIMARY, Line, read_line
from ttc.settings.options import CONF, PACKAGE, PLAIN, SWEEPS, base, defaults, of_heuristic, options
from ttc.settings.own import OwnFile, read_files
from ttc.settings.schema import GROUPS
from ttc.strategies import STRATEGIES, VOTES_OF, parameters
from ttc.types import Faults, UserError, did_you_mean, in_a_line, place_of


class Unread(Faults):
    """Words that Hydra cannot take, a line each. `rest`: the points of the command line without them."""

    rest: list[dict[str, Any]]


def compose(arguments: Sequence[str], own: bool = True) -> list[dict[str, Any]]:
    """All points of the grid that `arguments` (a command line without the program's name) spells.

    Args:
        own: a person says this line now, so the files that it extends ttc by are loaded: the group `strategy`
            is the registry. False: it is a stored one, and those that are loaded stay.

    Raises:
        Unread: some words are no settings.
        UserError: the line cannot be composed, with or without some of its words.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    line, faults = read_line(arguments), []
    files = _own_files(line) if own else None
    if files is not None:
        extensions.load(files)
    while True:  # Hydra stops at its first fault
        try:
            points = list(_points(line))
            break
        except (HydraException, OmegaConfBaseException, YAMLError, UserError) as error:
            faults.append(_one_line(error, line))
            word = getattr(error, "override", None) or faults[-1].partition(": ")[0]
            kept = [other for other in line.overrides if not _says(other, word)]
            if len(kept) == len(line.overrides):
                raise Faults(faults) from None
            line = replace(line, overrides=kept)
        except Exception as error:  # of Hydra's own parsers: YAML's, antlr's, OmegaConf's, and of the disk
            if _is_ours(error):
                raise
            raise Faults([*faults, f"{line}: cannot be read ({in_a_line(error)})"]) from None
    if faults:
        unread = Unread(faults)
        unread.rest = points
        raise unread
    return points


def _own_files(line: Line) -> tuple[OwnFile, ...] | None:
    """What `extend` names on the line, or else in its saved sweep, relative to that; None: nothing."""
    if line.extend is not None:
        return read_files(line.extend)
    try:
        said, place = _extend_of(_folder(line) / f"{line.config}.yaml")
    except Exception:  # Hydra says what is wrong with the sweep
        return None
    if said and not (isinstance(said, list) and all(isinstance(one, str) for one in said)):
        raise UserError(f"-cn {line.config}: extend={said}: must be a list: extend: [./my_search.py]")
    return read_files(said, place) if said else None


def _extend_of(file: Path) -> tuple[Any, Path]:
    """What a saved sweep, or one that it is built on, says of `extend`, and the folder of that file."""
    from omegaconf import OmegaConf

    sweep: Any = OmegaConf.load(file)
    if "extend" in sweep:
        said = sweep.extend
        return OmegaConf.to_object(said) if OmegaConf.is_config(said) else said, file.parent
    others = (file.parent / f"{name}.yaml" for name in sweep.get("defaults", ()) if isinstance(name, str))
    found = [_extend_of(other) for other in others if other.is_file()]
    return found[-1] if found else (None, file.parent)


def _is_ours(error: Exception) -> bool:
    """Was it raised by a line of ttc itself? Then it is a defect, and no user's mistake."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(PACKAGE)


def _says(word: str, fault: str) -> bool:
    """Is the word what Hydra stopped at, `key` or `group=option`, or a setting of that option?"""
    (own, _, values), (key, _, option) = (text.lstrip("+~").partition("=") for text in (word, fault))
    if option and own.startswith(f"{key}."):
        return True
    return word == fault or (own == key and (not option or option in values.split(",")))


def _points(line: Line) -> Iterator[dict[str, Any]]:
    from hydra.types import RunMode

    composer = _Composer(line)
    parsed: list[Any] = composer.parse(line.overrides)
    multirun, params = line.multirun, []
    if line.config != PRIMARY or any(word.startswith("hydra.") for word in line.overrides):
        composer.from_files(())  # without the line, whose words may find nothing to change
        fixed = [one.input_line for one in parsed if not one.is_sweep_override()]
        _, hydra = composer.from_files(composer.files(fixed))
        multirun |= hydra.mode == RunMode.MULTIRUN
        params = [f"{key}={value}" for key, value in (hydra.sweeper.params or {}).items()]
    if multirun:
        swept = composer.parse([*params, *line.overrides])
        points = multiply(swept, line)
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
        self._parser = OverridesParser.create(self._loader)
        self.from_files = functools.cache(self._compose_files)
        self._chooses = functools.cache(self._is_group)  # Hydra looks at every folder for an answer

    def parse(self, words: Sequence[str]) -> list[Any]:
        return [self._parse(word) for word in words]

    def _parse(self, word: str) -> Any:
        try:
            return self._parser.parse_overrides([word])[0]
        except (ValueError, RecursionError) as error:  # a number of 5,000 digits; brackets within brackets
            raise UserError(f"{word}: cannot be read ({in_a_line(error)})") from None

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
            own = word.startswith("hydra.")
            if not own and not isinstance(self._parse(word).value(), str | None):  # 7, {a: 1}
                raise UserError(f"{word}: must be a name")
        config = self._loader.load_configuration(self._config, list(words), RunMode.RUN)
        with open_dict(config):
            own = config.pop("hydra")
        groups = ["strategy", "prompt", *GROUPS]
        if not any(group in config for group in groups):
            raise UserError(f"-cn {self._config}: a saved sweep begins with `defaults: [config, _self_]`")
        for group in groups:  # of a list, Hydra takes the last and notes no choice
            if group in config and group not in own.runtime.choices:
                raise UserError(f"-cn {self._config}: defaults: {group}: one name, no list")
        return config, own

    def _is_group(self, key: str) -> bool:
        """Does the key choose files, as `policy` does, or speak to Hydra itself?"""
        key = key.lstrip("+~").partition("@")[0]
        return key.startswith("hydra") or bool(self._loader.get_group_options(key))


def _folder(line: Line) -> Path:
    """Where else configs are looked for: the user's folder, or what ttc ships where there is none."""
    folder = place_of(line.folder or str(SWEEPS))
    if folder.is_dir():
        return folder
    if line.folder == SWEEPS.name:
        return SWEEPS
    raise UserError(f"-cd {line.folder}: no such folder")


def _offer() -> None:
    """What stands in no file: the group `strategy` is the registry, and defaults are their dataclasses'."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    for group in ("strategy", "prm"):  # they may have had others
        store.repo.pop(group, None)
    for name in (*STRATEGIES, *VOTES_OF):
        store.store(group="strategy", name=name, node={"name": name}, provider="ttc")
    store.store(name="_launch", node=defaults(), provider="ttc")
    for group in GROUPS:
        for name in {"_base", PLAIN.get(group, "_base")}:
            store.store(group=group, name=name, node=base(group), provider="ttc")
    for name in extensions.added("heuristic"):
        if name in options("prm"):
            raise UserError(f"heuristic {name}: prm={name} ships with ttc; take another name")
        store.store(group="prm", name=name, node=of_heuristic(name), provider="ttc")


def _one_line(error: Exception, line: Line) -> str:
    """Hydra's first fault, without the context that needs its source tree to make sense."""
    if isinstance(error, UserError):
        return str(error)
    text = str(error)
    lines = [line.strip().rstrip(".:") for line in text.splitlines() if line.strip()]
    if mark := getattr(error, "problem_mark", None):
        return f"{mark.name}, line {mark.line + 1}: no YAML of plain values ({getattr(error, 'problem', '')})"
    if missing := re.search(r"Could not find '((?:hydra/)?[^/']*)/(.*)'", text):
        names = ", ".join(re.findall(r"^\t([^_\s]\S*)$", text, re.MULTILINE))
        return f"{missing[1]}={missing[2]}: unknown {missing[1]}{names and f'; take one of {names}'}"
    if unknown := re.search(r"Could not override '(.*)'", text):
        return f"{unknown[1]}: unknown key{_near(unknown[1])}"
    if config := re.search(r"Cannot find primary config '(.*?)'", text):
        return f"-cn {config[1]}: no such saved sweep; -cd names the folder that it is in"
    if key := getattr(error, "full_key", None):  # OmegaConf's
        return f"{key}: {lines[0]}"
    word = getattr(error, "override", None) or ""  # that Hydra's grammar stopped at
    if key := re.match(r"[\w.]+(?==)", word):
        return f"{word}: cannot be read; such a text stands in quotes of its own: '{key[0]}=\"...\"'"
    if word:
        return f"{word}: cannot be read"
    if not lines or "raised while composing" in lines[0]:
        lines = lines[1:] or [in_a_line(error.__cause__ or error)]
    return f"{'' if line.config == PRIMARY else f'{line}: '}{lines[0]}"


def _near(key: str) -> str:
    """A known key that `key` may be a misspelling of, or that stands elsewhere."""
    keys = [*defaults(), *(f"strategy.{name}" for one in STRATEGIES.values() for name in parameters(one))]
    for group in ("prompt", "strategy", *GROUPS):
        keys += [group, *(f"{group}.{inner}" for inner in base(group))]
    keys += [f"dataset.columns.{role}" for role in base("dataset")["columns"]]
    if key in keys:  # which a saved sweep has left out
        return ""
    same = [name for name in keys if name.split(".")[-1] == key.split(".")[-1]]
    if same:
        misspelt = "." in key and key.split(".")[0] not in keys
        return (misspelt and did_you_mean(key, same)) or f"; did you mean {same[0]}?"
    return did_you_mean(key, keys) or did_you_mean(key.split(".")[0], keys)
