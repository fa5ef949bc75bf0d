"""Moving an amount from one stream to another: both appends happen or neither, wherever the streams live."""

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
from app.events.append import Append
from app.events.model import Slot
from app.topology import Place
from app.transfers.errors import BranchMissing, SameStream, TransferContended, TransferInDoubt, Unbalanced
from app.transfers.keyed_lock import KeyedLock
from app.transfers.metrics import TransferMetrics
from app.transfers.model import Decision, Gid, Leg, Step, Transferred
from app.transfers.participant import LostRace, Participant, Stored, Unanswered

RETRY_SECONDS = 5.0
"""The retry limit of a transfer: after this time it is not tried again. No number of attempts limits it."""
FIRST_WAIT_SECONDS = 0.01
"""Wait before the second attempt; it doubles with every further one."""
LONGEST_WAIT_SECONDS = 0.25
"""Longest wait between two attempts."""
LOCK_SECONDS = 0.8
"""Longest wait of a step for a lock: less than `OVERDUE_SECONDS`, from which a prepared branch is reported."""
SETTLE_SECONDS = 1.0
"""Longest wait until the prepared branch of a decided transfer is visible."""
IN_FLIGHT = 32
"""Most branches that a process holds prepared on one shard; `max_prepared_transactions` limits all processes."""

Route = Callable[[str], Place]
Observe = Callable[[Step], Awaitable[None]]
Result = TypeVar("Result")
Outcome = tuple[Appended, Appended, bool]
"""Results of the branch that is locked first and of the other one, and whether both are visible."""

log = structlog.get_logger(__name__)


