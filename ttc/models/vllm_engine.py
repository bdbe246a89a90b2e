"""vLLM's AsyncLLM as policy and verifier both need it: started, counted, stopped.

What differs between a CPU and a GPU stands here and nowhere else. Written against vllm 0.32; 0.24 has the
same names.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ttc.models.counters import Counters
from ttc.models.forking import forking
from ttc.types import EngineDied, TransientError

if TYPE_CHECKING:
    from vllm import PoolingRequestOutput, RequestOutput

GIB = 2**30
SMALL = 100 * 2**20
"""Bytes of weights below which a second thread costs more than it brings."""

ENGINES_HERE = "TTC_ENGINES_HERE"
"""The environment variable that says how many engines share this machine's cores."""

Pooling = Literal["token_classify", "classify"]
"""What a model that does not write gives: logits for every token, or for the whole text."""
POOLERS = {"token_classify": {"tok_pooling_type": "ALL"}, "classify": {"seq_pooling_type": "LAST"}}
"""The pooling that goes with the prefix cache. STEP, which some process reward models come with, does not:
vLLM then leaves the cache unread."""


@dataclass(frozen=True)
class EngineOptions:
    """How an engine is started.

    Attributes:
        model: a folder or a Hub id (`checkpoint.fetch` gives it).
        context: tokens of prompt and text together.
        revision: the Hub's commit.
        dtype: of weights and activations.
        max_num_seqs: sequences that run at once; more wait in the engine.
        memory: bytes of KV cache; None: `gpu_share` of the GPU, or 1 GiB on a CPU.
        gpu_share: the share of the GPU's memory that the whole engine takes.
        tensor_parallel: GPUs that share each layer.
        float32_head: the output head in float32, for scores that bfloat16 would round.
        pooling: None: the model writes (`Engine.run`); else it is only read (`Engine.pool`).
        reads: the model reads and writes no more than a token: on a GPU nothing is compiled or captured for
            it, as both pay in small batches only and a prompt is a large one.
        trust_remote_code: run code that comes with it.
    """

    model: str
    context: int
    revision: str | None = None
    dtype: str = "auto"
    max_num_seqs: int = 256
    memory: int | None = None
    gpu_share: float = 0.9
    tensor_parallel: int = 1
    float32_head: bool = False
    pooling: Pooling | None = None
    reads: bool = False
    trust_remote_code: bool = False


class Engine:
    """A running AsyncLLM with its counters. Start it inside the event loop that uses it."""

    def __init__(self, options: EngineOptions) -> None:
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        import torch
        from vllm import AsyncEngineArgs, PoolingParams, SamplingParams
        from vllm.envs import disable_envs_cache, enable_envs_cache
        from vllm.inputs import tokens_input
        from vllm.platforms import current_platform
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.async_llm import AsyncLLM
        from vllm.v1.engine.exceptions import EngineDeadError

        self.cpu = current_platform.is_cpu()
        spawn = os.environ.get("VLLM_WORKER_MULTIPROC_METHOD") == "spawn"  # the user's wish, and then vLLM's
        arguments = AsyncEngineArgs(**engine_arguments(options, self.cpu))
        if self.cpu:
            prepare_environment()
            # set, not defaulted: Ray has put its own number there, and OpenMP has read it before the fork
            os.environ["OMP_NUM_THREADS"] = str(threads(options.model))
            torch.set_num_threads(threads(options.model))
        config = arguments.create_engine_config()
        disable_envs_cache()  # another engine's, started here before
        with nullcontext() if spawn else forking():
            self._llm: Any = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
        enable_envs_cache()  # or every request asks for each of its settings in the environment anew
        self._input, self._dead = tokens_input, EngineDeadError
        # made anew for every request: so vLLM need not copy them
        self._sampling = partial(SamplingParams, output_kind=RequestOutputKind.FINAL_ONLY, skip_clone=True)
        self._pieces = RequestOutputKind.DELTA
        # raw logits: vLLM's own activation depends on the model's configuration. The cache is read, which
        # for logits of every token is not vLLM's default, as only the uncached ones come back then
        self._pooling = partial(
            PoolingParams, task=options.pooling, use_activation=False, skip_reading_prefix_cache=False
        )
        self._ids = itertools.count()
        self.counters = Counters()

    async def run(self, ids: list[int], generated: bool = True, **params: Any) -> RequestOutput:
        """One request to its end. A cancelled call aborts its request.

        Args:
            generated: the tokens it generates count as computed (a verifier throws its one away).
            params: SamplingParams' own.

        Raises:
            EngineDied: the engine is gone.
            TransientError: the engine gave the request up.
        """
        output: RequestOutput = await self._last(self._llm.generate, ids, self._sampling(**params))
        self._count(ids, [output], generated)
        return output

    async def run_while(
        self, ids: list[int], goes_on: Callable[[RequestOutput], bool], **params: Any
    ) -> list[RequestOutput]:
        """One request, a piece for every few tokens, as long as `goes_on(piece)`; then it is aborted, and
        what the engine wrote meanwhile, unseen, is not counted. Otherwise as `run`."""
        sampling = self._sampling(**params | {"output_kind": self._pieces})
        pieces: list[RequestOutput] = []
        with self._working():
            asked = self._llm.generate(self._input(ids), sampling, str(next(self._ids)))
            async with aclosing(asked) as outputs:
                async for piece in outputs:
                    pieces.append(piece)
                    if not goes_on(piece):
                        break
        self._count(ids, pieces, generated=True)
        return pieces

    async def pool(self, ids: list[int]) -> PoolingRequestOutput[Any]:
        """One request to a model that is only read: its raw logits; otherwise as `run`."""
        output: PoolingRequestOutput[Any] = await self._last(self._llm.encode, ids, self._pooling())
        self.counters.count(len(ids), output.num_cached_tokens)
        return output

    async def _last(self, ask: Callable[..., AsyncIterator[Any]], ids: list[int], params: Any) -> Any:
        """The one output of a request."""
        with self._working():
            (output,) = [output async for output in ask(self._input(ids), params, str(next(self._ids)))]
        return output

    @contextmanager
    def _working(self) -> Iterator[None]:
        """A request's time, as busy."""
        with self.counters.working():
            try:
                yield
            except self._dead as error:
                raise EngineDied("vLLM's engine has died; its log says why") from error

    def _count(self, ids: list[int], pieces: Sequence[RequestOutput], generated: bool) -> None:
        written = sum(len(piece.outputs[0].token_ids) for piece in pieces) if generated else 0
        why = pieces[-1].outputs[0].finish_reason
        if why not in ("stop", "length") and pieces[-1].finished:
            raise TransientError(f"vLLM ended a request with {why!r}", written)
        self.counters.count(len(ids) + written, pieces[-1].num_cached_tokens)

    def shutdown(self) -> None:
        """Stops the engine's processes."""
        self._llm.shutdown(timeout=3.0)
        self._llm = None  # its __del__ must not run when the interpreter is half gone


