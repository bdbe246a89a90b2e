"""The rival's schedule: what search-and-learn asks of its two models, in which order.

One process with vLLM's own `LLM` (its defaults, prefix cache on) for the policy and plain transformers for
the verifier; no request has a seed. The policy gets whole texts. The verifier reads whole texts from scratch,
8 at a time, padded on the right, with the logits of all positions. The strategies sal_beam (with the recipe's
filter_duplicates) and sal_dvts decide; what is asked at once is the rival's:

best_of_n   one call for all samples of all problems; then all scores.
beam        one problem after the other: a round's n steps, then its n whole texts.
dvts        all subtrees of all problems in lock-step: a round's steps, then its whole texts.

What differs is in the rival's favour: it encodes every text twice for its verifier; a text that fills the
context ends it with an error; and its dvts draws 2,048 tokens a step at most, here max_tokens. The engines'
loading and a first small call are not timed.

`rival.py` runs this as `rival_schedule.py SECONDS WORDS...`, with the words of ttc's launch. It prints a JSON
line: what was done, and whether SECONDS cut it off (looked at before every call of a model).
"""

from __future__ import annotations

import json
import os
import sys
import time
import types
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from ttc.sal.beam import SalBeam
from ttc.sal.dvts import SalDvts
from ttc.types import Path, Step

INNER, SEPARATOR = 8, "\n\n"
ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}


class OutOfTime(Exception):
    pass


@dataclass
class Done:
    """What has been done so far; `texts` were scored whole, `scored` are their tokens, padding left out.
    `rounds`: calls of the policy. `problems`: those of beam, else all or none."""

    problems: int = 0
    rounds: int = 0
    generated: int = 0
    texts: int = 0
    scored: int = 0
    policy_seconds: float = 0.0
    verifier_seconds: float = 0.0
    seconds: float = 0.0
    cut: bool = False


