"""Who was erased, kept where a restore of the subjects' own database does not reach.

A backup still holds the keys of those who were erased after it was made. So an erasure is logged before the key is
destroyed, and the log is replayed after every restore. It names subjects, which must be pseudonyms for that reason.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from app.personal_data.durable import sync_folder
from app.personal_data.errors import ErasureLogDamaged
from app.queries import Reads, query


class Erasure(NamedTuple):
    """The erasure of a subject."""

    subject: str
    erased_at: AwareDatetime


_LINE = TypeAdapter(dict[str, Any])
_ERASURE = TypeAdapter(Erasure)


class ErasureLog(Protocol):
    """Where erasures are noted for good."""

    async def record(self, erasures: Sequence[Erasure]) -> None:
        """Note erasures; durable when it returns. Of a subject that is noted already nothing changes."""
        ...

    async def entries(self) -> list[Erasure]:
        """Return all erasures, each subject once."""
        ...


class DatabaseErasureLog:
    """A table in databases of several homes: each holds all, so that a restore of one loses nothing.

    Every one of them must answer, to note as to read: else an erasure might be missed. Raises DatabaseUnavailable.
    """

    def __init__(self, databases: Sequence[Reads]) -> None:
        self._databases = databases

    async def record(self, erasures: Sequence[Erasure]) -> None:
        """Note erasures in all of the databases."""
        parameters = {
            "subjects": [erasure.subject for erasure in erasures],
            "times": [erasure.erased_at for erasure in erasures],
        }
        await asyncio.gather(
            *(database.rows(query("personal_data.record_erasures"), parameters) for database in self._databases)
        )

    async def entries(self) -> list[Erasure]:
        """Return what any of the databases knows, with the earliest time of each subject."""
        answers = await asyncio.gather(
            *(database.rows(query("personal_data.read_erasures"), {}) for database in self._databases)
        )
        return each_once(Erasure(*row) for rows in answers for row in rows)


class FileErasureLog:
    """JSON lines in a file, on a disk that is not restored together with a database; for one machine.

    A line is on the disk when `record` returns. What a crash leaves of a line was never acknowledged, and is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def record(self, erasures: Sequence[Erasure]) -> None:
        """Note erasures at the end of the file."""
        await asyncio.to_thread(self._record, erasures)

    async def entries(self) -> list[Erasure]:
        """Return all erasures of the file; none where there is no file yet. Raise ErasureLogDamaged."""
        return await asyncio.to_thread(self._entries)

    def _record(self, erasures: Sequence[Erasure]) -> None:
        with self._opened() as file:
            text = _read(file)
            whole = text[: text.rfind(b"\n") + 1]
            known = {erasure.subject for erasure in self._parsed(whole)}
            lines = [_line(erasure) for erasure in erasures if erasure.subject not in known]
            if len(whole) != len(text):
                os.ftruncate(file, len(whole))
            _write(file, b"".join(lines))

    def _entries(self) -> list[Erasure]:
        if not self._path.exists():
            return []
        with self._opened() as file:
            text = _read(file)
        return each_once(self._parsed(text[: text.rfind(b"\n") + 1]))

    def _parsed(self, text: bytes) -> list[Erasure]:
        erasures = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                fields = _LINE.validate_json(line)
                erasures.append(_ERASURE.validate_python((fields["subject"], fields["erased_at"])))
            except (ValidationError, KeyError):
                raise ErasureLogDamaged(f"{self._path}, line {number}: this is no erasure") from None
        return erasures

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the file under an exclusive lock."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)
        if is_new:
            sync_folder(self._path.parent)


def each_once(erasures: Iterator[Erasure] | Sequence[Erasure]) -> list[Erasure]:
    """Each subject once, at its earliest time."""
    first: dict[str, datetime] = {}
    for subject, erased_at in erasures:
        first[subject] = min(erased_at, first.get(subject, erased_at))
    return [Erasure(subject, erased_at) for subject, erased_at in first.items()]


def _line(erasure: Erasure) -> bytes:
    return orjson.dumps({"erased_at": erasure.erased_at, "subject": erasure.subject}) + b"\n"


def _read(file: int) -> bytes:
    pieces = []
    os.lseek(file, 0, os.SEEK_SET)
    while piece := os.read(file, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _write(file: int, text: bytes) -> None:
    while text:
        text = text[os.write(file, text) :]
    os.fsync(file)
