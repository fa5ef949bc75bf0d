"""What databases write down of logins and of changes, and that it leaves them."""

from __future__ import annotations

from collections.abc import Mapping

from policies import (
    MEDIUM,
    Resource,
    Stack,
    Status,
    Verdict,
    applies_to,
    fails,
    in_stack,
    not_applicable,
    passes_if,
)
from policies.controls.logging_audit import RECORDED, control
from policies.controls.logging_audit.exports import exports
from policies.property_checks import Property, check_properties

TURNED_ON = ("on", "1", "true", "yes")
ASPECTS = ("all", "authentication", "authorization")
"""What tells who logged in, of the list that PostgreSQL takes from version 18 on (its manual, log_connections)."""
LOGINS, PGAUDIT, LIBRARIES = "log_connections", "pgaudit.log", "shared_preload_libraries"
STREAMS = {"postgres": "postgresql", "aurora-postgresql": "postgresql", "sqlserver": "error"}
"""The exported stream that holds logins, by the beginning of the engine's name; it is called audit by the others."""
AUDIT = "audit"
RDS_GROUP = "aws:rds/parameterGroup:ParameterGroup"
EXPORTS, NEPTUNE_EXPORTS = "enabledCloudwatchLogsExports", "enableCloudwatchLogsExports"

audited_database = control(
    "LOG-005",
    title="Databases write audit logs, and export them",
    severity=MEDIUM,
    maps={**RECORDED, "gdpr": ["Art. 5(2)", "Art. 32(1)(b)"], "pci_dss": ["10.2.1.1", "10.2.2"]},
    remedy="Record logins and changes of structure and of rights (log_connections, pgaudit), and export the log.",
)


def _records(values: Mapping[str, str], default: str = "off") -> Verdict:
    """Tell whether PostgreSQL's parameters record logins, and at least changes of structure and of rights."""
    logins = values.get(LOGINS, default)
    if _words(logins).isdisjoint((*TURNED_ON, *ASPECTS)):
        return fails(f"{LOGINS} is {logins}")
    audited = _words(values.get(PGAUDIT, "none"))
    return passes_if("all" in audited or {"ddl", "role"} <= audited, f"{PGAUDIT} is {values.get(PGAUDIT, 'not set')}")


def _loads_pgaudit(values: Mapping[str, str]) -> bool:
    return "pgaudit" in _words(values.get(LIBRARIES, ""))


def _words(listed: str) -> set[str]:
    return {word.strip().lower() for word in listed.split(",")}


@audited_database
@applies_to("aws:rds/instance:Instance", "aws:rds/cluster:Cluster", reads=["engine", EXPORTS])
def rds_exports_its_log(database: Resource) -> Verdict:
    """A replica does not say its engine: the streams that an engine does not have RDS refuses."""
    exported, engine = set(database.texts(EXPORTS)), database.text("engine")
    wanted = next((stream for name, stream in STREAMS.items() if engine.startswith(name)), AUDIT)
    streams = {wanted} if engine else {AUDIT, *STREAMS.values()}
    return passes_if(not exported.isdisjoint(streams), f"it does not export {' or '.join(sorted(streams))}")


@audited_database
@applies_to("aws:docdb/cluster:Cluster", reads=[EXPORTS])
def document_db_exports_its_log(cluster: Resource) -> Verdict:
    return passes_if(AUDIT in cluster.texts(EXPORTS), f"{AUDIT} is not exported")


@audited_database
@applies_to("aws:neptune/cluster:Cluster", reads=[NEPTUNE_EXPORTS])
def neptune_exports_its_log(cluster: Resource) -> Verdict:
    return passes_if(AUDIT in cluster.texts(NEPTUNE_EXPORTS), f"{AUDIT} is not exported")


@audited_database
@in_stack("aws:redshift/cluster:Cluster", reads=[])
def redshift_exports_its_log(cluster: Resource, stack: Stack) -> Verdict:
    logs = stack.companions(cluster, "aws:redshift/logging:Logging", by="clusterIdentifier")
    return passes_if(bool(logs), "no logging belongs to it")


@audited_database
@applies_to(
    RDS_GROUP,
    "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    reads=["family", "parameters.name", "parameters.value"],
)
def rds_postgres_records(group: Resource) -> Verdict:
    family = group.text("family")
    if not family.startswith(("postgres", "aurora-postgresql")):
        return not_applicable(f"family {family} has its audit elsewhere")
    if group.type == RDS_GROUP and family.startswith("aurora-"):
        return not_applicable("Aurora takes its libraries from the group of its cluster")
    values = {parameter.text("name"): parameter.text("value") for parameter in group.objects("parameters")}
    if not _loads_pgaudit(values):
        return fails(f"{LIBRARIES} does not name pgaudit")
    return _records(values)


audited_database_properties = check_properties(
    audited_database,
    Property(
        ("azure-native:sql:ServerBlobAuditingPolicy", "azure-native:sql:ExtendedServerBlobAuditingPolicy"),
        "state",
        "Enabled",
        fix="Enabled",
    ),
)


def _parameters(server: Resource, stack: Stack, kind: str) -> dict[str, str]:
    settings = stack.companions(server, kind, by="serverName")
    return {setting.text("configurationName"): setting.text("value") for setting in settings}


@audited_database
@in_stack("azure-native:dbforpostgresql:Server", reads=[])
def azure_postgres_is_audited(server: Resource, stack: Stack) -> Verdict:
    """Flexible servers log connections unless told not to."""
    exported = exports(server, stack, ["PostgreSQLLogs"])
    if exported.status is not Status.PASS:
        return exported
    values = _parameters(server, stack, "azure-native:dbforpostgresql:Configuration")
    if not _loads_pgaudit(values):
        return fails(f"{LIBRARIES} does not name pgaudit")
    return _records(values, default="on")


@audited_database
@in_stack("azure-native:dbformysql:Server", reads=[])
def azure_mysql_is_audited(server: Resource, stack: Stack) -> Verdict:
    exported = exports(server, stack, ["MySqlAuditLogs"])
    if exported.status is not Status.PASS:
        return exported
    value = _parameters(server, stack, "azure-native:dbformysql:Configuration").get("audit_log_enabled", "not set")
    return passes_if(value.lower() in TURNED_ON, f"audit_log_enabled is {value}")


_SQL_SERVER_AUDIT = "settings.sqlServerAuditConfig.bucket"


@audited_database
@applies_to(
    "gcp:sql/databaseInstance:DatabaseInstance",
    reads=["databaseVersion", "settings.databaseFlags.name", "settings.databaseFlags.value", _SQL_SERVER_AUDIT],
)
def cloud_sql_is_audited(instance: Resource) -> Verdict:
    version = instance.text("databaseVersion", "not set")
    if version.startswith("SQLSERVER"):
        return passes_if(instance.has(_SQL_SERVER_AUDIT), "sqlServerAuditConfig names no bucket")
    values = {flag.text("name"): flag.text("value") for flag in instance.objects("settings.databaseFlags")}
    flag = "cloudsql_mysql_audit" if version.startswith("MYSQL") else "cloudsql.enable_pgaudit"
    value = values.get(flag, "not set")
    if value.lower() not in TURNED_ON:
        return fails(f"{flag} is {value}")
    return passes_if(True) if version.startswith("MYSQL") else _records(values)
