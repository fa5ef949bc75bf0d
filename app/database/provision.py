"""The role that the app logs in with: each cloud makes it differently, and all of them give it the same rights."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from app.topology import Shard

Connection = psycopg.Connection[tuple[Any, ...]]

MADE_IN = {"azure": "postgres"}
"""Database that a cloud's own functions for roles live in, where that is not the shard's."""


def provision(shard: Shard, connection: Connection, connect: Callable[[str | None], Connection]) -> None:
    """Make the app's login role where it is not there, and give it the rights of `ledger_writer`."""
    if shard.home in MADE_IN:
        with connect(MADE_IN[shard.home]) as other:
            _make_role(shard, other)
    else:
        _make_role(shard, connection)
    connection.execute(SQL("grant ledger_writer to {}").format(Identifier(shard.app.user)))


def _make_role(shard: Shard, connection: Connection) -> None:
    text = files("app").joinpath("provisioning", f"{shard.home}.sql").read_text()
    with connection.transaction():
        # Anonymous blocks take no parameters: they find them in settings of this transaction.
        for name, value in (("fortress.role", shard.app.user), ("fortress.principal", shard.app.principal or "")):
            connection.execute("select set_config(%s, %s, true)", [name, value])
        connection.execute(text)
