"""Backups of databases: taken, kept long enough, and good for any moment."""

from __future__ import annotations

from pydantic import Field

from policies import (
    HIGH,
    MEDIUM,
    Options,
    Properties,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    in_turn,
    not_applicable,
    passes_if,
    sets,
    with_value,
)
from policies.clouds.common_settings import follows_another
from policies.clouds.data_stores import (
    ALLOYDB,
    CLOUD_SQL,
    COSMOS,
    DOCDB_CLUSTER,
    DYNAMODB,
    MYSQL,
    POSTGRES,
    RDS_CLUSTER,
    RDS_INSTANCE,
    REDSHIFT,
    is_replica,
)
from policies.clouds.durations import days
from policies.controls.backup_dr import REPLICA, RESTORABLE, control
from policies.property_checks import ON, Property, check_properties
from policies.remedies import at_least

USUAL_DAYS = 7
DAY_HOURS = 24


class Retention(Options):
    """Options of BKP-001."""

    minimum_days: int = Field(default=USUAL_DAYS, ge=1, description="Days that backups of a database must be kept.")

    def judge(self, days: float, path: str) -> Verdict:
        """Tell whether that many days are enough."""
        return passes_if(days >= self.minimum_days, f"{path} is {days} days")


backups_kept = control(
    "BKP-001",
    title="Databases are backed up, and the backups are kept long enough",
    severity=HIGH,
    maps=RESTORABLE,
    remedy="Turn automated backups on and keep them for as many days as minimumDays says.",
    options=Retention,
)

_AWS_DAYS = "backupRetentionPeriod"


@backups_kept
@applies_to(RDS_INSTANCE, reads=[_AWS_DAYS, "replicateSourceDb"])
@applies_to(RDS_CLUSTER, reads=[_AWS_DAYS, "replicationSourceIdentifier"])
@applies_to(DOCDB_CLUSTER, reads=[_AWS_DAYS])
@fixed_by(sets(_AWS_DAYS, USUAL_DAYS))
def aws_database_keeps_backups(database: Resource, options: Retention) -> Verdict:
    return REPLICA if is_replica(database) else options.judge(database.number(_AWS_DAYS), _AWS_DAYS)


@backups_kept
@applies_to("aws:neptune/cluster:Cluster", reads=[_AWS_DAYS, "replicationSourceIdentifier"])
@fixed_by(sets(_AWS_DAYS, USUAL_DAYS))
def neptune_keeps_backups(cluster: Resource, options: Retention) -> Verdict:
    """Neptune keeps them a day where nobody says otherwise."""
    return REPLICA if follows_another(cluster) else options.judge(cluster.number(_AWS_DAYS, default=1), _AWS_DAYS)


@backups_kept
@applies_to(REDSHIFT, reads=["automatedSnapshotRetentionPeriod"])
@fixed_by(sets("automatedSnapshotRetentionPeriod", USUAL_DAYS))
def redshift_keeps_snapshots(cluster: Resource, options: Retention) -> Verdict:
    path = "automatedSnapshotRetentionPeriod"
    return options.judge(cluster.number(path, default=1), path)


@backups_kept
@applies_to("aws:elasticache/replicationGroup:ReplicationGroup", reads=["snapshotRetentionLimit"])
@fixed_by(sets("snapshotRetentionLimit", USUAL_DAYS))
def elasticache_keeps_snapshots(cache: Resource, options: Retention) -> Verdict:
    return options.judge(cache.number("snapshotRetentionLimit"), "snapshotRetentionLimit")


@backups_kept
@applies_to("aws:elasticache/cluster:Cluster", reads=["replicationGroupId", "engine", "snapshotRetentionLimit"])
@fixed_by(sets("snapshotRetentionLimit", USUAL_DAYS))
def single_cache_keeps_snapshots(cache: Resource, options: Retention) -> Verdict:
    if cache.has("replicationGroupId"):
        return not_applicable("its replication group says how long snapshots are kept")
    if cache.text("engine") == "memcached":
        return not_applicable("memcached has no snapshots")
    return options.judge(cache.number("snapshotRetentionLimit"), "snapshotRetentionLimit")


@backups_kept
@applies_to(POSTGRES, MYSQL, reads=["backup.backupRetentionDays", "createMode", "sourceServerResourceId"])
@fixed_by(sets("backup.backupRetentionDays", USUAL_DAYS), MYSQL)
def flexible_server_keeps_backups(server: Resource, options: Retention) -> Verdict:
    """Azure keeps them seven days where nobody says otherwise, and for PostgreSQL never less."""
    if is_replica(server):
        return REPLICA
    path = "backup.backupRetentionDays"
    return options.judge(server.number(path, default=USUAL_DAYS), path)


_PERIODIC = "backupPolicy.periodicModeProperties.backupRetentionIntervalInHours"
_CONTINUOUS = "backupPolicy.continuousModeProperties.tier"
_TIERS = {"Continuous7Days": 7, "Continuous30Days": 30}


@backups_kept
@applies_to(COSMOS, reads=["backupPolicy.type", _PERIODIC, _CONTINUOUS])
def cosmos_keeps_backups(account: Resource, options: Retention) -> Verdict:
    """Without a policy Azure keeps eight hours; a continuous one keeps thirty days where it names no tier."""
    if account.text("backupPolicy.type", "Periodic") == "Continuous":
        return options.judge(_TIERS.get(account.text(_CONTINUOUS, "Continuous30Days"), 0), _CONTINUOUS)
    return options.judge(account.number(_PERIODIC, default=8) / DAY_HOURS, _PERIODIC)


