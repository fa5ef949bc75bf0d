"""Schema migrations of a shard: plain SQL files with rollbacks, run by yoyo."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

import psycopg
import stamina
from yoyo import exceptions, read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration, MigrationList

from app.database.cloud_tokens import LoginRefused
from app.database.connection import Role, connection_parameters
from app.database.login import Login, admin_login
from app.provisioning.app_role import provision_app_role
from app.provisioning.seed import seed_map, seed_slots
from app.queries import Row
from app.topology import Directory, Shard

WAIT_SECONDS = 120.0
LOCK_SECONDS = 60
LOCK = 0x0F0721E55
"""Key of the advisory lock that allows one migrating process per database."""

Report = Callable[[str], None]


class MigrationFailed(Exception):
    """A migration failed and was rolled back. The message names the shard, the migration and the database's error."""


@dataclass(frozen=True)
class MigrationState:
    """A migration, and whether a shard has it."""

    name: str
    applied: bool


class Migrator:
    """Applies and rolls back the migrations of one shard."""

    def __init__(
        self,
        shard: Shard,
        *,
        directory: Directory | None = None,
        login: Login | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """`directory` fills the slot map of a new ledger, if this shard holds the map."""
        self.shard = shard
        self._directory = directory
        self._login = login or admin_login(shard)
        self._wait_seconds = wait_seconds

    def up(self, report: Report) -> None:
        """Apply missing migrations, then provision the app's role, slots and slot map. Safe to run again."""
        with self._backend(report) as (backend, migrations):
            for migration in backend.to_apply(migrations):
                with self._naming(migration):
                    backend.apply_one(migration)
                report(f"{self.shard.name}: applied {migration.id}")
            provision_app_role(self.shard, backend.connection, self.connect)
            seed_slots(backend.connection, self.shard)
            if self._directory is not None:
                seed_map(backend.connection, self.shard, self._directory)
            report(f"{self.shard.name}: up to date, {len(migrations)} migrations, {self.shard.app.user} may write")

    def down(self, report: Report, *, steps: int | None = 1) -> None:
        """Roll back the last `steps` migrations, or all (None). The database refuses if events would be lost."""
        with self._backend(report) as (backend, migrations):
            for migration in list(backend.to_rollback(migrations))[:steps]:
                with self._naming(migration):
                    backend.rollback_one(migration)
                report(f"{self.shard.name}: rolled back {migration.id}")
            report(f"{self.shard.name}: {len(backend.get_applied_migration_hashes())} migrations are applied")

    def status(self, report: Report) -> list[MigrationState]:
        """List all migrations, in order, each with whether the shard has it."""
        with self._backend(report) as (backend, migrations):
            applied = set(backend.get_applied_migration_hashes())
            return [MigrationState(migration.id, migration.hash in applied) for migration in migrations]

    def connect(self, database: str | None = None) -> psycopg.Connection[Row]:
        """Connect as the administrator, in autocommit mode."""
        parameters = connection_parameters(self.shard, Role.ADMIN, self._login, database=database)
        return psycopg.connect(autocommit=True, **parameters)

    @contextlib.contextmanager
    def _backend(self, report: Report) -> Iterator[tuple[_Backend, MigrationList]]:
        try:
            self._wait_until_ready(report)
            with all_migrations() as migrations, _Backend(self.connect) as backend, backend.lock(LOCK_SECONDS):
                yield backend, migrations
        except (psycopg.Error, LoginRefused, exceptions.LockTimeout, exceptions.BadMigration) as error:
            raise MigrationFailed(f"shard {self.shard.name}: {_first_line(error)}") from error

    @contextlib.contextmanager
    def _naming(self, migration: Migration) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise MigrationFailed(f"shard {self.shard.name}, {migration.id}: {_first_line(error)}") from error

    def _wait_until_ready(self, report: Report) -> None:
        for attempt in stamina.retry_context(
            on=psycopg.OperationalError, attempts=None, timeout=self._wait_seconds, wait_initial=0.1, wait_max=2.0
        ):
            if attempt.num == 2:
                report(f"{self.shard.name}: does not answer yet, waiting up to {self._wait_seconds:.0f} s")
            with attempt:
                self.connect().close()


@contextlib.contextmanager
def all_migrations() -> Iterator[MigrationList]:
    """Yield the app's migrations, in order."""
    with as_file(files("app").joinpath("migrations")) as folder:
        yield read_migrations(str(folder))


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo on a connection opened here, so that no secret passes through a URL.

    A migration and its log entry share one transaction: a crash leaves both or neither. The lock is an advisory one,
    which the server releases when its holder dies.
    """

    _is_locked: bool

    def __init__(self, connect: Callable[[], psycopg.Connection[Row]]) -> None:
        self._open = connect
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, None, {}), "_yoyo_migration")

    def connect(self, _: DatabaseURI) -> psycopg.Connection[Row]:
        return self._open()

    @contextlib.contextmanager
    def lock(self, timeout: float = LOCK_SECONDS) -> Iterator[None]:
        if self._is_locked:
            yield
            return
        self.execute(f"set lock_timeout = '{int(timeout)}s'")
        self.execute(f"select pg_advisory_lock({LOCK})")
        self.execute("reset lock_timeout")
        self._is_locked = True
        try:
            yield
        finally:
            self._is_locked = False
            if not self.connection.closed:
                self.connection.close()

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:  # noqa: ARG002  yoyo's signature
        self.ensure_internal_schema_updated()
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            self.mark_one(migration, log=False)
            self.log_migration(migration, "apply")

    def rollback_one(self, migration: Migration, force: bool = False) -> None:
        self.ensure_internal_schema_updated()
        with self.transaction():
            migration.process_steps(self, "rollback", force=force)
            self.unmark_one(migration, log=False)
            self.log_migration(migration, "rollback")

    def get_log_data(self, migration: Migration | None = None, operation: str = "apply") -> dict[str, Any]:
        # yoyo would look up the operating system's user, which a container may not have.
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self.connection.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
