"""vLLM's process as a copy of this one.

vLLM spawns its engine's process on CPUs and in Ray actors: a new interpreter that imports all again, ten
seconds and more. A fork has it already. Where CUDA has been used before, which does not live through a fork,
vLLM still spawns. VLLM_WORKER_MULTIPROC_METHOD=spawn brings its own way back.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import stat
import sys
from collections.abc import Iterator

PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that a process gets when the thread that made it ends."""


@contextlib.contextmanager
def forking() -> Iterator[None]:
    """vLLM's engines that are started in here are forks of this process."""
    from vllm.utils import system_utils

    kept = getattr(system_utils, "is_in_ray_actor", None)
    if kept is None:  # another vLLM: it spawns, and all works as before, later
        yield
        return
    over = _bind_forks(_sockets())
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


def _bind_forks(sockets: list[int]) -> list[bool]:
    """A copy ends with this process, however that ends: an actor that is killed leaves no engine on the GPU.
    And it must not hold this process's connections open: Ray sees by theirs that an actor has died.

    Returns:
        What ends it, once something is in it. A copy's own copies keep theirs: the numbers are others' there.
    """
    owner, over = os.getpid(), list[bool]()
    libc = ctypes.CDLL(None)

    def bind() -> None:
        if os.getppid() != owner or over:
            return
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for socket in sockets:
            with contextlib.suppress(OSError):
                os.close(socket)

    os.register_at_fork(after_in_child=bind)
    return over
