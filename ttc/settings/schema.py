"""Settings as frozen dataclasses: every setting stands here once, with its type, range, default and meaning.

An option of a group (a file in conf/) says what differs from these defaults. A strategy's settings are its
own dataclass; names of votes and the like are checked by their registry. Hydra never gets past compose.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import Strict

from ttc.grading import EXTRACTIONS, GRADERS, name_reading
from ttc.types import (
    INT,
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
    Reference,
    Share,
    Tags,
)

AT_ONCE = 256
"""Paths that an engine runs side by side where nobody says how many."""


@dataclass(frozen=True)
class EngineConfig:
    """What a model engine needs to run, whatever it is for. None of it changes a result's identity but
    `model` and `revision`."""

    name: str
    engine: str = "auto"
    """A name in `ttc.models.ENGINES`. auto: vLLM where it is installed and can run the model, else
    transformers; of a verifier also none."""
    model: str | None = None
    """A folder, a Hub id, or a model that ships with ttc (nano:policy, nano:prm)."""
    revision: str | None = None
    """Hub: a commit, a branch or a tag; null: what the cache holds, else the newest."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model or its tokenizer, for models that cannot do without."""
    context: Count | None = None
    """Tokens of prompt and text together; null: the model's own."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: what the weights are stored in."""
    max_num_seqs: Count | None = None
    """Paths that an engine runs side by side (fakes: calls); null: 256, or on a GPU what the cache holds, up
    to 512 (fakes: all)."""
    memory_gib: Positive | None = None
    """KV cache per replica; null: what `gpu_share` leaves beside the weights, or 1 GiB on a CPU."""
    gpu_share: PositiveShare | None = None
    """The share of one GPU that a replica takes, in memory and for Ray's placement; null: by the rule of
    ttc/cluster/placement.py, as the two below."""
    tensor_parallel: Count | None = None
    """GPUs that share each layer."""
    replicas: Count | None = None
    """Engines side by side."""
    latency: NotNegative = 0.0
    """Fakes: seconds a call takes, however many paths it holds."""
    fail_rate: Share = 0.0
    """Fakes: share of calls that raise a transient error."""


@dataclass(frozen=True)
class PolicyConfig(EngineConfig):
    temperature: NotNegative = 0.8
    top_p: PositiveShare = 1.0
    logprobs: bool = False
    """Keep the log-probability of every step."""
    confidence: bool = False
    """Keep how sure the policy was of every token, for the votes that read it: deepconf and its like."""
    base_url: str | None = None
    """openai: where the server's API begins, such as http://localhost:8000/v1."""
    api: Literal["completions", "chat"] | None = None
    """openai: null asks the server which it has. A step search needs completions: they go on from a text."""
    tokenizer: str | None = None
    """openai: a folder or a Hub id; null: `model` itself. Chat does without."""
    unseeded: bool = False
    """openai: true for a server that refuses `seed`; its cells say so, and no sample can be had again."""
    api_key: str = "OPENAI_API_KEY"
    """openai: the environment variable that holds the key; a server without keys needs none."""
    timeout: Positive = 600.0
    """openai: seconds that one request may take."""
    retries: Natural = 5
    """openai: tries after the first one, with growing pauses, when it is busy, broken or does not answer."""


@dataclass(frozen=True)
class PrmConfig(EngineConfig):
    format: str | None = None
    """A family of ttc/models/formats, a way to write of ttc/models/writers, or a heuristic of
    ttc/models/heuristics.py."""
    check_tags: bool = True
    """Refuse a model whose two tags are unlikely where scores are read: a plain language model. False for one
    that was trained on the softmax of its tags alone."""
    votes: Count = 1
    """Verifiers that write: texts per question that it is asked, of which each has a vote."""
    temperature: NotNegative = 0.8
    """Verifiers that write."""
    max_tokens: Count = 1024
    """Verifiers that write: tokens of one text."""
    shown: Annotated[int, Strict(), Ge(2), INT] = 2
    """Verifiers that compare: solutions side by side in one question."""
    members: Names = ()
    """ensemble: verifiers by their names in conf/prm, as they ship, or NAME:MODEL."""
    combine: Literal["mean", "min", "prod"] = "mean"
    """ensemble: what a step's score is of its members' scores."""


@dataclass(frozen=True)
class Columns:
    """Where the data says what; null: it has no such column. A dotted name goes into objects and lists:
    messages.0.content."""

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
    """`nano`, a .jsonl, .json, .csv or .parquet file (.gz, .zst, .bz2 too), a folder with a Hub dataset or
    of its library's `save_to_disk`, or a Hub id."""
    config: str | None = None
    """Hub: which of its configurations."""
    split: str = "test"
    """Hub: which of its splits."""
    columns: Columns = Columns()
    answer_from: Literal["column", "hashes", "boxed"] = "column"
    """Where the gold answer stands in its column: all of it, behind the last `####`, in the last box."""
    levels: Naturals | None = None
    """Only these; null: all."""
    subjects: Names | None = None
    """Only these; null: all."""
    shuffle_seed: Natural | None = None
    """Shuffles before `limit` cuts, the same way everywhere; null: the dataset's order."""
    limit: Count | None = None
    """The first so many problems."""
    draw: Natural | None = None
    """nano only: which test set of 200 is drawn."""
    solution_tokens: Count = 500
    """Tokens of a typical solution: only for the plan's estimate, until the folder knows better."""


