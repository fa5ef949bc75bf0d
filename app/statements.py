"""SQL statements: where their texts are, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from psycopg import AsyncConnection

Row = tuple[Any, ...]


class Reads(Protocol):
    """A database, for what reads, or may safely be done twice."""

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement that may safely run twice; all its rows."""
        ...


class Runs(Reads, Protocol):
    """A database, also for what is not to be done twice."""

    async def rows_once(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement that is not to run twice; all its rows."""
        ...


class Connects(Protocol):
    """A database, for what holds a connection long."""

    def dedicated(self) -> AbstractAsyncContextManager[AsyncConnection[Row]]:
        """A connection of one's own, in which each statement is a transaction unless one is begun."""
        ...


def statements_of(package: str) -> Callable[[str], str]:
    """A function that gives the text of `sql/<name>.sql` in the package."""

    @cache
    def statement(name: str) -> str:
        return files(package).joinpath("sql", f"{name}.sql").read_text()

    return statement
