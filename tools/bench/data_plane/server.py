"""One PostgreSQL server for a run: both sides of every comparison use it, each in databases of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from localcloud.account import give, owner_of, unprivileged
from localcloud.identity import Authority
from localcloud.postgres import binaries
from localcloud.sandbox import Sandbox

ADMIN = "postgres"
SETTINGS = {
    # Settings of durability, stated although they are the defaults.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # As the local environment has it, and the clouds: transport encrypted, ready for logical replicas and two phases.
    "ssl": "on",
    "wal_level": "logical",
    "max_prepared_transactions": "100",
    "jit": "off",
    # Room enough that no slice is the one that pays for a checkpoint in a hurry.
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "max_connections": "300",
    "unix_socket_directories": "",
    "huge_pages": "off",
    "lc_messages": "C",
}
"""Everything else is PostgreSQL's own default, autovacuum too."""
READY_SECONDS = 60.0

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass
class Server:
    """A running server; its clients log in by certificate over verified TLS."""

    sandbox: Sandbox
    authority: Authority
    address: str
    port: int
    data: Path
    process: subprocess.Popen[bytes]

    def environment(self, user: str = ADMIN) -> dict[str, str]:
        """Return libpq's variables for a login as `user`."""
        pair = self.authority.client_certificate(user)
        return {
            "PGSSLCERT": str(pair.certificate),
            "PGSSLKEY": str(pair.key),
            "PGSSLROOTCERT": str(self.authority.ca_certificate),
            "PGSSLMODE": "verify-full",
        }

    def parameters(self, database: str, user: str = ADMIN) -> dict[str, Any]:
        """Return all of libpq's parameters, valid in any process."""
        names = {"PGSSLCERT": "sslcert", "PGSSLKEY": "sslkey", "PGSSLROOTCERT": "sslrootcert", "PGSSLMODE": "sslmode"}
        tls = {names[name]: value for name, value in self.environment(user).items()}
        return {"host": self.address, "port": self.port, "dbname": database, "user": user, **tls}

    def connect(self, database: str = "postgres", user: str = ADMIN) -> Connection:
        """Return a connection that commits each statement."""
        return psycopg.connect(autocommit=True, **self.parameters(database, user))

    def create_database(self, name: str) -> None:
        """Create an empty database; drop an earlier one of that name."""
        with self.connect() as connection:
            connection.execute(f"drop database if exists {name} with (force)")
            connection.execute(f"create database {name} strategy wal_log")

    def settle(self) -> None:
        """Finish the work that earlier slices left to the server."""
        with self.connect() as connection:
            # A log file whose blocks were never on the disk makes every flush slow: begin one that was.
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")

    def backends(self, database: str) -> list[int]:
        """Return the ids of the processes that serve a database."""
        with self.connect() as connection:
            rows = connection.execute("select pid from pg_stat_activity where datname = %s", [database]).fetchall()
        return [pid for (pid,) in rows]


def tool(name: str) -> str:
    """Return the path of a PostgreSQL program."""
    return binaries.find().tool(name)


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a new server; stop it and remove its files at the end."""
    root = Path(tempfile.mkdtemp(prefix="lf-bench-"))
    try:
        server = _start(root)
        try:
            _await(server)
            yield server
        finally:
            server.process.send_signal(signal.SIGINT)
            server.process.wait(timeout=60)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _start(root: Path) -> Server:
    sandbox = Sandbox.open(root)
    authority = Authority.of(sandbox)
    account = unprivileged()
    port = sandbox.postgres_port
    address = sandbox.claim_address("postgres", port)
    folder = sandbox.folder("postgres")
    give(folder, account)
    user, group = owner_of(account)
    ours: dict[str, Any] = {} if account is None else {"user": user, "group": group, "extra_groups": []}
    data = folder / "data"
    command = [tool("initdb"), "-D", str(data), "-U", ADMIN, "-A", "reject", "-E", "UTF8", "--locale=C"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **ours)
    pair = authority.server_certificate(data, [address], account)
    files = {
        "listen_addresses": address,
        "port": str(port),
        "ssl_cert_file": str(pair.certificate),
        "ssl_key_file": str(pair.key),
        "ssl_ca_file": str(authority.ca_certificate),
    }
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in (SETTINGS | files).items())
    (data / "pg_hba.conf").write_text("hostssl all all all cert\n")
    log = (folder / "log").open("ab")
    process = subprocess.Popen([tool("postgres"), "-D", data], stdout=log, stderr=log, **ours)
    return Server(sandbox, authority, address, port, data, process)


def _await(server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return server.connect().close()
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (server.data.parent / "log").read_text()[-500:]
                raise RuntimeError(f"PostgreSQL does not start; the end of its log: {log}") from None
        time.sleep(0.05)


@contextlib.contextmanager
def logged_in_as(server: Server, user: str) -> Iterator[None]:
    """Make `user` the default login of this process and its children."""
    before = dict(os.environ)
    os.environ.update(server.environment(user))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
