"""The log of a watch: an append-only file, synced before anybody acts on it, with a single writer."""

from __future__ import annotations

import datetime
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from policies.watch import (
    BrokenLog,
    Contradiction,
    Record,
    WatchState,
    is_truncated,
    mark_truncated,
    parse_records,
    render_record,
)

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700


class LogTaken(Exception):
    """Another watch writes to the log."""


class BadLog(Exception):
    """The file is not the log of this stack's watch, or cannot be opened."""


class LogLost(Exception):
    """Somebody removed or replaced the log during the watch, so nobody would find new records."""


@dataclass
class WatchLog:
    """An open log, and the state that follows from all its records."""

    path: Path
    descriptor: int
    state: WatchState

    def append(self, records: Sequence[Record], at: datetime.datetime) -> None:
        """Write records, on disk before this returns.

        Raises LogLost, and OSError where the disk does not take them; what it has taken counts.
        """
        self._require_file()
        state = self.state
        for record in records:
            state = state.after(record)
        lines = b"".join(map(render_record, records))
        try:
            _write(self.descriptor, (b"" if _is_whole(self.descriptor) else mark_truncated(at)) + lines)
        except OSError:
            self.state = _replay(self.path, self.path.read_bytes(), at)
            raise
        self.state = state

    def _require_file(self) -> None:
        ours = os.fstat(self.descriptor)
        try:
            there = self.path.stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise LogLost(f"{self.path}: the log was taken away or replaced while the watch wrote it")


@contextmanager
def open_log(path: Path, at: datetime.datetime) -> Iterator[WatchLog]:
    """Open and lock the log, and mark a truncated last line; create a missing log.

    The kernel gives the lock back if the watch dies. Raises LogTaken and BadLog.
    """
    descriptor = _open(path)
    try:
        _lock(descriptor, path)
        content = path.read_bytes()
        state = _replay(path, content, at)
        if is_truncated(content):
            _write(descriptor, mark_truncated(at))
        yield WatchLog(path, descriptor, state)
    finally:
        os.close(descriptor)


def _replay(path: Path, content: bytes, at: datetime.datetime) -> WatchState:
    """Return the state after all records, a truncated last line marked."""
    try:
        return WatchState.after_all(parse_records(content + mark_truncated(at) if is_truncated(content) else content))
    except (BrokenLog, Contradiction) as fault:
        raise BadLog(f"{path}: this is no log that a watch can go on with: {fault}") from None


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
        _sync_folder(path.parent)
    except OSError as error:
        raise BadLog(f"{path}: {error.strerror}") from None
    return descriptor


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LogTaken(f"{path}: another watch writes to this log; stop it, or name another with --log") from None


def _is_whole(descriptor: int) -> bool:
    """Tell whether the last line was written to its end."""
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Sync the folder, so that a new file survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