@dataclass(frozen=True)
class ClusterConfig:
    mode: Literal["auto", "local", "none"] = "auto"
    """auto: the Ray at RAY_ADDRESS where that is set, else a local one; none: one process without Ray."""
    shards: Count | None = None
    """Tasks the searches are fanned out to; null: one per two free CPUs."""
    restarts: Natural = 3
    """Times in a row that an engine that dies is started again; its calls go to the others meanwhile."""
    call_seconds: Positive = 3600.0
    """Seconds that an engine may take for one call, waiting for its turn included; then it is made again."""
    paths: Count | None = None
    """Paths in flight at once, all shards together; null: a little above what the policy can run."""


@dataclass(frozen=True)
class Doubts:
    """Shares of a cell's paths; above one of them its figures are marked, with the likely cause."""

    too_long: Share = 0.0
    """Of its searches: the prompt was longer than the policy's context, so there is no path."""
    stopped: Share = 0.0
    """Of its searches: they went past search_steps, search_tokens or search_seconds."""
    cut: Share = 0.1
    """Ended by max_tokens or the context."""
    blank: Share = 0.1
    """Ended by a step without text."""
    no_answer: Share = 0.2
    """Over, and state no answer."""
    ungradable: Share = 0.05
    """State one that the grader cannot read, or not in time."""
    unscored: Share = 0.1
    """The verifier gave no score; for votes that read scores."""


@dataclass(frozen=True)
class ReadoutConfig:
    """How stored paths are read; declared before the run (semantics, "Scores and votes"), and changing it
    costs no model time. Names of votes, subsets and habits are checked by ttc.readout."""

    grader: Annotated[str, OneOf(GRADERS)] = "math_verify"
    grade_timeout: Positive = 5.0
    """Seconds, then the grading process is killed."""
    extract: Annotated[str, OneOf(EXTRACTIONS)] = "boxed"
    """boxed: the answer that a solution boxes or announces; concluded: else the value of its last sentence;
    last_number: else its last number."""
    thinking: Tags = ()
    """Tags of thinking parts, where no answer stands, besides the usual: plan for <plan> </plan>, or both."""
    headline: str = "weighted/last"
    """vote[/agg]: the result; every other vote is exploratory. prm=none: majority; greedy: its one path."""
    subset: str = "resample"
    """n < N: resample: the expectation over subsets of one seed's pool; prefix: its first n."""
    permutations: Count = 128
    """For votes without a closed form, under resample."""
    window: Count = 2048
    """Tokens of a group, whose mean confidence deepconf reads; a shorter path is one group."""
    habits: Names = ()
    """Other ways to read a pool, each by its name: search-and-learn's."""
    doubts: Doubts = Doubts()
    references: Annotated[tuple[Reference, ...], Strict(False)] = ()
    """Published accuracies to compare with: [{name: ..., accuracy: 0.519, source: ...}]."""

    @property
    def reading(self) -> str:
        """How answers are read off texts, as grades/ names it."""
        return name_reading(self.extract, self.thinking)


@dataclass(frozen=True)
class StopConfig:
    """When an unguided search has samples enough, before it has n (semantics, "Endings")."""

    rule: str | None = None
    """A name in ttc.readout.endings.RULES; null: never."""
    certainty: Share = 0.95
    """beta: how probable it must be that the leading answer stays so."""
    window: Count = 1
    """Paths between two looks; esc: those that must agree."""


@dataclass(frozen=True)
class BudgetConfig:
    """What the search for one problem may cost, generation and verification together; n bounds it, too."""

    tokens: Count | None = None
    flops: Positive | None = None
    seconds: Positive | None = None


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
    stop: StopConfig
    n: Count = 16
    """Finished paths that a strategy may return for one problem."""
    max_tokens: Count = 2048
    """New tokens that a path may have."""
    budget: BudgetConfig = BudgetConfig()
    name: FolderName = "default"
    """The folder under `results_dir`."""
    results_dir: str = "results"
    seed: Natural | None = None
    """`-m seed=0,1,2` means `seeds=[0,1,2]`."""
    seeds: Naturals | None = None
    """null: [0]."""
    search_steps: Count | None = None
    """Sampled steps after which a search may draw no more: it ends as `cut` and counts as wrong."""
    search_tokens: Count | None = None
    """Sampled tokens, likewise."""
    search_seconds: Positive | None = None
    """Seconds, likewise."""
    max_failures: Count = 25
    """The same fault so often ends the launch, with what is finished kept."""
    plan_only: bool = False
    track: Literal["mlflow", "trackio", "wandb"] | None = None
    """Follow the launch in a tracker, too (an extra): its configuration, progress, results and picture."""
    extend: Names = ()
    """Files of your own that are imported first: a strategy, a vote, a verifier (docs/extending.md). Relative
    to where the line is said; in a saved sweep to its file."""
    grade_discarded: bool = False
    """Grade also the finished paths that a search did not return."""


GROUPS: Mapping[str, type[Any]] = {
    "policy": PolicyConfig,
    "prm": PrmConfig,
    "dataset": DatasetConfig,
    "cluster": ClusterConfig,
    "readout": ReadoutConfig,
    "stop": StopConfig,
}
"""Groups of conf/ -> their settings; a prompt is its file's alone, and a strategy's settings are its own."""
