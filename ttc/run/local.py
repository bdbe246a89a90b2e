"""One process, no Ray (`cluster=none`): the engines and every search in this interpreter's event loop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence

from ttc.models import environment, shut_down, start
from ttc.plan.jobs import Job
from ttc.run.launch import Launch, Report
from ttc.run.shard import Shard


def run(launch: Launch, jobs: Sequence[Job], on_report: Callable[[Report], None]) -> None:
    """Runs `jobs` as one shard. The first report, without news, says that the engines are up.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came; what was finished has been reported.
        EngineDied: likewise.
    """
    if asyncio.run(_run(launch, jobs, on_report)):
        raise KeyboardInterrupt


async def _run(launch: Launch, jobs: Sequence[Job], on_report: Callable[[Report], None]) -> bool:
    async def emit(report: Report) -> None:
        on_report(report)

    policy = verifier = None
    interrupted = asyncio.Event()
    try:
        os.environ.update(environment(config for config in (launch.policy, launch.prm) if config))
        policy = await start(launch.policy) if launch.policy else None
        verifier = await start(launch.prm) if launch.prm else None
        on_report(Report(ready=True))
        shard = Shard(launch, policy, verifier, launch.room, emit)

        def interrupt() -> None:
            interrupted.set()
            shard.stop.set()

        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, interrupt)
        await shard.run(jobs)
    finally:
        for engine in (policy, verifier):
            await shut_down(engine)
    return interrupted.is_set()
