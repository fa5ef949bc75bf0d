"""The role that the app logs in with. Each cloud creates it in its own way; its rights are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import psycopg
from psycopg.sql import SQL, Identifier

from app.queries import Row
from app.topology import Shard

Connection = psycopg.Connection[Row]

ROLE_FUNCTIONS_IN = {"azure": "postgres"}
"""Clouds whose own functions for roles exist only in this database, not in the shard's."""


def provision_app_role(shard: Shard, connection: Connection, connect: Callable[[str | None], Connection]) -> None:
    """Create the app's login role if it is missing, and grant it `ledger_writer`.

    `connection` is to the shard's database; `connect` opens one to another database of the same server.
    """
    if shard.home in ROLE_FUNCTIONS_IN:
        with connect(ROLE_FUNCTIONS_IN[shard.home]) as other:
            _create_role(shard, other)
    else:
        _create_role(shard, connection)
    connection.execute(SQL("grant ledger_writer to {}").format(Identifier(shard.app.user)))


def _create_role(shard: Shard, connection: Connection) -> None:
    script = files("app").joinpath("provisioning", "roles", f"{shard.home}.sql").read_text()
    with connection.transaction():
        # An anonymous block takes no parameters: the scripts read them from settings of this transaction.
        for name, value in (("fortress.role", shard.app.user), ("fortress.principal", shard.app.principal or "")):
            connection.execute("select set_config(%s, %s, true)", [name, value])
        connection.execute(script)
