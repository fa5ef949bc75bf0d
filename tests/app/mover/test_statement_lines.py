"""The lines of statements while their slot moves: made anew where it arrives, dropped where it left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.background import Background
from app.credits import StatementLines
from app.database import Databases
from app.projections import Projector
from app.sharding.mover import drop_departed, move_slot
from tests.waiting import until

from .conftest import SOURCE, TARGET, Ledger, Servers

pytestmark = pytest.mark.servers

LINES = "select stream, version from statement_lines where slot = %s order by 1, 2"
EVENTS = "select stream, version from all_events where slot = %s order by 1, 2"
KNOWN = "select stream from projection_streams where slot = %s"


@asynccontextmanager
async def projecting(servers: Servers) -> AsyncIterator[None]:
    """The projection runs on source and target."""
    databases = Databases(servers.directory.shards, home="aws", size=4, seconds=5)
    await databases.open()
    projectors = [
        Projector(databases.by_shard[shard], StatementLines(), poll_seconds=0.02) for shard in (SOURCE, TARGET)
    ]
    try:
        async with Background([worker for projector in projectors for worker in projector.workers()]):
            yield
    finally:
        await databases.close()


async def until_projected(servers: Servers, shard: str, slot: int) -> None:
    await until(
        lambda: servers.ask(shard, LINES, slot) == servers.ask(shard, EVENTS, slot),
        f"the statement lines of slot {slot} on {shard}",
    )


async def test_lines_follow_their_slot_and_come_back_with_it(servers: Servers, ledger: Ledger, slot: int) -> None:
    async def move(target: str) -> None:
        operators = servers.operators()
        await move_slot(slot, target, databases=operators.databases, map_store=operators.maps)

    async with projecting(servers):
        streams = await ledger.fill(slot)
        await until_projected(servers, SOURCE, slot)
        async with ledger.writers(streams):
            await move(TARGET)
            await ledger.written(streams)
        await until_projected(servers, TARGET, slot)
        assert await drop_departed(servers.operators().databases, slot=slot, grace_seconds=0) == [slot]
        assert servers.ask(SOURCE, LINES, slot) == servers.ask(SOURCE, KNOWN, slot) == []
        await move(SOURCE)
        await until_projected(servers, SOURCE, slot)
        assert len(servers.ask(SOURCE, LINES, slot)) == sum(map(len, ledger.acknowledged.values()))
