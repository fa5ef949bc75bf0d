"""Databases, caches and analytical stores."""

from __future__ import annotations

from policies import (
    CRITICAL,
    HIGH,
    MEDIUM,
    PASS,
    Resource,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    not_applicable,
    not_determinable,
    passes_if,
    sets,
)
from policies.clouds.common_settings import CLUSTER_ORIGINS, INSTANCE_ORIGINS, follows_another, is_restored
from policies.clouds.data_stores import DOCDB_CLUSTER, RDS_CLUSTER, RDS_INSTANCE
from policies.controls.encryption_at_rest import OWN_KEY, STORED, control, has_own_key
from policies.property_checks import ON, SET, Property, check_properties

RESTORED = not_determinable("restored from a snapshot, which hands its own encryption on")
INHERITS = not_applicable("a replica, which keeps what its source has")

storage_encrypted = control(
    "ENC-001",
    title="Database storage is encrypted",
    severity=CRITICAL,
    maps=STORED,
    remedy="Turn storage encryption on; an existing AWS database gets it from an encrypted copy of a snapshot.",
    link="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html",
)


@storage_encrypted
@applies_to(RDS_INSTANCE, reads=["storageEncrypted", *INSTANCE_ORIGINS])
@applies_to(RDS_CLUSTER, reads=["storageEncrypted", *CLUSTER_ORIGINS])
@applies_to(DOCDB_CLUSTER, reads=["storageEncrypted", "snapshotIdentifier", "restoreToPointInTime"])
@applies_to(
    "aws:neptune/cluster:Cluster", reads=["storageEncrypted", "replicationSourceIdentifier", "snapshotIdentifier"]
)
@fixed_by(sets("storageEncrypted", True), replaces=True)
def aws_database_is_encrypted(database: Resource) -> Verdict:
    """A snapshot may be one of a database that was not encrypted, and hands that on to whoever does not ask for it."""
    if database.flag("storageEncrypted"):
        return PASS
    return _made_from(database) or fails("storageEncrypted is off")


@storage_encrypted
@applies_to(
    "aws:rds/globalCluster:GlobalCluster",
    "aws:docdb/globalCluster:GlobalCluster",
    "aws:neptune/globalCluster:GlobalCluster",
    reads=["storageEncrypted", "sourceDbClusterIdentifier"],
)
@fixed_by(sets("storageEncrypted", True), replaces=True)
def global_cluster_is_encrypted(cluster: Resource) -> Verdict:
    """One that grows from a cluster that is there keeps what that has, which is judged itself."""
    if cluster.flag("storageEncrypted"):
        return PASS
    return INHERITS if cluster.has("sourceDbClusterIdentifier") else fails("storageEncrypted is off")


def _made_from(database: Resource) -> Verdict | None:
    """Return the verdict where an unset setting comes from another database, or nothing."""
    if follows_another(database):
        return INHERITS
    return RESTORED if is_restored(database) else None


storage_encrypted_properties = check_properties(
    storage_encrypted,
    Property("azure-native:sql:TransparentDataEncryption", "state", "Enabled", fix="Enabled"),
)


own_database_key = control(
    "ENC-002",
    title="Databases are encrypted with a key of one's own",
    severity=MEDIUM,
    maps=OWN_KEY,
    remedy="Name a customer-managed key; most services take it only when the database is made.",
)


@own_database_key
@applies_to(RDS_INSTANCE, reads=["kmsKeyId", *INSTANCE_ORIGINS])
@applies_to(RDS_CLUSTER, reads=["kmsKeyId", *CLUSTER_ORIGINS])
def rds_has_own_key(database: Resource) -> Verdict:
    named = not database.known("kmsKeyId") or database.has("kmsKeyId")
    inherited = None if named else _made_from(database)
    return inherited or has_own_key(database, "kmsKeyId")


@own_database_key
@applies_to(
    "azure-native:dbforpostgresql:Server",
    "azure-native:dbformysql:Server",
    reads=["dataEncryption.type", "dataEncryption.primaryKeyURI"],
)
def azure_flexible_server_has_own_key(server: Resource) -> Verdict:
    kind = server.text("dataEncryption.type", "not set")
    if kind != "AzureKeyVault":
        return passes_if(False, f"dataEncryption.type is {kind}")
    return passes_if(server.has("dataEncryption.primaryKeyURI"), "dataEncryption.primaryKeyURI is not set")


@own_database_key
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=["encryptionKeyName", "masterInstanceName"])
def cloud_sql_has_own_key(instance: Resource) -> Verdict:
    if instance.known("encryptionKeyName") and not instance.has("encryptionKeyName"):
        return INHERITS if instance.has("masterInstanceName") else passes_if(False, "encryptionKeyName is not set")
    return passes_if(instance.has("encryptionKeyName"))


own_database_key_properties = check_properties(
    own_database_key,
    Property("azure-native:cosmosdb:DatabaseAccount", "keyVaultKeyUri", SET),
    Property("azure-native:sql:Server", "keyId", SET),
    Property(
        ("gcp:spanner/database:Database", "gcp:alloydb/cluster:Cluster"),
        "encryptionConfig.kmsKeyName",
        SET,
        name="encryptionConfig.kmsKeyName",
    ),
)


table_key = control(
    "ENC-006",
    title="NoSQL tables are encrypted with a managed key",
    severity=MEDIUM,
    maps=STORED,
    remedy="Turn server-side encryption with a KMS key on.",
    link="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html",
)


table_key_properties = check_properties(
    table_key,
    Property("aws:dynamodb/table:Table", "serverSideEncryption.enabled", ON, name="serverSideEncryption", fix=True),
)


cache_encrypted = control(
    "ENC-007",
    title="Caches are encrypted at rest",
    severity=HIGH,
    maps=STORED,
    remedy="Turn encryption at rest on, in GCP with a customer-managed key; both only when the cache is made.",
)


@cache_encrypted
@applies_to("aws:elasticache/cluster:Cluster", reads=["replicationGroupId", "engine"])
def single_cache_keeps_nothing(cache: Resource) -> Verdict:
    """Memcached writes nothing to a disk, and the other engines are encrypted in replication groups only."""
    if cache.has("replicationGroupId"):
        return not_applicable("its replication group says how it is encrypted")
    engine = cache.text("engine", "not set")
    return passes_if(engine == "memcached", f"engine is {engine}, and a cluster without a replication group is plain")


cache_encrypted_properties = check_properties(
    cache_encrypted,
    Property(
        "aws:elasticache/replicationGroup:ReplicationGroup", "atRestEncryptionEnabled", ON, fix=True, replaces=True
    ),
    Property("gcp:redis/instance:Instance", "customerManagedKey", SET),
)


analytics_encrypted = control(
    "ENC-010",
    title="Analytical stores and search domains are encrypted",
    severity=HIGH,
    maps=STORED,
    remedy="Turn encryption at rest on, in Azure and GCP with a customer-managed key.",
)


analytics_encrypted_properties = check_properties(
    analytics_encrypted,
    Property("aws:redshift/cluster:Cluster", "encrypted", ON, fix="true"),
    Property(
        "aws:opensearch/domain:Domain", "encryptAtRest.enabled", ON, name="encryptAtRest", fix=True, replaces=True
    ),
    Property("azure-native:synapse:Workspace", "encryption.cmk.key.name", SET, name="encryption.cmk"),
    Property(
        "gcp:bigquery/dataset:Dataset",
        "defaultEncryptionConfiguration.kmsKeyName",
        SET,
        found="there is no default key",
    ),
)
