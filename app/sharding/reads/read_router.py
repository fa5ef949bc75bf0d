"""Reading a key where it lives: from a standby that is near and fresh enough, else from the primary."""

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
from app.queries import query
from app.sharding.reads.choice import candidates
from app.sharding.reads.lag import LagClock
from app.sharding.reads.positions import Position
from app.sharding.reads.servers import Row, Server, ServerState
from app.sharding.router import Router
from app.sharding.statements import statement
from app.topology import NoLogin, Place, SlotNotHere, StalePlace

LOOKED_AT_SECONDS = 0.25
ANSWER_SECONDS = 3.0
BATCH = 4096
"""Most streams that one statement asks for."""


@dataclass(frozen=True)
class ReadLimits:
    """What a read may cost."""

    lag_seconds: float = 2.0
    """Oldest data that a read may see."""
    standby_seconds: float = 0.5
    """How long one standby may take before the next server is asked."""
    catch_up_seconds: float = 0.1
    """How long to wait for a standby to have replayed one's own write."""
    poll_seconds: float = 0.002


class ReadRouter:
    """Reads over all shards."""

    def __init__(
        self,
        router: Router[Any],
        servers: Mapping[str, Sequence[Server]],
        *,
        home: str,
        limits: ReadLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`servers` are those of each shard, the primary among them; `home` is the cloud that this process runs in."""
        self._router = router
        self._servers = servers
        self._primaries = {shard: next(each for each in all_ if each.is_primary) for shard, all_ in servers.items()}
        self._home = home
        self._limits = limits or ReadLimits()
        self._clock = clock
        self._logs = {shard: LagClock() for shard in servers}

    async def rows(
        self, key: str, text: str, parameters: Mapping[str, Any], *, after: Position | None = None
    ) -> list[Row]:
        """Rows of a read-only statement about a key, from a server of the key's shard.

        With `after` they show what had been written there. The statement takes named parameters, `slot` and `epoch`
        excepted, and its columns need different names. Raises DatabaseUnavailable where no server answers, and what
        `Router.routed` raises.
        """
        # No closure where nothing is stale, which is nearly always: this is the hot path of a process.
        try:
            return await self._rows(key, text, parameters, after)
        except StalePlace as stale:
            return await self._router.again(lambda: self._rows(key, text, parameters, after), stale)

    async def head(self, key: str, *, after: Position | None = None) -> Head | None:
        """Where a stream ends; None where nothing was ever appended to it. Raises what `rows` raises."""
        rows = await self.rows(key, query("events.read_head"), {"stream": key}, after=after)
        return Head._make(rows[0]) if rows else None

    async def heads(self, keys: Iterable[str]) -> dict[str, Head]:
        """Where streams end: all shards at once, one statement a shard; unknown streams are left out.

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
        """How far the log of the key's shard is now: to be asked for behind a write that a later read must show."""
        place, _ = self._router.route(key)
        [(lsn,)] = await self._primaries[place.shard].rows(statement("written"), {})
        return Position(place.shard, lsn)

    async def watch(self, seconds: float = LOOKED_AT_SECONDS) -> None:
        """Look at every standby for ever. Without this no standby is known to be fresh, and primaries are read."""
        while True:
            await self.look()
            await asyncio.sleep(seconds)

    async def look(self) -> None:
        """Find out how fresh every standby is; one that does not answer stays as old as it was."""
        watched = [shard for shard, servers in self._servers.items() if len(servers) > 1]
        await asyncio.gather(*(self._look_at(shard) for shard in watched))

    async def answering(self) -> dict[str, bool]:
        """Whether each server answers now, by name of the server."""
        servers = [server for servers in self._servers.values() for server in servers]
        answers = await asyncio.gather(*(self._answers(server) for server in servers))
        return {server.name: answer for server, answer in zip(servers, answers, strict=True)}

    def states(self) -> list[ServerState]:
        """Every server as it is now."""
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
        return await self._read(shard, batch[0][0], statement("heads_of_streams"), parameters, None)

    async def _read(
        self, shard: str, key: str, text: str, parameters: Mapping[str, Any], after: Position | None
    ) -> list[Row] | None:
        """Rows of the first server that can give them; None where the primary does not have the slots."""
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
                # The first column tells whether there is a row besides the one that says that the slots are here.
                return [row[1:] for row in rows if row[0]] if rows else None
        raise reason or DatabaseUnavailable(shard, "no server shows the write that is asked for")

    def _candidates(self, servers: Sequence[Server], key: str) -> list[Server]:
        return candidates(servers, key, home=self._home, now=self._clock(), lag_limit=self._limits.lag_seconds)

    async def _shows(self, server: Server, shard: str, after: Position) -> bool:
        """Whether a server shows what had been written, if need be after a short wait."""
        if server.is_primary:
            return True
        if after.shard != shard:
            return False  # the slot has moved since: positions of different logs do not compare
        deadline = self._clock() + self._limits.catch_up_seconds
        while server.replayed < after.lsn and self._clock() < deadline:
            await self._ask_replayed(server)
            if server.replayed < after.lsn:
                await asyncio.sleep(self._limits.poll_seconds)
        return server.replayed >= after.lsn

    async def _look_at(self, shard: str) -> None:
        log, standbys = self._logs[shard], [each for each in self._servers[shard] if not each.is_primary]
        with contextlib.suppress(DatabaseUnavailable):
            asked = self._clock()
            [(lsn,)] = await self._primaries[shard].rows(statement("written"), {}, seconds=self._limits.standby_seconds)
            log.saw(lsn, asked)
        await asyncio.gather(*(self._ask_replayed(each) for each in standbys), return_exceptions=True)
        for each in standbys:
            each.fresh_until = log.fresh_until(each.replayed)

    async def _answers(self, server: Server) -> bool:
        try:
            await server.rows("select", {}, seconds=ANSWER_SECONDS)
        except DatabaseUnavailable:
            return False
        return True

    async def _ask_replayed(self, server: Server) -> None:
        [(replayed,)] = await server.rows(statement("replayed"), {}, seconds=self._limits.standby_seconds)
        server.replayed = replayed or 0


def _batches(groups: Mapping[str, list[tuple[str, Place]]]) -> list[tuple[str, list[tuple[str, Place]]]]:
    return [
        (shard, group[first : first + BATCH])
        for shard, group in groups.items()
        for first in range(0, len(group), BATCH)
    ]


@cache
def _owned(text: str) -> str:
    """The statement, answered only where the slot is: no row at all means that it is not."""
    return statement("owned").replace("-- the statement", text)
