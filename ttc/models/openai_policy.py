"""A policy behind an OpenAI-compatible server: vLLM's, SGLang's, or a hosted one.

What the server offers (endpoint.py) decides how it is used:

    completions with token ids   as the engines here: ids in, ids out, the same seeds
    completions                  text goes to and fro; the tokenizer turns it into a path's ids
    chat                         whole samples and answers only; no token is known, only how many there were

Seeds are handed on, and most servers keep them in some way; none promises more than an engine here does. One
that refuses them is asked without (`policy.unseeded`). What a server does not count stays unknown.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from ttc.models import prompts
from ttc.models.confidence import LIKELIEST
from ttc.models.counters import OnEngine
from ttc.models.endpoint import PROBE, look, tokenizer_folder
from ttc.models.openai_answer import Answer
from ttc.models.openai_client import Endpoint, sampled, where
from ttc.models.openai_server import Full, Refused, Server
from ttc.models.policy import PROMPTS_KEPT, Continuation, TokenPolicy
from ttc.models.provider import Identity, Model, Provider
from ttc.models.remote_code import check_code
from ttc.models.steps import StepRule
from ttc.models.together import together
from ttc.settings.schema import EngineConfig, PolicyConfig
from ttc.types import (
    Draw,
    ModelFacts,
    PolicyModel,
    Problem,
    Prompt,
    Sample,
    Sampling,
    Step,
    StepEnd,
    TooLong,
    TransientError,
    UserError,
    total,
)

NO_LIKELIEST = f"the server does not give the log-probabilities of the {LIKELIEST} likeliest tokens"

SPLICE = ("12 + 7 = 19\n\n", "7 - 2 = 5")
"""Two steps, to see whether a tokenizer gives back a text that it was given in pieces."""


def openai_policy(config: PolicyConfig) -> PolicyModel:
    """The policy on a server, by the best way that there is. Make it inside the event loop that uses it.

    Raises:
        UserError: as `look`; the tokenizer is not the server's.
    """
    # asked before as the cells sample; which temperatures the searches take is not known here, and 1 all do
    endpoint = look(replace(config, temperature=1.0, top_p=1.0, logprobs=False, confidence=False))
    if endpoint.api == "chat":
        return ByChat(config, endpoint)
    return ByIds(config, endpoint) if endpoint.ids else ByText(config, endpoint)


class Completions(TokenPolicy):
    """What the two ways of going on from a text share: a tokenizer that must be the server's."""

    def __init__(self, config: PolicyConfig, endpoint: Endpoint) -> None:
        assert endpoint.context, "look() refuses completions without one"
        folder = tokenizer_folder(config, endpoint.model)
        super().__init__(folder, config.revision, endpoint.context, config.trust_remote_code)
        self.engine = Server(config, endpoint)
        self.said = f"policy.tokenizer={config.tokenizer or endpoint.model}"
        if self.tokenizer.eos_token_id is None:
            raise UserError(f"{self.said}: it has no token that ends a text")
        mine = [self.tokenizer.encode(PROBE, add_special_tokens=special) for special in (True, False)]
        if endpoint.encoded and list(endpoint.encoded) not in mine:
            raise UserError(
                f"{self.said}: not the tokenizer of the model at {where(config)}: it makes {len(mine[0])} "
                f"tokens of a probe, others than the server's {len(endpoint.encoded)}"
            )


class ByIds(Completions):
    """Ids in, ids out. vLLM and SGLang know the extra parameters, each under its own names."""

    async def _continue(
        self, ids: list[int], sampling: Sampling, draw: Draw, rule: StepRule, left: int
    ) -> Continuation:
        extra: dict[str, Any] = {"return_token_ids": True, "stop_token_ids": sorted(self._eos)}
        body = sampled(sampling, draw.seed & (2**63 - 1)) | {"prompt": ids, "max_tokens": left}
        if sampling.confidence:
            body["logprobs"] = LIKELIEST
            extra["return_tokens_as_token_ids"] = True  # else those of equal text are told as one
        elif sampling.logprobs:
            body["logprobs"] = 0
        if not draw.whole and rule.exact:
            extra["stop_token_ids"] += sorted(rule.stops)
        elif not draw.whole:
            body["stop"] = [rule.separator]
            extra |= {"include_stop_str_in_output": True, "no_stop_trim": True}
        answer = await self.engine.complete(**body, extra_body=extra)
        if answer.ids is None:
            raise TransientError("the server told no token ids, as it did when it was asked first")
        tokens, logprobs = list(answer.ids), list(answer.logprobs)
        self.engine.counters.count(len(ids) + len(tokens), answer.cached)
        _check_told(sampling, answer)
        end: StepEnd = "eos" if self._eos.intersection(tokens[-1:]) else "step"
        if end == "step" and (answer.finish == "length" or len(tokens) >= left):
            end = "length"
        elif end == "step" and (draw.whole or rule.separator not in rule.decode(tokens)):
            # ended by a token that the server does not show, or that only the server takes for an end
            tokens, logprobs, end = [*tokens, self.tokenizer.eos_token_id], [*logprobs, 0.0], "eos"
        return Continuation(
            tokens,
            logprobs if sampling.logprobs else None,
            answer.cached,
            end,
            confidences=answer.confidences if sampling.confidence else None,
        )


