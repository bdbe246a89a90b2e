"""Settings as frozen dataclasses, and `build`: a plain mapping becomes one of them or a list of clear faults.

Every key of conf/ stands here once, with its type and its range. Hydra never gets past compose.py.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic.types import Strict

from ttc.grading import ExtractRule, GraderName
from ttc.strategies.common import Agg
from ttc.types import Prompt, UserError

Count = Annotated[int, Strict(), Ge(1)]
Natural = Annotated[int, Strict(), Ge(0)]
Share = Annotated[float, Strict(), Ge(0), Le(1)]
PositiveShare = Annotated[float, Strict(), Gt(0), Le(1)]
Positive = Annotated[float, Strict(), Gt(0)]
NotNegative = Annotated[float, Strict(), Ge(0)]
Ints = Annotated[tuple[Natural, ...], Strict(False)]
Subset = Literal["resample", "prefix", "sal_prefix"]
FolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


@dataclass(frozen=True)
class StrategyConfig:
    """One schema for all strategies; null = the strategy has no such parameter."""

    name: str
    width: Count | None = None
    depth: Count | None = None
    agg: Agg | None = None
    finished: Literal["keep", "compete"] | None = None


@dataclass(frozen=True)
class EngineConfig:
    """What a model engine needs to run, whatever it is for. None of it changes a result's identity but
    `model` and `revision`."""

    name: str
    engine: str = "auto"
    """auto: vLLM where it is installed and can run the model, else transformers."""
    model: str | None = None
    revision: str | None = None
    context: Count | None = None
    """Tokens of prompt and text together; null: the model's own."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_num_seqs: Count = 256
    memory_gib: Positive | None = None
    """KV cache per replica; null: what `gpu_share` leaves beside the weights, or 1 GiB on a CPU."""
    gpu_share: PositiveShare | None = None
    """The share of one GPU that a replica takes, in memory and for Ray's placement; null: by the rule of
    ttc/cluster/placement.py, as the two below."""
    tensor_parallel: Count | None = None
    replicas: Count | None = None
    latency: NotNegative = 0.0
    """Fakes: seconds a call takes, however many paths it holds."""
    fail_rate: Share = 0.0
    """Fakes: share of calls that raise a transient error."""


@dataclass(frozen=True)
class PolicyConfig(EngineConfig):
    engine: Literal["auto", "vllm", "transformers", "openai", "fake"] = "auto"
    temperature: NotNegative = 0.8
    top_p: PositiveShare = 1.0
    logprobs: bool = False
    base_url: str | None = None
    """openai: where the server's API begins, such as http://localhost:8000/v1."""
    api: Literal["completions", "chat"] | None = None
    """openai: null asks the server which it has. A step search needs completions: they go on from a text."""
    tokenizer: str | None = None
    """openai: a folder or a Hub id; null: `model` itself. Chat does without."""
    api_key: str = "OPENAI_API_KEY"
    """openai: the environment variable that holds the key; a server without keys needs none."""
    timeout: Positive = 600.0
    """openai: seconds that one request may take."""
    retries: Natural = 5
    """openai: tries after the first one, with growing pauses, when it is busy, broken or does not answer."""


@dataclass(frozen=True)
class PrmConfig(EngineConfig):
    engine: Literal["auto", "vllm", "transformers", "heuristic", "oracle", "fake", "none"] = "auto"
    format: str | None = None
    """A family of ttc/models/formats, or a heuristic of ttc/models/heuristics.py."""
    check_tags: bool = True
    """Refuse a model whose two tags are unlikely where scores are read: a plain language model. False for one
    that was trained on the softmax of its tags alone."""


@dataclass(frozen=True)
class Columns:
    question: str = "question"
    answer: str = "answer"
    id: str | None = None
    level: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class DatasetConfig:
    name: str | None = None
    """null: the stem of `path`."""
    path: str | None = None
    """`nano`, a .jsonl, .json, .csv or .parquet file, or a Hub dataset."""
    config: str | None = None
    split: str = "test"
    columns: Columns = Columns()
    answer_from: Literal["column", "hashes", "boxed"] = "column"
    """Where the gold answer stands in its column: all of it, behind the last `####`, in the last box."""
    levels: Ints | None = None
    subjects: Annotated[tuple[str, ...], Strict(False)] | None = None
    shuffle_seed: Natural | None = None
    """Shuffles before `limit` cuts, the same way everywhere; null: the dataset's order."""
    limit: Count | None = None
    draw: Natural | None = None
    """nano only: which test set of 200 is drawn."""
    solution_tokens: Count = 500
    """Tokens of a typical solution: only for the plan's estimate, until the folder knows better."""


