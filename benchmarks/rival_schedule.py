"""The rival's schedule, written by us: what search-and-learn asks of its two models, in which order.

One process with vLLM's own `LLM` (its defaults, prefix cache on) for the policy and plain transformers for
the verifier; no request has a seed. The policy gets whole texts. The verifier reads whole texts from scratch,
8 at a time, padded on the right, with the logits of all positions.

best_of_n   one call for all samples of all problems; then all scores.
beam        one problem after the other. A round draws one step for each of exactly n beams (copies of the
            survivors, in turn) and scores all n whole texts; of those not over, the best n/M distinct ones
            survive. It runs on until none is left, be n over or not.
dvts        all problems in lock-step. A round draws M steps for each live subtree and scores them all as
            whole texts; the best is appended.

Both searches take 40 rounds at most, the last one without a stop string. What differs is in the rival's
favour: it encodes every text twice for its verifier; a text that fills the context ends it with an error; and
its dvts draws 2,048 tokens a step at most, here max_tokens. The engines' loading and a first small call are
not timed.

`rival.py` runs this as `rival_schedule.py SECONDS WORDS...`, with the words of ttc's launch. It prints a JSON
line: what was done, and whether SECONDS cut it off (looked at before every call of a model).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

ROUNDS, INNER, SEPARATOR = 40, 8, "\n\n"
ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}


class OutOfTime(Exception):
    pass


@dataclass
class Done:
    """What has been done so far; `texts` were scored whole, `scored` are their tokens, padding left out."""

    problems: int = 0
    rounds: int = 0
    generated: int = 0
    texts: int = 0
    scored: int = 0
    policy_seconds: float = 0.0
    verifier_seconds: float = 0.0
    seconds: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class Step:
    text: str
    over: bool


class Models:
    """The two models, and the calls that a search makes."""

    def __init__(self, words: Sequence[str], limit: float) -> None:
        from ttc.models.checkpoint import fetch
        from ttc.plan.cells import read_grid
        from ttc.plan.inputs import look_up_all

        inputs = look_up_all(read_grid(words))
        self.problems = inputs.cells[0].problems
        self.cell = cell = inputs.grid.cells[0]
        assert cell.prm is not None
        self.context = cell.policy.context or 4096
        self._load(fetch(str(cell.policy.model)), fetch(str(cell.prm.model)))
        self.done, self._end = Done(), float("inf")
        self.score([(0, "2 + 2 = 4")])
        self.generate([(0, "")], stop=True)
        self.done, self._end = Done(), time.monotonic() + limit

    def _load(self, policy: str, verifier: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from vllm import LLM

        from ttc.models import prompts
        from ttc.models.formats import RLHFlow

        memory: dict[str, Any] = {"gpu_memory_utilization": 0.5}
        if not torch.cuda.is_available():
            memory = {"kv_cache_memory_bytes": 2 * 2**30}  # more than is ever used
        self._llm = LLM(model=policy, dtype="bfloat16", max_model_len=self.context, seed=0, **memory)
        tokenizer = AutoTokenizer.from_pretrained(policy)
        prompt = self.cell.sampling.prompt
        self._prompts = [prompts.text(tokenizer, prompt, problem.question) for problem in self.problems]
        self._tokenizer = tokenizer
        self._format = RLHFlow(AutoTokenizer.from_pretrained(verifier))
        model = AutoModelForCausalLM.from_pretrained(verifier, dtype=torch.bfloat16).eval()
        self._prm = model.to("cuda") if torch.cuda.is_available() else model
        torch.set_num_threads(os.cpu_count() or 1)  # vLLM may have set it to 1

    def generate(self, texts: Sequence[tuple[int, str]], stop: bool) -> list[Step]:
        """One continuation of each (problem, its text so far), in one call of the policy."""
        from vllm import SamplingParams

        start = self._look_at_the_clock()
        room = self.cell.sampling.max_tokens
        params = SamplingParams(
            temperature=self.cell.sampling.temperature,
            top_p=self.cell.sampling.top_p,
            max_tokens=room,
            stop=[SEPARATOR] if stop else None,
            include_stop_str_in_output=True,
        )
        asked = [self._prompts[problem] + text for problem, text in texts]
        fits = [self._fits(text) for text in asked]
        outputs = self._llm.generate(
            [text for text, fit in zip(asked, fits, strict=True) if fit], params, use_tqdm=False
        )
        drawn, steps = iter(outputs), []
        for fit in fits:
            one = next(drawn).outputs[0] if fit else None
            self.done.generated += len(one.token_ids) if one else 0
            steps.append(Step(one.text, one.stop_reason is None or not one.text) if one else Step("", True))
        self.done.policy_seconds += time.monotonic() - start
        return steps

    def score(self, texts: Sequence[tuple[int, str]]) -> list[float]:
        """The last step's score of each (problem, whole text). What stands behind the last blank line is a
        step, be it empty, as it is to the rival."""
        import torch

        scores: list[float] = []
        for first in range(0, len(texts), INNER):
            start = self._look_at_the_clock()
            layouts = [
                self._format.layout(self.problems[problem].question, text.split(SEPARATOR))
                for problem, text in texts[first : first + INNER]
            ]
            rows = [torch.tensor(layout.ids) for layout in layouts]
            ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(self._prm.device)
            with torch.no_grad():
                logits = self._prm(input_ids=ids).logits[:, :, list(self._format.tags or ())]
            good = logits.softmax(-1)[:, :, 0].float().cpu()
            scores += [good[row, one.ends[-1] - 1].item() for row, one in enumerate(layouts)]
            self.done.texts += len(layouts)
            self.done.scored += sum(map(len, rows))
            self.done.verifier_seconds += time.monotonic() - start
        return scores

    def _fits(self, text: str) -> bool:
        # no token is longer than a text of as many letters, so most need not be encoded
        return len(text) < self.context or len(self._tokenizer.encode(text)) < self.context

    def _look_at_the_clock(self) -> float:
        if (now := time.monotonic()) > self._end:
            raise OutOfTime
        return now


def best_of_n(models: Models) -> None:
    """All samples of all problems, then all their scores."""
    asked = [(problem, "") for problem in range(len(models.problems)) for _ in range(models.cell.n)]
    steps = models.generate(asked, stop=False)
    models.done.rounds = 1
    models.score([(problem, step.text) for (problem, _), step in zip(asked, steps, strict=True)])
    models.done.problems = len(models.problems)


def beam(models: Models) -> None:
    for problem in range(len(models.problems)):
        beam_search(models, problem)
        models.done.problems += 1


def beam_search(models: Models, problem: int) -> None:
    beams, n = [""], models.cell.n
    for round_ in range(ROUNDS):
        beams = list(islice(cycle(beams), n))
        steps = models.generate([(problem, text) for text in beams], stop=round_ < ROUNDS - 1)
        grown = [text + step.text for text, step in zip(beams, steps, strict=True)]
        scores = models.score([(problem, text) for text in grown])
        models.done.rounds += 1
        # the first of equal texts, as in the rival's recipe for beams
        live: dict[str, float] = {}
        for text, step, score in zip(grown, steps, scores, strict=True):
            if not step.over:
                live.setdefault(text, score)
        if not live:
            break
        beams = sorted(live, key=live.__getitem__)[-(n // width(models)) :]


def dvts(models: Models) -> None:
    """Every subtree of every problem goes on until it is over by itself."""
    breadth = width(models)
    live = [(problem, "") for problem in range(len(models.problems)) for _ in range(models.cell.n // breadth)]
    for round_ in range(ROUNDS):
        asked = [tree for tree in live for _ in range(breadth)]
        steps = models.generate(asked, stop=round_ < ROUNDS - 1)
        scores = models.score([(of, text + step.text) for (of, text), step in zip(asked, steps, strict=True)])
        models.done.rounds += 1
        kept = []
        for index, (problem, text) in enumerate(live):
            siblings = range(index * breadth, (index + 1) * breadth)
            best = steps[max(siblings, key=scores.__getitem__)]
            if not best.over and "boxed{" not in text + best.text:
                kept.append((problem, text + best.text))
        live = kept
        models.done.problems = len(models.problems) - len({problem for problem, _ in live})
        if not live:
            break


def width(models: Models) -> int:
    return int(getattr(models.cell.strategy, "width", 4))


STRATEGIES: dict[str, Callable[[Models], None]] = {"best_of_n": best_of_n, "beam": beam, "dvts": dvts}


def main(limit: float, words: Sequence[str]) -> dict[str, Any]:
    models = Models(words, limit)
    start = time.monotonic()
    try:
        STRATEGIES[models.cell.name](models)
    except OutOfTime:
        models.done.cut = True
    models.done.seconds = time.monotonic() - start
    return {
        key: round(value, 2) if isinstance(value, float) else value
        for key, value in asdict(models.done).items()
    }


if __name__ == "__main__":
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    print(json.dumps(main(float(sys.argv[1]), sys.argv[2:])), flush=True)
