"""What engines and shards print, in files of the results folder; couriers.py brings it there from other
nodes than the driver's."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from zlib import crc32

import ray

from ttc.types import UserError

LARGEST = 32 * 2**20
"""Bytes; then the log becomes `<log>.1`, and the one before that is gone."""

MEMORY = re.compile(rb"out of memory|OutOfMemory|No available memory for the cache", re.IGNORECASE)


class Log:
    """This process's output, and that of the processes it starts, from now on in the file `name`, or on
    another node than `home` in one that a courier brings there."""

    def __init__(self, name: str, home: str) -> None:
        at_home = node() == home
        self._name = name = name if at_home else str(away(name))
        directory = os.path.dirname(name)
        os.makedirs(directory, mode=0o777 if at_home else 0o700, exist_ok=True)
        # all users may write beside it
        if not at_home and (os.path.islink(directory) or os.stat(directory).st_uid != os.getuid()):
            raise UserError(f"{directory} is another user's: logs are kept there")
        with open(name, "a") as file:  # appended to, so that it may be cut under its writers
            self._begin = file.tell()
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        print(f"--- {time.strftime('%F %T')} on {socket.gethostname()}, process {os.getpid()}", flush=True)

    @property
    def tells_of_memory(self) -> bool:
        """Does it speak of a device without memory? An engine's process that dies says it nowhere else."""
        with open(self._name, "rb") as file:
            file.seek(min(self._begin, os.path.getsize(self._name)))
            return MEMORY.search(file.read()) is not None

    def rotate(self) -> None:
        if rotate(self._name):
            self._begin = 0


def rotate(name: str) -> bool:
    """Begins a log anew that has become too large."""
    if os.path.getsize(name) <= LARGEST:
        return False
    shutil.copyfile(name, f"{name}.1")
    os.truncate(name, 0)
    return True


def node() -> str:
    """This one, in Ray's name."""
    name: str = ray.get_runtime_context().get_node_id()
    return name


def away(name: str) -> Path:
    """Where a process on another node than the driver's keeps the log `name` of the folder meanwhile."""
    folder, file = os.path.split(name)
    job = ray.get_runtime_context().get_job_id()
    return Path(tempfile.gettempdir(), f"ttc-{os.getuid()}-{job}-{crc32(folder.encode()):08x}", file)
