"""What lies in a server and is a resource of its own: databases, and roles that log in."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.postgres import fleet
from localcloud.postgres.server import Server, as_emulator_error
from localcloud.postgres.server_registry import OPERATOR, ServerRecord
from localcloud.postgres.sessions import Session, connect, drop_database, ensure_database
from localcloud.sandbox import Sandbox

FIRST_DATABASE = "postgres"


def tell(sandbox: Sandbox, record: ServerRecord, statements: Callable[[Session], None]) -> None:
    """Run statements as superuser."""
    with as_emulator_error(record), connect(sandbox, record) as session:
        statements(session)


def is_there(sandbox: Sandbox, record: ServerRecord | None, question: Callable[[Session], bool]) -> bool:
    """Whether the server has it. A server that is down is believed to: its own resource shows that it is down."""
    if record is None or not Server(sandbox, record).data.exists():
        return False
    if not Server(sandbox, record).running:
        return True
    with as_emulator_error(record), connect(sandbox, record) as session:
        return question(session)


def make_database(sandbox: Sandbox, record: ServerRecord, name: str, owner: str) -> None:
    """A database; the first one that is made is what the server's service name leads to."""
    tell(sandbox, record, lambda session: ensure_database(session, name, owner))
    if record.database == FIRST_DATABASE:
        fleet.note(sandbox, record, database=name)


def remove_database(sandbox: Sandbox, record: ServerRecord, name: str) -> None:
    tell(sandbox, record, lambda session: drop_database(session, name))
    if record.database == name:
        fleet.note(sandbox, record, database=FIRST_DATABASE)


def make_operator(sandbox: Sandbox, record: ServerRecord, role: str) -> None:
    """The first administrator of a server is who its service name logs in as."""
    if record.operator == OPERATOR:
        fleet.note(sandbox, record, operator=role)


def forget_operator(sandbox: Sandbox, record: ServerRecord, role: str) -> None:
    if record.operator == role:
        fleet.note(sandbox, record, operator=OPERATOR)