@dataclass(frozen=True)
class ClusterConfig:
    mode: Literal["auto", "local", "none"] = "auto"
    shards: Count | None = None
    """Tasks the searches are fanned out to; null: one per two free CPUs."""
    paths: Count | None = None
    """Paths in flight at once, all shards together; null: a little above what the policy can run."""


@dataclass(frozen=True)
class ReadoutConfig:
    """How stored paths are read; declared before the run (spec 5, headline).

    The last three, `extract=sal` and `subset=sal_prefix` are search-and-learn's behaviour by name (spec 8).
    """

    grader: GraderName = "math_verify"
    extract: ExtractRule = "boxed"
    grade_timeout: Positive = 5.0
    headline_vote: Literal["weighted", "best", "majority"] = "weighted"
    headline_agg: Agg = "last"
    subset: Subset = "resample"
    permutations: Count = 128
    blanks: Literal["ignore", "vote"] = "ignore"
    """vote: paths without an answer are a group of their own, and may win."""
    groups: Literal["equivalent", "canonical"] = "equivalent"
    """equivalent: the grader says which answers are equal; canonical: those that sympy writes alike."""
    trailing: Literal["drop", "keep"] = "drop"
    """keep: of an imported run also the scores of empty steps, such as the one behind a last blank line."""


@dataclass(frozen=True)
class Config:
    """One point of the grid, as composed."""

    strategy: StrategyConfig
    policy: PolicyConfig
    prm: PrmConfig
    dataset: DatasetConfig
    prompt: Prompt
    cluster: ClusterConfig
    readout: ReadoutConfig
    n: Count
    max_tokens: Count
    name: FolderName
    results_dir: str
    seed: Natural | None = None
    seeds: Ints | None = None
    plan_only: bool = False


T = TypeVar("T")


def build(cls: type[T], mapping: Mapping[str, Any], prefix: str = "") -> T:
    """`mapping` as a `cls`.

    Raises:
        Faults: every unknown key, missing key, wrong type and value out of range, one line each.
    """
    faults = _unknown(cls, mapping, prefix)
    try:
        value = TypeAdapter(cls).validate_python(_known(cls, mapping))
    except ValidationError as error:
        faults += [_line(fault, prefix) for fault in error.errors()]
    if faults:
        raise Faults(faults)
    return cast(T, value)


def read_words(cls: type, words: Iterable[str]) -> dict[str, Any]:
    """`key=value` and `group.key=value` as a mapping for `build`: texts stay as they are where the field is
    one, all else is read as JSON where it is some; null is null."""
    hints = get_type_hints(cls)
    read: dict[str, Any] = {}
    for word in words:
        key, _, text = word.partition("=")
        group, _, inner = key.partition(".")
        section = read.setdefault(group, {}) if inner else read
        if inner and group in hints and is_dataclass(hints[group]):
            hint = get_type_hints(hints[group]).get(inner)
        else:
            hint = hints.get(key)
        if isinstance(section, dict):
            section[inner or key] = _read(text, hint)
    return read


def _read(text: str, hint: Any) -> Any:
    if text == "null":
        return None
    kinds = {get_origin(kind) or kind for kind in (hint, *get_args(hint))}
    if str in kinds:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


class Faults(UserError):
    """Everything that is wrong with the input, one line each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = list(dict.fromkeys(lines))
        super().__init__("\n".join(self.lines))


def _sections(cls: type) -> dict[str, type]:
    """The fields of `cls` that are dataclasses themselves."""
    hints = get_type_hints(cls).items()
    return {name: kind for name, kind in hints if isinstance(kind, type) and is_dataclass(kind)}


def _known(cls: type, mapping: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(cls)}
    sections = _sections(cls)
    return {
        key: _known(sections[key], value) if key in sections and isinstance(value, Mapping) else value
        for key, value in mapping.items()
        if key in names
    }


def _unknown(cls: type, mapping: Mapping[str, Any], prefix: str) -> list[str]:
    names = [f.name for f in fields(cls)]
    sections = _sections(cls)
    faults = []
    for key, value in mapping.items():
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(names)}"
            faults.append(f"{prefix}{key}: unknown key; {hint}")
        elif key in sections and isinstance(value, Mapping):
            faults += _unknown(sections[key], value, f"{prefix}{key}.")
    return faults


def _line(fault: Any, prefix: str) -> str:
    """pydantic's fault as `key=value: what would be right`."""
    # an index inside a list and the name of a union's member are not part of a key
    key = prefix + ".".join(
        str(part) for part in fault["loc"] if isinstance(part, str) and part.isidentifier()
    )
    if fault["type"] == "missing":
        return f"{key}: missing"
    message = fault["msg"].replace("Input should be", "must be").replace("String should match", "must match")
    if "pattern" in fault.get("ctx", {}):
        message = (
            "must be one folder name: letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    return f"{key}={fault['input']!r}: {message}"
