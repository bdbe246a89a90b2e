"""The words of `ttc verify SOURCE key=value ...`: its own settings, and those of the verifier.

The verifier is composed by Hydra from conf/prm/, as a sweep's is; the few settings of verify itself are read
here. Everything that is wrong is said at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Annotated, Any

from ttc.data.files import KINDS, kind_of, stem_of
from ttc.models import ENGINES, check
from ttc.models.ensemble import members
from ttc.models.writers import writer
from ttc.settings.build import build, read, section, sort_words
from ttc.settings.compose import compose
from ttc.settings.schema import PrmConfig
from ttc.strategies.aggregations import Agg
from ttc.types import Count, Faults, Natural, OneOf, Share, UserError, place_of
from ttc.verify.formats import FORMATS, LabelColumns

NANO = "nano"


@dataclass(frozen=True)
class LabelSettings:
    """Of a source with labelled steps.

    Attributes:
        format: whose files they are; columns.* say where yours differ.
        threshold: a step below it is taken for wrong.
        agg: how a whole solution's score is made of its steps', for its calibration.
        limit: so many solutions, the first ones; null: all (nano: 500).
        seed: of nano's draw and of the bootstrap.
        out: folder of verify.json and steps.parquet; null: results/verify-<source>-<prm>.
    """

    format: Annotated[str, OneOf(FORMATS)] = "processbench"
    threshold: Share = 0.5
    agg: Agg = "last"
    limit: Count | None = None
    seed: Natural = 0
    out: str | None = None
    columns: LabelColumns = FORMATS["processbench"].columns


@dataclass(frozen=True)
class FolderSettings:
    """Of a results folder: its scores are there, so no verifier is asked.

    Attributes:
        seed: of the bootstrap.
        out: folder of verify.json; null: results/verify-<folder>.
    """

    seed: Natural = 0
    out: str | None = None


@dataclass(frozen=True)
class Task:
    """A checked command line. `prm` is None for a results folder, and only there."""

    source: str
    settings: LabelSettings | FolderSettings
    prm: PrmConfig | None
    out: File


def parse(words: Sequence[str]) -> Task:
    """The command line as a task.

    Raises:
        Faults: all that is wrong with it, but for what only the source's rows and the model can tell.
    """
    given = sort_words(words, ["prm"])
    sources, about_prm = given.names, given.composed
    faults = _source_faults(sources)
    source = sources[0] if sources else NANO
    is_folder = place_of(source).is_dir()
    settings: LabelSettings | FolderSettings = FolderSettings() if is_folder else LabelSettings()
    try:
        settings = read(type(settings), [*([] if is_folder else _format_words(given.own)), *given.own])
    except Faults as error:
        faults += error.lines
    prm = None
    if is_folder and about_prm and not faults:
        faults.append(f"{about_prm[0]}: the scores of a results folder are read as they are; no prm is asked")
    elif not is_folder:
        try:
            prm = _prm(about_prm, settings, source)
        except UserError as error:
            faults += str(error).splitlines()
    if faults:
        raise Faults(faults)
    name = "-".join(["verify", stem_of(File(source).absolute()), *([prm.name] if prm else [])])
    return Task(source, settings, prm, place_of(settings.out or f"results/{name}").absolute())


def _format_words(own: Sequence[str]) -> list[str]:
    """The columns of the format that is named, as words for those of the user to follow."""
    name = next((word.partition("=")[2] for word in reversed(own) if section(word) == "format"), None)
    columns = vars(FORMATS[name].columns) if name in FORMATS else {}
    return [f"columns.{role}={column or 'null'}" for role, column in columns.items()]


def _source_faults(sources: Sequence[str]) -> list[str]:
    if not sources:
        return [f"SOURCE is missing: {NANO}, a {KINDS} file, or a results folder"]
    if len(sources) > 1:
        return [f"{word}: one SOURCE at a time; settings read key=value" for word in sources[1:]]
    path = place_of(sources[0])
    if sources[0] == NANO:
        return []
    if path.is_dir():
        return [] if (path / "searches").is_dir() else [f"{path}: no results folder, it has no searches/"]
    if not path.exists():
        return [f"{path}: no such file or folder"]
    return [] if kind_of(path) else [f"{path}: take a {KINDS} file"]


def _prm(words: Sequence[str], settings: Any, source: str) -> PrmConfig:
    """Raises:
    UserError: no verifier is named, or it is not one, or it cannot do with what the source has.
    """
    named = [word for word in words if word.startswith("prm=")]
    if not named:
        raise UserError("prm is missing: name the verifier, such as prm=nano")
    if len(named) > 1 or "," in named[0]:
        raise UserError(f"{' '.join(named)}: one verifier at a time")
    (point,) = compose(list(words))
    config = build(PrmConfig, point["prm"], "prm.")
    if config.engine == "none":
        raise UserError("prm=none: no verifier to look at")
    if faults := check(config):
        raise Faults(faults)
    engine = ENGINES[config.engine]
    if engine.needs_logprobs(config):
        faults.append(f"{named[0]}: needs the policy's log-probabilities; labelled solutions have none")
    if whole := [one.name for one in members(config) if writer(one)]:
        faults.append(
            f"{named[0]}: {whole[0]} judges whole solutions, and labels are of steps; `ttc verify FOLDER` "
            "holds its stored scores against grades"
        )
    if engine.knows_gold and source != NANO and not settings.columns.answer:
        faults.append(f"{named[0]}: needs the gold answers: columns.answer=...")
    if faults:
        raise Faults(faults)
    return config
