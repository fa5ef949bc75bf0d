"""A read model that shows every event that is missing or counted twice; as a program: kept until the process is killed.

`python -m tests.app.projections.tally <directory> <page> [stop]`: with `stop` it waits for ever between read model and
commit, once it has said so.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.database import Databases
from app.events import StoredEvent
from app.projections import Connection, Projector
from app.topology import parse_directory

TABLE = """
create table tally (
    generation integer, stream text, events bigint, total bigint, last bigint, primary key (generation, stream)
);
grant select, insert, update, delete on tally to ledger_writer;
"""
ADD = """
insert into tally as ours
select %(generation)s, *
from unnest(%(streams)s::text[], %(events)s::bigint[], %(totals)s::bigint[], %(last)s::bigint[])
on conflict (generation, stream) do update
set events = ours.events + excluded.events, total = ours.total + excluded.total, last = excluded.last
"""


class Tally:
    """Counts the events of every stream; nothing in it hides an event that comes twice."""

    name = "tally"

    async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
        counts = Counter(event.stream for event in events)
        totals: Counter[str] = Counter()
        for event in events:
            totals[event.stream] += event.change
        last = {event.stream: event.version for event in events}
        await connection.execute(
            ADD,
            {
                "generation": generation,
                "streams": list(counts),
                "events": list(counts.values()),
                "totals": [totals[stream] for stream in counts],
                "last": [last[stream] for stream in counts],
            },
        )

    async def discard(self, connection: Connection, *, generation: int) -> None:
        await connection.execute("delete from tally where generation = %(generation)s", {"generation": generation})


class Stopping(Tally):
    """Stands still behind its read model."""

    async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
        await super().apply(connection, events, generation=generation)
        print("stopped", flush=True)
        await asyncio.Event().wait()


async def main(directory: str, page: int, projection: Tally) -> None:
    shards = parse_directory(Path(directory).read_text()).shards[:1]
    databases = Databases(shards, home=shards[0].home, size=4, seconds=30)
    await databases.open()
    projector = Projector(databases.by_shard[shards[0].name], projection, limit=page, poll_seconds=0.05)
    print("started", flush=True)
    await projector.serve()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Stopping() if sys.argv[3:] == ["stop"] else Tally()))
