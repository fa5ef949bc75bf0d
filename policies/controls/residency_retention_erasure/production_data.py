"""Data of production stays in production."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from pydantic import Field

from policies import HIGH, Options, Resource, Stack, Verdict, in_stack, not_applicable, passes_if
from policies.clouds.data_stores import (
    AZURE_SQL,
    CLOUD_SQL,
    DOCDB_CLUSTER,
    DYNAMODB,
    MYSQL,
    POSTGRES,
    RDS_CLUSTER,
    RDS_INSTANCE,
    follows,
    stores_in,
)
from policies.clouds.replication import SNAPSHOTS
from policies.controls.residency_retention_erasure import control


class Sources(Options):
    """Options of RES-007."""

    production_stacks: tuple[str, ...] = Field(
        default=("production", "prod", "*-production", "*-prod"),
        description="Names of stacks, as globs, in which data of production may be; rehearsals of them count.",
    )
    allowed_sources: tuple[str, ...] = Field(
        default=(),
        description="Snapshots, backups and databases, as globs over their names or ids, from which any stack may be"
        " filled, such as those of masked data.",
    )

    def allows(self, source: str) -> bool:
        return any(fnmatchcase(source, pattern) for pattern in self.allowed_sources)


no_production_data = control(
    "RES-007",
    title="Stacks other than production hold no data of production",
    severity=HIGH,
    maps={
        "soc2": ["C1.1", "CC8.1"],
        "iso27001": ["A.8.11", "A.8.31", "A.8.33"],
        "gdpr": ["Art. 5(1)(b)", "Art. 25(1)"],
        "pci_dss": ["6.5.3", "6.5.5"],
    },
    remedy="Fill the database from this stack's own backups, from synthetic data, or from a masked copy that"
    " allowedSources names.",
    options=Sources,
)
NEW = not_applicable("it starts empty")
PRODUCTION = not_applicable("its stack is production itself")

SOURCES = {
    RDS_INSTANCE: (
        "replicateSourceDb",
        "snapshotIdentifier",
        "restoreToPointInTime.sourceDbInstanceIdentifier",
        "restoreToPointInTime.sourceDbiResourceId",
        "restoreToPointInTime.sourceDbInstanceAutomatedBackupsArn",
    ),
    RDS_CLUSTER: (
        "replicationSourceIdentifier",
        "snapshotIdentifier",
        "restoreToPointInTime.sourceClusterIdentifier",
        "restoreToPointInTime.sourceClusterResourceId",
    ),
    DOCDB_CLUSTER: ("snapshotIdentifier", "restoreToPointInTime.sourceClusterIdentifier"),
    DYNAMODB: ("restoreSourceName", "restoreSourceTableArn", "restoreBackupArn"),
    POSTGRES: ("sourceServerResourceId",),
    MYSQL: ("sourceServerResourceId",),
    AZURE_SQL: ("sourceDatabaseId", "sourceResourceId", "recoverableDatabaseId", "restorableDroppedDatabaseId"),
    CLOUD_SQL: (
        "masterInstanceName",
        "clone.sourceInstanceName",
        "restoreBackupContext.instanceId",
        "backupdrBackup",
        "pointInTimeRestoreContext.datasource",
    ),
}
"""Where each type says from what it is filled."""


def _judge(database: Resource, stack: Stack, options: Sources) -> Verdict:
    if any(fnmatchcase(database.stack, pattern) for pattern in options.production_stacks):
        return PRODUCTION
    said = [path for path in SOURCES[database.type] if _is_said(database, path, stack)]
    if not said:
        return NEW
    strangers = [database.text(path) for path in said if not _is_ours(database, path, stack)]
    foreign = sorted(source for source in strangers if not (_is_named_ours(source, database) or options.allows(source)))
    return passes_if(not foreign, f"it is filled from {', '.join(foreign)}")


def _is_said(database: Resource, path: str, stack: Stack) -> bool:
    return _is_ours(database, path, stack) or database.has(path)


def _is_ours(database: Resource, path: str, stack: Stack) -> bool:
    """Tell whether the source is a store of this very stack, or a snapshot of one."""
    stores = [store for store in stores_in(stack) if store is not database]
    if any(stack.refers(database, path, store) for store in stores):
        return True
    snapshots = [resource for resource in stack.of_type(*SNAPSHOTS) if stack.refers(database, path, resource)]
    return any(follows(snapshot, SNAPSHOTS[snapshot.type], store, stack) for snapshot in snapshots for store in stores)


_WORD = re.compile(r"[a-z0-9]+")
_LIVE = frozenset(("production", "prod", "prd", "live"))


def _is_named_ours(source: str, database: Resource) -> bool:
    """Tell whether the last part of a source's name holds the stack's, and no word for production."""
    words = _WORD.findall(re.split(r"[/:]", source)[-1].lower())
    own = _WORD.findall(database.stack.lower().removeprefix("rehearsal-"))
    held = any(words[start : start + len(own)] == own for start in range(len(words)))
    return held and _LIVE.isdisjoint(words)


@no_production_data
@in_stack(RDS_INSTANCE, reads=SOURCES[RDS_INSTANCE])
@in_stack(RDS_CLUSTER, reads=SOURCES[RDS_CLUSTER])
@in_stack(DOCDB_CLUSTER, reads=SOURCES[DOCDB_CLUSTER])
@in_stack(DYNAMODB, reads=SOURCES[DYNAMODB])
def aws_database_is_filled_here(database: Resource, stack: Stack, options: Sources) -> Verdict:
    return _judge(database, stack, options)


@no_production_data
@in_stack(POSTGRES, MYSQL, reads=SOURCES[POSTGRES])
@in_stack(AZURE_SQL, reads=SOURCES[AZURE_SQL])
def azure_database_is_filled_here(database: Resource, stack: Stack, options: Sources) -> Verdict:
    return _judge(database, stack, options)


@no_production_data
@in_stack(CLOUD_SQL, reads=SOURCES[CLOUD_SQL])
def gcp_database_is_filled_here(database: Resource, stack: Stack, options: Sources) -> Verdict:
    return _judge(database, stack, options)
