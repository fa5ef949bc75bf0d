"""Real PostgreSQL for the app's tests: one server a test process, three databases that play three clouds' shards."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.database import Databases, Role, ShardDatabase
from app.personal_data.key_file import FileMasterKey
from app.provisioning.migrate import Migrator
from app.settings import ServeSettings
from app.topology import Directory, Shard, parse_directory
from localcloud.account import give, owner_of, unprivileged
from localcloud.identity import ISSUER, Authority, KeyPair
from localcloud.postgres import binaries as postgres_binaries
from localcloud.sandbox import Sandbox
from tests.waiting import wait_until

API_SCHEMA = "test_api_schema.py"
AUDIENCE = "ledger"
GCP_USER = "ledger@living-fortress-local.iam"
HOMES = ("aws", "azure", "gcp")
SLOT_RANGES = {"aws": [0, 1365], "azure": [1366, 2730], "gcp": [2731, 4095]}
LOGINS = {
    "aws": ("ledger", "aws-iam", "aws-secret"),
    "azure": ("ledger", "azure-entra", "azure-entra"),
    "gcp": (GCP_USER, "gcp-iam", "gcp-iam"),
}
PARAMETERS = {
    "ssl": "on",
    "fsync": "off",  # processes are killed here, never the machine
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_prepared_transactions": "10",
    "wal_level": "logical",
    "unix_socket_directories": "",
}
OPERATOR_SQL = f"""
create role migrator login createrole;
create role rds_iam nologin;
grant rds_iam to migrator with admin option;
create role "{GCP_USER}" login;
create function pgaadauth_create_principal_with_oid(
    role_name text, object_id text, object_type text, is_admin boolean, is_mfa boolean
) returns text language plpgsql security definer as $$
begin
    execute format('create role %I login', role_name);
    return 'Created role for ' || role_name;
end
$$;
"""
Empty = Callable[[str], Shard]

FORGET = """
do $$
declare
    written regclass[] := array(
        select oid from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
        and relname !~ '^_?yoyo|^slot|shards|^cluster_identity' and pg_relation_size(oid) > 0
    );
    guarded regclass[] := array(
        select tgrelid from pg_trigger where tgname = 'events_are_not_truncated' and tgrelid = any(written)
    );
    name text;
begin
    foreach name in array guarded loop
        execute format('alter table only %s disable trigger events_are_not_truncated', name);
    end loop;
    if written <> '{}' then
        execute 'truncate only ' || array_to_string(written, ', only ') || ' restart identity cascade';
    end if;
    foreach name in array guarded loop
        execute format('alter table only %s enable always trigger events_are_not_truncated', name);
    end loop;
    perform setval(format('%I.%I', schemaname, sequencename), start_value, false)
        from pg_sequences where last_value is not null;
    delete from slots where state <> 'owned';
end
$$;
"""
"""Empty the tables that were written to; where slots live stays. Only a superuser can, and only tests do.

Truncating costs a file for each table, index and TOAST table: 100 ms and more where all are written, else nothing.
"""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Schemathesis takes seconds to load: not where the one file that needs it would not run."""
    return True if collection_path.name == API_SCHEMA and "not servers" in config.option.markexpr else None


def pytest_collectstart(collector: pytest.Collector) -> None:
    """It is a plugin of pytest's, which every run would load: here it is loaded when its file is."""
    plugins = collector.config.pluginmanager
    if (
        isinstance(collector, pytest.Module)
        and collector.path.name == API_SCHEMA
        and not plugins.has_plugin(API_SCHEMA)
    ):
        from schemathesis.pytest import plugin

        plugins.register(plugin, API_SCHEMA)


