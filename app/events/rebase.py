"""After a dump was restored: every event gets a place in the order of its new cluster. See docs/restore.md."""

from __future__ import annotations

from app.queries import Connects, query


async def rebase(database: Connects) -> int:
    """Give the events of a shard places in the order of the cluster that they are in now; their order stays.

    How many there were; none where they are of this cluster already. All of them or none: it may be interrupted and
    repeated. Appends wait meanwhile. Needs the rights of `ledger_operator`; raises DatabaseUnavailable.
    """
    async with database.dedicated() as connection:
        row = await (await connection.execute(query("events.rebase"))).fetchone()
    assert row is not None
    return int(row[0])
