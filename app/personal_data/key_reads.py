"""Reads of the wrapped keys of one shard: those that wait at the same time share one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

from app.batching import Batcher
from app.queries import Reads, query

LARGEST_BATCH = 1000


class Stored(NamedTuple):
    """A key as its shard has it."""

    subject: str
    wrapped: bytes | None
    """None where it is destroyed."""
    master_key: str | None


class KeyReads:
    """Sends one statement at a time: requests that come meanwhile share the next one."""

    def __init__(self, database: Reads) -> None:
        self._database = database
        self._batches: Batcher[str, Stored | None] = Batcher(self._read, largest=LARGEST_BATCH, in_flight=1)

    async def of(self, subjects: Collection[str]) -> list[Stored]:
        """Return the keys of subjects, without those that never had one. Raises DatabaseUnavailable."""
        answers = await asyncio.gather(*map(self._batches.submit, subjects))
        return [stored for stored in answers if stored is not None]

    async def _read(self, subjects: Sequence[str]) -> list[Stored | None]:
        parameters = {"subjects": list(dict.fromkeys(subjects))}
        rows = await self._database.rows(query("personal_data.read_subject_keys"), parameters)
        found = {row[0]: Stored(*row) for row in rows}
        return [found.get(subject) for subject in subjects]
