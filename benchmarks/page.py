"""What the report of a large study takes: 500 problems x 4 strategies x 5 budgets x 5 seeds, by fakes.

    uv run python benchmarks/page.py [problems [seeds]]

Makes the folder once, under the system's temporary folder (minutes), then `ttc report` in a process of its
own, and opens the page in the system's Chromium.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lines import say

from ttc.commands.cli import main as ttc

GRID = ("-m", "strategy=greedy,best_of_n,beam,dvts", "n=1,4,8,16,32")
FAKES = ("policy=fake", "prm=fake", "cluster=none", "dataset=path")


def main(problems: int = 500, seeds: int = 5) -> None:
    place = Path(tempfile.gettempdir(), f"ttc-page-{problems}-{seeds}")
    study = place / "study"
    if not (study / "report.html").exists():
        place.mkdir(exist_ok=True)
        rows = (
            {"question": f"What is {i} + 7?", "answer": str(i + 7), "id": str(i), "level": 1 + i % 5}
            for i in range(problems)
        )
        data = place / "problems.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = [f"dataset.path={data}", f"seeds={[*range(seeds)]}".replace(" ", ""), "name=study"]
        assert ttc(["run", *GRID, *FAKES, *words, f"results_dir={place}"]) == 0
    begun = time.monotonic()
    door = "import sys; from ttc.commands.cli import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", door, "report", str(study)], check=True, stdout=2)
    say("report", time.monotonic() - begun, "s")
    say("report: memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000, "MB")
    page = study / "report.html"
    say("report: size", page.stat().st_size / 1e6, "MB")
    say("report: opens", opening(page), "s")


def opening(page: Path) -> float:
    """Seconds until its charts are drawn."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        window = browser.new_page()
        begun = time.monotonic()
        window.goto(page.as_uri())
        window.wait_for_selector("html[data-ready]")
        taken = time.monotonic() - begun
        browser.close()
    return taken


if __name__ == "__main__":
    os.environ["TTC_CACHE"] = "off"
    main(*map(int, sys.argv[1:]))
