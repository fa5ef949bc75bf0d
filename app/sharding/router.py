"""Finding the store of a key by a cached slot map, refreshed when a shard says that it is stale."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

import stamina

from app.sharding.map_store import MapStore
from app.sharding.slot_map import SlotMap, first_map
from app.topology import Directory, NoLogin, Place, StalePlace, slot_of

Store = TypeVar("Store")
Answer = TypeVar("Answer")

STALE_SECONDS = 3.0
"""How long a call is retried while its slot changes shards; a move blocks it for a fraction of that."""
FIRST_WAIT_SECONDS = 0.005
LONGEST_WAIT_SECONDS = 0.1
WATCH_SECONDS = 1.0
"""Time between two refreshes by `watch`."""


class Router(Generic[Store]):
    """Routes keys to the stores of their shards."""

    def __init__(self, directory: Directory, stores: Mapping[str, Store], maps: MapStore | None = None) -> None:
        """`stores` are those that this process can log in to, by name of the shard.

        Until the map is first read (without `maps`: always) the slots in the directory count. Where they are wrong the
        shards refuse, and `routed` reads the map.
        """
        self.stores = stores
        self._maps = maps
        self._homes = {shard.name: shard.home for shard in directory.shards}
        self._map = first_map(directory.owners, list(self._homes), version=0)
        self._routes: dict[int, tuple[Place, Store]] = {}
        self._refreshing: asyncio.Task[SlotMap] | None = None

    @property
    def map(self) -> SlotMap:
        """The cached map."""
        return self._map

    def route(self, key: str) -> tuple[Place, Store]:
        """Return the cached place of a key and the store there; raise NoLogin."""
        return self.route_slot(slot_of(key))

    def route_slot(self, slot: int) -> tuple[Place, Store]:
        """Return the cached place of a slot and the store there; raise NoLogin, SlotOutOfRange."""
        known = self._routes.get(slot)
        if known is None:
            known = self._routes[slot] = self._route(slot)
        return known

    def by_shard(self, keys: Iterable[str]) -> dict[str, list[tuple[str, Place]]]:
        """Group keys with their places by shard; raise NoLogin."""
        groups: dict[str, list[tuple[str, Place]]] = {}
        for key in keys:
            place, _ = self.route_slot(slot_of(key))
            groups.setdefault(place.shard, []).append((key, place))
        return groups

    async def routed(self, key: str, call: Callable[[Place, Store], Awaitable[Answer]]) -> Answer:
        """Call `call` with the place of a key and its store, and return the result; retry if the map is stale.

        A call that raises StalePlace must have changed nothing. Raises StalePlace if no shard owns the slot for
        STALE_SECONDS, NoLogin, and what `call` and the map's store raise.
        """
        return await self.following(lambda: call(*self.route(key)))

    async def following(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the result of `call`; after StalePlace refresh the map and call again."""
        try:
            return await call()
        except StalePlace as stale:
            return await self.again(call, stale)

    async def again(self, call: Callable[[], Awaitable[Answer]], stale: StalePlace) -> Answer:
        """Refresh the map after `stale`, and return the result of `call`; retry for STALE_SECONDS."""
        if self._maps is None:
            raise stale
        async for attempt in stamina.retry_context(
            on=StalePlace,
            attempts=None,
            timeout=STALE_SECONDS,
            wait_initial=FIRST_WAIT_SECONDS,
            wait_max=LONGEST_WAIT_SECONDS,
            wait_jitter=FIRST_WAIT_SECONDS,
        ):
            with attempt:
                await self.refresh()
                return await call()
        raise AssertionError("the last attempt returns or raises")

    async def refresh(self) -> SlotMap:
        """Return the current map; concurrent callers share one read."""
        if self._maps is None:
            return self._map
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(self._maps))
            self._refreshing.add_done_callback(_mark_retrieved)
        return await asyncio.shield(self._refreshing)

    async def watch(self, seconds: float = WATCH_SECONDS) -> None:
        """Refresh for ever, so that few calls meet a stale map; raise what the map's store raises."""
        while True:
            await self.refresh()
            await asyncio.sleep(seconds)

    async def _refresh(self, maps: MapStore) -> SlotMap:
        refreshed = await maps.refresh(self._map)
        if refreshed is not self._map:
            self._map = refreshed
            self._routes = {}
        return refreshed

    def _route(self, slot: int) -> tuple[Place, Store]:
        entry = self._map.entry(slot)
        if entry.shard not in self.stores or entry.shard not in self._homes:
            raise NoLogin(entry.shard)
        return Place(slot, entry.shard, self._homes[entry.shard], entry.epoch), self.stores[entry.shard]


def _mark_retrieved(task: asyncio.Task[SlotMap]) -> None:
    """Retrieve a failure, so that asyncio does not log it if every caller was cancelled before it came."""
    if not task.cancelled():
        task.exception()
