"""Databases and caches that outlive one zone; it costs a second server, so nothing is fixed by itself."""

from __future__ import annotations

from policies import HIGH, PASS, Resource, Verdict, applies_to, fails
from policies.clouds.data_stores import AZURE_SQL, CLOUD_SQL, COSMOS, MYSQL, POSTGRES, RDS_INSTANCE, is_replica
from policies.clouds.scope import Environments
from policies.controls.backup_dr import EXPENDABLE, REPLICA, control

survives_zone = control(
    "BKP-003",
    title="Databases survive the loss of a zone",
    severity=HIGH,
    maps={
        "soc2": ["A1.2", "CC9.1"],
        "iso27001": ["A.5.30", "A.8.14"],
        "gdpr": ["Art. 32(1)(b)"],
    },
    remedy="Run a standby in another zone.",
    options=Environments,
)


def _judge(database: Resource, options: Environments, redundant: bool, otherwise: str) -> Verdict:
    """Pass what is redundant in any environment; fail the rest only where something must not be lost."""
    if redundant:
        return PASS
    return fails(otherwise) if options.protects(database) else EXPENDABLE


@survives_zone
@applies_to(RDS_INSTANCE, reads=["multiAz", "replicateSourceDb"])
def rds_has_standby(database: Resource, options: Environments) -> Verdict:
    if is_replica(database):
        return REPLICA
    return _judge(database, options, database.flag("multiAz"), "multiAz is off")


_FAILOVER = ("automaticFailoverEnabled", "multiAzEnabled")


@survives_zone
@applies_to("aws:elasticache/replicationGroup:ReplicationGroup", reads=_FAILOVER)
def elasticache_has_standby(cache: Resource, options: Environments) -> Verdict:
    missing = [path for path in _FAILOVER if not cache.flag(path)]
    return _judge(cache, options, not missing, f"{', '.join(missing)} off")


@survives_zone
@applies_to("aws:opensearch/domain:Domain", reads=["clusterConfig.zoneAwarenessEnabled"])
def opensearch_knows_zones(domain: Resource, options: Environments) -> Verdict:
    return _judge(domain, options, domain.flag("clusterConfig.zoneAwarenessEnabled"), "zoneAwarenessEnabled is off")


@survives_zone
@applies_to(POSTGRES, MYSQL, reads=["highAvailability.mode", "createMode", "sourceServerResourceId"])
def flexible_server_has_standby(server: Resource, options: Environments) -> Verdict:
    if is_replica(server):
        return REPLICA
    mode = server.text("highAvailability.mode", "not set")
    return _judge(server, options, mode == "ZoneRedundant", f"highAvailability.mode is {mode}")


@survives_zone
@applies_to(AZURE_SQL, reads=["zoneRedundant", "createMode", "sourceDatabaseId"])
def azure_sql_is_redundant(database: Resource, options: Environments) -> Verdict:
    if is_replica(database):
        return REPLICA
    return _judge(database, options, database.flag("zoneRedundant"), "zoneRedundant is off")


@survives_zone
@applies_to(COSMOS, reads=["locations.isZoneRedundant"])
def cosmos_is_redundant(account: Resource, options: Environments) -> Verdict:
    zones = [location.flag("isZoneRedundant") for location in account.objects("locations")]
    return _judge(account, options, bool(zones) and all(zones), "a location is not zone redundant")


@survives_zone
@applies_to("azure-native:redis:Redis", reads=["zones"])
def azure_cache_has_zones(cache: Resource, options: Environments) -> Verdict:
    return _judge(cache, options, len(set(cache.texts("zones"))) > 1, "it is in one zone")


@survives_zone
@applies_to(CLOUD_SQL, reads=["settings.availabilityType", "masterInstanceName"])
def cloud_sql_has_standby(instance: Resource, options: Environments) -> Verdict:
    if is_replica(instance):
        return REPLICA
    kind = instance.text("settings.availabilityType", "not set")
    return _judge(instance, options, kind == "REGIONAL", f"availabilityType is {kind}")


@survives_zone
@applies_to("gcp:redis/instance:Instance", reads=["tier"])
def memorystore_has_standby(cache: Resource, options: Environments) -> Verdict:
    tier = cache.text("tier", "not set")
    return _judge(cache, options, tier == "STANDARD_HA", f"tier is {tier}")
