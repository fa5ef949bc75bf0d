"""The servers of a sandbox as a cloud's service sees them: found by name, begun, handed over, renamed.

Also their contents, as far as all three clouds make them the same way: databases and administrators.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from localcloud.emulator import EmulatorError, Resource
from localcloud.postgres import binaries, server_registry, services
from localcloud.postgres.server import Server, Setup, as_emulator_error
from localcloud.postgres.server_registry import OPERATOR, ServerRecord
from localcloud.postgres.sessions import Session, connect, drop_database, ensure_database
from localcloud.sandbox import NoFreeAddress, Sandbox


def create(
    sandbox: Sandbox, cloud: str, identifier: str, resource: Resource, setup: Setup, **facts: Any
) -> ServerRecord:
    """Make the server of this resource, or finish what an earlier call began; returns what it became."""
    with _alone(sandbox, f"{cloud}-{identifier}"):
        server = Server(sandbox, _place(sandbox, cloud, identifier, resource, facts))
        server.make(setup)
        return server.record


def edit(sandbox: Sandbox, record: ServerRecord, change: Callable[[ServerRecord], ServerRecord]) -> ServerRecord:
    """Change what is written down of a server, and make it so; a change that it refuses is taken back."""
    with _alone(sandbox, record.key):
        now = server_registry.load(sandbox, record.key) or record
        server_registry.save(sandbox, change(now))
        try:
            Server(sandbox, change(now)).apply()
        except EmulatorError:
            server_registry.save(sandbox, now)
            raise
        services.rewrite(sandbox)
        return server_registry.load(sandbox, record.key) or now


def apply(sandbox: Sandbox, record: ServerRecord, **changes: Any) -> ServerRecord:
    """As `edit`, for values that do not depend on the earlier ones."""
    return edit(sandbox, record, lambda now: replace(now, **changes))


def note(sandbox: Sandbox, record: ServerRecord, **changes: Any) -> ServerRecord:
    """Change what is written down of a server and does not touch its process."""
    with _alone(sandbox, record.key):
        changed = server_registry.change(sandbox, server_registry.load(sandbox, record.key) or record, **changes)
        services.rewrite(sandbox)
        return changed


def promote(sandbox: Sandbox, record: ServerRecord) -> ServerRecord:
    """Make a standby a primary of its own; a primary stays one."""
    if record.source is None:
        return record
    with _alone(sandbox, record.key):
        server = Server(sandbox, record)
        server.promote()
        return server.record


def remove(sandbox: Sandbox, record: ServerRecord) -> None:
    """Remove a server; those that follow it become primaries of their own, as with RDS and Azure."""
    for standby in Server(sandbox, record).standbys():
        promote(sandbox, standby)
    with _alone(sandbox, record.key):
        Server(sandbox, record).remove()


def existing(sandbox: Sandbox, cloud: str, identifier: str) -> ServerRecord:
    """The server of that name; EmulatorError where there is none."""
    record = server_registry.find(sandbox, cloud, identifier)
    if record is None:
        raise EmulatorError(f"{cloud} database server {identifier} does not exist")
    return record


def port(sandbox: Sandbox, wanted: int | None) -> int:
    """PostgreSQL's own port stands for the sandbox's, which is another one where something else has it."""
    return sandbox.postgres_port if wanted in (None, 5432) else int(wanted or 0)


@contextlib.contextmanager
def _alone(sandbox: Sandbox, key: str) -> Iterator[None]:
    with sandbox.lock(f"postgres-{key}"):
        yield


def _place(sandbox: Sandbox, cloud: str, identifier: str, resource: Resource, facts: dict[str, Any]) -> ServerRecord:
    inputs = server_registry.without_passwords(resource.inputs)
    found = server_registry.find(sandbox, cloud, identifier)
    if found is not None and not found.complete and found.source != facts.get("source"):
        Server(sandbox, found).remove()
        found = None
    if found is not None:
        if found.complete and found.urn != resource.urn:
            raise EmulatorError(f"{cloud} database server {identifier} exists already: {found.urn} made it")
        return replace(found, urn=resource.urn, inputs=inputs, **{**facts, "port": found.port, "major": found.major})
    facts["major"] = binaries.find(facts.get("major")).major
    key = _free_key(sandbox, f"{cloud}-{identifier}")
    try:
        address = sandbox.claim_address(f"postgres/{key}", facts["port"])
    except NoFreeAddress as taken:
        raise EmulatorError(f"{cloud} database server {identifier}: {taken}") from taken
    # Data without a record (which somebody removed) is not ours to throw away on a failure.
    complete = (sandbox.root / "postgres" / key / "data").exists()
    return ServerRecord(
        key=key,
        cloud=cloud,
        identifier=identifier,
        urn=resource.urn,
        address=address,
        inputs=inputs,
        complete=complete,
        **facts,
    )


def _free_key(sandbox: Sandbox, wanted: str) -> str:
    """The key itself; with a number behind it where a server that was renamed still has it."""
    key, number = wanted, 1
    while server_registry.load(sandbox, key) is not None:
        number += 1
        key = f"{wanted}-{number}"
    return key


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
        note(sandbox, record, database=name)


def remove_database(sandbox: Sandbox, record: ServerRecord, name: str) -> None:
    tell(sandbox, record, lambda session: drop_database(session, name))
    if record.database == name:
        note(sandbox, record, database=FIRST_DATABASE)


def make_operator(sandbox: Sandbox, record: ServerRecord, role: str) -> None:
    """The first administrator of a server is who its service name logs in as."""
    if record.operator == OPERATOR:
        note(sandbox, record, operator=role)


def forget_operator(sandbox: Sandbox, record: ServerRecord, role: str) -> None:
    if record.operator == role:
        note(sandbox, record, operator=OPERATOR)
