"""What machine this is."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil


def hardware() -> dict[str, Any]:
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": nvidia_smi("name,memory.total"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def nvidia_smi(query: str, units: bool = True) -> list[str]:
    """What nvidia-smi says of each GPU of this machine; nothing where there is none."""
    form = "csv,noheader" if units else "csv,noheader,nounits"
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={query}", f"--format={form}"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def gpu_memory() -> float | None:
    """GiB of the smallest GPU of this machine; None where nobody says."""
    try:
        return min(float(line) for line in nvidia_smi("memory.total", units=False)) / 1024
    except ValueError:
        return None