class ByText(Completions):
    """The prompt and what was written so far go as text; what comes back is encoded."""

    def __init__(self, config: PolicyConfig, endpoint: Endpoint) -> None:
        super().__init__(config, endpoint)
        self._text = lru_cache(PROMPTS_KEPT)(self._render_text)
        backend = self.tokenizer.backend_tokenizer
        whole = "".join(SPLICE)
        spliced = [token for part in SPLICE for token in self._encode(part)[0]]
        if backend.decode(spliced) != whole:
            raise UserError(
                f"{self.said}: it does not give a text back as it was, piece by piece ({whole!r} becomes "
                f"{backend.decode(spliced)!r}), and {where(config)} takes no token ids; "
                "serve the model with vLLM"
            )

    async def _continue(
        self, ids: list[int], sampling: Sampling, draw: Draw, rule: StepRule, left: int
    ) -> Continuation:
        body = sampled(sampling, _fold(draw.seed))
        body["prompt"] = self._text(sampling.prompt, draw.question, draw.turns) + rule.decode(draw.tokens)
        body["max_tokens"] = left
        if sampling.logprobs or sampling.confidence:
            body["logprobs"] = LIKELIEST if sampling.confidence else 1  # 0 is taken for none by some
        server = self.engine
        answer = await server.complete("" if draw.whole else rule.separator, **body)
        _check_told(sampling, answer)
        got = self._read(answer, rule, draw.whole, left)
        server.counters.count(len(ids) + len(got.tokens), answer.cached)
        return replace(
            got,
            logprobs=got.logprobs if sampling.logprobs else None,
            confidences=got.confidences if sampling.confidence else None,
        )

    def _read(self, answer: Answer, rule: StepRule, whole: bool, left: int) -> Continuation:
        tokens, starts = self._encode(answer.text)
        end: StepEnd = answer.end(len(tokens), left)
        if not whole and rule.separator in answer.text:
            tokens = list(rule.split(tokens, "step")[0].tokens)
            end = "length" if len(tokens) >= left else "step"
        elif end == "eos" or not tokens:  # the token that ended it, which no text shows; a step has one
            tokens, starts = [*tokens, self.tokenizer.eos_token_id], [*starts, len(answer.text)]
        logprobs = _share_out(starts, answer.pieces, answer.logprobs)[: len(tokens)]
        confidences = _beginning_in(starts, answer.pieces, answer.confidences)[: len(tokens)]
        return Continuation(tokens, logprobs, answer.cached, end, confidences=confidences)

    def _encode(self, text: str) -> tuple[list[int], list[int]]:
        """Ids, and where in the text each begins."""
        made = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return list(made["input_ids"]), [start for start, _ in made["offset_mapping"]]

    def _render_text(self, prompt: Prompt, question: str, turns: tuple[str, ...] = ()) -> str:
        """The prompt without its first token, where the server's tokenizer puts that in front by itself."""
        first = self.tokenizer.bos_token
        text = prompts.text(self.tokenizer, prompt, question, turns)
        own = first and self.tokenizer.encode("")[:1] == [self.tokenizer.bos_token_id]
        return text.removeprefix(first) if own else text


class ByChat(OnEngine):
    """Whole samples by the chat API. What a token is, is not known: characters stand for them."""

    def __init__(self, config: PolicyConfig, endpoint: Endpoint) -> None:
        self.endpoint, self.engine = endpoint, Server(config, endpoint)

    async def generate(self, sampling: Sampling, draws: Sequence[Draw]) -> list[Sample]:
        if any(draw.tokens or not draw.whole for draw in draws):
            raise Refused(
                "a server that only chats cannot go on from a text: no step search, no growing path"
            )
        return await together(self._draw(sampling, draw) for draw in draws)

    async def _draw(self, sampling: Sampling, draw: Draw) -> Sample:
        body = self.endpoint.chat(sampling, draw.question, _fold(draw.seed), draw.turns)
        try:
            answer = await self.engine.complete(**body)
        except Full as error:
            if draw.turns:  # a conversation may fill any context
                raise TooLong(str(error)) from None
            raise
        _check_told(sampling, answer)
        self.engine.counters.count(total([answer.prompt, answer.completion]), answer.cached)
        end = answer.end(answer.completion, body["max_tokens"])
        steps = steps_of(answer, end, sampling)
        return Sample(steps, answer.prompt, answer.cached)


