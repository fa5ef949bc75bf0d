"""The lines of statements as a read model: what happened to every account, kept beside the events of its shard.

Events hold what is personal sealed, and the lines copy them as they are: so an erasure reaches both.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from app.events import StoredEvent
from app.projections import Connection
from app.queries import query
from app.topology import slot_of


class StatementLines:
    """The projection `statement`: `read_statement` unites what it has made with the events behind it."""

    name = "statement"

    async def apply(self, connection: Connection, events: Sequence[StoredEvent], *, generation: int) -> None:
        """Add a line for each event."""
        await connection.execute(
            query("credits.keep_lines"),
            {
                "generation": generation,
                "streams": [event.stream for event in events],
                "versions": [event.version for event in events],
                "slots": [slot_of(event.stream) for event in events],
                "times": [event.recorded_at for event in events],
                "types": [event.type for event in events],
                "changes": [event.change for event in events],
                "totals": [event.total for event in events],
                "data": [orjson.dumps(event.data).decode() for event in events],
            },
        )

    async def discard(self, connection: Connection, *, generation: int) -> None:
        """Delete the lines of a generation."""
        await connection.execute(query("credits.discard_lines"), {"generation": generation})
