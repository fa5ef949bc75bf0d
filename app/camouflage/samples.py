"""What operators read: histories to be measured, and sightings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from app.camouflage.statements import statement
from app.credits.events import Event, decode
from app.database import Role, ShardDatabase
from app.queries import Reads
from app.topology import Directory

SECONDS = 60.0


async def histories_of(database: Reads, accounts: int) -> list[Sequence[tuple[Event, datetime]]]:
    """What happened to so many accounts of a shard, chosen by chance; reasons stay sealed."""
    rows = await database.rows(statement("sample_histories"), {"accounts": accounts})
    return [
        [(decode(kind, data), recorded_at) for _, _, kind, data, recorded_at in events]
        for _, events in groupby(rows, key=lambda row: row[0])
    ]


async def sightings_of(directory: Directory, days: int) -> list[dict[str, Any]]:
    """The sightings of so many days, the latest first; addresses stay sealed."""
    found: list[dict[str, Any]] = []
    for shard in directory.shards:
        database = ShardDatabase(shard, size=1, kept=0, seconds=SECONDS, role=Role.ADMIN)
        await database.open()
        try:
            found += [data for (data,) in await database.rows(statement("read_sightings"), {"days": days})]
        finally:
            await database.close()
    return sorted(found, key=lambda data: str(data["at"]), reverse=True)
