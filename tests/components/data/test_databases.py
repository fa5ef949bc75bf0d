"""Databases: not public, encrypted with our key, TLS and tokens only, backed up, audited, and hard to lose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from app.topology import Directory
from components.database.aws import INSTANCE_CLASSES
from components.database.azure import SIZES as AZURE_SIZES
from components.database.gcp import SIZES as CLOUD_SQL_SIZES
from components.database.gcp import find_private_name, to_user_name
from components.database.settings import InvalidSettings, PostgresSettings, Tier
from components.database.shards import InvalidSlots, ShardCluster, ShardClusterArgs, ShardSpec

pytestmark = pytest.mark.slow

RDS, GROUP = "aws:rds/instance:Instance", "aws:rds/parameterGroup:ParameterGroup"
FLEXIBLE, CONFIGURATION = "azure-native:dbforpostgresql:Server", "azure-native:dbforpostgresql:Configuration"
LOCK, AUDIT = "azure-native:authorization:ManagementLockByScope", "azure-native:monitor:DiagnosticSetting"
CLOUD_SQL, USER = "gcp:sql/databaseInstance:DatabaseInstance", "gcp:sql/user:User"
SERVERS = {"aws": RDS, "azure": FLEXIBLE, "gcp": CLOUD_SQL}
KEY_ARN = "arn:aws:kms:eu-central-1:000000000001:key/1"


def primary(engine: Any, cloud: str) -> Any:
    return engine.named(SERVERS[cloud], f"test-{cloud}-0")


def replica(engine: Any, cloud: str) -> Any:
    return engine.named(SERVERS[cloud], f"test-{cloud}-0-replica-1")


def flags(server: Any) -> Mapping[str, str]:
    return {flag["name"]: flag["value"] for flag in server["settings"]["databaseFlags"]}


def test_every_database_is_made_of_well_formed_components(databases: Any, modest_databases: Any) -> None:
    databases.assert_well_formed()
    modest_databases.assert_well_formed()


def test_all_servers_run_the_same_postgresql(databases: Any) -> None:
    assert primary(databases, "aws")["engineVersion"] == "17"
    assert databases.only(GROUP)["family"] == "postgres17"
    assert primary(databases, "azure")["version"] == "17"
    assert primary(databases, "gcp")["databaseVersion"] == "POSTGRES_17"


def test_no_server_has_a_public_address(databases: Any) -> None:
    for server in databases.all(RDS):
        assert server["publiclyAccessible"] is False
    for server in databases.all(FLEXIBLE):
        assert server["network"] == {
            "delegatedSubnetResourceId": "/subnets/database",
            "privateDnsZoneArmResourceId": "/zones/database",
            "publicNetworkAccess": "Disabled",
        }
    for server in databases.all(CLOUD_SQL):
        addresses = server["settings"]["ipConfiguration"]
        assert addresses["ipv4Enabled"] is False
        assert addresses["privateNetwork"] == "networks/test"
        assert addresses["allocatedIpRange"] == "test-databases"
        assert "authorizedNetworks" not in addresses


def test_an_rds_server_is_reached_through_our_group_in_our_subnets_only(databases: Any) -> None:
    server = primary(databases, "aws")
    assert server["vpcSecurityGroupIds"] == ["sg-1"]
    subnets = databases.only("aws:rds/subnetGroup:SubnetGroup")
    assert subnets["subnetIds"] == ["subnet-4", "subnet-5", "subnet-6"]
    assert server["dbSubnetGroupName"] == subnets["name"]


def test_every_server_is_encrypted_with_our_key(databases: Any) -> None:
    assert primary(databases, "aws")["kmsKeyId"] == KEY_ARN
    assert all(server["storageEncrypted"] for server in databases.all(RDS))
    for server in databases.all(FLEXIBLE):
        assert server["dataEncryption"] == {
            "type": "AzureKeyVault",
            "primaryKeyURI": "https://vault.example/keys/ledger",
            "primaryUserAssignedIdentityId": "/identities/key",
        }
        assert list(server["identity"]["userAssignedIdentities"]) == ["/identities/key"]
    assert all(server["encryptionKeyName"] == "keys/ledger" for server in databases.all(CLOUD_SQL))


def test_no_server_takes_an_unencrypted_connection(databases: Any) -> None:
    group = {parameter["name"]: parameter["value"] for parameter in databases.only(GROUP)["parameters"]}
    assert group["rds.force_ssl"] == "1"
    assert all(server["parameterGroupName"] == databases.only(GROUP)["name"] for server in databases.all(RDS))
    for server in databases.all(FLEXIBLE):
        one = databases.named(CONFIGURATION, f"{server.name}-require_secure_transport")
        assert (one["configurationName"], one["value"]) == ("require_secure_transport", "ON")
    for server in databases.all(CLOUD_SQL):
        assert server["settings"]["ipConfiguration"]["sslMode"] == "ENCRYPTED_ONLY"
        assert server["settings"]["ipConfiguration"]["serverCaMode"] == "GOOGLE_MANAGED_CAS_CA"


def test_people_and_programs_log_in_by_token(databases: Any) -> None:
    assert all(server["iamDatabaseAuthenticationEnabled"] for server in databases.all(RDS))
    for server in databases.all(FLEXIBLE):
        assert server["authConfig"]["activeDirectoryAuth"] == "Enabled"
        assert server["authConfig"]["passwordAuth"] == "Disabled"
        assert "administratorLoginPassword" not in server
    for server in databases.all(CLOUD_SQL):
        assert flags(server)["cloudsql.iam_authentication"] == "on"
        assert "rootPassword" not in server


def test_no_password_is_anywhere_in_the_clear(databases: Any, modest_databases: Any) -> None:
    for engine, expected in ((databases, {"password", "secretString"}), (modest_databases, set())):
        found = [
            (resource, key)
            for resource in engine.registrations
            for key, value in resource.inputs.items()
            if "Zq8Zq8" in json.dumps(value)
        ]
        assert {key for _, key in found} == expected
        assert [f"{resource.urn}: {key}" for resource, key in found if key not in resource.secrets] == []
        assert "Zq8Zq8" not in json.dumps(engine.outputs, default=str)
        assert "Zq8Zq8" not in engine.result


def test_rds_keeps_its_own_credential_under_our_key(modest_databases: Any) -> None:
    server = primary(modest_databases, "aws")
    assert server["manageMasterUserPassword"] is True
    assert server["masterUserSecretKmsKeyId"] == KEY_ARN
    assert server["username"] == "migrator"
    assert "password" not in server
    assert not modest_databases.calls


def test_only_the_secret_service_has_the_credential_of_a_replicated_server(databases: Any) -> None:
    server = primary(databases, "aws")
    assert "manageMasterUserPassword" not in server
    assert server.secrets == {"password"}
    stored = databases.only("aws:secretsmanager/secretVersion:SecretVersion")
    assert stored.secrets == {"secretString"}
    assert "secretString" in stored.ignore_changes
    assert json.loads(stored["secretString"]) == {"username": "migrator", "password": server["password"]}
    assert databases.only("aws:secretsmanager/secret:Secret")["kmsKeyId"] == KEY_ARN


def test_the_migrator_administers_the_azure_servers(databases: Any) -> None:
    administrator = databases.only("azure-native:dbforpostgresql:AdministratorsMicrosoftEntra")
    assert administrator["objectId"] == "principal-migrator"
    assert administrator["principalName"] == "migrator"
    assert administrator["principalType"] == "ServicePrincipal"
    assert administrator["tenantId"] == "tenant-1"


def test_cloud_sqls_users_are_service_accounts(databases: Any) -> None:
    users = {resource["name"]: resource for resource in databases.all(USER)}
    assert set(users) == {"ledger@fortress-test.iam", "migrator@fortress-test.iam"}
    assert {user["type"] for user in users.values()} == {"CLOUD_IAM_SERVICE_ACCOUNT"}
    assert users["migrator@fortress-test.iam"]["databaseRoles"] == ["cloudsqlsuperuser"]
    assert "databaseRoles" not in users["ledger@fortress-test.iam"]


def test_every_server_has_the_ledger_database(databases: Any) -> None:
    assert primary(databases, "aws")["dbName"] == "ledger"
    assert databases.only("azure-native:dbforpostgresql:Database")["databaseName"] == "ledger"
    assert databases.only("gcp:sql/database:Database")["name"] == "ledger"


def test_a_standby_waits_in_another_zone(databases: Any, modest_databases: Any) -> None:
    assert primary(databases, "aws")["multiAz"] is True
    assert primary(databases, "azure")["highAvailability"]["mode"] == "ZoneRedundant"
    assert primary(databases, "gcp")["settings"]["availabilityType"] == "REGIONAL"
    assert primary(modest_databases, "aws")["multiAz"] is False
    assert primary(modest_databases, "azure")["highAvailability"]["mode"] == "Disabled"
    assert primary(modest_databases, "gcp")["settings"]["availabilityType"] == "ZONAL"


def test_any_second_of_the_last_two_weeks_can_be_restored(databases: Any) -> None:
    assert primary(databases, "aws")["backupRetentionPeriod"] == 14
    assert primary(databases, "azure")["backup"]["backupRetentionDays"] == 14
    backups = primary(databases, "gcp")["settings"]["backupConfiguration"]
    assert backups["enabled"] is True
    assert backups["pointInTimeRecoveryEnabled"] is True
    assert backups["transactionLogRetentionDays"] == 14
    assert backups["backupRetentionSettings"] == {"retainedBackups": 14, "retentionUnit": "COUNT"}
    assert backups["location"] == "europe-west3"


def test_a_small_cloud_sql_server_keeps_the_logs_its_edition_allows(modest_databases: Any) -> None:
    server = primary(modest_databases, "gcp")["settings"]
    assert server["edition"] == "ENTERPRISE"
    assert server["backupConfiguration"]["transactionLogRetentionDays"] == 7
    assert server["backupConfiguration"]["backupRetentionSettings"]["retainedBackups"] == 14


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_pulumi_keeps_what_holds_data(databases: Any, modest_databases: Any, cloud: str) -> None:
    assert primary(databases, cloud).protect
    assert not primary(modest_databases, cloud).protect


def test_each_cloud_refuses_to_delete_a_server(databases: Any) -> None:
    assert all(server["deletionProtection"] for server in databases.all(RDS))
    assert databases.only(LOCK)["level"] == "CanNotDelete"
    assert databases.only(LOCK)["scope"] == "test-azure-0-id"
    for server in databases.all(CLOUD_SQL):
        assert server["deletionProtection"] is True
        assert server["settings"]["deletionProtectionEnabled"] is True


def test_a_server_that_goes_nevertheless_leaves_its_backups(databases: Any) -> None:
    server = primary(databases, "aws")
    assert server["skipFinalSnapshot"] is False
    assert server["finalSnapshotIdentifier"] == "test-aws-0-final"
    assert server["deleteAutomatedBackups"] is False
    assert primary(databases, "gcp")["settings"]["retainBackupsOnDelete"] is True


def test_a_server_meant_to_go_away_can(modest_databases: Any) -> None:
    server = primary(modest_databases, "aws")
    assert server["skipFinalSnapshot"] is True
    assert "finalSnapshotIdentifier" not in server
    assert server["deletionProtection"] is False
    assert not modest_databases.has(LOCK)
    assert primary(modest_databases, "gcp")["settings"]["deletionProtectionEnabled"] is False


def test_audit_logs_leave_every_server(databases: Any) -> None:
    exported = {resource["identifier"]: resource["enabledCloudwatchLogsExports"] for resource in databases.all(RDS)}
    assert all("postgresql" in kinds for kinds in exported.values())
    groups = {resource["name"]: resource for resource in databases.all("aws:cloudwatch/logGroup:LogGroup")}
    assert set(groups) == {f"/aws/rds/instance/{name}/{kind}" for name, kinds in exported.items() for kind in kinds}
    assert all(group["kmsKeyId"] == KEY_ARN and group["retentionInDays"] == 365 for group in groups.values())
    assert all(group["deletionProtectionEnabled"] for group in groups.values())
    settings = {resource["resourceUri"]: resource for resource in databases.all(AUDIT)}
    assert set(settings) == {f"{server.name}-id" for server in databases.all(FLEXIBLE)}
    for setting in settings.values():
        assert setting["workspaceId"] == "/workspaces/audit"
        assert {"categoryGroup": "allLogs", "enabled": True} in setting["logs"]
    assert all(flags(server)["cloudsql.enable_pgaudit"] == "on" for server in databases.all(CLOUD_SQL))


def test_rds_logs_into_our_groups_and_not_into_its_own(databases: Any) -> None:
    groups = databases.all("aws:cloudwatch/logGroup:LogGroup")
    for server in databases.all(RDS):
        own = {group.urn for group in groups if group["name"].startswith(f"/aws/rds/instance/{server['identifier']}/")}
        assert own
        assert own <= set(server.depends_on)


def test_slow_queries_can_be_seen(databases: Any) -> None:
    assert all(server["performanceInsightsEnabled"] for server in databases.all(RDS))
    assert all(server["performanceInsightsKmsKeyId"] == KEY_ARN for server in databases.all(RDS))
    for server in databases.all(CLOUD_SQL):
        insights = server["settings"]["insightsConfig"]
        assert insights["queryInsightsEnabled"] is True
        assert insights["recordClientAddress"] is False


def test_minor_versions_come_by_themselves_in_the_window_and_major_ones_never(databases: Any) -> None:
    server = primary(databases, "aws")
    assert server["autoMinorVersionUpgrade"] is True
    assert server["allowMajorVersionUpgrade"] is False
    assert server["applyImmediately"] is False
    assert server["maintenanceWindow"] == "sun:02:00-sun:03:00"
    window = primary(databases, "azure")["maintenanceWindow"]
    assert (window["customWindow"], window["dayOfWeek"], window["startHour"]) == ("Enabled", 0, 2)
    window = primary(databases, "gcp")["settings"]["maintenanceWindow"]
    assert (window["day"], window["hour"], window["updateTrack"]) == (7, 2, "stable")


def test_azure_is_asked_for_one_thing_at_a_time(databases: Any) -> None:
    contents = databases.children(databases.named("livingfortress:database:AzureServerContents", "test-azure-0"))
    assert primary(databases, "azure").urn in contents[0].depends_on
    assert all(before.urn in after.depends_on for before, after in pairwise(contents))


def test_cloud_sql_is_asked_for_one_thing_at_a_time(databases: Any) -> None:
    steps = [databases.only("gcp:sql/database:Database"), *databases.all(USER), replica(databases, "gcp")]
    assert all(before.urn in after.depends_on for before, after in pairwise(steps))


def test_replicas_follow_their_primary(databases: Any) -> None:
    assert replica(databases, "aws")["replicateSourceDb"] == "test-aws-0"
    assert replica(databases, "azure")["createMode"] == "Replica"
    assert replica(databases, "azure")["sourceServerResourceId"] == "test-azure-0-id"
    assert replica(databases, "gcp")["masterInstanceName"] == "test-gcp-0"


def test_replicas_are_no_smaller_than_their_primary(databases: Any) -> None:
    assert replica(databases, "aws")["instanceClass"] == primary(databases, "aws")["instanceClass"]
    assert replica(databases, "azure")["sku"] == primary(databases, "azure")["sku"]
    assert replica(databases, "gcp")["settings"]["tier"] == primary(databases, "gcp")["settings"]["tier"]
    assert flags(replica(databases, "gcp")) == flags(primary(databases, "gcp"))


def test_replicas_leave_backups_to_their_primary(databases: Any) -> None:
    assert "backupConfiguration" not in replica(databases, "gcp")["settings"]
    assert "backup" not in replica(databases, "azure")
    assert replica(databases, "aws")["backupRetentionPeriod"] == 0


def test_as_many_replicas_as_asked_for(place_shards: Any, settings: PostgresSettings) -> None:
    engine = place_shards(replace(settings, replicas=2))
    assert [len(engine.all(type_)) for type_ in SERVERS.values()] == [3, 3, 3]
    shards = json.loads(engine.result)["shards"]
    assert [len(shard["replicas"]) for shard in shards] == [2, 2, 2]


@pytest.mark.parametrize("table", [INSTANCE_CLASSES, AZURE_SIZES, CLOUD_SQL_SIZES])
def test_every_tier_has_its_own_size(table: Mapping[Tier, Any]) -> None:
    assert set(table) == set(Tier)
    assert len(set(table.values())) == len(Tier)


def test_the_directory_says_where_each_shard_is_and_who_logs_in_how(databases: Any) -> None:
    directory = json.loads(databases.result)
    shards = {shard["name"]: shard for shard in directory["shards"]}
    assert directory["slots"] == 4096
    aws, azure, gcp = shards["aws-0"], shards["azure-0"], shards["gcp-0"]
    assert (aws["host"], aws["port"], aws["region"]) == ("test-aws-0.rds.example", 5432, "eu-central-1")
    assert aws["app"] == {"user": "ledger", "login": "aws-iam"}
    assert aws["admin"] == {"user": "migrator", "login": "aws-secret", "secret": "arn:mock:test-aws-0"}
    assert (azure["host"], azure["port"]) == ("test-azure-0.azure.example", None)
    assert azure["app"] == {"user": "ledger", "login": "azure-entra", "principal": "principal-ledger"}
    assert azure["admin"] == {"user": "migrator", "login": "azure-entra", "principal": "principal-migrator"}
    assert (gcp["host"], gcp["address"]) == ("test-gcp-0.sql-psa.example", "10.18.160.3")
    assert gcp["app"] == {"user": "ledger@fortress-test.iam", "login": "gcp-iam"}
    assert gcp["authority"].startswith("-----BEGIN CERTIFICATE-----")
    assert aws["slots"] == [[0, 1364]]


def test_the_directory_says_how_each_replica_is_reached(databases: Any) -> None:
    shards = {shard["name"]: shard for shard in json.loads(databases.result)["shards"]}
    [aws], [azure], [gcp] = (shards[name]["replicas"] for name in ("aws-0", "azure-0", "gcp-0"))
    assert (aws["host"], aws["port"]) == ("test-aws-0-replica-1.rds.example", 5432)
    assert azure["host"] == "test-azure-0-replica-1.azure.example"
    assert (gcp["host"], gcp["address"]) == ("test-gcp-0-replica-1.sql-psa.example", "10.18.160.3")
    assert gcp["authority"].startswith("-----BEGIN CERTIFICATE-----")
    assert [each["home"] for each in (aws, azure, gcp)] == ["aws", "azure", "gcp"]
    assert aws["region"] == shards["aws-0"]["region"]


def test_the_directory_is_no_secret_and_tells_none(databases: Any) -> None:
    shards = databases.only("livingfortress:database:ShardCluster")
    assert databases.secret_outputs[shards.urn] == frozenset()
    assert databases.outputs[shards.urn]["directory"] == databases.result


def test_the_secret_of_a_server_without_replicas_is_the_one_rds_made(modest_databases: Any) -> None:
    shards = {shard["name"]: shard for shard in json.loads(modest_databases.result)["shards"]}
    assert shards["aws-0"]["admin"]["secret"] == "arn:secret:test-aws-0"


def test_the_app_can_read_the_directory(databases: Any, modest_databases: Any) -> None:
    for engine in (databases, modest_databases):
        directory = Directory.model_validate_json(engine.result)
        assert {directory.place_of(str(number)).home for number in range(200)} == {"aws", "azure", "gcp"}


def test_a_preview_that_knows_no_address_yet_goes_through(
    data_engine: Any, settings: PostgresSettings, homes: Any
) -> None:
    engine = data_engine()
    shards = (ShardSpec(name="gcp-0", home="gcp"),)
    args = ShardClusterArgs(homes=homes, shards=shards, settings=settings, tags={})
    engine.answers[CLOUD_SQL] = {}
    engine.run(lambda: ShardCluster("test", args, engine.on("gcp")) and None, preview=True)
    assert len(engine.all(CLOUD_SQL)) == 2


@pytest.mark.parametrize(
    ("shards", "line"),
    [
        ((ShardSpec(name="a", home="aws"), ShardSpec(name="a", home="gcp")), "each name must be unique"),
        ((ShardSpec(name="a", home="oci"),), "home oci is not among aws, azure, gcp"),  # type: ignore[arg-type]
    ],
)
def test_shards_with_one_name_or_an_unknown_home_are_refused(
    run: Any, settings: PostgresSettings, homes: Any, shards: tuple[ShardSpec, ...], line: str
) -> None:
    args = ShardClusterArgs(homes=homes, shards=shards, settings=settings, tags={})
    with pytest.raises((InvalidSettings, InvalidSlots), match=line):
        run(lambda opts: ShardCluster("test", args, opts) and None)


def test_without_a_private_name_the_address_is_the_host(
    data_engine: Any, modest_settings: PostgresSettings, homes: Any
) -> None:
    engine = data_engine()
    engine.answers[CLOUD_SQL] = {"privateIpAddress": "10.18.160.3"}
    shards = (ShardSpec(name="gcp-0", home="gcp"),)
    args = ShardClusterArgs(homes=homes, shards=shards, settings=modest_settings, tags={})
    endpoint = engine.run(lambda: ShardCluster("test", args, engine.on("gcp")).endpoints["gcp-0"].host)
    assert endpoint == "10.18.160.3"
    assert find_private_name([]) is None


def test_a_service_accounts_role_is_its_address_cut_short() -> None:
    assert to_user_name("ledger@p.iam.gserviceaccount.com") == "ledger@p.iam"
    assert to_user_name("ledger@p.iam") == "ledger@p.iam"
