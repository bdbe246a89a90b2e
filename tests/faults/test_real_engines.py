"""The policy's death on real vLLM."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import stored
from tests.faults.harness import Launch, kill, wait_for

pytestmark = pytest.mark.engines

NANO = ("-m", "strategy=best_of_n,beam", "n=16", "dataset.limit=40")


@pytest.mark.parametrize("whole", [False, True], ids=["its_engines_process", "the_actor"])
def test_a_launch_on_real_engines_outlives_its_policy(whole: bool, tmp_path: Path) -> None:
    """On vLLM. A killed actor takes its engine's process along: a GPU had no room for the next one."""
    launch = Launch(tmp_path / "x", line=NANO)
    try:
        wait_for(lambda: "engines ready" in launch.log.read_text() or launch.process.poll() is not None, 240)
        time.sleep(4)
        [actor] = [one for one in launch.of("policy") if one.children()]
        [engine] = actor.children()
        kill(actor if whole else engine)
        wait_for(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)
        assert launch.end() == 0, launch.log.read_text()
        assert "policy 0 died" in launch.log.read_text()
        searches = stored(launch.folder, "searches")
        assert len(searches) == 2 * 40
        assert (searches["status"] == "done").all()
        assert len(stored(launch.folder, "paths")) == 2 * 40 * 16
        assert not launch.leftovers()
    finally:
        launch.kill_all()
