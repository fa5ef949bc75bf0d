"""Migrations against a real PostgreSQL, by an administrator that is no superuser, as in the clouds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from app.events import NewEvent, Slot
from app.events.append import Append, parameters_of
from app.provisioning import migrate
from app.provisioning.migrate import MigrationFailed, Migrator, all_migrations
from app.queries import query
from app.topology import Directory, Shard

from .conftest import GCP_USER, Empty, Postgres

NUMBER = len([*files("app").joinpath("migrations").iterdir()]) // 2


def append(connection: psycopg.Connection[tuple[Any, ...]], stream: str, key: str) -> list[Any]:
    """Append an event as the app does; outcome and version."""
    [(slot,)] = connection.execute("select min(slot) from slots").fetchall()
    asked = Append(stream, [NewEvent("Granted", {}, change=1)], slot=Slot(slot, 1), idempotency_key=key)
    with connection.cursor() as cursor:
        rows = cursor.execute(query("events.append"), parameters_of([asked], None)).fetchall()
    return [row[1:3] for row in rows]


def test_every_migration_can_be_rolled_back() -> None:
    with all_migrations() as migrations:
        names = [migration.id for migration in migrations]
        paths = [Path(migration.path) for migration in migrations]
        assert names == sorted(names)
        assert len({name[:4] for name in names}) == len(names)
        for path in paths:
            assert path.with_suffix(".rollback.sql").read_text().strip()


@pytest.fixture
def shard(empty: Empty) -> Shard:
    return empty("aws")


def quietly(_: str) -> None:
    pass


@pytest.mark.servers
def test_up_down_up_ends_where_it_began(shard: Shard, postgres: Postgres) -> None:
    migrator = Migrator(shard)
    lines: list[str] = []
    migrator.up(lines.append)
    first = schema(postgres, shard)
    assert "aws-0: applied 0001_slots" in lines
    assert all(state.applied for state in migrator.status(quietly))
    migrator.down(lines.append, steps=None)
    assert not any(state.applied for state in migrator.status(quietly))
    assert schema(postgres, shard) == []
    migrator.up(lines.append)
    assert schema(postgres, shard) == first


def schema(postgres: Postgres, shard: Shard) -> list[Any]:
    """All that migrations made: tables with their rights, functions with theirs, triggers."""
    with postgres.as_operator(shard.database) as connection:
        return connection.execute(
            """
            select relname, relkind::text, relacl::text from pg_class
            where relnamespace = 'public'::regnamespace and relname not like '%yoyo%'
            union all select proname, 'f', proacl::text from pg_proc where pronamespace = 'public'::regnamespace
            union all select tgname, tgenabled::text, null from pg_trigger where not tgisinternal
            order by 1
            """
        ).fetchall()


@pytest.mark.servers
def test_a_second_up_does_nothing(shard: Shard) -> None:
    Migrator(shard).up(quietly)
    lines: list[str] = []
    Migrator(shard).up(lines.append)
    assert lines == [f"aws-0: up to date, {NUMBER} migrations, ledger may write"]


@pytest.mark.servers
def test_down_goes_one_step_back(shard: Shard) -> None:
    migrator = Migrator(shard)
    migrator.up(quietly)
    migrator.down(quietly)
    assert [state.applied for state in migrator.status(quietly)] == [True] * (NUMBER - 1) + [False]


@pytest.mark.servers
def test_events_are_not_lost_by_a_rollback(shard: Shard, postgres: Postgres) -> None:
    migrator = Migrator(shard)
    migrator.up(quietly)
    with postgres.connect(shard.database, "ledger") as connection:
        append(connection, "alice", "k")
    with pytest.raises(MigrationFailed, match="aws-0, 0003_events: there are events, and they would be lost"):
        migrator.down(quietly, steps=None)
    migrator.up(quietly)
    with postgres.connect(shard.database, "ledger") as connection:
        assert connection.execute("select stream from events").fetchall() == [("alice",)]


@pytest.mark.servers
def test_several_processes_migrate_at_once(shard: Shard) -> None:
    lines: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(Migrator(shard).up, lines.append) for _ in range(4)]:
            future.result()
    applied = [line for line in lines if "applied 0" in line]
    assert len(applied) == len(set(applied)) == NUMBER


@pytest.mark.servers
def test_a_killed_migration_leaves_nothing_and_no_lock(
    shard: Shard, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = migrate._Backend.mark_one

    def die(self: Any, migration: Any, log: bool = True) -> None:
        original(self, migration, log=log)
        if migration.id == "0002_streams":
            with postgres.as_operator("postgres") as connection:
                connection.execute("select pg_terminate_backend(%s)", [self.connection.info.backend_pid])

    monkeypatch.setattr(migrate._Backend, "mark_one", die)
    with pytest.raises(MigrationFailed, match="aws-0, 0002"):
        Migrator(shard).up(quietly)
    monkeypatch.setattr(migrate._Backend, "mark_one", original)
    lines: list[str] = []
    Migrator(shard).up(lines.append)
    assert lines[0] == "aws-0: applied 0002_streams"


@pytest.mark.servers
def test_it_waits_for_a_database_that_starts_late(shard: Shard, postgres: Postgres) -> None:
    postgres.kill()
    starting = threading.Timer(1.0, postgres.start)
    starting.start()
    lines: list[str] = []
    Migrator(shard).up(lines.append)
    starting.join()
    assert lines[0] == "aws-0: does not answer yet, waiting up to 120 s"


@pytest.mark.servers
def test_it_does_not_wait_for_ever(shard: Shard, postgres: Postgres) -> None:
    nowhere = shard.model_copy(update={"port": 1})
    with pytest.raises(MigrationFailed, match="shard aws-0: connection failed"):
        Migrator(nowhere, wait_seconds=0.3).up(quietly)


@pytest.mark.servers
class TestRights:
    """The rights of the app's roles in a migrated database."""

    @pytest.fixture(params=["ledger", GCP_USER])
    def app_connection(
        self, request: pytest.FixtureRequest, migrated: Directory, postgres: Postgres
    ) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        home = "gcp" if request.param == GCP_USER else "azure"
        [shard] = migrated.at_home(home)
        with postgres.connect(shard.database, request.param) as connection:
            yield connection

    def test_the_app_appends_and_reads(self, app_connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        assert append(app_connection, "alice", "k") == [("stored", 1)]
        assert app_connection.execute("select version from events").fetchall() == [(1,)]

    @pytest.mark.parametrize(
        "statement",
        [
            "insert into events (stream, version, slot, schema_version, type, data, metadata, change, total)"
            " values ('a', 1, 0, 1, 't', '{}', '{}', 1, 1)",
            "insert into events_0 select * from events",
            "delete from events_3",
            "truncate events_3",
            "update streams set total = 7",
            "insert into snapshots values ('a', 1, 1, '{}')",
            "update slots set epoch = 2",
            "update events set total = 7",
            "delete from events",
            "truncate events",
            "alter table events disable trigger all",
            "drop table events",
            "create table mine ()",
            "select * from _yoyo_migration",
            "set role ledger_writer; drop function append_events",
        ],
    )
    def test_the_app_can_do_nothing_else(
        self, app_connection: psycopg.Connection[tuple[Any, ...]], statement: str
    ) -> None:
        with pytest.raises(errors.InsufficientPrivilege):
            app_connection.execute(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "update events set total = 7",
            "delete from events",
            "truncate events",
            "update {part} set data = '[]'",
            "delete from {part}",
            "truncate {part}",
        ],
    )
    @pytest.mark.parametrize(
        ("user", "before"), [("migrator", ""), ("postgres", ""), ("postgres", "set session_replication_role = replica")]
    )
    def test_not_even_an_administrator_changes_an_event(
        self, migrated: Directory, postgres: Postgres, user: str, before: str, statement: str
    ) -> None:
        database = migrated.shards[0].database
        with postgres.connect(database, "ledger") as connection:
            append(connection, "alice", "k")
        with postgres.connect(database, user) as connection:
            connection.execute(before)
            [(part,)] = connection.execute("select tableoid::regclass::text from events").fetchall()
            # a table that is not there is no way round either
            with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
                connection.execute(statement.format(part=part))
            assert connection.execute("select total, data::text from events").fetchall() == [(1, "{}")]


@pytest.mark.servers
def test_a_missing_user_of_cloud_sql_is_named(empty: Empty) -> None:
    shard = empty("gcp")
    other = shard.model_copy(update={"app": shard.app.model_copy(update={"user": "nobody@project.iam"})})
    with pytest.raises(MigrationFailed, match=r"Cloud SQL has no IAM user nobody@project\.iam"):
        Migrator(other).up(quietly)


@pytest.mark.servers
def test_azure_makes_the_role_of_a_principal_by_its_object_id(empty: Empty, postgres: Postgres) -> None:
    shard = empty("azure")
    fresh = shard.app.model_copy(update={"user": "another_ledger"})
    try:
        Migrator(shard.model_copy(update={"app": fresh})).up(quietly)
        Migrator(shard.model_copy(update={"app": fresh})).up(quietly)
    finally:
        with postgres.as_operator("postgres") as connection:
            connection.execute("drop role another_ledger")
