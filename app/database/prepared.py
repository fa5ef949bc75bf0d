"""Statements that a connection prepares once and then runs without a cursor.

Half of a small statement's cost for the client is psycopg's frame around it: a cursor, a query object, generators, a
wait with timers. This module drives libpq directly through `psycopg.pq`, with psycopg's conversion of values and rows.
"""

from __future__ import annotations

import asyncio
import re
import select
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import ProgrammingError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.generators import execute, fetch_many
from psycopg.pq import ExecStatus, Format, TransactionStatus

from app.queries import Row

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.pq.abc import PGresult

Kind = tuple[str, tuple[int, ...] | None]
"""A statement and its parameter types: two integers may have different types."""

MOST_PREPARED = 200
"""Most statements that a connection keeps prepared; the least recently used one is dropped."""
PIECES_AT_ONCE = 64
"""Pieces of a result that are read before other tasks of the event loop may run."""
LOOK_SECONDS = 0.1
"""A statement without an answer checks its connection after one to two times of this."""
CANCEL_SECONDS = 5.0
"""How long the server may take to cancel a statement."""

_PLACE = re.compile(r"%(?:%|\((\w+)\)s)")


class PreparedStatements:
    """Runs statements on one connection, each its own transaction. For one task at a time."""

    def __init__(self, connection: AsyncConnection[Row]) -> None:
        self._connection = connection
        self._transformer = Transformer(connection)
        self._names: OrderedDict[Kind, bytes] = OrderedDict()
        self._made = 0
        self._arrival = _Arrival(connection.pgconn.socket)

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement with named parameters and return all its rows; raise what `cursor.execute` raises.

        If the caller is cancelled, the server is asked to cancel the statement.
        """
        try:
            result = await self._run(statement, parameters)
        except InvalidSqlStatementName:
            # After a rollback by a cursor, psycopg makes the server drop all prepared statements, ours too.
            self._names.clear()
            result = await self._run(statement, parameters)
        transformer = self._transformer
        if result.status != ExecStatus.TUPLES_OK:
            raise ProgrammingError("the statement returns no rows")
        transformer.set_pgresult(result, format=Format.BINARY)
        try:
            return transformer.load_rows(0, result.ntuples, tuple)
        finally:
            transformer.set_pgresult(None)

    async def _run(self, statement: str, parameters: Mapping[str, Any]) -> PGresult:
        text, names = _numbered(statement)
        transformer = self._transformer
        values = transformer.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
        kind, formats = (statement, transformer.types), transformer.formats
        name = self._names.get(kind) or await self._prepare(kind, text)
        self._names.move_to_end(kind)
        self._connection.pgconn.send_query_prepared(name, values, param_formats=formats, result_format=Format.BINARY)
        return await self._result()

    def rest(self) -> None:
        """Stop watching the socket. Call it before anybody else uses the connection."""
        self._arrival.unwatch()

    async def _prepare(self, kind: Kind, text: bytes) -> bytes:
        pgconn = self._connection.pgconn
        while len(self._names) >= MOST_PREPARED:
            _, oldest = self._names.popitem(last=False)
            pgconn.send_query(b"deallocate " + oldest)
            await self._result()
        self._made += 1
        name = b"fortress_%d" % self._made
        pgconn.send_prepare(name, text, param_types=kind[1])
        await self._result()
        self._names[kind] = name
        return name

    async def _result(self) -> PGresult:
        try:
            result = await self._last_result()
        except BaseException:
            await self._cancel()
            raise
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result, encoding="utf-8")
        return result

    async def _last_result(self) -> PGresult:
        pgconn = self._connection.pgconn
        if pgconn.flush():  # more than the socket takes at once: let psycopg read while it writes
            self.rest()
            results: list[PGresult] = await self._connection.wait(execute(pgconn))
            return results[-1]
        last: PGresult | None = None
        while True:
            pieces = PIECES_AT_ONCE
            while pgconn.is_busy():
                pieces += 1
                if pieces > PIECES_AT_ONCE or not self._arrival.is_here():
                    await self._arrival.wait()
                    pieces = 0
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                assert last is not None
                return last
            last = result

    async def _cancel(self) -> None:
        self.rest()
        pgconn = self._connection.pgconn
        if pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        with suppress(psycopg.Error):
            await self._connection.cancel_safe(timeout=CANCEL_SECONDS)
            await self._connection.wait(fetch_many(pgconn), timeout=CANCEL_SECONDS)


class _Arrival:
    """Waits for data at a socket. The event loop keeps watching the socket between two waits.

    uvloop does not report a socket with an error (a killed server), it only stops watching. So a long wait ends from
    time to time for the waiter to check.
    """

    def __init__(self, socket: int) -> None:
        self._socket = socket
        self._poll = select.poll()
        self._poll.register(socket, select.POLLIN)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._seen: asyncio.Future[None] | None = None

    def is_here(self) -> bool:
        return bool(self._poll.poll(0))

    async def wait(self) -> None:
        """Wait until data has arrived, or for a moment."""
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        if self._loop is None:
            loop.add_reader(self._socket, self._wake)
            self._loop = loop
            self._timer = loop.call_later(LOOK_SECONDS, self._look)
        await waiting

    def unwatch(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self.unwatch()  # nobody reads it now, and the loop would report it for ever
        elif not waiting.done():
            waiting.set_result(None)

    def _look(self) -> None:
        waiting, seen, self._seen = self._waiting, self._seen, self._waiting
        if waiting is None or waiting is seen:
            self.unwatch()
            self._wake()
        elif self._loop is not None:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)


@cache
def _numbered(statement: str) -> tuple[bytes, Sequence[str]]:
    """Return the statement with `$1`, `$2` … for its named parameters, and the names in that order."""
    names: list[str] = []

    def numbered(place: re.Match[str]) -> str:
        name = place[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACE.sub(numbered, statement).encode(), names
