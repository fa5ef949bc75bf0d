"""Reads of the wrapped keys of one shard: those that wait at the same time share one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from app.queries import Reads, query


class Stored(NamedTuple):
    """A key as its shard has it."""

    subject: str
    wrapped: bytes | None
    """None where it is destroyed."""
    master_key: str | None


Reader = asyncio.Future[Stored | None]


class KeyReads:
    """One statement at a time: whoever comes meanwhile shares the next one."""

    def __init__(self, database: Reads) -> None:
        self._database = database
        self._waiting: dict[str, Reader] = {}
        self._task: asyncio.Task[None] | None = None

    async def of(self, subjects: Collection[str]) -> list[Stored]:
        """The keys of subjects; those that never had one are left out. Raises DatabaseUnavailable."""
        readers = [self._reader(subject) for subject in subjects]
        # Not gathered: whoever goes away must not take the answer from the others.
        await asyncio.wait(readers)
        return [stored for reader in readers if (stored := reader.result()) is not None]

    def _reader(self, subject: str) -> Reader:
        if subject not in self._waiting:
            self._waiting[subject] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return self._waiting[subject]

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # for all that became runnable together
                batch, self._waiting = self._waiting, {}
                await self._read(batch)
        finally:
            self._task = None

    async def _read(self, batch: dict[str, Reader]) -> None:
        try:
            rows = await self._database.rows(query("personal_data.read_subject_keys"), {"subjects": list(batch)})
        except BaseException as error:
            for reader in batch.values():
                reader.set_exception(error)
                reader.exception()  # its caller may have gone
            if not isinstance(error, Exception):
                raise
            return
        found = {row[0]: Stored(*row) for row in rows}
        for subject, reader in batch.items():
            reader.set_result(found.get(subject))
