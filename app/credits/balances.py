"""Balances: reads that wait at the same time share one statement to their shard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from app.batching import Batcher
from app.credits.shards import Shards
from app.events import WrongEpoch
from app.events.append import array
from app.queries import Reads, query
from app.topology import Place

LARGEST_BATCH = 256
IN_FLIGHT = 2
"""Statements of one process and shard at a time: more would only make smaller ones."""


class AccountHead(NamedTuple):
    """The head of an account's stream, with what is reserved."""

    place: Place
    version: int
    available: int
    due: datetime | None
    closed: bool
    reserved: int


class Balances:
    """Reads of all shards."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._batches: dict[str, Batcher[tuple[str, Place], AccountHead | None]] = {
            name: Batcher(partial(_read, database), largest=LARGEST_BATCH, in_flight=IN_FLIGHT)
            for name, database in shards.databases.items()
        }

    async def of(self, account: str) -> AccountHead | None:
        """Return an account as it is now; None where nothing ever happened to it. Raises DatabaseUnavailable."""
        return await self._shards.router.following(lambda: self._ask(account))

    def _ask(self, account: str) -> asyncio.Future[AccountHead | None]:
        place, _ = self._shards.at(account)
        return self._batches[place.shard].submit((account, place))


async def _read(database: Reads, asked: Sequence[tuple[str, Place]]) -> list[AccountHead | WrongEpoch | None]:
    # Callers that ask for the same account share a row, at the place that the last of them knows.
    places = dict(asked)
    parameters = {
        "streams": array(list(places)),
        "slots": array([place.slot for place in places.values()]),
        "epochs": array([place.epoch for place in places.values()]),
    }
    heads: dict[str, AccountHead | WrongEpoch | None] = {}
    for stream, here, version, *rest in await database.rows(query("credits.read_balances"), parameters):
        place = places[stream]
        if not here:
            heads[stream] = WrongEpoch(stream, place.slot, place.epoch, None)
        else:
            heads[stream] = None if version is None else AccountHead(place, version, *rest)
    return [heads[stream] for stream, _ in asked]
