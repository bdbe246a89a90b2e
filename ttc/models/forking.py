"""vLLM's process as a copy of this one.

vLLM spawns its engine's process on CPUs and in Ray actors: a new interpreter that imports all again, ten
seconds and more. A fork has it already. Where CUDA has been used before, which does not live through a fork,
vLLM still spawns. VLLM_WORKER_MULTIPROC_METHOD=spawn brings its own way back.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator


@contextlib.contextmanager
def forking() -> Iterator[None]:
    """vLLM's engines that are started in here are forks of this process."""
    from vllm.utils import system_utils

    kept = getattr(system_utils, "is_in_ray_actor", None)
    if kept is None:  # another vLLM: it spawns, and all works as before, later
        yield
        return
    over = _close_in_forks(_sockets())
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
    system_utils.is_in_ray_actor = lambda: False
    try:
        yield
    finally:
        over.append(True)
        system_utils.is_in_ray_actor = kept
        # not what vLLM had put there: the next engine of this process would take it for the user's wish
        os.environ.pop("VLLM_WORKER_MULTIPROC_METHOD")


def _sockets() -> list[int]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(int(name))
    return found


def _close_in_forks(sockets: list[int]) -> list[bool]:
    """A copy must not hold this process's connections open: Ray sees by theirs that an actor has died.

    Returns:
        What ends it, once something is in it. A copy's own copies keep theirs: the numbers are others' there.
    """
    owner, over = os.getpid(), list[bool]()

    def close() -> None:
        for socket in sockets if os.getppid() == owner and not over else ():
            with contextlib.suppress(OSError):
                os.close(socket)

    os.register_at_fork(after_in_child=close)
    return over
