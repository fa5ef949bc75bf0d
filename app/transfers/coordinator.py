"""Moving an amount from one stream to another: both halves happen, or neither, wherever the streams live."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar

import orjson
import psycopg
import stamina
import structlog

from app.database import DatabaseUnavailable, ShardDatabase
from app.events import Appended, WrongEpoch
from app.events.append import AppendRequest, request
from app.events.model import Slot
from app.topology import Place
from app.transfers.errors import HalfMissing, SameStream, TransferContended, TransferInDoubt, Unbalanced
from app.transfers.metrics import TransferMetrics
from app.transfers.model import Decision, Gid, Leg, Step, Transferred
from app.transfers.participant import LostRace, Participant, Stored, Unanswered
from app.transfers.turns import Turns

SECONDS = 5.0
"""Longest that a caller waits, all attempts together."""
LOCK_SECONDS = 0.8
"""Longest that a step waits for a lock: less than what a prepared half may wait before a metric tells of it."""
SETTLE_SECONDS = 1.0
"""Longest that a transfer that is made waits for its prepared half to be seen."""
IN_FLIGHT = 32
"""Most halves that a process has prepared on one shard at a time; `max_prepared_transactions` bounds those of all."""
FIRST_WAIT_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 0.25

Route = Callable[[str], Place]
Observe = Callable[[Step], Awaitable[None]]
Result = TypeVar("Result")
Outcome = tuple[Appended, Appended, bool]
"""Of the half whose stream is locked first, of the other one, and whether both are to be seen."""

log = structlog.get_logger(__name__)


async def nothing(_: Step) -> None:
    """Observe nothing."""


@dataclass(frozen=True, slots=True)
class _Half:
    """A leg, and the shard that it is for."""

    request: AppendRequest
    participant: Participant


class Transfers:
    """Makes transfers; keeps nothing that a crash could lose."""

    def __init__(
        self,
        waiting: Mapping[str, ShardDatabase],
        settling: Mapping[str, ShardDatabase],
        route: Route,
        refresh: Callable[[], Awaitable[None]],
        *,
        metrics: TransferMetrics | None = None,
        stored: Callable[[str], None] = lambda _: None,
        seconds: float = SECONDS,
        observe: Observe = nothing,
    ) -> None:
        """Connections of `waiting` wait for streams that others hold; those of `settling`, which let go of them, must
        be others, or all of them could be taken by what waits for them. Both are by name of the shard; `waiting`
        has LOCK_SECONDS as its limit.

        `refresh` gets a newer slot map after a shard has refused a slot's epoch.
        `stored` is called with a shard's name whenever something became visible there. `observe` is awaited at every
        step of a transfer between two shards; what it raises leaves the transfer as it is there.
        """
        self._participants = {name: Participant(database, settling[name]) for name, database in waiting.items()}
        self._room = {name: asyncio.Semaphore(IN_FLIGHT) for name in waiting}
        self._turns = Turns()
        self._route = route
        self._refresh = refresh
        self._metrics = metrics or TransferMetrics()
        self._stored = stored
        self._seconds = seconds
        self._observe = observe
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def participants(self) -> Mapping[str, Participant]:
        """The shards by name, for whoever settles what is left in doubt."""
        return self._participants

    def bound(self, halves: Mapping[str, int]) -> None:
        """Before the first transfer: how many halves to have prepared on a shard at a time, where not IN_FLIGHT."""
        self._room |= {name: asyncio.Semaphore(most) for name, most in halves.items()}

    async def transfer(
        self,
        source: Leg,
        target: Leg,
        *,
        key: str,
        content: bytes | None = None,
        now: datetime | None = None,
    ) -> Transferred:
        """Append both legs or none; durable when this returns.

        The same `key` of the same source with the same `content` (by default the legs) returns what the first call
        did. `now` is for legs with a floor, as in `EventStore.append`.

        Raises the errors of `app.events.errors` (BelowFloor, Overdue, StreamClosed, KeyReused …) where one of the
        streams refuses, SameStream, Unbalanced, TransferContended: nothing is stored then. Raises DatabaseUnavailable,
        and TransferInDoubt of its kind, where that is not known: a call with the same key tells.
        """
        _check(source, target)
        # A caller that goes away does not leave the transfer half done.
        made = self._persistently(source, target, key, content or _content(source, target), now)
        task = self._keep(asyncio.create_task(made))
        try:
            async with asyncio.timeout(self._seconds + SETTLE_SECONDS):
                return await asyncio.shield(task)
        except TimeoutError:
            raise TransferInDoubt(self._route(source.stream).shard, "the transfer took too long") from None

    async def close(self) -> None:
        """Wait for the transfers that are under way, no longer than their callers would; the rest is the resolver's."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds + SETTLE_SECONDS):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()

    def _keep(self, task: asyncio.Task[Result]) -> asyncio.Task[Result]:
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # its caller may have gone, and nobody is to be told of an error that nobody waits for
            task.exception()

    async def _persistently(
        self, source: Leg, target: Leg, key: str, content: bytes, now: datetime | None
    ) -> Transferred:
        try:
            async for attempt in stamina.retry_context(
                on=(LostRace, Unanswered, WrongEpoch),
                attempts=None,
                timeout=self._seconds,
                wait_initial=FIRST_WAIT_SECONDS,
                wait_max=LONGEST_WAIT_SECONDS,
                wait_jitter=FIRST_WAIT_SECONDS,
            ):
                with attempt:
                    transferred = await self._attempt(source, target, key, content, now)
        except LostRace as error:
            self._metrics.count("contended")
            raise TransferContended(f"{source.stream} to {target.stream}: {error}") from error
        self._metrics.count("repeated" if transferred.repeated else "made")
        return transferred

    async def _attempt(self, source: Leg, target: Leg, key: str, content: bytes, now: datetime | None) -> Transferred:
        halves = [
            self._half(source, key, content),
            self._half(target, _key_of_target(source.stream, key), content),
        ]
        first, last = sorted(halves, key=lambda half: half.request.order)
        try:
            async with self._turns.of([first.request.stream, last.request.stream]):
                if first.participant is last.participant:
                    *appended, settled = await self._together(first, last, now)
                else:
                    async with self._room[first.participant.name]:
                        *appended, settled = await self._across(first, last, now)
        except Stored:
            *appended, settled = await self._earlier(first, last)
        except WrongEpoch:
            await self._refresh()
            raise
        by_stream = dict(zip((first.request.stream, last.request.stream), appended, strict=True))
        return Transferred(by_stream[source.stream], by_stream[target.stream], settled)

    def _half(self, leg: Leg, key: str, content: bytes) -> _Half:
        place = self._route(leg.stream)
        asked = request(
            leg.stream,
            leg.several,
            slot=Slot(place.slot, place.epoch),
            idempotency_key=key,
            content=content,
            floor=leg.floor,
            due=leg.due,
        )
        return _Half(asked, self._participants[place.shard])

    async def _together(self, first: _Half, last: _Half, now: datetime | None) -> Outcome:
        """Both halves are one shard's, and one transaction there."""
        try:
            appended = await first.participant.append_all([first.request, last.request], now)
        except Unanswered:
            await first.participant.replace_lost()
            raise
        self._stored(first.participant.name)
        return appended[0], appended[1], True

    async def _across(self, first: _Half, last: _Half, now: datetime | None) -> Outcome:
        """Prepare the half of the stream that is locked first; the other one decides when it commits."""
        gid = Gid(last.participant.name, uuid.uuid4())
        await self._observe(Step.PREPARING)
        try:
            prepared = await first.participant.prepare(first.request, now, gid)
        except Unanswered:
            # It may be prepared, and nothing will ever decide for it.
            await first.participant.replace_lost()
            await self._settle(first, gid, Decision.ABORT)
            raise
        await self._observe(Step.PREPARED)
        decided = await self._decide(first, last, now, gid)
        await self._observe(Step.DECIDED)
        self._stored(last.participant.name)
        return prepared, decided, await self._settle(first, gid, Decision.COMMIT)

    async def _decide(self, first: _Half, last: _Half, now: datetime | None, gid: Gid) -> Appended:
        await self._observe(Step.DECIDING)
        try:
            return await last.participant.decide(last.request, now, gid.attempt, first.participant.name)
        except Unanswered:
            return await self._decided(first, last, gid)
        except Stored:
            await self._settle(first, gid, Decision.ABORT)
            raise HalfMissing(last.request.stream, first.request.stream) from None
        except Exception:
            # Refused, or never asked.
            await self._settle(first, gid, Decision.ABORT)
            raise

    async def _decided(self, first: _Half, last: _Half, gid: Gid) -> Appended:
        """What was decided, where the answer was lost: aborts what is not decided yet."""
        try:
            decision = await last.participant.abort(gid.attempt, first.participant.name)
            if decision is Decision.COMMIT and (found := await last.participant.find(last.request)):
                return found._replace(repeated=False)
        except DatabaseUnavailable as error:
            self._metrics.count("in doubt")
            raise TransferInDoubt(last.participant.name, "it was lost while the transfer was decided") from error
        await self._settle(first, gid, decision)
        raise LostRace("the connection was lost before the transfer was decided")

    async def _settle(self, half: _Half, gid: Gid, decision: Decision) -> bool:
        """Finish what is prepared; whether that was done in time. Where it fails the resolver does it later."""
        if decision is Decision.COMMIT:
            await self._observe(Step.SETTLING)
        task = self._keep(asyncio.create_task(self._settled(half, gid, decision)))
        done, _ = await asyncio.wait([task], timeout=SETTLE_SECONDS)
        if not done or not task.result():
            return False
        if decision is Decision.COMMIT:
            await self._observe(Step.SETTLED)
        return True

    async def _settled(self, half: _Half, gid: Gid, decision: Decision) -> bool:
        try:
            try:
                await half.participant.settle(gid, decision)
            except Unanswered:
                await half.participant.replace_lost()
                await half.participant.settle(gid, decision)
        except (DatabaseUnavailable, LostRace, psycopg.Error) as error:
            # Whatever it is: the transfer is decided, and its caller is told so.
            log.warning("half of a transfer stays prepared", gid=str(gid), decision=decision, error=str(error))
            return False
        if decision is Decision.COMMIT:
            self._stored(half.participant.name)
        return True

    async def _earlier(self, first: _Half, last: _Half) -> Outcome:
        """What an earlier call with the same key stored."""
        one, other = await asyncio.gather(*(half.participant.find(half.request) for half in (first, last)))
        if one is None:
            raise HalfMissing(last.request.stream, first.request.stream)
        if other is None:
            raise HalfMissing(first.request.stream, last.request.stream)
        return one, other, True


def _check(source: Leg, target: Leg) -> None:
    if source.stream == target.stream:
        raise SameStream(source.stream)
    if source.change + target.change:
        raise Unbalanced(source.change, target.change)


def _content(*legs: Leg) -> bytes:
    described = [[leg.stream, [[event.type, event.data] for event in leg.several]] for leg in legs]
    return orjson.dumps(described, None, orjson.OPT_SORT_KEYS)


def _key_of_target(source: str, key: str) -> str:
    """Keys are the source's: two sources may use the same one towards one target."""
    return f"transfer:{blake2b(f'{len(source)} {source} {key}'.encode(), digest_size=16).hexdigest()}"
