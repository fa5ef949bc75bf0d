"""The servers that reads may go to: their circuit breakers, how fresh they are, and which to ask first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import xxhash
from circuitbreaker import CircuitBreaker

from app.database import DatabaseUnavailable, ShardDatabase
from app.queries import Row
from app.topology import Replica, Shard

FAILURES = 3
"""Consecutive failures that open the circuit."""
OPEN_SECONDS = 5
"""How long an open circuit refuses all reads."""


class ReadDatabase(Protocol):
    """The part of a database that reads need."""

    async def rows(self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None) -> list[Row]:
        """Run a statement that may safely run twice and return all its rows; raise DatabaseUnavailable."""
        ...


class ReplicaDatabase(ShardDatabase):
    """A streaming standby of a shard's database. Once promoted, the server refuses these connections."""

    async def _parameters(self) -> dict[str, Any]:
        return await super()._parameters() | {"target_session_attrs": "standby"}


def as_shard(shard: Shard, replica: Replica) -> Shard:
    """Return the shard with the address of its replica."""
    return shard.model_copy(
        update={
            "host": replica.host,
            "address": replica.address,
            "authority": replica.authority or shard.authority,
            "port": replica.port or shard.port,
            "home": replica.home or shard.home,
            "region": replica.region or shard.region,
        }
    )


class ServerState(NamedTuple):
    """The state of a server, for people and metrics."""

    shard: str
    server: str
    role: str
    """primary or standby."""
    home: str
    lag_seconds: float
    """Upper bound of the age of its data: 0 for a primary, infinity if unknown."""
    circuit: str
    """closed, open or half_open."""
    failures: int
    """Consecutive failures up to now."""
    reads: int
    """Reads answered since this process started."""


class Server:
    """A server of a shard: the primary or a standby."""

    def __init__(self, name: str, shard: Shard, database: ReadDatabase, *, is_primary: bool) -> None:
        self.name = name
        self.shard = shard
        self.is_primary = is_primary
        self.fresh_until = math.inf if is_primary else -math.inf
        """The moment up to which its data is complete, by our clock."""
        self.replayed = 0
        """Last known position that it has replayed, in bytes of the log."""
        self.reads = 0
        self._database = database
        self._breaker = CircuitBreaker(
            failure_threshold=FAILURES,
            recovery_timeout=OPEN_SECONDS,
            expected_exception=DatabaseUnavailable,
            name=name,
        )

    def lag(self, now: float) -> float:
        """Return the upper bound of the age of its data, in seconds."""
        return max(0.0, now - self.fresh_until)

    @property
    def is_open(self) -> bool:
        """Whether its circuit refuses all reads."""
        return bool(self._breaker.opened)

    async def rows(self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None) -> list[Row]:
        """Return the rows of a statement; raise DatabaseUnavailable, at once while the circuit is open."""
        if self._breaker.opened:
            raise DatabaseUnavailable(self.shard.name, f"the circuit of {self.name} is open")
        with self._breaker:
            rows = await self._database.rows(statement, parameters, seconds=seconds)
        self.reads += 1
        return rows

    def state(self, now: float) -> ServerState:
        """Return the state of the server at `now`."""
        return ServerState(
            shard=self.shard.name,
            server=self.name,
            role="primary" if self.is_primary else "standby",
            home=self.shard.home,
            lag_seconds=self.lag(now),
            circuit=self._breaker.state,
            failures=self._breaker.failure_count,
            reads=self.reads,
        )


def candidates(servers: Sequence[Server], key: str, *, home: str, now: float, lag_limit: float) -> list[Server]:
    """Return the servers that may answer for a key, best first; the primary is always among them.

    Servers in the cloud `home` come first, standbys before the primary. Equal standbys are ranked by a hash with the
    key (rendezvous hashing), so a key always meets the same cache.
    """
    usable = [
        server for server in servers if server.is_primary or (server.lag(now) <= lag_limit and not server.is_open)
    ]
    if len(usable) > 1:
        usable.sort(key=lambda server: (server.shard.home != home, server.is_primary, -_rank(server.name, key)))
    return usable


def _rank(server: str, key: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{server}/{key}".encode())
