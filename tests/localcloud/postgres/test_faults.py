"""What goes wrong on a machine: a clear line, nothing left behind, nothing lost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from localcloud.emulator import EmulatorError
from localcloud.postgres import binaries, server_registry
from localcloud.postgres.server import Server
from localcloud.supervision import Supervisor
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import DatabaseSandbox

    from localcloud.postgres.server_registry import ServerRecord
    from localcloud.sandbox import Sandbox

pytestmark = pytest.mark.servers

INSTANCE = "aws:rds/instance:Instance"
PLAIN = {"engine": "postgres", "dbName": "ledger", "username": "migrator", "skipFinalSnapshot": True}


def pid_of(sandbox: DatabaseSandbox, server: ServerRecord) -> int | None:
    return sandbox.supervisor.state(server.program).pid


def supervisord_of(sandbox: DatabaseSandbox) -> int:
    return int((sandbox.sandbox.root / "supervisor" / "supervisord.pid").read_text())


def nothing_left(sandbox: DatabaseSandbox) -> bool:
    return (
        list(server_registry.every(sandbox.sandbox)) == []
        and not list((sandbox.sandbox.root / "postgres").glob("*"))
        and sandbox.sandbox.read("addresses.json", {}) == {}
        and sandbox.supervisor.states() == []
    )


def test_a_killed_server_is_back_with_its_data(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("aws")
    with cloud_sandbox.migrator(server) as session:
        session.execute("create table kept (id int)")
        session.execute("insert into kept select generate_series(1, 1000)")
    killed = pid_of(cloud_sandbox, server)
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: cloud_sandbox.ask(server, "select count(*) from kept") == 1000,
        "the rows to be back",
        ignore=(psycopg.OperationalError,),
    )
    assert pid_of(cloud_sandbox, server) != killed


def test_servers_outlive_a_killed_supervisor_and_the_next_takes_over(
    cloud_sandbox: DatabaseSandbox,
) -> None:
    server = cloud_sandbox.server("gcp")
    postmaster, supervisord = pid_of(cloud_sandbox, server), supervisord_of(cloud_sandbox)
    os.kill(supervisord, signal.SIGKILL)
    with cloud_sandbox.migrator(server) as session:
        session.execute("create table written_meanwhile (id int)")
    assert cloud_sandbox.supervisor.state(server.program).description == "UNSUPERVISED"

    again = cloud_sandbox.make(cloud_sandbox.type_of(server), server.identifier, **server.inputs)
    assert again.outputs["privateIpAddress"] == server.address
    assert supervisord_of(cloud_sandbox) != supervisord
    assert pid_of(cloud_sandbox, server) == postmaster
    assert cloud_sandbox.ask(server, "select to_regclass('written_meanwhile') is not null") is True


def test_a_server_killed_without_a_supervisor_starts_with_the_next_one(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("azure")
    with cloud_sandbox.migrator(server) as session:
        session.execute("create table kept (id int)")
    os.kill(supervisord_of(cloud_sandbox), signal.SIGKILL)
    os.kill(pid_of(cloud_sandbox, server), signal.SIGKILL)
    wait_until(lambda: not Server(cloud_sandbox.sandbox, server).running, "the end of the server")
    cloud_sandbox.supervisor.ensure_running()
    wait_until(
        lambda: cloud_sandbox.ask(server, "select to_regclass('kept') is not null"),
        "the table to be back",
        ignore=(psycopg.OperationalError,),
    )


def test_a_taken_port_is_named_and_the_next_call_completes(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("aws")
    port = server.port
    Server(cloud_sandbox.sandbox, server).stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((server.address, port))
        other.listen()
        with pytest.raises(EmulatorError, match=f"port {port} of {server.address} is taken"):
            cloud_sandbox.make(INSTANCE, server.identifier, **server.inputs)
    cloud_sandbox.make(INSTANCE, server.identifier, **server.inputs)
    assert cloud_sandbox.ask(server, "select 1") == 1


def test_a_port_taken_everywhere_is_named_and_nothing_is_left(own_sandbox: DatabaseSandbox) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"local-aws-one: port {port} is taken"):
            own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", port=port, **PLAIN)
        assert nothing_left(own_sandbox)
    own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", port=port, **PLAIN)
    assert own_sandbox.record("aws", "local-aws-one").port == port


def test_a_full_disk_leaves_nothing_and_the_next_call_completes(
    own_sandbox: DatabaseSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PostgreSQL whose initdb fills the folder and then says what the system says of a full disk."""
    real = binaries.find()
    full = own_sandbox.sandbox.folder("fake", mode=0o755) / "initdb"
    full.write_text(
        textwrap.dedent("""\
            #!/bin/sh
            for word in "$@"; do last=$word; done
            echo half > "$last/PG_VERSION"
            echo 'initdb: error: could not write to file "pg_wal": No space left on device' >&2
            exit 1
            """)
    )
    full.chmod(0o755)
    monkeypatch.setattr(
        binaries.Binaries, "tool", lambda self, name: str(full if name == "initdb" else real.folder / name)
    )
    with pytest.raises(EmulatorError, match=r"local-aws-one: initdb: .*No space left on device"):
        own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", **PLAIN)
    assert nothing_left(own_sandbox)
    monkeypatch.undo()
    own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", **PLAIN)
    assert own_sandbox.ask(own_sandbox.record("aws", "local-aws-one"), "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_really_full_disk_is_told_and_leaves_nothing(own_sandbox: DatabaseSandbox) -> None:
    folder = own_sandbox.sandbox.folder("postgres", mode=0o711)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine does not let root mount")
    try:
        with pytest.raises(EmulatorError, match=r"local-aws-one: .*No space left on device"):
            own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", **PLAIN)
        assert nothing_left(own_sandbox)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_create_that_was_killed_half_way_is_finished_by_the_next(own_sandbox: DatabaseSandbox) -> None:
    """Another process is killed while initdb runs; its half-made data folder does not count."""
    program = f"""
        import os, signal
        from pathlib import Path
        from localcloud.emulator import emulator_for
        from localcloud.emulator import Resource
        from localcloud.sandbox import Sandbox
        from localcloud.postgres.binaries import Binaries

        def half(self, name, arguments, account, directory):
            folder = Path(arguments[arguments.index("--pgdata") + 1])
            (folder / "PG_VERSION").write_text("17")
            os.kill(os.getpid(), signal.SIGKILL)

        Binaries.run = half
        inputs = {{"identifier": "local-aws-one", **{PLAIN!r}}}
        sandbox = Sandbox.open(Path({str(own_sandbox.sandbox.root)!r}))
        emulator_for({INSTANCE!r}).create(sandbox, Resource("urn:old", {INSTANCE!r}, "one", inputs))
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (half,) = server_registry.every(own_sandbox.sandbox)
    assert not half.complete
    made = own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", **PLAIN)
    assert made.outputs["address"] == half.address
    assert own_sandbox.ask(own_sandbox.record("aws", "local-aws-one"), "select 1") == 1


def test_a_server_killed_while_it_is_made_is_made_all_the_same(
    own_sandbox: DatabaseSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = iter([True])
    real = Server.await_ready

    def await_ready(self: Server) -> None:
        real(self)
        if next(kill, False):
            os.kill(Supervisor(self.sandbox).state(self.record.program).pid, signal.SIGKILL)

    monkeypatch.setattr(Server, "await_ready", await_ready)
    made = own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", **PLAIN)
    assert made.outputs["status"] == "available"
    assert own_sandbox.ask(own_sandbox.record("aws", "local-aws-one"), "select current_database()") == "ledger"


def test_a_lost_record_does_not_lose_data(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("azure")
    with cloud_sandbox.migrator(server) as session:
        session.execute("create table not_lost (id int)")
    (cloud_sandbox.sandbox.root / "postgres" / server.key / server_registry.FILE).write_text('{"key": "azu')
    again = cloud_sandbox.server("azure")
    assert again.address == server.address
    assert cloud_sandbox.ask(again, "select to_regclass('not_lost') is not null") is True


def test_no_secret_is_in_any_command_line_and_no_key_is_open(
    cloud_sandbox: DatabaseSandbox, processes_of: Callable[[Sandbox], list[int]]
) -> None:
    server = cloud_sandbox.server("aws")
    cloud_sandbox.replica(server, "local-aws-one-replica")
    for pid in processes_of(cloud_sandbox.sandbox):
        line = Path(f"/proc/{pid}/cmdline").read_text()
        assert not re.search(r"password|secret|BEGIN", line, re.IGNORECASE)
    keys = list(cloud_sandbox.sandbox.root.rglob("*.key"))
    assert len(keys) >= 8
    for key in keys:
        assert key.stat().st_mode & 0o077 == 0
        assert "PRIVATE KEY" in key.read_text()
    for folder in cloud_sandbox.sandbox.root.glob("postgres/*/*/"):
        assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_other_users_read_neither_data_nor_keys(cloud_sandbox: DatabaseSandbox) -> None:
    cloud_sandbox.server("aws")
    secret = [
        *cloud_sandbox.sandbox.root.rglob("*.key"),
        *cloud_sandbox.sandbox.root.glob("postgres/*/data/PG_VERSION"),
    ]
    secret.append(cloud_sandbox.sandbox.root / "pg_service.conf")
    for path in secret:
        tried = subprocess.run(["cat", str(path)], user=65534, group=65534, extra_groups=[], capture_output=True)
        assert b"Permission denied" in tried.stderr


def test_a_newer_version_than_the_machine_has_is_refused(own_sandbox: DatabaseSandbox) -> None:
    with pytest.raises(EmulatorError, match="no PostgreSQL 99 or newer"):
        own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", engineVersion="99", **PLAIN)
    assert nothing_left(own_sandbox)


def test_another_engine_is_refused(own_sandbox: DatabaseSandbox) -> None:
    with pytest.raises(EmulatorError, match="mysql"):
        own_sandbox.make(INSTANCE, "one", identifier="local-aws-one", engine="mysql")


def test_operational_errors_name_the_server(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("gcp")
    Server(cloud_sandbox.sandbox, server).stop()
    with pytest.raises(EmulatorError, match="gcp database server local-gcp-one: "):
        cloud_sandbox.make("gcp:sql/database:Database", "x", instance=server.identifier, name="x")
