"""What engines and shards print, in files of the results folder."""

from __future__ import annotations

import os
import re
import shutil
import sys

LARGEST = 32 * 2**20
"""Bytes; then the log becomes `<log>.1`, and the one before that is gone."""

MEMORY = re.compile(rb"out of memory|OutOfMemory|No available memory for the cache", re.IGNORECASE)


class Log:
    """This process's output, and that of the processes it starts, from now on in the file `name`."""

    def __init__(self, name: str) -> None:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        self._name = name
        with open(name, "a") as file:  # appended to, so that it may be cut under its writers
            self._begin = file.tell()
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)

    @property
    def tells_of_memory(self) -> bool:
        """Does it speak of a device without memory? An engine's process that dies says it nowhere else."""
        with open(self._name, "rb") as file:
            file.seek(min(self._begin, os.path.getsize(self._name)))
            return MEMORY.search(file.read()) is not None

    def rotate(self) -> None:
        if os.path.getsize(self._name) > LARGEST:
            shutil.copyfile(self._name, f"{self._name}.1")
            os.truncate(self._name, 0)
            self._begin = 0
