"""Settings as frozen dataclasses: every key of conf/ stands here once, with its type and its range.

A strategy's settings are its own dataclass (ttc/strategies); names of votes, subsets, graders and the like
are checked by the registry that has them. Hydra never gets past compose.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ttc.grading import EXTRACTIONS, GRADERS
from ttc.types import (
    Count,
    FolderName,
    Names,
    Natural,
    Naturals,
    NotNegative,
    OneOf,
    Positive,
    PositiveShare,
    Prompt,
    Share,
)


@dataclass(frozen=True)
class EngineConfig:
    """What a model engine needs to run, whatever it is for. None of it changes a result's identity but
    `model` and `revision`."""

    name: str
    engine: str = "auto"
    """A name in `ttc.models.ENGINES`. auto: vLLM where it is installed and can run the model, else
    transformers; of a verifier also none."""
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
    levels: Naturals | None = None
    subjects: Names | None = None
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
    """How stored paths are read; declared before the run (semantics, "Scores and votes"). Names of votes,
    subsets and habits are checked by ttc.readout."""

    grader: Annotated[str, OneOf(GRADERS)] = "math_verify"
    grade_timeout: Positive = 5.0
    extract: Annotated[str, OneOf(EXTRACTIONS)] = "boxed"
    headline: str = "weighted/last"
    """vote[/agg]: the result; every other vote is exploratory."""
    subset: str = "resample"
    permutations: Count = 128
    habits: Names = ()
    """Other ways to read a pool, each by its name: search-and-learn's."""


@dataclass(frozen=True)
class Config:
    """One point of the grid, as composed."""

    strategy: Mapping[str, Any]
    """Its name, and what was said of its parameters."""
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
    seeds: Naturals | None = None
    plan_only: bool = False
    grade_discarded: bool = False
    """Grade also the finished paths that a search did not return."""
