"""Reading a key: from a near standby that is fresh enough, else from the primary."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.database import DatabaseUnavailable
from app.events.append import array
from app.events.model import Head
from app.queries import Row, query
from app.sharding.reads.log_positions import LagClock, Position
from app.sharding.reads.servers import Server, ServerState, candidates
from app.sharding.router import Router
from app.topology import NoLogin, Place, SlotNotHere, StalePlace

WATCH_SECONDS = 0.25
"""Time between two looks at every standby."""
ANSWER_SECONDS = 3.0
"""How long a server may take to show that it answers."""
BATCH = 4096
"""Most streams in one statement."""


@dataclass(frozen=True)
class ReadLimits:
    """How old the data of a read may be, and how long to wait."""

    lag_seconds: float = 2.0
    """Greatest age of the data that a read may see."""
    standby_seconds: float = 0.5
    """How long a standby may take before the next server is asked."""
    catch_up_seconds: float = 0.1
    """How long to wait until a standby has replayed a position."""
    poll_seconds: float = 0.002


class ReadRouter:
    """Reads keys from the servers of all shards."""

    def __init__(
        self,
        router: Router[Any],
        servers: Mapping[str, Sequence[Server]],
        *,
        home: str,
        limits: ReadLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`servers` are all servers of each shard, with its primary; `home` is the cloud of this process."""
        self._router = router
        self._servers = servers
        self._primaries = {shard: _primary_of(members) for shard, members in servers.items()}
        self._home = home
        self._limits = limits or ReadLimits()
        self._clock = clock
        self._logs = {shard: LagClock() for shard in servers}

    async def rows(
        self, key: str, text: str, parameters: Mapping[str, Any], *, after: Position | None = None
    ) -> list[Row]:
        """Run a read-only statement about a key on a server of its shard, and return the rows.

        With `after` the rows show everything written up to that position. The statement takes named parameters other
        than `slot` and `epoch`, and its columns need distinct names. Raises DatabaseUnavailable if no server answers,
        and what `Router.routed` raises.
        """
        # The hot path of a process: a closure is made only if the place is stale, which is rare.
        try:
            return await self._rows(key, text, parameters, after)
        except StalePlace as stale:
            return await self._router.again(lambda: self._rows(key, text, parameters, after), stale)

    async def head(self, key: str, *, after: Position | None = None) -> Head | None:
        """Return the end of a stream; None if it has no events. Raises what `rows` raises."""
        rows = await self.rows(key, query("events.read_head"), {"stream": key}, after=after)
        return Head._make(rows[0]) if rows else None

    async def heads(self, keys: Iterable[str]) -> dict[str, Head]:
        """Return the ends of streams, without streams that have no events: one statement per shard, all at once.

        Raises what `rows` raises.
        """
        found: dict[str, Head] = {}
        missing = list(dict.fromkeys(keys))

        async def read() -> None:
            nonlocal missing
            batches = _batches(self._router.by_shard(missing))
            answers = await asyncio.gather(*(self._heads(shard, batch) for shard, batch in batches))
            missing, stale = [], None
            for (shard, batch), rows in zip(batches, answers, strict=True):
                if rows is None:
                    missing.extend(key for key, _ in batch)
                    stale = SlotNotHere(shard, batch[0][1].slot, batch[0][1].epoch)
                else:
                    found.update((stream, Head._make(head)) for stream, *head in rows)
            if stale is not None:
                raise stale

        await self._router.following(read)
        return found

    async def position(self, key: str) -> Position:
        """Return the position of the log of the key's shard: call it after a write that a later read must show."""
        place, _ = self._router.route(key)
        [(lsn,)] = await self._primaries[place.shard].rows(query("sharding.flushed_lsn"), {})
        return Position(place.shard, lsn)

    async def watch(self, seconds: float = WATCH_SECONDS) -> None:
        """Look at every standby for ever. Without this all reads go to primaries, as no standby counts as fresh."""
        while True:
            await self.look()
            await asyncio.sleep(seconds)

    async def look(self) -> None:
        """Measure how fresh every standby is. One that does not answer gets older."""
        watched = [shard for shard, servers in self._servers.items() if len(servers) > 1]
        await asyncio.gather(*(self._look_at(shard) for shard in watched))

    async def answering(self) -> dict[str, bool]:
        """Return whether each server answers now, by name of the server."""
        servers = [server for servers in self._servers.values() for server in servers]
        answers = await asyncio.gather(*(self._answers(server) for server in servers))
        return {server.name: answer for server, answer in zip(servers, answers, strict=True)}

    def states(self) -> list[ServerState]:
        """Return the state of every server."""
        now = self._clock()
        return [server.state(now) for servers in self._servers.values() for server in servers]

    async def _rows(self, key: str, text: str, parameters: Mapping[str, Any], after: Position | None) -> list[Row]:
        place, _ = self._router.route(key)
        located = {**parameters, "slot": place.slot, "epoch": place.epoch}
        rows = await self._read(place.shard, key, _owned(text), located, after)
        if rows is None:
            raise SlotNotHere(place.shard, place.slot, place.epoch)
        return rows

    async def _heads(self, shard: str, batch: Sequence[tuple[str, Place]]) -> list[Row] | None:
        places = {place.slot: place.epoch for _, place in batch}
        parameters = {
            "streams": array([key for key, _ in batch]),
            "slots": list(places),
            "epochs": list(places.values()),
        }
        return await self._read(shard, batch[0][0], query("sharding.read_heads"), parameters, None)

    async def _read(
        self, shard: str, key: str, text: str, parameters: Mapping[str, Any], after: Position | None
    ) -> list[Row] | None:
        """Return the rows of the first server that answers; None if the primary does not own the slots."""
        servers = self._servers.get(shard)
        if servers is None:
            raise NoLogin(shard)
        reason: DatabaseUnavailable | None = None
        for server in servers if len(servers) == 1 else self._candidates(servers, key):
            try:
                if after is not None and not await self._shows(server, shard, after):
                    continue
                seconds = None if server.is_primary else self._limits.standby_seconds
                rows = await server.rows(text, parameters, seconds=seconds)
            except DatabaseUnavailable as error:
                reason = error
                continue
            if rows or server.is_primary:
                # One row always says that the slots are here; its first column tells whether it holds an answer too.
                return [row[1:] for row in rows if row[0]] if rows else None
        raise reason or DatabaseUnavailable(shard, "no server shows the write that is asked for")

    def _candidates(self, servers: Sequence[Server], key: str) -> list[Server]:
        return candidates(servers, key, home=self._home, now=self._clock(), lag_limit=self._limits.lag_seconds)

    async def _shows(self, server: Server, shard: str, after: Position) -> bool:
        """Return whether a server has replayed a position, if need be after a short wait."""
        if server.is_primary:
            return True
        if after.shard != shard:
            return False  # the slot has moved since: positions in different logs cannot be compared
        deadline = self._clock() + self._limits.catch_up_seconds
        while server.replayed < after.lsn and self._clock() < deadline:
            await self._ask_replayed(server)
            if server.replayed < after.lsn:
                await asyncio.sleep(self._limits.poll_seconds)
        return server.replayed >= after.lsn

    async def _look_at(self, shard: str) -> None:
        log, standbys = self._logs[shard], [server for server in self._servers[shard] if not server.is_primary]
        with contextlib.suppress(DatabaseUnavailable):
            asked = self._clock()
            [(lsn,)] = await self._primaries[shard].rows(
                query("sharding.flushed_lsn"), {}, seconds=self._limits.standby_seconds
            )
            log.saw(lsn, asked)
        await asyncio.gather(*(self._ask_replayed(standby) for standby in standbys), return_exceptions=True)
        for standby in standbys:
            standby.fresh_until = log.fresh_until(standby.replayed)

    async def _answers(self, server: Server) -> bool:
        try:
            await server.rows("select", {}, seconds=ANSWER_SECONDS)
        except DatabaseUnavailable:
            return False
        return True

    async def _ask_replayed(self, server: Server) -> None:
        [(replayed,)] = await server.rows(query("sharding.replayed_lsn"), {}, seconds=self._limits.standby_seconds)
        server.replayed = replayed or 0


def _primary_of(servers: Sequence[Server]) -> Server:
    return next(server for server in servers if server.is_primary)


def _batches(groups: Mapping[str, list[tuple[str, Place]]]) -> list[tuple[str, list[tuple[str, Place]]]]:
    return [
        (shard, group[first : first + BATCH])
        for shard, group in groups.items()
        for first in range(0, len(group), BATCH)
    ]


@cache
def _owned(text: str) -> str:
    """Wrap a statement so that it returns no row at all if the slot is not owned there."""
    return query("sharding.read_if_owned").replace("{query}", text)
