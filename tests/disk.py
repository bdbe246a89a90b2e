"""A disk on which something happens in the middle: a kill, a power cut, or what else a test wants there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from pyarrow import fs

Undo = tuple[str, Callable[[], object]]
"""A directory, and what takes back a name in it that a power cut would not leave."""


class Killed(BaseException):
    """The process is gone: nobody tidies up, and nothing more gets to the disk."""


class Disk(fs.LocalFileSystem):
    """The local disk. Every change of a file is an operation; before one of them `event` happens, and if that
    is `kill` or `cut_power`, nothing comes after it.

    A power cut leaves a file empty whose bytes nobody forced to the disk, and takes back the names that were
    given or removed since their directory was forced.

    Attributes:
        number: of the operation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.number: int | None = None
        self.event: Callable[[], object] = lambda: None
        self._done, self._dead = 0, False
        self._unforced: set[str] = set()
        self._names: list[Undo] = []

    def kill(self) -> None:
        self._dead = True
        raise Killed

    def cut_power(self) -> None:
        for path in filter(os.path.exists, self._unforced):
            os.truncate(path, 0)
        for _, undo in reversed(self._names):
            undo()
        self.kill()

    def operation(self) -> None:
        if self._dead:
            raise Killed
        self._done += 1
        if self._done - 1 == self.number:
            self.event()

    def force(self, path: str) -> None:
        """In the place of fsync."""
        self.operation()
        self._unforced.discard(path)
        self._names = [(directory, undo) for directory, undo in self._names if directory != path]

    def create_dir(self, path: str, *, recursive: bool = True) -> None:
        self.operation()
        super().create_dir(path, recursive=recursive)

    def open_output_stream(self, path: str, *rest: Any, **named: Any) -> Torn:
        self.operation()
        self._unforced.add(path)
        return Torn(self, super().open_output_stream(path, *rest, **named))

    def move(self, src: str, dest: str) -> None:
        self.operation()
        before = _bytes(dest)
        super().move(src, dest)
        if src in self._unforced:
            self._unforced = self._unforced - {src} | {dest}
        self._names.append((os.path.dirname(dest), lambda: (os.rename(dest, src), _restore(dest, before))))

    def delete_file(self, path: str) -> None:
        self.operation()
        before = _bytes(path)
        super().delete_file(path)
        self._names.append((os.path.dirname(path), lambda: _restore(path, before)))


class Torn:
    """A stream into a file: what is written comes in two halves, so that there is a moment between them."""

    def __init__(self, disk: Disk, stream: Any) -> None:
        self._disk, self._stream = disk, stream

    def write(self, data: Any) -> None:
        whole = bytes(data)
        middle = len(whole) // 2
        self._stream.write(whole[:middle])
        self._disk.operation()
        self._stream.write(whole[middle:])

    def __enter__(self) -> Torn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def _bytes(path: str) -> bytes | None:
    return Path(path).read_bytes() if os.path.exists(path) else None


def _restore(path: str, data: bytes | None) -> None:
    if data is not None:
        Path(path).write_bytes(data)
