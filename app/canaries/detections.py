"""Detections: which canary token was presented, where and by whom, stored as events of the API that received it.

A detection is stored once an hour for each token and caller; every one of them is counted in a metric.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter

from app.background import Worker
from app.canaries.key import CamouflageKey
from app.canaries.tokens import Canaries, Canary, Kind
from app.credits.ledger import utc_now
from app.credits.streams import Clock
from app.data_plane import DataPlane
from app.database import DatabaseUnavailable
from app.events import Append, EventStore, EventStoreError, NewEvent, Slot
from app.personal_data import MasterKeyFailed, PersonalData
from app.queries import Reads, query
from app.sharding import Router
from app.topology import StalePlace

EVENT = "CanaryPresented"
PERSONAL: Mapping[str, tuple[str, ...]] = {EVENT: ("client",)}
"""The client's address is sealed, like everything that may concern a person."""
STREAMS = ":canary"
"""All detection streams live in the slot of this name; no account has it."""
QUEUE_SIZE = 1000
"""Detections that wait for a database; further ones are only counted."""
REMEMBERED = 10_000
LONGEST_LINE = 500
RETRY_SECONDS = 1.0
FLUSH_SECONDS = 3.0

_BEARER = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*")

log = structlog.get_logger(__name__)


class CanaryMetrics:
    """Counters of presented tokens and lost detections; the caller registers `counters`."""

    def __init__(self) -> None:
        self.presented = Counter(
            "fortress_canaries_presented",
            "Canary tokens that were presented, by kind and by the place where they were planted.",
            ["kind", "place"],
            registry=None,
        )
        self.lost = Counter(
            "fortress_canary_sightings_lost",
            "Detections that were counted and logged, but not stored as events.",
            registry=None,
        )

    @property
    def counters(self) -> tuple[Counter, Counter]:
        """Return both counters."""
        return self.presented, self.lost


@dataclass(frozen=True, slots=True)
class Detection:
    """One presentation of a canary token."""

    canary: Canary
    where: str
    """path, query, header or body."""
    line: str
    """Method and target of the request."""
    caller: str | None
    """Subject of the caller's token, if that token was valid."""
    client: str
    """Address that the request came from."""
    request: str
    at: datetime

    def key(self, *, is_decoy: bool) -> str:
        """Return a key that repeated detections share.

        A decoy serves nothing but canary accounts, so there all accounts of one place share a key.
        """
        canary = self.canary
        known = f"{canary.kind}-{canary.place}" if is_decoy and canary.kind is Kind.ACCOUNT else canary.name
        return f"{known}:{self.caller or self.client}:{self.at:%Y-%m-%dT%H}"

    def event(self) -> NewEvent:
        """Return the event to store; credentials in the request line are removed."""
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


class DetectionLog:
    """Queues detections and stores them in the background, so that no response waits for a database."""

    def __init__(
        self,
        router: Router[EventStore],
        personal: PersonalData,
        metrics: CanaryMetrics,
        clock: Clock,
        *,
        is_decoy: bool,
    ) -> None:
        """`personal` must know the fields PERSONAL."""
        self.clock = clock
        self._router = router
        self._personal = personal
        self._metrics = metrics
        self._is_decoy = is_decoy
        self._queue: asyncio.Queue[Detection] = asyncio.Queue(QUEUE_SIZE)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def add(self, detection: Detection) -> None:
        """Count a detection, and queue it unless its key was seen before."""
        canary = detection.canary
        self._metrics.presented.labels(canary.kind, str(canary.place)).inc()
        key = detection.key(is_decoy=self._is_decoy)
        if key in self._seen:
            return
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        log.warning("canary presented", kind=canary.kind, place=canary.place, index=canary.index, where=detection.where)
        try:
            self._queue.put_nowait(detection)
        except asyncio.QueueFull:
            self._metrics.lost.inc()

    async def run(self) -> None:
        """Store queued detections forever; retry while a database is down."""
        while True:
            detection = await self._queue.get()
            try:
                await self._store_with_retries(detection)
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        """Store what is queued, for at most FLUSH_SECONDS; count the rest as lost."""
        left: list[Detection] = []
        while not self._queue.empty():
            left.append(self._queue.get_nowait())
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                while left:
                    await self._store(left[0])
                    left.pop(0)
        except (DatabaseUnavailable, EventStoreError, StalePlace, TimeoutError) as error:
            self._metrics.lost.inc(len(left))
            log.error("canary detections are lost", count=len(left), error=str(error))

    async def _store_with_retries(self, detection: Detection) -> None:
        while True:
            try:
                return await self._store(detection)
            except (DatabaseUnavailable, StalePlace) as error:
                log.warning("canary detection not stored yet", error=str(error))
                try:
                    await asyncio.sleep(RETRY_SECONDS)
                except asyncio.CancelledError:
                    self._queue.put_nowait(detection)  # `flush` stores it
                    raise

    async def _store(self, detection: Detection) -> None:
        name = detection.canary.name
        stream = f"{STREAMS}/{name}"
        event = await self._seal(f"{STREAMS}-{name}", detection.event())
        key = detection.key(is_decoy=self._is_decoy)

        async def append(place: Any, store: EventStore) -> None:
            slot = Slot(place.slot, place.epoch)
            await store.append(Append(stream, [event], slot, idempotency_key=key, content=key.encode()))

        await self._router.routed(stream, append)

    async def _seal(self, subject: str, event: NewEvent) -> NewEvent:
        try:
            [sealed] = (await self._personal.seal(subject, [event])).events
        except MasterKeyFailed:
            # A detection without the client's address is better than none.
            data = {name: value for name, value in event.data.items() if name not in PERSONAL[EVENT]}
            return NewEvent(event.type, data, metadata=event.metadata)
        return sealed


class CanaryDetection:
    """What an application needs to detect the tokens of one operator key; its log is the ledger's event store."""

    def __init__(self, key_file: Path, plane: DataPlane, *, is_decoy: bool) -> None:
        """Read the key; raises WrongKey."""
        self.canaries = Canaries(CamouflageKey.read(key_file))
        self.metrics = CanaryMetrics()
        personal = PersonalData(plane.router, plane.keys, PERSONAL)
        self.log = DetectionLog(plane.router, personal, self.metrics, utc_now, is_decoy=is_decoy)

    def workers(self) -> list[Worker]:
        """Return the background worker that stores detections."""
        return [Worker("canary detections", self.log.run)]


async def read_detections(databases: Iterable[Reads], days: int) -> list[dict[str, Any]]:
    """Return the detections of the last `days` days, the latest first; client addresses stay sealed."""
    found: list[dict[str, Any]] = []
    for database in databases:
        found += [data for (data,) in await database.rows(query("canaries.read_detections"), {"days": days})]
    return sorted(found, key=lambda data: str(data["at"]), reverse=True)