class Models:
    """The two models, and the calls that a search makes. A path is one step: its whole text."""

    def __init__(self, words: Sequence[str], limit: float) -> None:
        from ttc.models.checkpoint import fetch
        from ttc.plan.cells import read_grid
        from ttc.plan.inputs import look_up_all

        inputs = look_up_all(read_grid(words))
        self.problems = inputs.cells[0].problems
        self.cell = cell = inputs.grid.cells[0]
        assert cell.prm is not None
        self.context = cell.policy.context or 4096
        self.width = int(getattr(cell.strategy, "width", 4))
        self._load(fetch(str(cell.policy.model)), fetch(str(cell.prm.model)))
        self.done, self._end = Done(), float("inf")
        root = Path(self.problems[0])
        self.score([written(root, "2 + 2 = 4", over=True)])
        self.extend([root])
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
        self._prompts = {one: prompts.text(tokenizer, prompt, one.question) for one in self.problems}
        self._tokenizer = tokenizer
        self._format = RLHFlow(AutoTokenizer.from_pretrained(verifier))
        model = AutoModelForCausalLM.from_pretrained(verifier, dtype=torch.bfloat16).eval()
        self._prm = model.to("cuda") if torch.cuda.is_available() else model
        torch.set_num_threads(os.cpu_count() or 1)  # vLLM may have set it to 1

    def extend(self, paths: Sequence[Path]) -> list[Path]:
        """Each path one step further, in one call of the policy."""
        return self._generate(paths, stop=[SEPARATOR])

    def finish(self, paths: Sequence[Path]) -> list[Path]:
        """Each path to its end, in one call of the policy."""
        return self._generate(paths, stop=None)

    def _generate(self, paths: Sequence[Path], stop: list[str] | None) -> list[Path]:
        from vllm import SamplingParams

        start = self._look_at_the_clock()
        room = self.cell.sampling.max_tokens
        params = SamplingParams(
            temperature=self.cell.sampling.temperature,
            top_p=self.cell.sampling.top_p,
            max_tokens=room,
            stop=stop,
            include_stop_str_in_output=True,
        )
        asked = [self._prompts[path.problem] + path.text for path in paths]
        fits = [self._fits(text) for text in asked]
        outputs = self._llm.generate(
            [text for text, fit in zip(asked, fits, strict=True) if fit], params, use_tqdm=False
        )
        drawn, grown = iter(outputs), []
        for path, fit in zip(paths, fits, strict=True):
            one = next(drawn).outputs[0] if fit else None
            self.done.generated += len(one.token_ids) if one else 0
            over = one is None or one.stop_reason is None or not one.text
            grown.append(written(path, one.text if one else "", over))
        self.done.rounds += 1
        self.done.policy_seconds += time.monotonic() - start
        return grown

    def score(self, paths: Sequence[Path]) -> list[Path]:
        """Each path with its last step's score. What stands behind the last blank line is a step, be it
        empty, as it is to the rival."""
        import torch

        scores: list[float] = []
        for first in range(0, len(paths), INNER):
            start = self._look_at_the_clock()
            layouts = [
                self._format.layout(path.problem.question, path.text.split(SEPARATOR))
                for path in paths[first : first + INNER]
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
        return [replace(path, scores=(score,)) for path, score in zip(paths, scores, strict=True)]

    def _fits(self, text: str) -> bool:
        # no token is longer than a text of as many letters, so most need not be encoded
        return len(text) < self.context or len(self._tokenizer.encode(text)) < self.context

    def _look_at_the_clock(self) -> float:
        if (now := time.monotonic()) > self._end:
            raise OutOfTime
        return now


def written(path: Path, text: str, over: bool) -> Path:
    return replace(path, steps=(Step(path.text + text, (), "eos" if over else "step"),), scores=())


class Verbs:
    """A search's policy and verifier: what it asks for is handed out, by the name of the call of `Models`."""

    async def extend(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        return await self._grow("extend", paths, n)

    async def finish(self, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        return await self._grow("finish", paths, n)

    async def score(self, paths: Sequence[Path]) -> list[Path]:
        return await ask("score", paths)

    async def _grow(self, verb: str, paths: Sequence[Path], n: int | Sequence[int]) -> list[list[Path]]:
        counts = [n] * len(paths) if isinstance(n, int) else n
        families = [[path] * count for path, count in zip(paths, counts, strict=True)]
        grown = iter(await ask(verb, [path for family in families for path in family]))
        return [[next(grown) for _ in family] for family in families]


@types.coroutine
def ask(verb: str, paths: Sequence[Path]) -> Generator[tuple[str, Sequence[Path]], list[Path], list[Path]]:
    return (yield verb, paths)


def in_lock_step(models: Models, searches: Sequence[Coroutine[Any, Any, list[Path]]]) -> None:
    """Runs searches side by side: what they all wait for, each at the same place of a round, is one call."""
    asked = {search: search.send(None) for search in searches}
    while asked:
        [verb] = {verb for verb, _ in asked.values()}
        done = iter(getattr(models, verb)([path for _, paths in asked.values() for path in paths]))
        answers = {search: [next(done) for _ in paths] for search, (_, paths) in asked.items()}
        asked = {}
        for search, answer in answers.items():
            with suppress(StopIteration):
                asked[search] = search.send(answer)


def best_of_n(models: Models) -> None:
    roots = [Path(problem) for problem in models.problems for _ in range(models.cell.n)]
    models.score(models.finish(roots))
    models.done.problems = len(models.problems)


def beam(models: Models) -> None:
    strategy: Any = SalBeam(models.cell.n, models.width, filter_duplicates=True)
    for problem in models.problems:
        in_lock_step(models, [strategy.search(Path(problem), Verbs(), Verbs(), None)])
        models.done.problems += 1


def dvts(models: Models) -> None:
    strategy: Any = SalDvts(models.cell.n, models.width)
    roots = [Path(problem) for problem in models.problems for _ in range(models.cell.n // models.width)]
    in_lock_step(models, [strategy.subtree(root, Verbs(), Verbs()) for root in roots])
    models.done.problems = len(models.problems)


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
