"""The mover in processes of its own: with the rights of an operator only, and dead right after a step if asked to."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import AsyncConnection, OperationalError
from psycopg.types.json import set_json_loads

from app.database.pools import DatabaseUnavailable
from app.sharding import PostgresMapStore
from app.sharding.mover import Limits, Progress, Step, abort_move, drop_departed, move_slot, resume_moves

LIMITS = Limits(patience_seconds=10)
SMALL = Limits(patience_seconds=10, batch_events=40)
"""So that a small slot takes several batches."""

Row = tuple[Any, ...]


@dataclass(frozen=True)
class OperatorDatabase:
    """One shard, as somebody who has the roles `ledger_operator` and `ledger_writer` sees it."""

    shard: str
    parameters: Mapping[str, Any]

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[AsyncConnection[Row]]:
        try:
            connection = await AsyncConnection.connect(autocommit=True, prepare_threshold=0, **self.parameters)
            async with connection:
                set_json_loads(orjson.loads, connection)
                yield connection
        except OperationalError as error:
            raise DatabaseUnavailable(self.shard, str(error)) from error

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        async with self.dedicated() as connection:
            return await (await connection.execute(statement, parameters)).fetchall()

    rows_once = rows


@dataclass(frozen=True)
class Operators:
    """All shards, as an operator sees them; can be sent to another process."""

    databases: Mapping[str, OperatorDatabase]
    map_shard: str

    @property
    def maps(self) -> PostgresMapStore:
        return PostgresMapStore(self.databases[self.map_shard], shard=self.map_shard)


@dataclass
class Killer:
    """Ends its process without notice right after a step was done for the n-th time."""

    step: Step
    times: int = 1
    seen: int = field(default=0, init=False)

    def __call__(self, progress: Progress) -> None:
        self.seen += progress.step is self.step
        if self.seen == self.times:
            os.kill(os.getpid(), signal.SIGKILL)


def run(operators: Operators, command: str, slot: int, target: str, step: Step | None, times: int = 1) -> None:
    """What a process of its own does; exits with 1 and the error on standard error where it is refused."""
    report = Killer(step, times) if step else lambda _: None
    world: dict[str, Any] = {"databases": operators.databases, "report": report}
    if command != "drop":
        world |= {"map_store": operators.maps, "limits": SMALL}
    commands = {
        "move": lambda: move_slot(slot, target, **world),
        "abort": lambda: abort_move(slot, **world),
        "resume": lambda: resume_moves(**world),
        "drop": lambda: drop_departed(slot=slot, grace_seconds=0, **world),
    }
    asyncio.run(commands[command]())
