"""A connection that takes what has already arrived without a turn of the event loop for each piece of it.

A result of many rows comes in pieces of 8 kB: the database's, each a record of TLS. psycopg asks the loop to be woken
for every one of them, which costs more than reading it.
"""

from __future__ import annotations

import select
from functools import cached_property
from typing import Any, TypeVar, cast

from psycopg import AsyncConnection
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from app.database.prepared import AT_ONCE, PreparedStatements

Result = TypeVar("Result")
Row = tuple[Any, ...]


class EagerConnection(AsyncConnection[Row]):
    """As AsyncConnection, for results of many rows."""

    @cached_property
    def statements(self) -> PreparedStatements:
        """What runs one statement after another for less than a cursor would."""
        return PreparedStatements(self)

    async def wait(self, gen: PQGen[Result], *arguments: Any, **named: Any) -> Result:
        """Run what operates on the connection."""
        return await super().wait(_eager(gen, self.pgconn.socket), *arguments, **named)


def _eager(gen: PQGen[Result], socket: int) -> PQGen[Result]:
    poll: select.poll | None = None
    pieces = 0
    try:
        waits_for = next(gen)
        while True:
            if waits_for == Wait.R and poll is not None and pieces < AT_ONCE and poll.poll(0):
                pieces += 1
                ready = Ready.R
            else:
                pieces = 0
                ready = cast(Ready, (yield waits_for))
                if poll is None and ready == Ready.R:
                    poll = select.poll()
                    poll.register(socket, select.POLLIN)
            waits_for = gen.send(ready)
    except StopIteration as end:
        return cast(Result, end.value)
