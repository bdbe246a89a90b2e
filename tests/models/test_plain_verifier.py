"""The plain reader against direct forward passes, one text at a time, on a tiny model of every family."""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.models import tiny
from ttc.models.formats import FORMATS, Format
from ttc.models.plain_verifier import PlainReader, batches, chains
from ttc.models.verifier import ModelVerifier
from ttc.models.vllm_engine import EngineOptions
from ttc.types import Judgement, Query, UserError

CONTEXT = 1024
FAMILIES = {
    "rlhflow": ("rlhflow", lambda folder: tiny.checkpoint(folder, CONTEXT)),
    "math_shepherd": ("math_shepherd", tiny.math_shepherd),
    "skywork": ("skywork", tiny.skywork),
    "qwen_prm": ("qwen_prm", tiny.qwen_prm),
    "orm of one": ("orm", tiny.orm),
    "orm of two": ("orm", lambda folder: tiny.orm(folder, labels=2)),
    "judge": ("judge", tiny.judge),
}
"""A family of formats and the maker of its checkpoint, by what a test calls it."""


class World:
    """A verifier, its loop, and the definition of its score in plain transformers."""

    def __init__(self, name: str, folder: Path, runner: asyncio.Runner) -> None:
        from transformers import AutoTokenizer

        family, make = FAMILIES[name]
        self.folder, self.runner = make(folder), runner
        self.format: Format = FORMATS[family](AutoTokenizer.from_pretrained(folder))
        self.score = reference(self.format, folder)
        self.start()

    def start(self) -> None:
        self.reader = self.runner.run(self._reader())
        self.verifier = ModelVerifier("tiny", self.format, self.reader, CONTEXT)

    async def _reader(self) -> PlainReader:
        return PlainReader(EngineOptions(str(self.folder), CONTEXT, dtype="float32"), self.format)

    def judge(self, *queries: Query) -> list[Judgement]:
        return self.runner.run(self.verifier.judge(queries))

    def inputs(self, query: Query) -> list[tuple[int, ...]]:
        layout = self.format.layout(query.question, query.steps)
        return [layout.upto(step) for step in range(len(query.steps))]

    def wanted(self, query: Query) -> list[float]:
        return [self.score(ids) for ids in self.inputs(query)]


