"""What uses keys, by kind: the property of each resource type that names its key."""

from __future__ import annotations

from collections.abc import Mapping

SIGNATURES = "signatures"
"""The only kind that does not encrypt."""

USES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "databases": {
        "aws:rds/instance:Instance": ("kmsKeyId", "performanceInsightsKmsKeyId"),
        "aws:rds/cluster:Cluster": ("kmsKeyId", "performanceInsightsKmsKeyId"),
        "aws:docdb/cluster:Cluster": ("kmsKeyId",),
        "aws:neptune/cluster:Cluster": ("kmsKeyArn",),
        "aws:redshift/cluster:Cluster": ("kmsKeyId",),
        "aws:dynamodb/table:Table": ("serverSideEncryption.kmsKeyArn",),
        "aws:elasticache/replicationGroup:ReplicationGroup": ("kmsKeyId",),
        "azure-native:dbforpostgresql:Server": ("dataEncryption.primaryKeyURI",),
        "azure-native:dbformysql:Server": ("dataEncryption.primaryKeyURI",),
        "azure-native:sql:Server": ("keyId",),
        "azure-native:cosmosdb:DatabaseAccount": ("keyVaultKeyUri",),
        "gcp:sql/databaseInstance:DatabaseInstance": ("encryptionKeyName",),
        "gcp:spanner/database:Database": ("encryptionConfig.kmsKeyName",),
        "gcp:alloydb/cluster:Cluster": ("encryptionConfig.kmsKeyName",),
        "gcp:bigquery/dataset:Dataset": ("defaultEncryptionConfiguration.kmsKeyName",),
        "gcp:redis/instance:Instance": ("customerManagedKey",),
    },
    "kubernetes": {
        "aws:eks/cluster:Cluster": ("encryptionConfig.provider.keyArn",),
        "azure-native:containerservice:ManagedCluster": ("securityProfile.azureKeyVaultKms.keyId",),
        "gcp:container/cluster:Cluster": ("databaseEncryption.keyName",),
    },
    "logs": {
        "aws:cloudwatch/logGroup:LogGroup": ("kmsKeyId",),
        "aws:cloudtrail/trail:Trail": ("kmsKeyId",),
        "gcp:logging/projectBucketConfig:ProjectBucketConfig": ("cmekSettings.kmsKeyName",),
    },
    "secrets": {
        "aws:secretsmanager/secret:Secret": ("kmsKeyId",),
        "aws:ssm/parameter:Parameter": ("keyId",),
        "aws:rds/instance:Instance": ("masterUserSecretKmsKeyId",),
        "aws:rds/cluster:Cluster": ("masterUserSecretKmsKeyId",),
        "gcp:secretmanager/secret:Secret": (
            "replication.auto.customerManagedEncryption.kmsKeyName",
            "replication.userManaged.replicas.customerManagedEncryption.kmsKeyName",
        ),
    },
    "storage": {
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
            "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
        ),
        "aws:ebs/volume:Volume": ("kmsKeyId",),
        "aws:efs/fileSystem:FileSystem": ("kmsKeyId",),
        "azure-native:storage:StorageAccount": ("encryption.keyVaultProperties.keyName",),
        "azure-native:compute:DiskEncryptionSet": ("activeKey.keyUrl",),
        "gcp:storage/bucket:Bucket": ("encryption.defaultKmsKeyName",),
        "gcp:compute/disk:Disk": ("diskEncryptionKey.kmsKeySelfLink",),
    },
    "messages": {
        "aws:sqs/queue:Queue": ("kmsMasterKeyId",),
        "aws:sns/topic:Topic": ("kmsMasterKeyId",),
        "aws:kinesis/stream:Stream": ("kmsKeyId",),
        "aws:msk/cluster:Cluster": ("encryptionInfo.encryptionAtRestKmsKeyArn",),
        "azure-native:eventhub:Namespace": ("encryption.keyVaultProperties.keyName",),
        "azure-native:servicebus:Namespace": ("encryption.keyVaultProperties.keyName",),
        "gcp:pubsub/topic:Topic": ("kmsKeyName",),
    },
    "images": {
        "aws:ecr/repository:Repository": ("encryptionConfigurations.kmsKey",),
        "azure-native:containerregistry:Registry": ("encryption.keyVaultProperties.keyIdentifier",),
        "gcp:artifactregistry/repository:Repository": ("kmsKeyName",),
    },
    SIGNATURES: {
        "aws:route53/keySigningKey:KeySigningKey": ("keyManagementServiceArn",),
    },
}
"""By the words with which a key's tag says what it is for."""

KINDS = frozenset(USES)

ATTACHED = frozenset(
    (
        *("aws:kms/alias:Alias", "aws:kms/keyPolicy:KeyPolicy", "aws:kms/replicaKey:ReplicaKey"),
        *("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "gcp:kms/cryptoKeyIAMBinding:CryptoKeyIAMBinding"),
        *("gcp:kms/cryptoKeyIAMPolicy:CryptoKeyIAMPolicy", "gcp:kms/cryptoKeyVersion:CryptoKeyVersion"),
    )
)
"""What belongs to a key and uses nothing of it."""
