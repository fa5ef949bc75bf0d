"""What holds for a database server of every cloud."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psycopg
import pytest

from localcloud.emulator import EmulatorError
from localcloud.postgres.server_registry import ServerRecord

if TYPE_CHECKING:
    from conftest import DatabaseSandbox

pytestmark = pytest.mark.servers


def test_its_administrator_logs_in_by_certificate_and_owns_the_database(
    cloud_sandbox: DatabaseSandbox, server: ServerRecord
) -> None:
    with cloud_sandbox.migrator(server) as session:
        session.execute("create schema ledger_test")
        session.execute("drop schema ledger_test")
        encrypted = session.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    assert encrypted == (True,)


def test_its_parameters_are_those_that_the_resource_asks_for(
    cloud_sandbox: DatabaseSandbox, server: ServerRecord
) -> None:
    assert cloud_sandbox.ask(server, "show max_connections") == "60"
    assert cloud_sandbox.ask(server, "select setting from pg_settings where name = 'statement_timeout'") == "12345"


def test_a_certificate_is_no_key_to_another_role(cloud_sandbox: DatabaseSandbox, server: ServerRecord) -> None:
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        cloud_sandbox.login(server, "stranger", server.operator)


def test_without_a_certificate_nobody_gets_in(cloud_sandbox: DatabaseSandbox, server: ServerRecord) -> None:
    with pytest.raises(psycopg.OperationalError, match="requires a valid client certificate"):
        cloud_sandbox.migrator(server, sslcert="/nowhere", sslkey="/nowhere")


def test_without_tls_nobody_gets_in(cloud_sandbox: DatabaseSandbox, server: ServerRecord) -> None:
    with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
        cloud_sandbox.migrator(server, sslmode="disable", sslrootcert=None, sslcert=None, sslkey=None)


def test_it_listens_on_its_own_loopback_address_only(server: ServerRecord) -> None:
    assert server.address.startswith("127.")
    with socket.socket() as probe, pytest.raises(OSError, match="refused"):
        probe.connect((server.address.rpartition(".")[0] + ".254", server.port))


def test_its_administrator_is_no_superuser_but_makes_roles(
    cloud_sandbox: DatabaseSandbox, server: ServerRecord
) -> None:
    assert cloud_sandbox.ask(server, "select rolsuper from pg_roles where rolname = current_user") is False
    with cloud_sandbox.migrator(server) as session:
        session.execute("create role ledger_writer nologin")
        session.execute("create role app login in role ledger_writer")
        session.execute("drop role app")
        session.execute("drop role ledger_writer")


def test_a_second_create_finds_the_first_ones_work(cloud_sandbox: DatabaseSandbox, server: ServerRecord) -> None:
    before = cloud_sandbox.supervisor.state(server.program).pid
    again = cloud_sandbox.server(server.cloud)
    assert again == server
    assert cloud_sandbox.supervisor.state(server.program).pid == before


def test_a_name_that_another_resource_has_is_refused(cloud_sandbox: DatabaseSandbox, server: ServerRecord) -> None:
    with pytest.raises(EmulatorError, match="exists already"):
        cloud_sandbox.make(cloud_sandbox.type_of(server), "somebody-else", **server.inputs)
