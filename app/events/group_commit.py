"""Group commit: appends that wait at the same time share a transaction, and each gets its own result or error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import psycopg
from psycopg.errors import NumericValueOutOfRange

from app.batching import Batcher
from app.events.append import Append, encode, read_outcome
from app.events.errors import EventStoreError, TotalOutOfRange
from app.events.model import Appended
from app.queries import Runs

LARGEST_BATCH = 64
"""Appends in one transaction: enough to share its commit, few enough to keep its locks short."""
IN_FLIGHT = 2
"""Transactions of one process and shard at a time: one is prepared and sent while the other is being committed."""


class GroupCommit:
    """The appends of one process to one shard."""

    def __init__(self, database: Runs, *, stored: Callable[[], None] = lambda: None) -> None:
        """Call `stored` after each transaction that stored something."""
        self._database = database
        self._stored = stored
        self._batches: Batcher[Append, Appended] = Batcher(
            self._commit,
            largest=LARGEST_BATCH,
            in_flight=IN_FLIGHT,
            key=lambda append: append.stream,
            isolate=psycopg.Error,
        )

    def submit(self, append: Append) -> asyncio.Future[Appended]:
        """Return the append's outcome, once it is durable or refused."""
        return self._batches.submit(append)

    async def _commit(self, batch: Sequence[Append]) -> list[Appended | EventStoreError]:
        appends = batch if len(batch) == 1 else sorted(batch, key=lambda append: append.order)
        text, parameters = encode(appends)
        # Without a key nobody could tell whether a first attempt was stored.
        run = self._database.rows if all(append.key_hash for append in appends) else self._database.rows_once
        try:
            rows = await run(text, parameters)
        except NumericValueOutOfRange:
            if len(batch) > 1:
                raise
            return [TotalOutOfRange(f"the running total of {batch[0].stream} would leave a bigint's range")]
        outcomes: dict[str, Appended | EventStoreError] = {}
        stored = False
        for row in rows:
            append = appends[row[0] - 1]
            outcomes[append.stream] = outcome = read_outcome(append, row)
            stored = stored or isinstance(outcome, Appended)
        if stored:
            self._stored()
        return [outcomes[append.stream] for append in batch]
