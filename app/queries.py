"""Named SQL queries, and the protocols of what runs them.

Each package keeps its queries in `queries.sql`, in sections that begin with `-- name: <query>`; a `!` after the name
marks a query without rows. Parameters are written `:name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import aiosql
from aiosql.queries import Queries
from psycopg import AsyncConnection

Row = tuple[Any, ...]


class Reads(Protocol):
    """Runs queries that may safely run twice."""

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement, again after a lost connection, and return all its rows."""
        ...


class Runs(Reads, Protocol):
    """Also runs queries that must not run twice."""

    async def rows_once(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement at most once and return all its rows."""
        ...


class Connects(Protocol):
    """Opens connections that are held long."""

    def dedicated(self) -> AbstractAsyncContextManager[AsyncConnection[Row]]:
        """Open a connection outside the pool, in autocommit mode."""
        ...


@cache
def query(name: str) -> str:
    """Return the text of a query with psycopg's `%(name)s` for its parameters.

    `query("events.read_stream")` is the section `read_stream` of `app/events/queries.sql`. Raises AttributeError where
    the file has no such section.
    """
    package, _, section = name.rpartition(".")
    text: str = getattr(_queries(package), section).sql
    return text


@cache
def _queries(package: str) -> Queries:
    path = Path(__file__).parent.joinpath(*package.split("."), "queries.sql")
    queries: Queries = aiosql.from_path(path, "psycopg", mandatory_parameters=False)
    return queries
