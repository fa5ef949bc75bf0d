"""Balances: reads that wait at the same time share one statement to their shard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from app.credits.shards import Shards
from app.events import WrongEpoch
from app.events.append import array
from app.queries import Reads, query
from app.topology import Place

LARGEST_BATCH = 256
IN_FLIGHT = 2
"""Statements of one process and shard at a time: more would only make smaller ones."""


class Standing(NamedTuple):
    """The head of an account's stream, with what is reserved."""

    place: Place
    version: int
    available: int
    due: datetime | None
    closed: bool
    reserved: int


Reader = asyncio.Future[Standing | None]
Batch = Mapping[str, tuple[Place, Sequence[Reader]]]


class Balances:
    """Reads of all shards."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._queues = {name: _Queue(database) for name, database in shards.databases.items()}

    async def of(self, account: str) -> Standing | None:
        """How an account stands now; None where nothing ever happened to it. Raises DatabaseUnavailable."""
        return await self._shards.router.following(lambda: self._ask(account))

    def _ask(self, account: str) -> Reader:
        place, _ = self._shards.at(account)
        return self._queues[place.shard].ask(account, place)


class _Queue:
    """The reads of one shard."""

    def __init__(self, database: Reads) -> None:
        self._database = database
        self._waiting: dict[str, tuple[Place, list[Reader]]] = {}
        self._idle = IN_FLIGHT
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, account: str, place: Place) -> Reader:
        reader: Reader = asyncio.get_running_loop().create_future()
        # Who comes second shares the first one's place: where that is stale, both are told.
        self._waiting.setdefault(account, (place, []))[1].append(reader)
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return reader

    async def _work(self) -> None:
        try:
            while self._waiting:
                # All that became runnable with the first reader asks within one turn of the loop.
                await asyncio.sleep(0)
                if names := list(islice(self._waiting, LARGEST_BATCH)):
                    await self._read({name: self._waiting.pop(name) for name in names})
        finally:
            self._idle += 1

    async def _read(self, batch: Batch) -> None:
        try:
            rows = await self._database.rows(query("credits.read_balances"), _parameters(batch))
        except BaseException as error:
            for _, readers in batch.values():
                _answer(readers, error)
            if not isinstance(error, Exception):
                raise
            return
        for stream, here, version, *rest in rows:
            place, readers = batch[stream]
            if not here:
                _answer(readers, WrongEpoch(stream, place.slot, place.epoch, None))
            else:
                _answer(readers, None if version is None else Standing(place, version, *rest))


def _parameters(batch: Batch) -> dict[str, str]:
    places = [place for place, _ in batch.values()]
    return {
        "streams": array(list(batch)),
        "slots": array([place.slot for place in places]),
        "epochs": array([place.epoch for place in places]),
    }


def _answer(readers: Sequence[Reader], answer: Standing | BaseException | None) -> None:
    for reader in readers:
        if reader.done():  # it went away
            continue
        if isinstance(answer, BaseException):
            reader.set_exception(answer)
        else:
            reader.set_result(answer)
