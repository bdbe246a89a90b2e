"""What an engine is to the rest of ttc: how it is made, and what is known of it before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ttc.models.openai_client import Endpoint
from ttc.models.size import Size
from ttc.settings.schema import EngineConfig, PolicyConfig, PrmConfig
from ttc.types import ModelFacts, PolicyModel, Problem, VerifierModel

E = TypeVar("E", bound=EngineConfig)


@dataclass(frozen=True)
class Identity:
    """Which weights answer: for the ids. `context` bounds every text, so it is part of it."""

    model: str
    context: int | None
    more: tuple[object, ...] = ()
    """What else decides a score: how a verifier that writes is asked, whom an ensemble asks."""


@dataclass(frozen=True)
class Model:
    """A model that a launch names: what identifies it, what runs it, what its costs are computed from.

    Attributes:
        engine: which really runs it: never `auto`.
        revision: the Hub's commit that was found: the engine loads this one, whatever is pushed meanwhile.
        endpoint: the server that runs it.
        note: what the user should know about the engine that was chosen.
        tokenizer: a folder, or a Hub id at the configuration's revision; None where no prompt is rendered
            here, or the tokenizer is not there yet.
    """

    identity: Identity
    facts: ModelFacts
    engine: str
    size: Size | None = None
    revision: str | None = None
    endpoint: Endpoint | None = None
    note: str | None = None
    tokenizer: str | None = None

    @property
    def chats_only(self) -> bool:
        """No text can be gone on from, so no step search."""
        return self.endpoint is not None and self.endpoint.api == "chat"

    def runs(self, config: E) -> E:
        """The configuration as its engine gets it: nothing left to be found out."""
        return replace(
            config,
            engine=self.engine,
            context=self.identity.context,
            model=self.endpoint.model if self.endpoint else config.model,
            revision=self.revision or config.revision,
        )


@dataclass(frozen=True)
class Provider:
    """One engine. Everything that ttc asks of an engine by its name stands here.

    Attributes:
        look: which model a configuration names, found without loading it; the problems are what the model
            will have to read. Raises a UserError.
        policy, verifier: make the engine, inside the event loop that uses it; None: it does not play that
            part. Raise a UserError where the model does not fit.
        needs: settings that it cannot do without -> what to give them.
        faults: what else is wrong with a verifier's configuration by itself, one line each.
        needs_logprobs: does it read the policy's log-probabilities?
        unseeded: it can be asked without seeds.
        timed: its seconds mean something.
        chats: its policy answers behind what was said before (`Draw.turns`).
        floors: its policy ends a draw where it is less sure than it has to be (`Draw.floor`).
        knows_gold: it sees the gold answers: what it decides is an upper bound, never a result.
        devices: over how many one replica can be split; None: as many as there are.
    """

    look: Callable[[EngineConfig, Sequence[Problem]], Model]
    policy: Callable[[PolicyConfig], PolicyModel] | None = None
    verifier: Callable[[PrmConfig], VerifierModel] | None = None
    needs: Mapping[str, str] = field(default_factory=dict)
    faults: Callable[[PrmConfig], list[str]] = lambda config: []
    needs_logprobs: Callable[[PrmConfig], bool] = lambda config: False
    unseeded: bool = False
    timed: bool = True
    chats: bool = False
    floors: bool = False
    knows_gold: bool = False
    devices: int | None = None


def part_of(config: EngineConfig) -> str:
    """The group of settings that `config` is."""
    return "prm" if isinstance(config, PrmConfig) else "policy"