@dataclass
class Postgres:
    """A PostgreSQL server with TLS and certificate logins."""

    sandbox: Sandbox
    authority: Authority
    address: str
    port: int
    data: Path
    account: str | None
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    """Whether it has answered since it was started; until then it may still recover from a crash."""

    def start(self) -> None:
        # The shared memory of a killed server is in use until the last of its processes is gone.
        wait_until(lambda: not self.backends(), "the end of the server's earlier processes")
        uid, gid = owner_of(self.account)
        log = (self.data.parent / "postgres.log").open("ab")
        ours = {} if self.account is None else {"user": uid, "group": gid, "extra_groups": []}
        self.process = subprocess.Popen([binaries() / "postgres", "-D", self.data], stdout=log, stderr=log, **ours)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_until(self.answers, f"PostgreSQL on {self.address}")
        self.ready = True

    def kill(self) -> None:
        """As if its machine lost power: no server process is left."""
        assert self.process is not None
        self.ready = False
        self.process.kill()
        self.process.wait()
        # Backends notice that the postmaster is gone, and must be gone before it can start again.
        wait_until(lambda: not self.backends(), "the backends' end")

    def backends(self) -> list[int]:
        """Processes that still hold the data folder open as their working directory."""
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if link.resolve() == self.data:
                    found.append(int(link.parent.name))
            except OSError:
                continue
        return found

    def revive(self) -> None:
        """Start it where an earlier test ended while it was down, and wait where that ended while it recovered."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        elif not self.ready:
            self.wait_until_ready()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)

    def answers(self) -> bool:
        try:
            self.connect("postgres", "postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, database: str, user: str) -> psycopg.Connection[tuple[Any, ...]]:
        pair = self.authority.client_certificate(user.split("@")[0])
        return psycopg.connect(
            host=self.address,
            port=self.port,
            dbname=database,
            user=user,
            sslmode="verify-full",
            sslrootcert=str(self.authority.ca_certificate),
            sslcert=str(pair.certificate),
            sslkey=str(pair.key),
            autocommit=True,
        )

    def as_operator(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return self.connect(database, "postgres")


def binaries() -> Path:
    """Where the servers' account can run them, also from a checkout in a folder that is closed to it."""
    return Path(postgres_binaries.find().tool("postgres")).parent


def environment_of(authority: Authority, user: str) -> dict[str, str]:
    """What the cluster gives a pod that runs as `user`."""
    pair: KeyPair = authority.client_certificate(user)
    return {
        "PGSSLCERT": str(pair.certificate),
        "PGSSLKEY": str(pair.key),
        "PGSSLROOTCERT": str(authority.ca_certificate),
        "PGSSLMODE": "verify-full",
    }


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with started_servers("app", "postgres") as (server,):
        yield server


@contextmanager
def started_servers(area: str, *names: str) -> Iterator[list[Postgres]]:
    """Servers with the roles that the clouds' own would have; one authority for all of an area of tests."""
    # Temporary folders of pytest are closed to other accounts.
    root = Path("/tmp") / f"fortress-{area}-{os.getpid()}"
    sandbox = Sandbox.open(root)
    authority = Authority.of(sandbox)
    servers: list[Postgres] = []
    try:
        for name in names:
            server = Postgres(
                sandbox=sandbox,
                authority=authority,
                address=sandbox.claim_address(name, sandbox.postgres_port),
                port=sandbox.postgres_port,
                data=sandbox.folder(name) / "data",
                account=unprivileged(),
            )
            servers.append(server)
            initialise(server)
            server.start()
            with server.as_operator("postgres") as connection:
                connection.execute(OPERATOR_SQL)
        yield servers
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(root)


