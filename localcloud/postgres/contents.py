"""What lies in a server and is a resource of its own: databases, and roles that log in."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.home import Home
from localcloud.postgres import fleet
from localcloud.postgres.records import OPERATOR, Record
from localcloud.postgres.server import Server, told_as_body_error
from localcloud.postgres.sessions import Session, connect, drop_database, ensure_database

FIRST_DATABASE = "postgres"


def tell(home: Home, record: Record, statements: Callable[[Session], None]) -> None:
    """Run statements as superuser."""
    with told_as_body_error(record), connect(home, record) as session:
        statements(session)


def is_there(home: Home, record: Record | None, question: Callable[[Session], bool]) -> bool:
    """Whether the server has it. A server that is down is believed to: its own resource shows that it is down."""
    if record is None or not Server(home, record).data.exists():
        return False
    if not Server(home, record).running:
        return True
    with told_as_body_error(record), connect(home, record) as session:
        return question(session)


def make_database(home: Home, record: Record, name: str, owner: str) -> None:
    """A database; the first one that is made is what the server's service name leads to."""
    tell(home, record, lambda session: ensure_database(session, name, owner))
    if record.database == FIRST_DATABASE:
        fleet.note(home, record, database=name)


def remove_database(home: Home, record: Record, name: str) -> None:
    tell(home, record, lambda session: drop_database(session, name))
    if record.database == name:
        fleet.note(home, record, database=FIRST_DATABASE)


def make_operator(home: Home, record: Record, role: str) -> None:
    """The first administrator of a server is who its service name logs in as."""
    if record.operator == OPERATOR:
        fleet.note(home, record, operator=role)


def forget_operator(home: Home, record: Record, role: str) -> None:
    if record.operator == role:
        fleet.note(home, record, operator=OPERATOR)
