"""The words of `ttc import sal FILE... [key=value ...]`, and what a file's name tells of its run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path as File
from typing import Any, Literal, get_args

from ttc.data.files import kind_of, stem_of
from ttc.sal.source import Scores, Source
from ttc.settings.build import build, read, sort_words
from ttc.settings.compose import compose
from ttc.settings.schema import ReadoutConfig
from ttc.types import (
    Count,
    Faults,
    FolderName,
    Natural,
    Naturals,
    NotNegative,
    PositiveShare,
    UserError,
    either,
    place_of,
)

Label = Literal["sal_best_of_n", "sal_beam", "sal_dvts"]

STRATEGY_WORDS = {
    "sal_best_of_n": r"best[-_ ]?of[-_ ]?n|(?<![a-z])bon(?![a-z])",
    "sal_dvts": r"dvts",
    "sal_beam": r"beam",
}
NOT_A_POLICY = re.compile(
    r"completions?|sal|evals?|realigned|data|seed[-_]?\d*|[nqm]\d+|search|beam|dvts|bon|best|of|n"
)
"""Words of a file's name that say something else."""
WRITTEN = {
    "seed": (r"seed[-_=]?(\d+)", int),
    "temperature": (r"--T-(\d+(?:\.\d+)?)", float),
    "top_p": (r"--top_p-(\d+(?:\.\d+)?)", float),
    "width": (r"--m-(\d+)", int),
    "depth": (r"--iters-(\d+)", int),
    "max_tokens": (r"--max_tokens-(\d+)", int),
    "search_agg": (r"--agg_strategy-([a-z]+)", str),
}
MATH_ID = re.compile(r"test/[a-z_]+/\d+\.json")
USUAL: dict[str, Any] = {
    "temperature": 0.8,
    "top_p": 1.0,
    "max_tokens": 2048,
    "width": 4,
    "search_agg": "last",
}
"""search-and-learn's own settings."""


@dataclass(frozen=True)
class SalSettings:
    """What the words may say. Names and parameters that they leave out are taken from the file's name, else
    they are search-and-learn's defaults.

    Attributes:
        name: the folder under results_dir; null: import-<the first file>.
        seeds: one for each file, in order; seed: of a single one.
        width: children of a node (its beam_width), for beam and dvts.
        scores: what the file's are; sigmoid makes probabilities of rewards and log-likelihoods.
        config, split: of a Hub dataset.
        check: refuse completions that do not stand with their problems.
    """

    name: FolderName | None = None
    results_dir: str = "results"
    strategy: Label | None = None
    policy: str | None = None
    prm: str | None = None
    dataset: str | None = None
    seed: Natural | None = None
    seeds: Naturals | None = None
    width: Count | None = None
    temperature: NotNegative | None = None
    top_p: PositiveShare | None = None
    max_tokens: Count | None = None
    scores: Scores = "probabilities"
    config: str | None = None
    split: str = "train"
    check: bool = True


@dataclass(frozen=True)
class Origin:
    """What a source's rows say of how it was made. A best-of-N has no width, depth and search_agg."""

    strategy: Label
    policy: str
    prm: str | None
    dataset: str
    seed: int
    width: int | None
    depth: int | None
    search_agg: str | None
    temperature: float
    top_p: float
    max_tokens: int

    @property
    def guided(self) -> bool:
        return self.strategy != "sal_best_of_n"


@dataclass(frozen=True)
class ImportTask:
    """A checked command line."""

    words: tuple[str, ...]
    sources: tuple[str, ...]
    settings: SalSettings
    readout: ReadoutConfig
    folder: File

    def origin(self, place: int, source: Source) -> Origin:
        """What is known of source number `place`.

        Raises:
            UserError: its strategy is not known, or its width does not fit.
        """
        # search-and-learn runs on MATH-500, and ttc calls that so
        of_math = all(MATH_ID.fullmatch(row.problem.id) for row in source.rows)
        known = USUAL | {"strategy": None, "prm": "unnamed", "seed": 0, "depth": None}
        known |= {"dataset": "math500" if of_math else "unnamed"}
        known |= told_by(source.name, self.settings.config)
        known |= {"strategy": "sal_best_of_n"} if source.n == 1 else {}
        known |= {key: value for key, value in vars(self.settings).items() if value not in (None, "")}
        if self.settings.seeds:
            known["seed"] = self.settings.seeds[place]
        if known["strategy"] is None:
            known_ones = either(get_args(Label))
            raise UserError(f"{source.name}: its name says nothing of the search; strategy={known_ones}")
        if not source.scored:
            known["prm"] = None
        if known["strategy"] == "sal_best_of_n":
            known |= dict.fromkeys(("width", "depth", "search_agg"))
        width = known["width"]
        if known["strategy"] == "sal_dvts" and width and source.n % width:
            raise UserError(
                f"{source.name}: {source.n} completions are no multiple of width={width}; its own: width=..."
            )
        return Origin(**{field.name: known[field.name] for field in fields(Origin)})


def parse(words: Sequence[str]) -> ImportTask:
    """The words behind `ttc import sal`.

    Raises:
        Faults: everything that is wrong with them.
    """
    from ttc.readout import check  # not at the top: it brings pyarrow, and --help reads this module

    given = sort_words(words, ["readout"])
    sources = given.names
    faults = [] if sources else ["FILE is missing: name search-and-learn's JSONL files, or a Hub dataset"]
    settings, readout = SalSettings(), ReadoutConfig()
    try:
        settings = read(SalSettings, given.own)
        (point,) = compose(given.composed)
        readout = build(ReadoutConfig, point["readout"], "readout.")
    except UserError as error:
        faults += str(error).splitlines()
    faults += check(readout)
    if settings.seed is not None and (settings.seeds is not None or len(sources) > 1):
        faults.append(f"seed={settings.seed}: of one file; several take seeds=[0,1,...]")
    if settings.seeds is not None and len(settings.seeds) != len(sources):
        faults.append(f"seeds={list(settings.seeds)}: one for each of the {len(sources)} files")
    if faults:
        raise Faults(faults)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", _stem(sources[0]))
    folder = place_of(settings.results_dir).absolute() / (settings.name or f"import-{stem}")
    return ImportTask(tuple(words), sources, settings, readout, folder)


def told_by(name: str, config: str | None = None) -> dict[str, Any]:
    """What a source's name tells: search-and-learn writes its settings into the names of its datasets."""
    path = File(name)
    text = f"{path.name} {config or ''}"
    told: dict[str, Any] = {"policy": _policy(path)}
    for label, pattern in STRATEGY_WORDS.items():
        if "strategy" not in told and re.search(pattern, text, re.IGNORECASE):
            told["strategy"] = label
    for key, (pattern, kind) in WRITTEN.items():
        if found := re.search(pattern, text):
            told[key] = kind(found[1])
    if config and "--" in config:
        dataset = config.split("--")[0].split("_", 1)[-1]
        told["dataset"] = "math500" if dataset.lower() == "math-500" else dataset
    return told


def _policy(path: File) -> str:
    hub = re.sub(r"[-_](best-of-n|beam-search|dvts)[-_]completions$", "", path.name, flags=re.IGNORECASE)
    if hub != path.name:
        return hub
    words = _stem(path.name).split("_")
    own = [word for word in words if not NOT_A_POLICY.fullmatch(word.lower())]
    return "_".join(own) or path.absolute().parent.name  # data/<model>/<approach>_completions.jsonl


def _stem(name: str) -> str:
    """A file's; a Hub dataset's name has points of its own."""
    return stem_of(name) if kind_of(name) else File(name).name
