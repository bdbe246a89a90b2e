"""One process, no Ray (`cluster=none`): the engines and every search in this interpreter's event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from ttc.models import environment, shut_down, start
from ttc.plan.plan import Plan
from ttc.run.launch import Launch, Report
from ttc.run.shard import Shard
from ttc.run.stopping import Stop


def run(launch: Launch, plan: Plan, on_report: Callable[[Report], None], stop: Stop) -> None:
    """Runs the plan's jobs as one shard. The first report, without news, says that the engines are up.

    Raises:
        EngineDied: what was finished has been reported. Nobody starts an engine of this process again.
    """
    asyncio.run(_run(launch, plan, on_report, stop))


async def _run(launch: Launch, plan: Plan, on_report: Callable[[Report], None], stop: Stop) -> None:
    policy = verifier = None
    try:
        os.environ.update(environment(config for config in (launch.policy, launch.prm) if config))
        policy = await start(launch.policy) if launch.policy else None
        verifier = await start(launch.prm) if launch.prm else None
        on_report(Report(ready=True))

        async def emit(report: Report) -> None:
            on_report(report)
            if stop.why:
                shard.stop.set()

        shard = Shard(launch, policy, verifier, launch.room, emit)
        with stop.gently():
            await shard.run(plan.jobs())
    finally:
        for engine in (policy, verifier):
            await shut_down(engine)
