"""What the benchmarks share: launches in processes of their own, and lines of results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[1]


def say(measure: str, value: float | str, unit: str) -> None:
    """One result, as a line of JSON."""
    print(json.dumps({"measure": measure, "value": value, "unit": unit}), flush=True)


def note(text: str) -> None:
    """What a reader of the log should see beside the results."""
    print(text, file=sys.stderr, flush=True)


def run(words: list[str]) -> str:
    """What a Python script of this project prints; where it fails its last lines are raised."""
    done = subprocess.run([sys.executable, *words], cwd=REPO, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def launch(results: Path, *words: str) -> dict[str, Any]:
    """A launch into results/default; its entry of sweep.json."""
    run(["launch.py", *words, f"results_dir={results}"])
    return last_run(results / "default")


def last_run(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "sweep.json").read_text())["runs"][-1]


def floor(folder: Path) -> dict[str, Any]:
    """What the bare engines need for the folder's requests."""
    return json.loads(run(["benchmarks/floor.py", str(folder)]).splitlines()[-1])


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        yield Path(folder)
