"""Hydra's command line as plain mappings: one per point of the grid. Nothing else in ttc knows Hydra.

Hydra's own launcher calls a function that only records its config, so that a whole `-m` grid becomes one
sweep on one set of engines. Left out on purpose: a launcher plugin, instantiate, Hydra's logging.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from ttc.types import UserError

CONF = Path(__file__).parent.parent / "conf"


def compose(arguments: list[str]) -> list[dict[str, Any]]:
    """All points of the grid that `arguments` (a command line without the program's name) spells.

    Raises:
        UserError: Hydra cannot compose it; the first fault, in one line.
        SystemExit: `--help`, `--cfg` and their like, which Hydra answers itself.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    points: list[dict[str, Any]] = []

    def record(config: DictConfig) -> None:
        points.append(_plain(OmegaConf.to_container(config, resolve=True)))

    hydra_main = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(record)
    with tempfile.TemporaryDirectory() as scratch, _quiet(scratch, arguments):
        try:
            hydra_main()
        except (HydraException, OmegaConfBaseException) as error:
            raise UserError(_one_line(error)) from None
    return points


@contextlib.contextmanager
def _quiet(scratch: str, arguments: list[str]) -> Any:
    """Hydra reads sys.argv, writes multirun.yaml even for a refused grid, and exits by itself on an error."""
    kept, environment, said = sys.argv, dict(os.environ), io.StringIO()
    # argparse wants all overrides in one piece: flags first, wherever they were written
    sys.argv = ["launch.py", *sorted(arguments, key=lambda word: "=" in word or word.startswith("~"))]
    os.environ.update(HYDRA_FULL_ERROR="1", TTC_HYDRA_SCRATCH=scratch)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(said):
            warnings.simplefilter("ignore")
            yield
    except SystemExit as error:
        if error.code not in (0, None):
            raise UserError(
                said.getvalue().splitlines()[-1].partition("error: ")[2] + "; see --help"
            ) from None
        raise
    finally:
        sys.argv = kept
        os.environ.clear()
        os.environ.update(environment)


def _plain(container: Any) -> dict[str, Any]:
    if not isinstance(container, dict):
        raise TypeError("a composed config is a mapping")
    return {str(key): value for key, value in container.items()}


def _one_line(error: Exception) -> str:
    """Hydra's first fault, without the context that needs its source tree to make sense."""
    text = str(error)
    lines = [line.strip().rstrip(".:") for line in text.splitlines() if line.strip()]
    if ambiguous := re.search(r"Ambiguous value for argument '(.*)'", text):
        return f"{ambiguous[1]}: several values are a grid, and a grid needs -m"
    if missing := re.search(r"Could not find '(.*)/(.*)'", text):
        options = (
            text.partition("Available options in")[2].partition("Config search path")[0].splitlines()[1:]
        )
        names = [name.strip() for name in options if name.strip() and not name.strip().startswith("_")]
        return f"{missing[1]}={missing[2]}: unknown {missing[1]}; take one of {', '.join(names)}"
    if unknown := re.search(r"Could not override '(.*)'", text):
        return f"{unknown[1]}: unknown key{_near(unknown[1])}"
    if "no viable alternative" in text or "mismatched input" in text or "extraneous input" in text:
        return f"an override cannot be read: {lines[0]}"
    return lines[0]


def _near(key: str) -> str:
    """A known key that `key` may be a misspelling of."""
    keys = list(defaults())
    for folder in CONF.iterdir():
        if folder.is_dir():
            keys += [folder.name, *(f"{folder.name}.{inner}" for inner in shipped(folder.name, "_base"))]
    near = difflib.get_close_matches(key, keys, n=1) or difflib.get_close_matches(
        key.split(".")[0], keys, n=1
    )
    return f"; did you mean {near[0]}?" if near else ""


@cache
def shipped(group: str, name: str) -> dict[str, Any]:
    """conf/<group>/<name>.yaml over its _base, as it ships: what a variant is told apart from.

    Returns an empty mapping where ttc ships no such file. A policy's own prompt stands under `prompt`.
    """
    from omegaconf import OmegaConf

    merged: dict[str, Any] = {}
    for stem in ("_base", name):
        file = CONF / group / f"{stem}.yaml"
        if file.exists():
            merged |= _plain(OmegaConf.to_container(OmegaConf.load(file)))
    for entry in merged.pop("defaults", []):
        if isinstance(entry, dict) and "override /prompt@_global_.prompt" in entry:
            merged["prompt"] = entry["override /prompt@_global_.prompt"]
    return merged


def defaults() -> dict[str, Any]:
    """conf/config.yaml's own keys."""
    from omegaconf import OmegaConf

    loaded = _plain(OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"), resolve=False))
    return {key: value for key, value in loaded.items() if key not in ("defaults", "hydra")}
