"""How long writers of a slot wait while it moves, as they see it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.events import EventStore, NewEvent
from app.events.model import Slot
from app.sharding.map_store import MapStore
from app.sharding.mover.model import Databases, Limits, Progress, Step
from app.sharding.mover.move import move_slot
from app.sharding.router import Router
from app.topology import Place, slot_of

APPENDS_AROUND = 10
"""Of each writer, before a move begins and after it has ended."""


@dataclass(frozen=True)
class MovePause:
    """One move under writers; times in seconds."""

    slot: int
    blocked: float
    """The longest that any append of the slot took, from the call to its result, while the slot moved."""
    usual: float
    """The longest that any append of the slot took just before the move."""
    locked: float
    """From the lock of the slot, the last one if there were several, to its new owner."""
    tries: int
    """How often the slot was locked."""
    took: float
    """The whole move."""
    events: int
    """Of the slot, when it had moved."""


async def measure_move_pause(
    router: Router[EventStore],
    databases: Databases,
    map_store: MapStore,
    *,
    target: str,
    slots: Iterable[int],
    writers: int = 8,
    events: int = 100,
    size: int = 200,
    limits: Limits | None = None,
) -> AsyncIterator[MovePause]:
    """Move slots to `target` one after the other, each while `writers` append to a stream of it each, without a pause.

    Every stream has `events` events before, and every event some `size` bytes. `databases` are the mover's. An append
    that raises ends the measurement with what it raised.
    """
    for slot in slots:
        load = _Load(router, list(itertools.islice(_streams_of(slot), writers)), "x" * size)
        await load.fill(events)
        yield await _measured(load, slot, target, databases, map_store, limits)


async def _measured(
    load: _Load, slot: int, target: str, databases: Databases, map_store: MapStore, limits: Limits | None
) -> MovePause:
    locks: list[float] = []
    owned: list[float] = []

    def report(progress: Progress) -> None:
        if progress.step is Step.LOCKED:
            locks.append(time.perf_counter())
        elif progress.step is Step.OWNED:
            owned.append(time.perf_counter())

    async with load.running():
        await load.appended(APPENDS_AROUND)
        usual = load.longest_since_asked()
        began = time.perf_counter()
        await move_slot(slot, target, databases=databases, map_store=map_store, report=report, limits=limits)
        took = time.perf_counter() - began
        await load.appended(APPENDS_AROUND)
        blocked = load.longest_since_asked()
    return MovePause(slot, blocked, usual, owned[-1] - locks[-1], len(locks), took, load.count)


@dataclass
class _Load:
    """Writers of streams, one each."""

    router: Router[EventStore]
    streams: Sequence[str]
    text: str
    count: int = 0
    _longest: float = 0.0
    _done: dict[str, int] = field(default_factory=dict)

    async def fill(self, events: int) -> None:
        await asyncio.gather(*(self._append(stream, [self._event()] * events) for stream in self.streams))

    def longest_since_asked(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest

    async def appended(self, more: int) -> None:
        """Until every writer has appended some more events."""
        goal = {stream: self._done.get(stream, 0) + more for stream in self.streams}
        while any(self._done.get(stream, 0) < goal[stream] for stream in self.streams):
            await asyncio.sleep(0.001)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All writers append; raises what one of them does."""
        ends = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as writers:
                for stream in self.streams:
                    writers.create_task(self._write(stream, ends))
                yield
                ends.set()
        finally:
            ends.set()

    async def _write(self, stream: str, ends: asyncio.Event) -> None:
        while not ends.is_set():
            began = time.perf_counter()
            await self._append(stream, [self._event()])
            self._longest = max(self._longest, time.perf_counter() - began)
            self._done[stream] = self._done.get(stream, 0) + 1

    async def _append(self, stream: str, events: Sequence[NewEvent]) -> None:
        async def call(place: Place, store: EventStore) -> None:
            await store.append(stream, events, slot=Slot(place.slot, place.epoch))

        await self.router.routed(stream, call)
        self.count += len(events)

    def _event(self) -> NewEvent:
        return NewEvent("Measured", {"text": self.text})


def _streams_of(slot: int) -> Iterator[str]:
    """Names of streams that fall into a slot."""
    return (name for name in (f"measured-{number}" for number in itertools.count()) if slot_of(name) == slot)
