"""Where a folder lies. The one module that knows it to be a local disk; all else names files below it.

Reading, writing and listing go through an Arrow file system. Local alone are: that a file is forced to the
disk before it gets its name, and the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from ttc.types import Unwritable, UserError, in_a_line

BLOCK = 2**22
LOOKS = 5


class Files:
    """The files below one folder, by names such as `searches/000001-ab.parquet`. Making one does no I/O.

    Attributes:
        where: the folder as it was given, for messages.
        root: the same, absolute.
    """

    def __init__(self, where: str | Path) -> None:
        self.where = str(where)
        self.root = os.path.abspath(os.path.expanduser(self.where))
        self._system = fs.LocalFileSystem()

    def list(self, directory: str) -> list[str]:
        """The names of the files in it, sorted; none where there is no such directory."""
        with self._reachable(directory):
            found = self._system.get_file_info(fs.FileSelector(self._at(directory), allow_not_found=True))
        return sorted(info.base_name for info in found if info.type == fs.FileType.File)

    def has(self, name: str) -> bool:
        with self._reachable(name):
            kind = self._system.get_file_info(self._at(name)).type
        if kind == fs.FileType.Directory:
            raise UserError(f"{self.where}/{name}: a folder, where a file belongs")
        return kind == fs.FileType.File

    def read(self, name: str) -> bytes:
        with self._reachable(name), self._system.open_input_stream(self._at(name)) as stream:
            return stream.read()

    def size(self, name: str) -> int:
        with self._reachable(name):
            return self._system.get_file_info(self._at(name)).size

    def seal(self, name: str) -> tuple[int, int]:
        """A file's size in bytes, and its CRC-32."""
        size = checksum = 0
        with self._reachable(name), self._system.open_input_stream(self._at(name)) as stream:
            while block := stream.read(BLOCK):
                size, checksum = size + len(block), zlib.crc32(block, checksum)
        return size, checksum

    def read_metadata(self, name: str) -> dict[bytes, bytes]:
        """What a Parquet file says of itself."""
        import pyarrow.parquet as pq

        return pq.read_schema(self._at(name), filesystem=self._system).metadata or {}

    def read_tables(
        self, names: Sequence[str], schema: pa.Schema, columns: Sequence[str], where: pc.Expression | None
    ) -> pa.Table:
        """Rows of Parquet files, one after the other. Columns that a file lacks are nulls, unknown ones left.

        Args:
            schema: of all columns that `columns` and `where` may name.

        Raises:
            FileNotFoundError: one is not there (any more).
            UserError: one is damaged.
        """
        import pyarrow.dataset as ds  # here: it brings pandas, which a plan of a new folder can do without

        paths = [self._at(name) for name in names]
        with self._readable(names[0].split("/")[0]):
            options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
            form = ds.ParquetFileFormat(default_fragment_scan_options=options)
            found = ds.dataset(paths, schema=schema, format=form, filesystem=self._system)
            return found.to_table(columns=list(columns), filter=where)

    def read_table(self, name: str, columns: Sequence[str] | None, filters: Any) -> pa.Table:
        """One Parquet file with its own columns; `filters` as pyarrow.parquet.read_table takes them."""
        import pyarrow.parquet as pq

        chosen = list(columns) if columns is not None else None
        with self._readable(name):
            return pq.read_table(
                self._at(name),
                columns=chosen,
                filters=filters,
                filesystem=self._system,
                page_checksum_verification=True,
            )

    @contextlib.contextmanager
    def write(self, name: str) -> Iterator[pa.NativeFile]:
        """A stream to a file that gets its name once it is whole and on the disk.

        Raises:
            Unwritable: with the reason.
        """
        directory, _, base = name.rpartition("/")
        hidden = self._at(f"{directory}/.{base}.writing")
        with self._writable(name):
            try:
                self._make(directory)
                with self._system.open_output_stream(hidden) as stream:
                    yield stream
                _force(hidden)
                self._system.move(hidden, self._at(name))
                _force(self._at(directory))  # the name, too, is to outlive a power cut
            except OSError:
                with contextlib.suppress(OSError):  # a full disk gets the room back
                    self._system.delete_file(hidden)
                raise

    def move(self, name: str, new: str) -> None:
        """Gives a file another name, in a directory that is made if need be, and for good."""
        directory = new.rpartition("/")[0]
        with self._writable(new):
            self._make(directory)
            self._system.move(self._at(name), self._at(new))
            _force(self._at(directory))

    def delete(self, name: str) -> None:
        with self._writable(name):
            self._system.delete_file(self._at(name))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Makes the folder if need be, and keeps other processes' locks out.

        Raises:
            UserError: another process has it, or it cannot be written.
        """
        try:
            self._system.create_dir(self.root, recursive=True)
            file = open(self._at(".lock"), "a+")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise UserError(f"results folder {self.where} cannot be written ({_reason(error)})") from None
        with file as lock:
            if not _lock(lock, fcntl.LOCK_EX):
                raise UserError(f"results folder {self.where} is in use by {_holder(lock)}")
            with self._writable(".lock"):
                lock.truncate(0)
                lock.write(f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T')}")
                lock.flush()
            yield

    def holder(self) -> str | None:
        """Who has the lock; None: nobody."""
        if not self.has(".lock"):
            return None
        with self._reachable(".lock"), open(self._at(".lock")) as lock:
            return None if _lock(lock, fcntl.LOCK_SH) else _holder(lock)

    def _make(self, directory: str) -> None:
        """A directory, for good as well."""
        path = self._at(directory)
        if self._system.get_file_info(path).type == fs.FileType.NotFound:
            self._system.create_dir(path, recursive=True)
            _force(os.path.dirname(path))

    @contextlib.contextmanager
    def _writable(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unwritable(f"{self.where}/{name}: cannot be written ({_reason(error)})") from None

    @contextlib.contextmanager
    def _reachable(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:  # Arrow's own are both; a name that no file may have
            reason = _reason(error) if isinstance(error, OSError) else in_a_line(error)
            raise UserError(f"{self.where}/{name}: cannot be read ({reason})") from None

    @contextlib.contextmanager
    def _readable(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise UserError(
                f"{self.where}/{name}: a file is damaged ({in_a_line(error)}); `ttc check {self.where}` says "
                "which, and the line that filled the folder sets it aside and does its searches again"
            ) from None

    def _at(self, name: str) -> str:
        return os.path.normpath(os.path.join(self.root, name.lstrip("/")))


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _lock(file: IO[str], kind: int) -> bool:
    """Locks the file until it is closed; False: another process has it. One that only looks has it for a
    moment, so the answer is waited for."""
    for _ in range(LOOKS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "another process"


def _force(path: str) -> None:
    """Waits until a file or a directory is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
