"""The plain engine: transformers alone, batched, without tricks.

What vLLM is compared with, and what a machine without a vLLM wheel runs on. Left out on purpose: a prefix
cache, and requests that join a batch under way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from ttc.models.counters import Counters
from ttc.models.vllm_engine import EngineOptions, threads
from ttc.types import UserError

Q = TypeVar("Q")
A = TypeVar("A")


def load(kind: Any, options: EngineOptions) -> Any:
    """The model as `kind` (a class of transformers) has it, on this machine's best device, ready to be read.

    Raises:
        UserError: weights are missing, which transformers would fill with random numbers.
    """
    import torch

    model, found = kind.from_pretrained(
        options.model,
        revision=options.revision,
        dtype=options.dtype,
        trust_remote_code=options.trust_remote_code,
        output_loading_info=True,
    )
    if found["missing_keys"]:
        # a head's names in front: they say best what this is not
        names = sorted(found["missing_keys"], key=lambda name: (".layers." in name, name))
        missing = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        raise UserError(
            f"{options.model}: not a model of this kind ({type(model).__name__}), its weights lack {missing}"
        )
    if torch.cuda.is_available():
        return model.to("cuda").eval()
    if torch.backends.mps.is_available():
        return model.to("mps").eval()
    # set, not defaulted: Ray has put its own number there
    torch.set_num_threads(threads(options.model))
    # OpenMP's threads do not live through a fork: a vLLM that starts here later must not take one
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"
    return model.eval()


class Batcher(Generic[Q, A]):
    """Runs requests in batches, in a thread of its own, so that the event loop stays awake.

    The requests of one turn of the loop make a batch; those that come while it runs make the next one.

    Args:
        compute: requests -> their answers, in order; called in the thread, one batch at a time.
        cost: tokens that an answer took, padding left out.
    """

    def __init__(
        self, compute: Callable[[Sequence[Q]], Sequence[A]], cost: Callable[[A], int] = lambda answer: 0
    ) -> None:
        self._compute, self._cost = compute, cost
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="plain")
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._work: asyncio.Task[None] | None = None
        self.counters = Counters()

    async def ask(self, request: Q) -> A:
        """The answer to one request. Raises what `compute` raised for its batch."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._work is None:
            self._work = asyncio.create_task(self._run())
        answer = await future
        self.counters.count(self._cost(answer))
        return answer

    def shutdown(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        try:
            with self.counters.working():
                while self._waiting:
                    taken, self._waiting = self._waiting, []
                    # those that gave up while they waited cost nothing
                    await self._batch([(request, future) for request, future in taken if not future.done()])
        finally:
            self._work = None

    async def _batch(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        if not batch:
            return
        requests = [request for request, _ in batch]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._thread, self._compute, requests)
        except Exception as error:  # whatever it is, it belongs to those who asked
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