async def ignore_step(_: Step) -> None:
    """Observe nothing."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """The append of a leg, and the shard that it is for."""

    request: Append
    participant: Participant


class Transfers:
    """Coordinates transfers. Holds no state that a crash could lose."""

    def __init__(
        self,
        waiting: Mapping[str, ShardDatabase],
        settling: Mapping[str, ShardDatabase],
        route: Route,
        refresh: Callable[[], Awaitable[None]],
        *,
        metrics: TransferMetrics | None = None,
        stored: Callable[[str], None] = lambda _: None,
        seconds: float = RETRY_SECONDS,
        observe: Observe = ignore_step,
    ) -> None:
        """`waiting` and `settling` are the databases by name of their shard. Connections of `waiting` wait for locks of
        streams, LOCK_SECONDS at most. Those of `settling` release streams, so they must not share a pool with those
        that wait.

        `refresh` reads a newer slot map after a shard refused a slot's epoch. `stored` is called with a shard's name
        whenever events became visible there. `observe` is awaited at every step of a transfer between two shards; if it
        raises, the transfer stops at that step.
        """
        self._participants = {name: Participant(database, settling[name]) for name, database in waiting.items()}
        self._room = {name: asyncio.Semaphore(IN_FLIGHT) for name in waiting}
        self._locks = KeyedLock()
        self._route = route
        self._refresh = refresh
        self._metrics = metrics or TransferMetrics()
        self._stored = stored
        self._seconds = seconds
        self._observe = observe
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def participants(self) -> Mapping[str, Participant]:
        """The shards by name, for the resolver."""
        return self._participants

    def limit_branches(self, limits: Mapping[str, int]) -> None:
        """Set the most prepared branches per shard (default IN_FLIGHT). Call it before the first transfer."""
        self._room |= {name: asyncio.Semaphore(most) for name, most in limits.items()}

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

        The same `key` of the same source with the same `content` (default: the legs) returns the result of the first
        call. `now` is for legs with a floor, as in `Append`.

        If nothing was stored, raises the errors of `app.events.errors` (BelowFloor, Overdue, StreamClosed, KeyReused …)
        of the stream that refused, SameStream, Unbalanced or TransferContended. If that is unknown, raises
        DatabaseUnavailable or its subclass TransferInDoubt; a retry with the same key returns the outcome.
        """
        _check(source, target)
        # If the caller is cancelled, the transfer still goes on to its end.
        attempts = self._retry(source, target, key, content or _content(source, target), now)
        task = self._keep(asyncio.create_task(attempts))
        try:
            async with asyncio.timeout(self._seconds + SETTLE_SECONDS):
                return await asyncio.shield(task)
        except TimeoutError:
            raise TransferInDoubt(self._route(source.stream).shard, "the transfer took too long") from None

    async def close(self) -> None:
        """Wait for transfers under way as long as their callers would; leave the rest to the resolver."""
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
            # Retrieve the error: without a caller asyncio would log it as never retrieved.
            task.exception()

    async def _retry(self, source: Leg, target: Leg, key: str, content: bytes, now: datetime | None) -> Transferred:
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
        branches = [
            self._branch(source, key, content),
            self._branch(target, _key_of_target(source.stream, key), content),
        ]
        first, last = sorted(branches, key=lambda branch: branch.request.order)
        try:
            async with self._locks.hold([first.request.stream, last.request.stream]):
                if first.participant is last.participant:
                    *appended, settled = await self._append_on_one_shard(first, last, now)
                else:
                    async with self._room[first.participant.name]:
                        *appended, settled = await self._append_on_two_shards(first, last, now)
        except Stored:
            *appended, settled = await self._find_earlier(first, last)
        except WrongEpoch:
            await self._refresh()
            raise
        by_stream = dict(zip((first.request.stream, last.request.stream), appended, strict=True))
        return Transferred(by_stream[source.stream], by_stream[target.stream], settled)

    def _branch(self, leg: Leg, key: str, content: bytes) -> _Branch:
        place = self._route(leg.stream)
        append = Append(
            leg.stream,
            leg.several,
            Slot(place.slot, place.epoch),
            idempotency_key=key,
            content=content,
            floor=leg.floor,
            due=leg.due,
        )
        return _Branch(append, self._participants[place.shard])

    async def _append_on_one_shard(self, first: _Branch, last: _Branch, now: datetime | None) -> Outcome:
        """Append both legs in one transaction: they are on the same shard."""
        try:
            appended = await first.participant.append_all([first.request, last.request], now)
        except Unanswered:
            await first.participant.replace_lost()
            raise
        self._stored(first.participant.name)
        return appended[0], appended[1], True

    async def _append_on_two_shards(self, first: _Branch, last: _Branch, now: datetime | None) -> Outcome:
        """Prepare the branch whose stream is locked first; the commit of the other one is the decision."""
        gid = Gid(last.participant.name, uuid.uuid4())
        await self._observe(Step.PREPARING)
        try:
            prepared = await first.participant.prepare(first.request, now, gid)
        except Unanswered:
            # It may be prepared, but its commit will never be decided.
            await first.participant.replace_lost()
            await self._settle(first, gid, Decision.ABORT)
            raise
        await self._observe(Step.PREPARED)
        decided = await self._decide(first, last, now, gid)
        await self._observe(Step.DECIDED)
        self._stored(last.participant.name)
        return prepared, decided, await self._settle(first, gid, Decision.COMMIT)

    async def _decide(self, first: _Branch, last: _Branch, now: datetime | None, gid: Gid) -> Appended:
        await self._observe(Step.DECIDING)
        try:
            return await last.participant.decide(last.request, now, gid.attempt, first.participant.name)
        except Unanswered:
            return await self._find_decision(first, last, gid)
        except Stored:
            await self._settle(first, gid, Decision.ABORT)
            raise BranchMissing(last.request.stream, first.request.stream) from None
        except Exception:
            # Refused, or the request was never sent.
            await self._settle(first, gid, Decision.ABORT)
            raise

    async def _find_decision(self, first: _Branch, last: _Branch, gid: Gid) -> Appended:
        """Find out the decision after its answer was lost. An attempt without a decision is aborted."""
        try:
            decision = await last.participant.abort(gid.attempt, first.participant.name)
            if decision is Decision.COMMIT and (found := await last.participant.find(last.request)):
                return found._replace(repeated=False)
        except DatabaseUnavailable as error:
            self._metrics.count("in doubt")
            raise TransferInDoubt(
                last.participant.name, "the connection was lost while the transfer was decided"
            ) from error
        await self._settle(first, gid, decision)
        raise LostRace("the connection was lost before the transfer was decided")

    async def _settle(self, branch: _Branch, gid: Gid, decision: Decision) -> bool:
        """Settle the prepared branch; return whether that succeeded in time. If not, the resolver does it later."""
        if decision is Decision.COMMIT:
            await self._observe(Step.SETTLING)
        task = self._keep(asyncio.create_task(self._try_to_settle(branch, gid, decision)))
        done, _ = await asyncio.wait([task], timeout=SETTLE_SECONDS)
        if not done or not task.result():
            return False
        if decision is Decision.COMMIT:
            await self._observe(Step.SETTLED)
        return True

    async def _try_to_settle(self, branch: _Branch, gid: Gid, decision: Decision) -> bool:
        try:
            try:
                await branch.participant.settle(gid, decision)
            except Unanswered:
                await branch.participant.replace_lost()
                await branch.participant.settle(gid, decision)
        except (DatabaseUnavailable, LostRace, psycopg.Error) as error:
            # Whatever failed: the transfer is decided, and its caller gets the result.
            log.warning("branch of a transfer stays prepared", gid=str(gid), decision=decision, error=str(error))
            return False
        if decision is Decision.COMMIT:
            self._stored(branch.participant.name)
        return True

    async def _find_earlier(self, first: _Branch, last: _Branch) -> Outcome:
        """Return what an earlier call with the same key stored."""
        one, other = await asyncio.gather(*(branch.participant.find(branch.request) for branch in (first, last)))
        if one is None:
            raise BranchMissing(last.request.stream, first.request.stream)
        if other is None:
            raise BranchMissing(first.request.stream, last.request.stream)
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
