"""Read replicas: streaming standbys with an address of their own."""

from __future__ import annotations

import configparser
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from localcloud.emulator import EmulatorError
from tests.waiting import wait_until

if TYPE_CHECKING:
    from conftest import DatabaseSandbox

pytestmark = pytest.mark.servers

INSTANCE = "aws:rds/instance:Instance"
CONFIGURATION = "azure-native:dbforpostgresql:Configuration"
CLOUD_SQL = "gcp:sql/databaseInstance:DatabaseInstance"


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_replica_follows_its_primary(own_sandbox: DatabaseSandbox, cloud: str) -> None:
    primary = own_sandbox.server(cloud, "0")
    made = own_sandbox.replica(primary, f"local-{cloud}-0-replica-1")
    replica = own_sandbox.record(cloud, f"local-{cloud}-0-replica-1")
    replica = replace(replica, database=primary.database, operator=primary.operator)
    assert replica.address != primary.address
    assert own_sandbox.ask(replica, "select pg_is_in_recovery()") is True
    with own_sandbox.migrator(primary) as session:
        session.execute("create table seen (id int)")
    wait_until(
        lambda: own_sandbox.ask(replica, "select to_regclass('seen') is not null"),
        "the table on the replica",
        ignore=(psycopg.OperationalError,),
    )
    assert own_sandbox.ask(primary, "select state from pg_stat_replication") == "streaming"

    services = configparser.ConfigParser()
    services.read(own_sandbox.sandbox.root / "pg_service.conf")
    assert services.sections() == [f"{cloud}-0", f"{cloud}-0-replica-1"]
    assert services[f"{cloud}-0-replica-1"]["host"] == replica.address
    assert services[f"{cloud}-0-replica-1"]["user"] == primary.operator

    own_sandbox.delete(own_sandbox.type_of(primary), made, skipFinalSnapshot=True, deletionProtection=False)
    assert own_sandbox.ask(primary, "select count(*) from pg_replication_slots") == 0


def test_a_replica_has_at_least_the_room_of_its_primary(own_sandbox: DatabaseSandbox) -> None:
    primary = own_sandbox.server("azure")
    own_sandbox.replica(primary, "copy")
    where = {"resourceGroupName": "data", "serverName": primary.identifier, "configurationName": "max_connections"}
    own_sandbox.make(CONFIGURATION, "more", **where, value="70")
    replica = replace(own_sandbox.record("azure", "copy"), database="ledger", operator="migrator")
    assert own_sandbox.ask(replica, "show max_connections") == own_sandbox.ask(primary, "show max_connections") == "70"
    own_sandbox.make(CONFIGURATION, "less", **where, value="50")
    assert own_sandbox.ask(primary, "show max_connections") == "50"
    with own_sandbox.migrator(primary) as session:
        session.execute("create table still_streaming (id int)")
    wait_until(
        lambda: own_sandbox.ask(replica, "select to_regclass('still_streaming') is not null"),
        "the table on the replica",
        ignore=(psycopg.OperationalError,),
    )


def test_replicas_of_a_deleted_rds_instance_go_on_as_primaries(own_sandbox: DatabaseSandbox) -> None:
    primary = own_sandbox.server("aws")
    own_sandbox.replica(primary, "heir")
    identity = own_sandbox.make(INSTANCE, primary.identifier, **primary.inputs)
    own_sandbox.delete(INSTANCE, identity, **primary.inputs)
    heir = own_sandbox.record("aws", "heir")
    assert heir.source is None
    with own_sandbox.migrator(heir) as session:
        session.execute("create table writable (id int)")


def test_a_replica_is_promoted_when_its_source_is_taken_away(own_sandbox: DatabaseSandbox) -> None:
    primary = own_sandbox.server("aws")
    replica = own_sandbox.replica(primary, "heir")
    own_sandbox.update(INSTANCE, "heir", replica, identifier="heir")
    with own_sandbox.migrator(own_sandbox.record("aws", "heir")) as session:
        session.execute("create table writable (id int)")
    assert own_sandbox.ask(primary, "select count(*) from pg_replication_slots") == 0


def test_cloud_sql_keeps_a_primary_that_has_replicas(own_sandbox: DatabaseSandbox) -> None:
    primary = own_sandbox.server("gcp")
    own_sandbox.replica(primary, "copy")
    identity = own_sandbox.make(CLOUD_SQL, primary.identifier, **primary.inputs)
    with pytest.raises(EmulatorError, match="delete copy first"):
        own_sandbox.delete(CLOUD_SQL, identity, **primary.inputs)
