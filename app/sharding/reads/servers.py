"""A server that reads may go to: its database, its circuit breaker, and how fresh it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from circuitbreaker import CircuitBreaker

from app.database import DatabaseUnavailable, ShardDatabase
from app.topology import Replica, Shard

Row = tuple[Any, ...]

FAILURES = 3
"""So many failures one after the other open the circuit."""
OPEN_SECONDS = 5
"""How long an open circuit lets nobody through."""


class ReadDatabase(Protocol):
    """A database, as far as reads need it."""

    async def rows(self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None) -> list[Row]:
        """Run a statement that may safely run twice; all its rows; raises DatabaseUnavailable."""
        ...


class ReplicaDatabase(ShardDatabase):
    """A streaming standby of a shard's database. Once it is promoted it is none, and takes no connection."""

    async def _parameters(self) -> dict[str, Any]:
        return await super()._parameters() | {"target_session_attrs": "standby"}


def as_shard(shard: Shard, replica: Replica) -> Shard:
    """The shard as it is reached on its replica."""
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
    """A server, for people and for metrics."""

    shard: str
    server: str
    role: str
    """primary or standby."""
    home: str
    lag_seconds: float
    """Age of its data at most; 0 for a primary, infinity where nothing is known."""
    circuit: str
    """closed, open or half_open."""
    failures: int
    """One after the other, up to now."""
    reads: int
    """That it answered since this process started."""


class Server:
    """One server of a shard."""

    def __init__(self, name: str, shard: Shard, database: ReadDatabase, *, is_primary: bool) -> None:
        self.name = name
        self.shard = shard
        self.is_primary = is_primary
        self.fresh_until = math.inf if is_primary else -math.inf
        """Moment of our clock until which its data is complete."""
        self.replayed = 0
        """How far its log is, as far as we know."""
        self.reads = 0
        self._database = database
        self._breaker = CircuitBreaker(
            failure_threshold=FAILURES,
            recovery_timeout=OPEN_SECONDS,
            expected_exception=DatabaseUnavailable,
            name=name,
        )

    def lag(self, now: float) -> float:
        """Age of its data at most, in seconds."""
        return max(0.0, now - self.fresh_until)

    @property
    def is_open(self) -> bool:
        """Whether its circuit lets nobody through."""
        return bool(self._breaker.opened)

    async def rows(self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None) -> list[Row]:
        """Rows of a statement; raises DatabaseUnavailable, at once while the circuit is open."""
        if self._breaker.opened:
            raise DatabaseUnavailable(self.shard.name, f"the circuit of {self.name} is open")
        with self._breaker:
            rows = await self._database.rows(statement, parameters, seconds=seconds)
        self.reads += 1
        return rows

    def state(self, now: float) -> ServerState:
        """The server as it is now."""
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