def steps_of(answer: Answer, end: StepEnd, sampling: Sampling) -> tuple[Step, ...]:
    """A text of `answer.completion` tokens as steps, by the rule for tokens with characters in their place.

    The count, where there is one, is shared out by length; of a text that two blank steps end, what lies
    behind them is dropped.
    """
    text, count, separator = answer.text, answer.completion, sampling.prompt.separator
    sure = answer.confidences if sampling.confidence else None
    if not text:  # it only thought, or ended at once
        return (Step("", (), end, sum(answer.logprobs) if sampling.logprobs else None, count, sure),)
    values = _share_out(range(len(text)), answer.pieces, answer.logprobs) if sampling.logprobs else None
    one = frozenset(map(ord, separator))
    stops = one if len(separator) == 1 else frozenset()
    rule = StepRule(lambda ids: "".join(map(chr, ids)), separator, frozenset(), stops, one)
    steps = rule.split([*map(ord, text)], end, values)
    ends = [*accumulate((len(step.tokens) for step in steps), initial=0)]
    if sure is not None:
        # what begins where the text ends is the token that ended it
        whole = ends[-1] == len(text)
        kept = _parted([*ends[:-1], ends[-1] + whole], answer.pieces, sure)
        steps = tuple(replace(step, confidences=own) for step, own in zip(steps, kept, strict=True))
    if count is None:
        return tuple(replace(step, tokens=()) for step in steps)
    bounds = pairwise(count * end // len(text) for end in ends)
    return tuple(replace(step, tokens=(), size=b - a) for step, (a, b) in zip(steps, bounds, strict=True))


def _fold(seed: int) -> int:
    """31 bits of a seed: there are servers that take no more."""
    return (seed ^ seed >> 32) & (2**31 - 1)


def _share_out(starts: Sequence[int], pieces: Sequence[str], values: Sequence[float]) -> list[float]:
    """The server's values, one per piece of the text, for tokens of ours that begin at `starts`: each counts
    for the token in which its piece begins."""
    shares = [0.0] * len(starts)
    at = 0
    for piece, value in zip(pieces, values, strict=False):
        shares[max(0, bisect_right(starts, at) - 1)] += value
        at += len(piece)
    return shares


def _beginning_in(starts: Sequence[int], pieces: Sequence[str], values: Sequence[float]) -> list[float]:
    """For tokens of ours that begin at `starts` the values of the server's pieces in which they begin."""
    places = [*accumulate(map(len, pieces[:-1]), initial=0)]
    return [values[bisect_right(places, start) - 1] for start in starts] if values else []


def _parted(ends: Sequence[int], pieces: Sequence[str], values: Sequence[float]) -> list[tuple[float, ...]]:
    """The values of the server's pieces by parts of the text, between `ends`: each where its piece begins."""
    places = [*accumulate(map(len, pieces[:-1]), initial=0)]
    return [tuple(values[bisect_left(places, a) : bisect_left(places, b)]) for a, b in pairwise(ends)]


def _check_told(sampling: Sampling, answer: Answer) -> None:
    """Refuses a server that does not tell what is asked for, or not for each id."""
    asked = {
        "policy.logprobs=true: the server gives no log-probabilities": (sampling.logprobs, answer.logprobs),
        f"policy.confidence=true: {NO_LIKELIEST}": (sampling.confidence, answer.confidences),
    }
    for fault, (wanted, values) in asked.items():
        if wanted and not (len(values) == len(answer.ids) if answer.ids else values or not answer.text):
            raise Refused(fault)


def _look(config: EngineConfig, problems: Sequence[Problem]) -> Model:
    assert isinstance(config, PolicyConfig), "no verifier stands behind a server"
    found = look(config)
    # where the server stands does not name its model: it may move between two launches
    identity = Identity(f"endpoint:{found.model}:{config.revision or ''}", found.context)
    tokenizer = None if found.api == "chat" else tokenizer_folder(config, found.model)
    check_code(config, Path(tokenizer) if tokenizer else None)
    note = None if found.listed else f"the server lists no model {found.model!r}, and answers to the name"
    return Model(identity, ModelFacts(), "openai", endpoint=found, note=note, tokenizer=tokenizer)


OPENAI = Provider(
    _look,
    openai_policy,
    needs={"base_url": "say where the server's API begins, as http://localhost:8000/v1"},
    unseeded=True,
    chats=True,
)
