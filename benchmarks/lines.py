"""What a measure script prints: a line of JSON for each figure, which bench.py reads."""

from __future__ import annotations

import json
from pathlib import Path


def say(measure: str, value: float, unit: str = "") -> None:
    print(json.dumps({"measure": measure, "value": round(value, 3), "unit": unit}), flush=True)


def peak() -> float:
    """The most memory that this process had, in MB. getrusage would also count what started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024 / 1e6
