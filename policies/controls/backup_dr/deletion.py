"""What holds data does not go away by a slip."""

from __future__ import annotations

from policies import (
    HIGH,
    PASS,
    Properties,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    in_turn,
    passes_if,
    sets,
    with_value,
)
from policies.clouds.common_settings import BY_SCOPE, KEEPING, OF_GROUP, keeps, lock_keeps
from policies.clouds.data_stores import (
    ALLOYDB,
    AZURE_SQL,
    CLOUD_SQL,
    COSMOS,
    DOCDB_CLUSTER,
    DYNAMODB,
    MYSQL,
    POSTGRES,
    RDS_CLUSTER,
    RDS_INSTANCE,
    STORAGE_ACCOUNT,
    is_replica,
)
from policies.clouds.scope import Environments
from policies.controls.backup_dr import EXPENDABLE, REPLICA, control

undeletable = control(
    "BKP-005",
    title="What holds data is protected from deletion",
    severity=HIGH,
    maps={
        "soc2": ["A1.2", "CC7.5"],
        "iso27001": ["A.8.10", "A.8.13"],
        "gdpr": ["Art. 32(1)(b)"],
    },
    remedy="Turn the cloud's deletion protection on, in Azure with a lock, and take a last snapshot; Pulumi's protect"
    " alone stops nobody at the console.",
    options=Environments,
)


def _judge(store: Resource, options: Environments, faults: list[str]) -> Verdict:
    if not faults:
        return PASS
    return fails(", ".join(faults)) if options.protects(store) else EXPENDABLE


_PROTECTION = "deletionProtection"
_SKIPPED, _LAST = "skipFinalSnapshot", "finalSnapshotIdentifier"


def with_last_snapshot(properties: Properties) -> Properties:
    """Keeps a last snapshot, named after the database where nobody named it."""
    database = View(value=properties)
    properties = with_value(properties, _SKIPPED, False)
    name = database.text("identifier") or database.text("clusterIdentifier")
    return properties if database.has(_LAST) or not name else with_value(properties, _LAST, f"{name}-final")


@undeletable
@applies_to(RDS_INSTANCE, reads=[_PROTECTION, _SKIPPED, "replicateSourceDb"])
@applies_to(RDS_CLUSTER, reads=[_PROTECTION, _SKIPPED, "replicationSourceIdentifier"])
@applies_to(DOCDB_CLUSTER, reads=[_PROTECTION, _SKIPPED])
@applies_to("aws:neptune/cluster:Cluster", reads=[_PROTECTION, _SKIPPED])
@fixed_by(in_turn(sets(_PROTECTION, True), with_last_snapshot))
def aws_database_is_undeletable(database: Resource, options: Environments) -> Verdict:
    if database.type in (RDS_INSTANCE, RDS_CLUSTER) and is_replica(database):
        return REPLICA
    faults = [] if database.flag(_PROTECTION) else ["deletionProtection is off"]
    return _judge(database, options, faults + (["skipFinalSnapshot is on"] if database.flag(_SKIPPED) else []))


@undeletable
@applies_to(DYNAMODB, reads=["deletionProtectionEnabled"])
@fixed_by(sets("deletionProtectionEnabled", True))
def dynamodb_is_undeletable(table: Resource, options: Environments) -> Verdict:
    protected = table.flag("deletionProtectionEnabled")
    return _judge(table, options, [] if protected else ["deletionProtectionEnabled is off"])


GROUP = "azure-native:resources:ResourceGroup"


@undeletable
@in_stack(POSTGRES, MYSQL, reads=["createMode", "sourceServerResourceId", "resourceGroupName"])
@in_stack(AZURE_SQL, reads=["createMode", "sourceDatabaseId", "resourceGroupName"])
@in_stack(COSMOS, STORAGE_ACCOUNT, reads=["resourceGroupName"])
def azure_store_is_locked(store: Resource, stack: Stack, options: Environments) -> Verdict:
    """Azure protects by locks, on the store itself or on its resource group."""
    if not options.protects(store):
        return EXPENDABLE
    if is_replica(store):
        return REPLICA
    groups = [group for group in stack.of_type(GROUP) if stack.refers(store, "resourceGroupName", group)]
    locks = [lock for held in (store, *groups) for lock in stack.companions(held, BY_SCOPE, by="scope")]
    locks += [lock for lock in stack.of_type(OF_GROUP) if _locks_group_of(store, groups, lock, stack)]
    return passes_if(any(map(keeps, locks)), "no lock keeps it")


def _locks_group_of(store: Resource, groups: list[Resource], lock: Resource, stack: Stack) -> bool:
    """The lock names the group, as the store does, or both come from it."""
    path = "resourceGroupName"
    if any(stack.refers(lock, path, group) for group in groups):
        return True
    return (
        all(holder.known(path) for holder in (lock, store))
        and bool(lock.text(path))
        and lock.text(path) == store.text(path)
    )


@undeletable
@applies_to(BY_SCOPE, reads=["level"])
@fixed_by(sets("level", KEEPING))
def lock_keeps_something(lock: Resource) -> Verdict:
    return lock_keeps(lock)


_SERVICE = "settings.deletionProtectionEnabled"


@undeletable
@applies_to(CLOUD_SQL, reads=[_SERVICE, "masterInstanceName"])
@fixed_by(sets(_SERVICE, True))
def cloud_sql_is_undeletable(instance: Resource, options: Environments) -> Verdict:
    """The other property of that name is the provider's, and stops nobody else."""
    if is_replica(instance):
        return REPLICA
    return _judge(instance, options, [] if instance.flag(_SERVICE) else [f"{_SERVICE} is off"])


@undeletable
@applies_to(
    "gcp:container/cluster:Cluster",
    "gcp:bigquery/table:Table",
    ALLOYDB,
    reads=[_PROTECTION],
)
@fixed_by(sets(_PROTECTION, True))
def gcp_resource_is_undeletable(resource: Resource, options: Environments) -> Verdict:
    """These services have no protection of their own; the provider's is on unless somebody turns it off."""
    protected = resource.flag(_PROTECTION, default=True)
    return _judge(resource, options, [] if protected else ["deletionProtection is off"])


@undeletable
@applies_to("gcp:spanner/database:Database", reads=["enableDropProtection"])
@fixed_by(sets("enableDropProtection", True))
def spanner_is_undeletable(database: Resource, options: Environments) -> Verdict:
    protected = database.flag("enableDropProtection")
    return _judge(database, options, [] if protected else ["enableDropProtection is off"])