def prepare_environment() -> None:
    """Settings for vLLM on a CPU and for the process its model runs in. What the user has set stays."""
    # the engines of a machine share its cores; pinned ones would all sit on the same
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    # the model runs inside the engine's process: as a process of its own (vLLM's default on CPUs) the two
    # spin while they wait for each other, and a small model spends half of its time there
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")


def threads(model: str) -> int:
    """CPU threads for a model: one for a small folder of weights, else an equal share of the cores."""
    size = sum(file.stat().st_size for file in Path(model).glob("*.safetensors"))
    if 0 < size < SMALL:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get(ENGINES_HERE, 1)))


def engine_arguments(options: EngineOptions, cpu: bool) -> dict[str, Any]:
    """The arguments of AsyncEngineArgs."""
    arguments: dict[str, Any] = {
        "model": options.model,
        "revision": options.revision,
        "tokenizer_revision": options.revision,
        "trust_remote_code": options.trust_remote_code,
        "dtype": options.dtype,
        "seed": 0,  # every request brings its own
        "max_model_len": options.context,
        "max_num_seqs": options.max_num_seqs,
        "tensor_parallel_size": options.tensor_parallel,
        "enable_prefix_caching": True,
        "block_size": 32 if cpu else 16,  # tokens; larger ones make short steps compute more
        "generation_config": "vllm",  # temperature and top_p are ours, not the model's advice
        "disable_log_stats": True,  # the counters are here, and statistics cost time per token
        "enable_log_requests": False,
    }
    if options.float32_head:
        arguments["hf_overrides"] = {"head_dtype": "float32"}
    if options.pooling:
        arguments |= {"runner": "pooling", "pooler_config": POOLERS[options.pooling]}
    if cpu:
        # eager: compiling takes longer than a small sweep. No chunked prefill: a seeded request that is
        # prefilled in pieces kills the engine ("CPU Generator does not use offset"); so a batch must hold
        # any prompt
        arguments |= {
            "enforce_eager": True,
            "distributed_executor_backend": "uni" if options.tensor_parallel == 1 else "mp",
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": max(options.context, 8192),
            "kv_cache_memory_bytes": options.memory or GIB,
        }
        return arguments
    # the share is what must be free at the start, also where the cache is given in bytes
    arguments["gpu_memory_utilization"] = options.gpu_share
    if options.memory:
        arguments["kv_cache_memory_bytes"] = options.memory
    if options.reads:
        arguments["enforce_eager"] = True
    if options.dtype == "float32":
        arguments["attention_backend"] = "TRITON_ATTN"  # FlashAttention has no float32
    return arguments
