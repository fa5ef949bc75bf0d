"""Sightings of canary tokens: what was presented, where and by whom, as events of the API that it was presented to.

A sighting is told once an hour for each token and whoever presents it; all of them are counted.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from app.camouflage.canaries import Canary, Kind
from app.credits.streams import Clock
from app.database import DatabaseUnavailable
from app.events import EventStore, EventStoreError, NewEvent, Slot
from app.personal_data import MasterKeyFailed, PersonalData
from app.sharding import Router
from app.topology import StalePlace

EVENT = "CanaryPresented"
PERSONAL: Mapping[str, tuple[str, ...]] = {EVENT: ("client",)}
"""The address of whoever presents a token is sealed, like all that may be about a person."""
STREAMS = ":canary"
"""All streams of sightings are in the slot of this name, which no account has."""
WAITING = 1000
"""Sightings that wait to be stored; more are counted only."""
REMEMBERED = 10_000
LONGEST_LINE = 500
RETRY_SECONDS = 1.0
FLUSH_SECONDS = 3.0

_BEARER = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*")

log = structlog.get_logger(__name__)


class CanaryMetrics:
    """Register `counters` with the registry of the process."""

    def __init__(self) -> None:
        self.presented = Counter(
            "fortress_canaries_presented",
            "Canary tokens that somebody presented, by kind and by the place where they were planted.",
            ["kind", "place"],
            registry=None,
        )
        self.lost = Counter(
            "fortress_canary_sightings_lost",
            "Sightings that are counted and logged, but not stored as events.",
            registry=None,
        )

    @property
    def counters(self) -> tuple[Counter, Counter]:
        """Both."""
        return self.presented, self.lost


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody presented a token."""

    canary: Canary
    where: str
    """path, query, header or body."""
    line: str
    """Method and target of the request."""
    caller: str | None
    """Subject of the caller's token, where that was a good one."""
    client: str
    """Address that the request came from."""
    request: str
    at: datetime

    def key(self, *, is_decoy: bool) -> str:
        """The same for sightings that tell nothing new. At a decoy accounts are all that there is to ask for: it tells
        nothing which of a place they are."""
        canary = self.canary
        known = f"{canary.kind}-{canary.place}" if is_decoy and canary.kind is Kind.ACCOUNT else canary.name
        return f"{known}:{self.caller or self.client}:{self.at:%Y-%m-%dT%H}"

    def event(self) -> NewEvent:
        """What is stored; other credentials that stand in the request line are not."""
        canary = self.canary
        data: dict[str, Any] = {
            "kind": canary.kind,
            "place": canary.place,
            "token": canary.token,
            "where": self.where,
            "line": _BEARER.sub("…", self.line)[:LONGEST_LINE],
            "client": self.client,
            "at": self.at.isoformat(),
        }
        if canary.index is not None:
            data["index"] = canary.index
        if self.caller is not None:
            data["caller"] = self.caller
        return NewEvent(EVENT, data, metadata={"actor": "canaries", "request": self.request})


class Sightings:
    """Takes sightings at once and stores them beside the requests, so that no answer takes longer for it."""

    def __init__(
        self,
        router: Router[EventStore],
        personal: PersonalData,
        metrics: CanaryMetrics,
        clock: Clock,
        *,
        is_decoy: bool,
    ) -> None:
        """`personal` is to know the fields PERSONAL."""
        self.clock = clock
        self._router = router
        self._personal = personal
        self._metrics = metrics
        self._is_decoy = is_decoy
        self._waiting: asyncio.Queue[Sighting] = asyncio.Queue(WAITING)
        self._told: OrderedDict[str, None] = OrderedDict()

    def note(self, sighting: Sighting) -> None:
        """Count it, and have it stored where it tells something new."""
        canary = sighting.canary
        self._metrics.presented.labels(canary.kind, str(canary.place)).inc()
        key = sighting.key(is_decoy=self._is_decoy)
        if key in self._told:
            return
        self._told[key] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        log.warning("canary presented", kind=canary.kind, place=canary.place, index=canary.index, where=sighting.where)
        try:
            self._waiting.put_nowait(sighting)
        except asyncio.QueueFull:
            self._metrics.lost.inc()

    async def run(self) -> None:
        """Store for ever; while a database is down, sightings wait."""
        while True:
            sighting = await self._waiting.get()
            try:
                await self._persistently(sighting)
            finally:
                self._waiting.task_done()

    async def flush(self) -> None:
        """Store what waits, as far as that takes no longer than FLUSH_SECONDS."""
        left: list[Sighting] = []
        while not self._waiting.empty():
            left.append(self._waiting.get_nowait())
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                while left:
                    await self._store(left[0])
                    left.pop(0)
        except (DatabaseUnavailable, EventStoreError, StalePlace, TimeoutError) as error:
            self._metrics.lost.inc(len(left))
            log.error("canary sightings are lost", count=len(left), error=str(error))

    async def _persistently(self, sighting: Sighting) -> None:
        while True:
            try:
                return await self._store(sighting)
            except (DatabaseUnavailable, StalePlace) as error:
                log.warning("canary sighting not stored yet", error=str(error))
                try:
                    await asyncio.sleep(RETRY_SECONDS)
                except asyncio.CancelledError:
                    self._waiting.put_nowait(sighting)  # for `flush`
                    raise

    async def _store(self, sighting: Sighting) -> None:
        name = sighting.canary.name
        stream = f"{STREAMS}/{name}"
        event = await self._sealed(f"{STREAMS}-{name}", sighting.event())
        key = sighting.key(is_decoy=self._is_decoy)

        async def append(place: Any, store: EventStore) -> None:
            slot = Slot(place.slot, place.epoch)
            await store.append(stream, event, slot=slot, idempotency_key=key, content=key.encode())

        await self._router.routed(stream, append)

    async def _sealed(self, subject: str, event: NewEvent) -> NewEvent:
        try:
            [sealed] = (await self._personal.seal(subject, [event])).events
        except MasterKeyFailed:
            # Better to know that it was presented than by whom.
            data = {name: value for name, value in event.data.items() if name not in PERSONAL[EVENT]}
            return NewEvent(event.type, data, metadata=event.metadata)
        return sealed