def reference(format: Format, folder: Path) -> Callable[[tuple[int, ...]], float]:
    """The score of one input by a pass of its own: no batch, no padding, weights by their published names."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, Qwen2ForCausalLM

    kinds = {"tags": AutoModelForCausalLM, "reward": AutoModelForSequenceClassification}
    model = kinds.get(format.reads, Qwen2ForCausalLM).from_pretrained(folder, dtype=torch.float32)
    weights = load_file(folder / "model.safetensors")

    def linear(name: str, value):
        return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def score(ids: tuple[int, ...]) -> float:
        with torch.no_grad():
            output = model(torch.tensor([ids]), output_hidden_states=True)
        last = output.hidden_states[-1][0, -1]
        if format.reads == "tags":
            return output.logits[0, -1, list(format.tags)].softmax(-1)[0].item()
        if format.reads == "classes":
            return linear("score.2", linear("score.0", last).relu()).softmax(-1)[1].item()
        if format.reads == "value":
            return linear("v_head.summary", last).sigmoid().item()
        logits = output.logits[0]
        return (logits.sigmoid()[0] if len(logits) == 1 else logits.softmax(-1)[1]).item()

    return score


@pytest.fixture(scope="module", params=FAMILIES)
def world(request, tmp_path_factory) -> Iterator[World]:
    with asyncio.Runner() as runner:
        made = World(request.param, tmp_path_factory.mktemp("tiny"), runner)
        yield made
        made.reader.shutdown()


def solution(seed: int, count: int = 4) -> Query:
    """A question and steps that no other test uses, of very different lengths."""
    rng = random.Random(seed)
    words = [word for word in tiny.WORDS if word.isalpha()]
    steps = (
        f"so {' '.join(rng.choices(words, k=rng.choice((1, 3, 12))))} 5.\nThen we get 2\n\n"
        for _ in range(count)
    )
    return Query(" ".join(rng.choices(words, k=rng.choice((2, 20)))) + "?", tuple(steps))


def test_scores_are_the_references_whatever_is_in_the_batch(world):
    queries = [solution(seed, count=1 + seed % 5) for seed in range(6)]
    lengths = {len(ids) for query in queries for ids in world.inputs(query)}
    assert len(lengths) > 10, "nothing is padded"
    scores = [score for judgement in world.judge(*queries) for score in judgement.scores]
    wanted = [score for query in queries for score in world.wanted(query)]
    assert scores == pytest.approx(wanted, abs=1e-5)
    assert max(wanted) - min(wanted) > 0.1, "all scores are alike"


def test_scores_step_by_step_are_those_at_once(world):
    query = solution(10)
    scores = []
    for k in range(len(query.steps)):
        (judgement,) = world.judge(Query(query.question, query.steps[: k + 1], k))
        assert judgement.computed == len(world.inputs(query)[k]), "without a cache the whole text is computed"
        scores += judgement.scores
    assert scores == pytest.approx(world.wanted(query), abs=1e-5)


def test_texts_that_begin_one_another_cost_one_pass_and_padding_nothing(world, monkeypatch):
    queries = [solution(20), solution(21, count=2)]
    inputs = [ids for query in queries for ids in world.inputs(query)]
    passes = [inputs[chain[-1]] for chain in chains(inputs)]
    shapes = []
    at = world.reader.scorer.at
    monkeypatch.setattr(
        world.reader.scorer, "at", lambda ids, *where: shapes.append(ids.shape) or at(ids, *where)
    )
    before = world.runner.run(world.reader.stats())
    judgements = world.judge(*queries)
    after = world.runner.run(world.reader.stats())
    assert shapes == [(len(passes), max(map(len, passes)))]
    if not world.format.layout(queries[0].question, queries[0].steps).tail:
        assert len(passes) == 2, "a pass per solution"
    assert sum(judgement.computed for judgement in judgements) == sum(map(len, passes))
    assert after.computed_tokens - before.computed_tokens == sum(map(len, passes))
    assert after.requests - before.requests == len(inputs)


def test_what_stands_behind_a_score_is_kept(world):
    ids = world.inputs(solution(30))[0]
    reading = world.runner.run(world.reader.read(ids))
    unbounded = world.format.reads == "value" or (
        world.format.reads == "reward" and world.reader.scorer.model.config.num_labels == 1
    )
    if unbounded:
        assert 1 / (1 + math.exp(-reading.raw)) == pytest.approx(reading.score)
    else:
        assert reading.raw is None
    assert (reading.mass is None) is (world.format.reads != "tags")
    assert reading.mass is None or 0 < reading.mass < 1
    assert reading.cached is None


def test_no_number_is_no_score(world):
    import torch

    for weight in world.reader.scorer.head.parameters():
        torch.nn.init.constant_(weight, math.nan)
    (judgement,) = world.judge(solution(40))
    world.start()
    assert set(judgement.scores) == {None}


def test_chains_hold_what_begins_what():
    requests = [(1, 2, 3), (1,), (1, 2), (4,), (1, 3), (1, 2), (1, 2, 3, 9)]
    assert sorted(chains(requests)) == [[1, 2, 5, 0, 6], [3], [4]]
    assert chains([]) == []


def test_batches_are_full_but_not_too_full(monkeypatch):
    monkeypatch.setattr("ttc.models.plain_verifier.BATCH_TOKENS", 12)
    requests = [(0,) * length for length in (3, 20, 1, 4, 2, 4, 4, 1)]
    made = batches(requests, [[index] for index in range(len(requests))], most=4)
    assert [[len(requests[index]) for [index] in batch] for batch in made] == [[20], [4, 4, 4], [3, 2, 1, 1]]


@pytest.mark.parametrize(
    ("family", "make", "missing"),
    [
        ("qwen_prm", tiny.judge, "score.0.bias"),
        ("qwen_prm", tiny.skywork, "score.0.bias, score.0.weight, score.2.bias, score.2.weight"),
        ("skywork", tiny.qwen_prm, "v_head.summary.bias, v_head.summary.weight"),
        ("orm", tiny.judge, "lack score.weight"),
        ("judge", tiny.orm, "lack lm_head.weight"),
        ("orm", lambda folder: tiny.orm(folder, labels=3), "one or two classes, this is .* with 3"),
    ],
)
def test_a_checkpoint_without_the_head_is_refused_and_never_filled_with_noise(
    tmp_path, family, make, missing
):
    folder = make(tmp_path)
    format_ = FORMATS[family](tiny.bytes_tokenizer())
    with pytest.raises(UserError, match=rf"^{folder}: .*{missing}"):
        PlainReader(EngineOptions(str(folder), CONTEXT), format_)


def test_code_that_comes_with_a_checkpoint_is_not_run(tmp_path):
    folder = tiny.qwen_prm(tmp_path)
    file = folder / "config.json"
    names = {"AutoConfig": "own.Qwen2RMConfig", "AutoModel": "own.Qwen2ForProcessRewardModel"}
    file.write_text(json.dumps({**json.loads(file.read_text()), "auto_map": names}))
    (folder / "own.py").write_text("raise SystemExit('run')")
    PlainReader(EngineOptions(str(folder), CONTEXT), FORMATS["qwen_prm"](tiny.bytes_tokenizer()))


def test_in_16_bits_the_head_is_float32_and_what_a_model_does_to_its_logits_is_done(tmp_path):
    """Gemma 2 has both traps: its head is its embedding, and it bends its logits."""
    import torch
    from transformers import Gemma2Config, Gemma2ForCausalLM

    words = tiny.bytes_tokenizer()
    config = Gemma2Config(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        final_logit_softcapping=2.0,
        initializer_range=0.3,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    model = Gemma2ForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    format_ = FORMATS["judge"](words)
    query = solution(50)
    layout = format_.layout(query.question, query.steps)
    with torch.no_grad():
        ids = torch.tensor([layout.upto(1)])
        logits = model.model(ids, use_cache=False)[0][0, -1].float() @ model.lm_head.weight.float().T
        bent = torch.tanh(logits / 2.0) * 2.0
    wanted = bent[list(format_.tags)].softmax(-1)[0].item()
    assert wanted != pytest.approx(logits[list(format_.tags)].softmax(-1)[0].item(), abs=1e-3)

    async def read():
        options = EngineOptions(str(tmp_path), CONTEXT, dtype="bfloat16")
        return await PlainReader(options, format_).read(layout.upto(1))

    assert asyncio.run(read()).score == pytest.approx(wanted, abs=1e-5)