def initialise(server: Postgres) -> None:
    uid, gid = owner_of(server.account)
    give(server.data.parent, server.account)
    ours = {} if server.account is None else {"user": uid, "group": gid, "extra_groups": []}
    subprocess.run(
        [binaries() / "initdb", "-D", server.data, "-U", "postgres", "--no-sync", "-A", "reject", "-E", "UTF8"],
        check=True,
        stdout=subprocess.DEVNULL,
        **ours,
    )
    pair = server.authority.server_certificate(server.data, [server.address], server.account)
    settings = PARAMETERS | {
        "listen_addresses": server.address,
        "port": str(server.port),
        "ssl_cert_file": str(pair.certificate),
        "ssl_key_file": str(pair.key),
        "ssl_ca_file": str(server.authority.ca_certificate),
    }
    with (server.data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    (server.data / "pg_hba.conf").write_text("hostssl all all all cert map=certificates\n")
    (server.data / "pg_ident.conf").write_text(
        "certificates /^(.*)$ \\1\ncertificates ledger /^ledger@.*$\ncertificates migrator /^migrator@.*$\n"
    )


def make_database(postgres: Postgres, home: str) -> str:
    """A new database, owned by its administrator."""
    name = f"{home}_{next(_numbers)}"
    with postgres.as_operator("postgres") as connection:
        connection.execute(f"create database {name} owner migrator strategy wal_log")
    return name


_numbers = itertools.count(1)


def directory_of(postgres: Postgres, databases: dict[str, str]) -> str:
    return json.dumps({"slots": 4096, "shards": [shard(postgres, home, databases[home]) for home in HOMES]})


def shard(postgres: Postgres, home: str, database: str) -> dict[str, Any]:
    user, login, admin = LOGINS[home]
    return {
        "name": f"{home}-0",
        "home": home,
        "region": "eu-central-1",
        "host": postgres.address,
        "port": postgres.port,
        "database": database,
        "slots": [SLOT_RANGES[home]],
        "app": {"user": user, "login": login, "principal": "7c1d2a6e-0000-4000-8000-000000000001"},
        "admin": {"user": "migrator", "login": admin},
        "replicas": [],
    }


@pytest.fixture
def answering(postgres: Postgres) -> Postgres:
    """The server, started again where an earlier test ended while it was down."""
    postgres.revive()
    return postgres


@pytest.fixture
def empty(answering: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Empty]:
    """Makes a shard of a home without any table, in an environment that logs in as its administrator."""
    log_in_as(monkeypatch, answering, "migrator")
    made: list[str] = []

    def make(home: str = "aws") -> Shard:
        made.append(make_database(answering, home))
        return Shard.model_validate(shard(answering, home, made[-1]))

    yield make
    with answering.as_operator("postgres") as connection:
        for name in made:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> dict[str, str]:
    """Migrated databases, by name of the home."""
    names = {home: make_database(postgres, home) for home in HOMES}
    with pytest.MonkeyPatch.context() as patch:
        log_in_as(patch, postgres, "migrator")
        directory = parse_directory(directory_of(postgres, names))
        for each in directory.shards:
            Migrator(each, directory=directory).up(lambda _: None)
    return names


@pytest.fixture
def migrated_text(answering: Postgres, databases: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A directory of migrated databases without events, in an environment that logs in as the app."""
    for name in databases.values():
        with answering.as_operator(name) as connection:
            connection.execute(FORGET)
    log_in_as(monkeypatch, answering, "ledger")
    return directory_of(answering, databases)


@pytest.fixture
def migrated(migrated_text: str) -> Directory:
    return parse_directory(migrated_text)


@asynccontextmanager
async def opened_database(directory: Directory, *, size: int = 4, seconds: float = 5) -> AsyncIterator[ShardDatabase]:
    """The database of the first shard, as the app uses it."""
    databases = Databases(directory.shards[:1], home="aws", size=size, seconds=seconds)
    await databases.open()
    try:
        yield databases.by_shard["aws-0"]
    finally:
        await databases.close()


@pytest.fixture
async def admin_database(
    migrated: Directory, answering: Postgres, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ShardDatabase]:
    """The database of the first shard, as an operator uses it."""
    log_in_as(monkeypatch, answering, "migrator")
    database = ShardDatabase(migrated.shards[0], size=4, kept=1, seconds=5, role=Role.ADMIN)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The master key of the app under test."""
    FileMasterKey.create(tmp_path / "master-key.json")
    return tmp_path / "master-key.json"


@pytest.fixture
def master(key_file: Path) -> FileMasterKey:
    return FileMasterKey(key_file)


@pytest.fixture
def settings(postgres: Postgres, migrated_text: str, key_file: Path, tmp_path: Path) -> ServeSettings:
    (tmp_path / "directory.json").write_text(migrated_text)
    (tmp_path / "jwks.json").write_text(postgres.authority.jwks())
    return ServeSettings(
        environment="test",
        cloud="aws",
        directory=tmp_path / "directory.json",
        oidc_issuer=ISSUER,
        oidc_audience=AUDIENCE,
        oidc_jwks_uri=(tmp_path / "jwks.json").as_uri(),
        master_key=f"file:{key_file}",
        drain_seconds=0.5,
    )


def log_in_as(patch: pytest.MonkeyPatch, postgres: Postgres, user: str) -> None:
    for name, value in environment_of(postgres.authority, user).items():
        patch.setenv(name, value)


def bearer(
    authority: Authority,
    *scopes: str,
    audience: str = AUDIENCE,
    lifetime: timedelta = timedelta(minutes=5),
) -> dict[str, str]:
    token = authority.mint("tester", audience, scopes or ("credits:grant", "credits:read"), lifetime)
    return {"Authorization": f"Bearer {token}"}
