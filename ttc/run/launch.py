"""The messages between a driver and its shards: what to run with, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ttc.models.size import Size
from ttc.run.limits import UNLIMITED, Limits
from ttc.settings.own import OwnFile
from ttc.settings.schema import AT_ONCE, ClusterConfig, PolicyConfig, PrmConfig, ReadoutConfig
from ttc.store import Folder, Part
from ttc.types import EngineStats, ModelFacts


@dataclass(frozen=True)
class Launch:
    """All that a runner (local.run, cluster.run) and its shards need besides the jobs.

    Attributes:
        policy: None: nothing to sample, only stored paths to score.
        verifier_id: what scores/ rows are keyed by.
        facts, sizes: of the policy and of the verifier.
        readout: how a shard reads answers off and grades them.
        discarded: grade also the finished paths that a search did not return.
        limits: of each search.
        extend: the user's own files, which every process loads before it reads anything else.
    """

    policy: PolicyConfig | None
    prm: PrmConfig | None
    verifier_id: str | None
    facts: tuple[ModelFacts, ModelFacts]
    readout: ReadoutConfig
    cluster: ClusterConfig
    folder: Folder
    sizes: tuple[Size | None, Size | None] = (None, None)
    discarded: bool = False
    limits: Limits = UNLIMITED
    extend: tuple[OwnFile, ...] = ()

    @property
    def room(self) -> int:
        """Draws in flight, all shards together: a little above what the policy can run at once."""
        engine = self.policy or self.prm
        assert engine, "a launch has an engine"
        return self.cluster.paths or (engine.max_num_seqs or AT_ONCE) * (engine.replicas or 1) * 5 // 4


@dataclass(frozen=True)
class Failure:
    """A search that has failed, or the scoring of one's paths: why, and whose log tells more."""

    search: str
    reason: str
    log: str | None = None


@dataclass
class Report:
    """What a shard tells its driver: news since the last report, and the engines' counters."""

    done: int = 0
    failed: list[Failure] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    policy: EngineStats | None = None
    prm: EngineStats | None = None
    notes: list[str] = field(default_factory=list)
    """What happened to the engines and shards, a line each."""
    ready: bool = False
    """The engines are up: a runner's first report, with where they run."""
    ray_address: str | None = None
    placement: dict[str, str] | None = None
