"""What the benchmarks of whole sweeps share: problems, launches in their own processes, lines of results."""

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

from ttc.models.fake import truth

REPO = Path(__file__).parents[1]

QUESTIONS = (
    "A baker sells 24 loaves in the morning and half as many in the afternoon. A loaf costs 3 dollars. How "
    "many dollars does he take in that day?",
    "Lena has 5 boxes with 12 pencils each. She gives 17 pencils to her brother and shares the others "
    "equally between herself and a friend. How many pencils does her friend get?",
    "A train runs 60 miles an hour for 2 hours and then 45 miles an hour for 4 hours. How many miles does it "
    "run in all?",
    "Tom saves 8 dollars a week. After 6 weeks he buys a ball for 15 dollars and 2 books for 7 dollars each. "
    "How many dollars are left?",
)
"""As GSM8K asks, for a policy that reads English; nobody looks at the answers."""


def note(text: str) -> None:
    """What a reader of the log should see beside the results."""
    print(text, file=sys.stderr, flush=True)


def environment() -> dict[str, str]:
    """This process's, for others: they import this checkout, grade everything anew, and keep byte code (each
    engine would compile torch and vLLM again, 12 s, where that is forbidden)."""
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = os.pathsep.join(filter(None, [str(REPO), around.get("PYTHONPATH")]))
    return around | {"PYTHONPATH": paths, "TTC_CACHE": "off"}


def run(*words: str) -> str:
    """What a Python of this project prints; where it fails its last lines are raised."""
    done = subprocess.run(
        [sys.executable, *words], cwd=REPO, env=environment(), capture_output=True, text=True
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RuntimeError(f"{' '.join(words)[:200]} ended with {done.returncode}:\n{tail}")
    return done.stdout


def launch(results: Path, *words: str) -> dict[str, Any]:
    """A launch into results/default; its bill."""
    run("launch.py", *words, f"results_dir={results}")
    return bill_of(results / "default")


def bill_of(folder: Path) -> dict[str, Any]:
    """What the folder's last launch paid."""
    bill: dict[str, Any] = json.loads((folder / "sweep.json").read_text())["runs"][-1]["bill"]
    return bill


def made_up(folder: Path, count: int) -> tuple[str, ...]:
    """The words for so many problems that the fakes can solve."""
    return _dataset(folder, (f"Made-up problem {number}." for number in range(count)))


def worded(folder: Path, count: int) -> tuple[str, ...]:
    """The words for QUESTIONS."""
    return _dataset(folder, QUESTIONS[:count])


def _dataset(folder: Path, questions: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    file = folder / "problems.jsonl"
    rows = ({"question": question, "answer": str(truth(question))} for question in questions)
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return ("dataset=path", f"dataset.path={file}")


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
