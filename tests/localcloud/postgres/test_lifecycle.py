"""Change, drift and the end of database servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud.emulator import EmulatorError
from localcloud.postgres import server_registry
from localcloud.postgres.server import Server
from localcloud.sandbox import can_listen

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import DatabaseSandbox

    from localcloud.sandbox import Sandbox

pytestmark = pytest.mark.servers

GROUP = "aws:rds/parameterGroup:ParameterGroup"
INSTANCE = "aws:rds/instance:Instance"
FLEXIBLE = "azure-native:dbforpostgresql:Server"
CONFIGURATION = "azure-native:dbforpostgresql:Configuration"
ADMINISTRATOR = "azure-native:dbforpostgresql:AdministratorsMicrosoftEntra"
CLOUD_SQL = "gcp:sql/databaseInstance:DatabaseInstance"
USER = "gcp:sql/user:User"
DATABASE = "gcp:sql/database:Database"


def parameters(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def server_parameters(**more: str) -> dict[str, list[dict[str, str]]]:
    """A group's parameters: those that every server of these tests has, and more."""
    return {"parameters": parameters(max_connections="60", statement_timeout="12345", **more)}


def test_a_changed_parameter_group_reaches_its_instances(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("aws", "changing")
    group = cloud_sandbox.make(GROUP, "changing", name=server.identifier, **server_parameters())
    pid = cloud_sandbox.supervisor.state(server.program).pid

    cloud_sandbox.update(GROUP, "changing", group, **server_parameters(work_mem="6000"))
    assert cloud_sandbox.ask(server, "show work_mem") == "6000kB"
    assert cloud_sandbox.supervisor.state(server.program).pid == pid

    changed = [*parameters(max_prepared_transactions="7"), {"name": "rds.logical_replication", "value": "1"}]
    cloud_sandbox.update(GROUP, "changing", group, parameters=changed)
    assert cloud_sandbox.ask(server, "show max_prepared_transactions") == "7"
    assert cloud_sandbox.ask(server, "show wal_level") == "logical"
    assert cloud_sandbox.supervisor.state(server.program).pid != pid


def test_a_change_that_was_killed_before_the_restart_is_finished_by_the_next(
    cloud_sandbox: DatabaseSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = cloud_sandbox.server("aws", "changing")
    group = cloud_sandbox.make(GROUP, "changing", name=server.identifier, **server_parameters())
    wanted = server_parameters(max_prepared_transactions="9")
    with monkeypatch.context() as killed:
        killed.setattr(Server, "_reloaded_needs_restart", lambda self: pytest.exit("killed"))
        with pytest.raises(pytest.exit.Exception):
            cloud_sandbox.update(GROUP, "changing", group, **wanted)
    assert cloud_sandbox.ask(server, "show max_prepared_transactions") != "9"
    cloud_sandbox.update(GROUP, "changing", group, **wanted)
    assert cloud_sandbox.ask(server, "show max_prepared_transactions") == "9"


def test_a_value_that_postgres_refuses_changes_nothing(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("aws", "changing")
    group = cloud_sandbox.make(GROUP, "changing", name=server.identifier, parameters=parameters(work_mem="5000"))
    with pytest.raises(EmulatorError, match=r"local-aws-changing: .*work_mem.*nonsense"):
        cloud_sandbox.update(GROUP, "changing", group, parameters=parameters(work_mem="nonsense"))
    assert cloud_sandbox.read(GROUP, group)["parameters"] == parameters(work_mem="5000")
    with pytest.raises(EmulatorError, match="no parameter 'wrok_mem'"):
        cloud_sandbox.make(GROUP, "typo", name="typo", parameters=parameters(wrok_mem="1"))


def test_a_group_in_use_stays(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("aws", "changing")
    group = cloud_sandbox.make(GROUP, "changing", name=server.identifier, parameters=[])
    with pytest.raises(EmulatorError, match="in use by local-aws-changing"):
        cloud_sandbox.delete(GROUP, group)


def test_an_instance_is_renamed_in_place(cloud_sandbox: DatabaseSandbox) -> None:
    before = cloud_sandbox.server("aws", "old")
    identity = cloud_sandbox.make(INSTANCE, before.identifier, **before.inputs)
    pid = cloud_sandbox.supervisor.state(before.program).pid
    renamed = cloud_sandbox.update(INSTANCE, "new", identity, **{**before.inputs, "identifier": "local-aws-new"})
    after = cloud_sandbox.record("aws", "local-aws-new")
    assert renamed["address"] == after.address == before.address
    assert renamed["resourceId"] == identity.id
    assert cloud_sandbox.supervisor.state(after.program).pid == pid
    assert cloud_sandbox.server("aws", "old").address != before.address


def test_an_azure_configuration_changes_the_server_and_goes_back_to_the_default(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("azure", "configured")
    where = {"resourceGroupName": "data", "serverName": server.identifier, "configurationName": "wal_level"}
    made = cloud_sandbox.make(CONFIGURATION, "wal", **where, value="logical")
    assert made.outputs["isDynamicConfig"] is False
    assert cloud_sandbox.ask(server, "show wal_level") == "logical"
    assert cloud_sandbox.read(CONFIGURATION, made)["value"] == "logical"
    cloud_sandbox.delete(CONFIGURATION, made)
    assert cloud_sandbox.ask(server, "show wal_level") == "replica"
    assert cloud_sandbox.read(CONFIGURATION, made) is None


def test_azure_makes_a_role_for_an_entra_principal(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("azure", "configured")
    with cloud_sandbox.migrator(server, dbname="postgres") as session:
        session.execute(
            "select * from pgaadauth_create_principal_with_oid(%s, %s, 'service', false, false)",
            ["ledger", "11111111-2222-3333-4444-555555555556"],
        )
    assert cloud_sandbox.login(server, "ledger").execute("select current_user").fetchone() == ("ledger",)


def test_rds_lets_its_master_grant_token_login(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("aws", "changing")
    with cloud_sandbox.migrator(server) as session:
        session.execute("create role ledger login in role rds_iam")
    assert cloud_sandbox.login(server, "ledger").execute("select current_user").fetchone() == ("ledger",)


def test_cloud_sql_users_are_iam_identities(cloud_sandbox: DatabaseSandbox) -> None:
    server = cloud_sandbox.server("gcp", "people")
    name = "ledger@living-fortress-local.iam"
    inputs = {"instance": server.identifier, "name": name, "type": "CLOUD_IAM_SERVICE_ACCOUNT"}
    user = cloud_sandbox.make(USER, "app", **inputs)
    with cloud_sandbox.login(server, "ledger", name) as session:
        assert session.execute("select pg_has_role('cloudsqliamserviceaccount', 'member')").fetchone() == (True,)
    cloud_sandbox.delete(USER, user)
    assert cloud_sandbox.read(USER, user) is None
    with pytest.raises(EmulatorError, match=r"without \.gserviceaccount\.com"):
        cloud_sandbox.make(USER, "app", **{**inputs, "name": f"{name}.gserviceaccount.com"})


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_refresh_sees_a_server_that_is_down_or_gone(own_sandbox: DatabaseSandbox, cloud: str) -> None:
    server = own_sandbox.server(cloud)
    made = own_sandbox.make(own_sandbox.type_of(server), server.identifier, **server.inputs)
    shows = {
        "aws": lambda state: state["status"],
        "azure": lambda state: state["state"],
        "gcp": lambda state: state["settings"]["activationPolicy"],
    }[cloud]
    up = shows(own_sandbox.read(own_sandbox.type_of(server), made, **server.inputs))
    Server(own_sandbox.sandbox, server).stop()
    down = shows(own_sandbox.read(own_sandbox.type_of(server), made, **server.inputs))
    assert (up, down) == {
        "aws": ("available", "stopped"),
        "azure": ("Ready", "Stopped"),
        "gcp": ("ALWAYS", "NEVER"),
    }[cloud]

    own_sandbox.update(own_sandbox.type_of(server), server.identifier, made, **server.inputs)
    assert own_sandbox.ask(server, "select 1") == 1
    Server(own_sandbox.sandbox, server).stop()
    Server(own_sandbox.sandbox, server).data.rename(own_sandbox.sandbox.root / "elsewhere")
    assert own_sandbox.read(own_sandbox.type_of(server), made, **server.inputs) is None


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_delete_leaves_nothing(
    own_sandbox: DatabaseSandbox, cloud: str, processes_of: Callable[[Sandbox], list[int]]
) -> None:
    server = own_sandbox.server(cloud)
    made = own_sandbox.make(own_sandbox.type_of(server), server.identifier, **server.inputs)
    state = {**server.inputs, "deletionProtection": False}
    own_sandbox.delete(own_sandbox.type_of(server), made, **state)
    own_sandbox.delete(own_sandbox.type_of(server), made, **state)
    assert list(server_registry.every(own_sandbox.sandbox)) == []
    assert not (own_sandbox.sandbox.root / "postgres" / server.key).exists()
    assert can_listen(server.address, server.port)
    assert own_sandbox.sandbox.read("addresses.json") == {}
    assert (own_sandbox.sandbox.root / "pg_service.conf").read_text() == ""
    own_sandbox.supervisor.shutdown()
    assert processes_of(own_sandbox.sandbox) == []


def test_protected_servers_are_not_deleted(cloud_sandbox: DatabaseSandbox) -> None:
    instance = cloud_sandbox.server("aws", "changing")
    made = cloud_sandbox.make(INSTANCE, instance.identifier, **instance.inputs)
    with pytest.raises(EmulatorError, match="deletionProtection"):
        cloud_sandbox.delete(INSTANCE, made, deletionProtection=True)
    with pytest.raises(EmulatorError, match="finalSnapshotIdentifier"):
        cloud_sandbox.delete(INSTANCE, made)
    sql = cloud_sandbox.server("gcp", "people")
    made = cloud_sandbox.make(CLOUD_SQL, sql.identifier, **sql.inputs)
    with pytest.raises(EmulatorError, match="deletionProtection"):
        cloud_sandbox.delete(CLOUD_SQL, made)
    with pytest.raises(EmulatorError, match="deletionProtectionEnabled"):
        cloud_sandbox.delete(CLOUD_SQL, made, deletionProtection=False, settings={"deletionProtectionEnabled": True})
