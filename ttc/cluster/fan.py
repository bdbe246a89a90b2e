"""The driver's side of the shards: problems dealt out, reports heard, a shard that dies begun again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from ttc.cluster import shards
from ttc.cluster.logs import node
from ttc.cluster.placement import Placement
from ttc.cluster.replicas import Replicas
from ttc.plan.done import plan_missing
from ttc.plan.plan import Plan
from ttc.run.launch import Launch, Report
from ttc.types import EngineDied, UserError, in_a_line


@dataclass
class Share:
    """What one shard has to do, and how often in a row it has died over it."""

    number: int
    problems: frozenset[str]
    log: str
    deaths: int = 0


class Fan:
    """The shards of a launch. `tasks`: those that run; one that Ray calls ready has something to `hear`."""

    def __init__(self, launch: Launch, plan: Plan, placement: Placement, replicas: Replicas) -> None:
        self._launch, self._plan, self._replicas = launch, plan, replicas
        self._room = max(1, launch.room // placement.at_once)
        self.tasks: dict[Any, Share] = {}
        self._home = node()
        logs = launch.folder.local("logs")
        put = ray.put(plan)
        for number, problems in enumerate(shards.split(plan.open_problems, placement.shards)):
            self._start(Share(number, problems, str(logs / f"shard-{number}.log")), put)

    def hear(self, task: Any) -> Report:
        """What a shard that is ready says; nothing where it is over.

        Raises:
            UserError, EngineDied: as the shard has it.
            Exception: a defect of ours.
        """
        share = self.tasks[task]
        try:
            report: Report = ray.get(next(task))
        except StopIteration:
            del self.tasks[task]
        except RayTaskError as error:
            del self.tasks[task]
            if isinstance(error.cause, UserError | EngineDied):
                raise type(error.cause)(str(error.cause)) from None
            raise error.as_instanceof_cause() from None
        except RayError as error:  # its process, or its node
            del self.tasks[task]
            return self._restart(share, error)
        else:
            share.deaths = 0
            return report
        return Report()

    def _restart(self, share: Share, error: RayError) -> Report:
        """What it had not handed over is searched again: what is missing stands in the folder alone."""
        share.deaths += 1
        said = f"shard {share.number} died ({in_a_line(error)}; see {share.log})"
        most = self._launch.cluster.restarts
        if share.deaths > most:
            raise EngineDied(f"{said}, {share.deaths} times in a row; cluster.restarts={most}")
        self._start(share, ray.put(plan_missing(self._launch.folder, self._plan.cells, self._plan.stored)))
        return Report(notes=[f"{said}; its searches are begun again"])

    def _start(self, share: Share, plan: Any) -> None:
        # no GPU of it is the shard's
        task = shards.run.options(runtime_env={"env_vars": {"CUDA_VISIBLE_DEVICES": ""}}).remote(
            self._launch,
            [plan],
            share.problems,
            self._replicas.actors("policy"),
            self._replicas.actors("prm"),
            self._room,
            share.log,
            self._home,
        )
        self.tasks[task] = share
