"""What Prometheus reads of a launch from its node's agent, as it is served there."""

from __future__ import annotations

import re
import signal
import time
from collections import defaultdict
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.faults.harness import FAKES, GRID, Launch, wait_for
from ttc.cluster.metrics import Meter
from ttc.run.launch import Report

LINE = re.compile(r"^ray_ttc_(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
ENGINES = {"policy-0", "policy-1", "prm-0"}
TOLD = {
    "searches_total": {"-"},
    **dict.fromkeys(("computed_tokens_total", "requests_total", "open_calls"), ENGINES),
}


def read(launch: Launch) -> dict[str, dict[str, float]]:
    """Metric -> `role-replica` ("-": of no engine) -> value, added up over processes."""
    family = psutil.Process(launch.process.pid).children(recursive=True)
    agents = {one.pid for one in family if "DashboardAgent" in one.name()}
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in psutil.net_connections("tcp"):
        if one.pid not in agents or one.status != psutil.CONN_LISTEN:
            continue
        with suppress(OSError, HTTPException):  # its other ports speak no HTTP
            with urlopen(f"http://127.0.0.1:{one.laddr.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
            for name, tags, value in LINE.findall(text):
                own = dict(re.findall(r'(\w+)="(.*?)"', tags))
                found[name][f"{own.get('role', '')}-{own.get('replica', '')}"] += float(value)
    return found


@pytest.mark.engines
def test_searches_and_engines_are_there_while_a_launch_runs(tmp_path: Path) -> None:
    launch = Launch(tmp_path / "x", "policy.latency=1", line=(*GRID, *FAKES))
    last: dict[str, dict[str, float]] = {}

    def told() -> bool:
        time.sleep(1)
        last.update(read(launch))
        assert launch.process.poll() is None, launch.log.read_text()
        return all(last.get(name, {}).keys() == own for name, own in TOLD.items())

    try:
        wait_for(told, 200)
        assert 0 < last["searches_total"]["-"] < 400
        assert all(tokens > 0 for tokens in last["computed_tokens_total"].values())
        launch.process.send_signal(signal.SIGINT)
        assert launch.end() == 130
    finally:
        launch.kill_all()
        launch.end()


def test_outside_ray_nobody_is_told_and_nothing_fails() -> None:
    Meter(role="policy", replica="0").searches(Report(done=3))
