"""Read replicas: streaming standbys with an address of their own."""

from __future__ import annotations

import configparser
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from localcloud.body import BodyError
from tests.waiting import wait_until

if TYPE_CHECKING:
    from conftest import World

pytestmark = pytest.mark.servers

INSTANCE = "aws:rds/instance:Instance"
CONFIGURATION = "azure-native:dbforpostgresql:Configuration"
CLOUD_SQL = "gcp:sql/databaseInstance:DatabaseInstance"


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_replica_follows_its_primary(own_world: World, cloud: str) -> None:
    primary = own_world.server(cloud, "0")
    made = own_world.replica(primary, f"local-{cloud}-0-replica-1")
    replica = own_world.record(cloud, f"local-{cloud}-0-replica-1")
    replica = replace(replica, database=primary.database, operator=primary.operator)
    assert replica.address != primary.address
    assert own_world.ask(replica, "select pg_is_in_recovery()") is True
    with own_world.migrator(primary) as session:
        session.execute("create table seen (id int)")
    wait_until(
        lambda: own_world.ask(replica, "select to_regclass('seen') is not null"),
        "the table on the replica",
        ignore=(psycopg.OperationalError,),
    )
    assert own_world.ask(primary, "select state from pg_stat_replication") == "streaming"

    services = configparser.ConfigParser()
    services.read(own_world.home.root / "pg_service.conf")
    assert services.sections() == [f"{cloud}-0", f"{cloud}-0-replica-1"]
    assert services[f"{cloud}-0-replica-1"]["host"] == replica.address
    assert services[f"{cloud}-0-replica-1"]["user"] == primary.operator

    own_world.delete(own_world.type_of(primary), made, skipFinalSnapshot=True, deletionProtection=False)
    assert own_world.ask(primary, "select count(*) from pg_replication_slots") == 0


def test_a_replica_has_at_least_the_room_of_its_primary(own_world: World) -> None:
    primary = own_world.server("azure")
    own_world.replica(primary, "copy")
    where = {"resourceGroupName": "data", "serverName": primary.identifier, "configurationName": "max_connections"}
    own_world.make(CONFIGURATION, "more", **where, value="70")
    replica = replace(own_world.record("azure", "copy"), database="ledger", operator="migrator")
    assert own_world.ask(replica, "show max_connections") == own_world.ask(primary, "show max_connections") == "70"
    own_world.make(CONFIGURATION, "less", **where, value="50")
    assert own_world.ask(primary, "show max_connections") == "50"
    with own_world.migrator(primary) as session:
        session.execute("create table still_streaming (id int)")
    wait_until(
        lambda: own_world.ask(replica, "select to_regclass('still_streaming') is not null"),
        "the table on the replica",
        ignore=(psycopg.OperationalError,),
    )


def test_replicas_of_a_deleted_rds_instance_go_on_as_primaries(own_world: World) -> None:
    primary = own_world.server("aws")
    own_world.replica(primary, "heir")
    identity = own_world.make(INSTANCE, primary.identifier, **primary.inputs)
    own_world.delete(INSTANCE, identity, **primary.inputs)
    heir = own_world.record("aws", "heir")
    assert heir.source is None
    with own_world.migrator(heir) as session:
        session.execute("create table writable (id int)")


def test_a_replica_is_promoted_when_its_source_is_taken_away(own_world: World) -> None:
    primary = own_world.server("aws")
    replica = own_world.replica(primary, "heir")
    own_world.update(INSTANCE, "heir", replica, identifier="heir")
    with own_world.migrator(own_world.record("aws", "heir")) as session:
        session.execute("create table writable (id int)")
    assert own_world.ask(primary, "select count(*) from pg_replication_slots") == 0


def test_cloud_sql_keeps_a_primary_that_has_replicas(own_world: World) -> None:
    primary = own_world.server("gcp")
    own_world.replica(primary, "copy")
    identity = own_world.make(CLOUD_SQL, primary.identifier, **primary.inputs)
    with pytest.raises(BodyError, match="delete copy first"):
        own_world.delete(CLOUD_SQL, identity, **primary.inputs)
