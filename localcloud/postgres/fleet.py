"""The servers of a world as a cloud's service sees them: found by name, begun, handed over, renamed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from localcloud.body import BodyError, Resource
from localcloud.home import Home, NoFreeAddress
from localcloud.postgres import binaries, records, services
from localcloud.postgres.records import Record
from localcloud.postgres.server import Server, Setup


def create(home: Home, cloud: str, identifier: str, resource: Resource, setup: Setup, **facts: Any) -> Record:
    """Make the server of this resource, or finish what an earlier call began; returns what it became."""
    with _alone(home, f"{cloud}-{identifier}"):
        server = Server(home, _place(home, cloud, identifier, resource, facts))
        server.make(setup)
        return server.record


def edit(home: Home, record: Record, change: Callable[[Record], Record]) -> Record:
    """Change what is written down of a server, and make it so; a change that it refuses is taken back."""
    with _alone(home, record.key):
        now = records.load(home, record.key) or record
        records.save(home, change(now))
        try:
            Server(home, change(now)).apply()
        except BodyError:
            records.save(home, now)
            raise
        services.rewrite(home)
        return records.load(home, record.key) or now


def apply(home: Home, record: Record, **changes: Any) -> Record:
    """As `edit`, for values that do not depend on the earlier ones."""
    return edit(home, record, lambda now: replace(now, **changes))


def note(home: Home, record: Record, **changes: Any) -> Record:
    """Change what is written down of a server and does not touch its process."""
    with _alone(home, record.key):
        changed = records.change(home, records.load(home, record.key) or record, **changes)
        services.rewrite(home)
        return changed


def promote(home: Home, record: Record) -> Record:
    """Make a standby a primary of its own; a primary stays one."""
    if record.source is None:
        return record
    with _alone(home, record.key):
        server = Server(home, record)
        server.promote()
        return server.record


def remove(home: Home, record: Record) -> None:
    """Remove a server; those that follow it become primaries of their own, as with RDS and Azure."""
    for standby in Server(home, record).standbys():
        promote(home, standby)
    with _alone(home, record.key):
        Server(home, record).remove()


def existing(home: Home, cloud: str, identifier: str) -> Record:
    """The server of that name; BodyError where there is none."""
    record = records.find(home, cloud, identifier)
    if record is None:
        raise BodyError(f"{cloud} database server {identifier} does not exist")
    return record


def port(home: Home, wanted: int | None) -> int:
    """PostgreSQL's own port stands for the world's, which is another one where something else has it."""
    return home.postgres_port if wanted in (None, 5432) else int(wanted or 0)


@contextlib.contextmanager
def _alone(home: Home, key: str) -> Iterator[None]:
    with home.lock(f"postgres-{key}"):
        yield


def _place(home: Home, cloud: str, identifier: str, resource: Resource, facts: dict[str, Any]) -> Record:
    inputs = records.without_passwords(resource.inputs)
    found = records.find(home, cloud, identifier)
    if found is not None and not found.complete and found.source != facts.get("source"):
        Server(home, found).remove()
        found = None
    if found is not None:
        if found.complete and found.urn != resource.urn:
            raise BodyError(f"{cloud} database server {identifier} exists already: {found.urn} made it")
        return replace(found, urn=resource.urn, inputs=inputs, **{**facts, "port": found.port, "major": found.major})
    facts["major"] = binaries.find(facts.get("major")).major
    key = _free_key(home, f"{cloud}-{identifier}")
    try:
        address = home.claim_address(f"postgres/{key}", facts["port"])
    except NoFreeAddress as taken:
        raise BodyError(f"{cloud} database server {identifier}: {taken}") from taken
    # Data without a record (which somebody removed) is not ours to throw away on a failure.
    complete = (home.root / "postgres" / key / "data").exists()
    return Record(
        key=key,
        cloud=cloud,
        identifier=identifier,
        urn=resource.urn,
        address=address,
        inputs=inputs,
        complete=complete,
        **facts,
    )


def _free_key(home: Home, wanted: str) -> str:
    """The key itself; with a number behind it where a server that was renamed still has it."""
    key, number = wanted, 1
    while records.load(home, key) is not None:
        number += 1
        key = f"{wanted}-{number}"
    return key
