"""What makes a server follow another one: its copy of the data, its slot, and never less room than its primary."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import psycopg

from localcloud.account import give
from localcloud.emulator import EmulatorError
from localcloud.postgres import configuration, server_registry
from localcloud.postgres.binaries import SYNC, Binaries
from localcloud.postgres.configuration import Files
from localcloud.postgres.parameters import translate
from localcloud.postgres.server_registry import ServerRecord
from localcloud.postgres.sessions import Session, connect
from localcloud.sandbox import Sandbox

FLOORS: Mapping[str, int] = {
    "max_connections": 100,
    "max_prepared_transactions": 0,
    "max_worker_processes": 8,
    "max_wal_senders": 10,
    "max_locks_per_transaction": 64,
}
"""What a standby must have at least as much of as its primary (PostgreSQL, "Hot Standby", administrator's overview),
with PostgreSQL's own defaults."""


def primary_of(sandbox: Sandbox, record: ServerRecord) -> ServerRecord | None:
    """The server that this one follows, None for a primary."""
    if record.source is None:
        return None
    primary = server_registry.load(sandbox, record.source)
    if primary is None:
        raise EmulatorError(f"the primary {record.source} does not exist")
    return primary


def floors(record: ServerRecord, primary: ServerRecord, binaries: Binaries) -> dict[str, int]:
    """Each of FLOORS as the primary has it, or once had it: what it wrote then is still to be replayed."""
    settings = translate(primary.parameters, binaries).settings
    return {name: max(int(settings.get(name, default)), record.floors.get(name, 0)) for name, default in FLOORS.items()}


def base_backup(
    sandbox: Sandbox, record: ServerRecord, primary: ServerRecord, files: Files, target: Path, account: str | None
) -> None:
    """Copy the primary's data to `target`; a slot keeps what comes after it."""
    name = configuration.slot(record)
    with connect(sandbox, primary) as session:
        _drop_slot(session, name)
    where = configuration.replication_conninfo(primary, files)
    words = ["--pgdata", str(target), "--dbname", where, "--wal-method=stream", "--checkpoint=fast", *SYNC]
    tools = server_registry.binaries_of(record)
    tools.run("pg_basebackup", [*words, "--create-slot", "--slot", name], account, target.parent)
    signal = target / "standby.signal"
    signal.touch(mode=0o600)
    give(signal, account)


def leave(sandbox: Sandbox, record: ServerRecord) -> None:
    """Drop the slot on the primary, which would keep its write-ahead log for us; a primary that is down keeps it."""
    primary = server_registry.load(sandbox, record.source) if record.source else None
    if primary is not None:
        with contextlib.suppress(psycopg.Error), connect(sandbox, primary) as session:
            _drop_slot(session, configuration.slot(record))


def _drop_slot(session: Session, name: str) -> None:
    which = "from pg_replication_slots where slot_name = %s"
    session.execute(f"select pg_terminate_backend(active_pid, 5000) {which} and active", [name])
    session.execute(f"select pg_drop_replication_slot(slot_name) {which}", [name])