_CONFIGURATION = "settings.backupConfiguration"
_RETAINED = f"{_CONFIGURATION}.backupRetentionSettings.retainedBackups"


@backups_kept
@applies_to(CLOUD_SQL, reads=["masterInstanceName", f"{_CONFIGURATION}.enabled", _RETAINED])
@fixed_by(in_turn(sets(f"{_CONFIGURATION}.enabled", True), at_least(_RETAINED, USUAL_DAYS)))
def cloud_sql_keeps_backups(instance: Resource, options: Retention) -> Verdict:
    """It takes one a day, and keeps seven where nobody says otherwise."""
    if is_replica(instance):
        return REPLICA
    if not instance.flag(f"{_CONFIGURATION}.enabled"):
        return fails("backupConfiguration is not enabled")
    return options.judge(instance.number(_RETAINED, default=USUAL_DAYS), _RETAINED)


_ALLOYDB_COUNT = "automatedBackupPolicy.quantityBasedRetention.count"
_ALLOYDB_STARTS = "automatedBackupPolicy.weeklySchedule.startTimes"
_ALLOYDB_PERIOD = "automatedBackupPolicy.timeBasedRetention.retentionPeriod"


@backups_kept
@applies_to(
    ALLOYDB,
    reads=[
        *("automatedBackupPolicy.enabled", "secondaryConfig.primaryClusterName"),
        *(_ALLOYDB_PERIOD, _ALLOYDB_COUNT, _ALLOYDB_STARTS),
    ],
)
@fixed_by(sets("automatedBackupPolicy.enabled", True))
def alloydb_keeps_backups(cluster: Resource, options: Retention) -> Verdict:
    """AlloyDB keeps them fourteen days where nobody says otherwise; of a number it loses each day what it takes."""
    if is_replica(cluster):
        return REPLICA
    if not cluster.flag("automatedBackupPolicy.enabled"):
        return fails("automatedBackupPolicy is not enabled")
    if cluster.exists(_ALLOYDB_COUNT):
        a_day = max(1, len(cluster.objects(_ALLOYDB_STARTS)))
        return options.judge(cluster.number(_ALLOYDB_COUNT) / a_day, _ALLOYDB_COUNT)
    return options.judge(days(cluster, _ALLOYDB_PERIOD, "14d"), _ALLOYDB_PERIOD)


any_moment = control(
    "BKP-002",
    title="Data can be restored to any moment",
    severity=MEDIUM,
    maps=RESTORABLE,
    remedy="Turn point-in-time recovery on.",
)


any_moment_properties = check_properties(
    any_moment,
    Property(DYNAMODB, "pointInTimeRecovery.enabled", ON, name="pointInTimeRecovery", fix=True),
)


_BLOB_SETTINGS = ("isVersioningEnabled", "changeFeed.enabled", "deleteRetentionPolicy.enabled", "restorePolicy.enabled")


def with_restorable_blobs(properties: Properties) -> Properties:
    """Turns on all that a restore needs, and keeps what is deleted a day longer than one may go back."""
    for path in _BLOB_SETTINGS:
        properties = with_value(properties, path, True)
    days = View(value=properties).number("restorePolicy.days") or USUAL_DAYS
    kept = max(View(value=properties).number("deleteRetentionPolicy.days"), days + 1)
    return with_value(with_value(properties, "restorePolicy.days", days), "deleteRetentionPolicy.days", kept)


@any_moment
@applies_to("azure-native:storage:BlobServiceProperties", reads=_BLOB_SETTINGS)
@fixed_by(with_restorable_blobs)
def blobs_go_back(service: Resource) -> Verdict:
    missing = [path for path in _BLOB_SETTINGS if not service.flag(path)]
    return passes_if(not missing, f"{', '.join(missing)} not on")


_LOGS = {"MYSQL": f"{_CONFIGURATION}.binaryLogEnabled"}
_POINT_IN_TIME = f"{_CONFIGURATION}.pointInTimeRecoveryEnabled"


def _log_setting(instance: View) -> str:
    """The setting that keeps the log; MySQL has its own."""
    return _LOGS.get(instance.text("databaseVersion").partition("_")[0], _POINT_IN_TIME)


def with_kept_log(properties: Properties) -> Properties:
    """Keeps the log from which any moment can be restored; that needs backups too."""
    properties = with_value(properties, f"{_CONFIGURATION}.enabled", True)
    return with_value(properties, _log_setting(View(value=properties)), True)


@any_moment
@applies_to(CLOUD_SQL, reads=["databaseVersion", "masterInstanceName", *_LOGS.values(), _POINT_IN_TIME])
@fixed_by(with_kept_log)
def cloud_sql_goes_back(instance: Resource) -> Verdict:
    if is_replica(instance):
        return REPLICA
    path = _log_setting(instance)
    return passes_if(instance.flag(path), f"{path} is off")


@any_moment
@applies_to("gcp:spanner/database:Database", reads=["versionRetentionPeriod"])
@fixed_by(sets("versionRetentionPeriod", "7d"))
def spanner_goes_back(database: Resource) -> Verdict:
    """An hour, which Spanner keeps by itself, is over before a fault is found."""
    kept = days(database, "versionRetentionPeriod", "1h")
    return passes_if(kept >= 1, "versionRetentionPeriod is shorter than a day")
