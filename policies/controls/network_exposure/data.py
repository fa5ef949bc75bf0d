"""Databases, buckets, stores of secrets and images: reachable from inside only."""

from __future__ import annotations

from policies import (
    CRITICAL,
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
from policies.controls.network_exposure import EVIDENCE, control
from policies.members import is_named
from policies.statements import admits_everyone, statements

CLOSED = ("Disabled", "SecuredByPerimeter")

private_database = control(
    "NET-003",
    title="Databases have no public address",
    severity=CRITICAL,
    maps={**EVIDENCE, "iso27001": ["A.8.3", "A.8.20", "A.8.22"], "pci_dss": ["1.3.1", "1.4.4"]},
    remedy="Give the database an address inside the network only; in GCP name that network.",
)


@private_database
@applies_to(
    "aws:rds/instance:Instance",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:neptune/clusterInstance:ClusterInstance",
    "aws:redshift/cluster:Cluster",
    "aws:dms/replicationInstance:ReplicationInstance",
    reads=["publiclyAccessible"],
)
@fixed_by(
    sets("publiclyAccessible", False),
    "aws:rds/instance:Instance",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:redshift/cluster:Cluster",
)
@fixed_by(
    sets("publiclyAccessible", False),
    "aws:neptune/clusterInstance:ClusterInstance",
    "aws:dms/replicationInstance:ReplicationInstance",
    replaces=True,
)
def aws_database_is_private(database: Resource) -> Verdict:
    return passes_if(not database.flag("publiclyAccessible"), "publiclyAccessible is on")


@private_database
@applies_to(
    "azure-native:sql:Server",
    "azure-native:cosmosdb:DatabaseAccount",
    "azure-native:redis:Redis",
    reads=["publicNetworkAccess"],
)
@fixed_by(sets("publicNetworkAccess", "Disabled"))
def azure_database_is_private(database: Resource) -> Verdict:
    access = database.text("publicNetworkAccess", "not set")
    return passes_if(access in CLOSED, f"publicNetworkAccess is {access}")


@private_database
@applies_to(
    "azure-native:dbforpostgresql:Server",
    "azure-native:dbformysql:Server",
    reads=["network.publicNetworkAccess", "network.delegatedSubnetResourceId"],
)
@fixed_by(sets("network.publicNetworkAccess", "Disabled"), replaces=True)
def azure_flexible_server_is_private(server: Resource) -> Verdict:
    """In a subnet of its own a server has no public address, unless somebody asks for one all the same."""
    access = server.text("network.publicNetworkAccess", "not set")
    if access == "Disabled":
        return PASS
    inside = access == "not set" and server.has("network.delegatedSubnetResourceId")
    return passes_if(inside, f"publicNetworkAccess is {access}")


_ADDRESS = "settings.ipConfiguration"


def without_public_address(properties: Properties) -> Properties:
    """Turns the public address off where there is another one; Cloud SQL refuses an instance with none."""
    instance = View(value=properties)
    inside = instance.has(f"{_ADDRESS}.privateNetwork") or instance.exists(f"{_ADDRESS}.pscConfigs")
    return with_value(properties, f"{_ADDRESS}.ipv4Enabled", False) if inside else properties


@private_database
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=[f"{_ADDRESS}.ipv4Enabled"])
@fixed_by(without_public_address)
def cloud_sql_is_private(instance: Resource) -> Verdict:
    return passes_if(not instance.flag(f"{_ADDRESS}.ipv4Enabled", default=True), "ipv4Enabled is on")


@private_database
@applies_to("gcp:alloydb/instance:Instance", reads=["networkConfig.enablePublicIp"])
@fixed_by(sets("networkConfig.enablePublicIp", False))
def alloydb_is_private(instance: Resource) -> Verdict:
    return passes_if(not instance.flag("networkConfig.enablePublicIp"), "enablePublicIp is on")


private_bucket = control(
    "NET-004",
    title="Object storage is not public",
    severity=CRITICAL,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.3", "A.8.12"],
        "gdpr": ["Art. 25(2)", "Art. 32(1)(b)"],
        "pci_dss": ["1.4.4", "7.2.1", "7.3.3"],
    },
    remedy="Block public access on the bucket itself, and grant roles to somebody, never to everybody.",
    link="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
)

BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
PRIVATE_ACLS = (*("private", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write", "aws-exec-read"),)


def _open_blocks(block: Resource) -> list[str]:
    return [name for name in BLOCKS if not block.flag(name)]


@private_bucket
@applies_to(BLOCK, "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", reads=BLOCKS)
@fixed_by(in_turn(*(sets(name, True) for name in BLOCKS)))
def public_access_is_blocked(block: Resource) -> Verdict:
    opened = _open_blocks(block)
    return passes_if(not opened, f"{', '.join(opened)} not on")


@private_bucket
@in_stack("aws:s3/bucket:Bucket", reads=["bucket", "acl"])
def bucket_is_blocked(bucket: Resource, stack: Stack) -> Verdict:
    acl = bucket.text("acl", "private")
    if acl not in PRIVATE_ACLS:
        return fails(f"acl is {acl}")
    blocks = stack.companions(bucket, BLOCK, by="bucket")
    return passes_if(any(not _open_blocks(block) for block in blocks), "no block of all public access belongs to it")


@private_bucket
@applies_to("aws:s3/bucketAcl:BucketAcl", reads=["acl", "accessControlPolicy.grants.grantee.uri"])
@fixed_by(sets("acl", "private"))
def acl_is_private(acl: Resource) -> Verdict:
    """Groups of grantees are AWS's own, and but for the delivery of logs they mean everybody."""
    groups = acl.texts("accessControlPolicy.grants.grantee.uri")
    if any(not group.endswith("/s3/LogDelivery") for group in groups):
        return fails("it grants something to a group of everybody")
    said = acl.text("acl", "private")
    return passes_if(said in PRIVATE_ACLS, f"acl is {said}")


@private_bucket
@applies_to("azure-native:storage:StorageAccount", reads=["allowBlobPublicAccess"])
@fixed_by(sets("allowBlobPublicAccess", False))
def storage_account_is_private(account: Resource) -> Verdict:
    return passes_if(not account.flag("allowBlobPublicAccess", default=True), "allowBlobPublicAccess is not off")


@private_bucket
@applies_to("azure-native:storage:BlobContainer", reads=["publicAccess"])
@fixed_by(sets("publicAccess", "None"))
def container_is_private(container: Resource) -> Verdict:
    access = container.text("publicAccess", "None")
    return passes_if(access == "None", f"publicAccess is {access}")


@private_bucket
@applies_to("gcp:storage/bucket:Bucket", reads=["publicAccessPrevention", "uniformBucketLevelAccess"])
@fixed_by(in_turn(sets("publicAccessPrevention", "enforced"), sets("uniformBucketLevelAccess", True)))
def gcs_bucket_is_private(bucket: Resource) -> Verdict:
    prevention = bucket.text("publicAccessPrevention", "not set")
    if prevention != "enforced":
        return fails(f"publicAccessPrevention is {prevention}")
    return passes_if(bucket.flag("uniformBucketLevelAccess"), "uniformBucketLevelAccess is off")


@private_bucket
@applies_to("gcp:storage/bucketIAMMember:BucketIAMMember", reads=["member"])
def gcs_role_is_for_somebody(grant: Resource) -> Verdict:
    return passes_if(is_named(grant.text("member")), f"member is {grant.text('member')}")


@private_bucket
@applies_to("gcp:storage/bucketIAMBinding:BucketIAMBinding", reads=["members"])
def gcs_roles_are_for_somebody(grant: Resource) -> Verdict:
    everybody = [member for member in grant.texts("members") if not is_named(member)]
    return passes_if(not everybody, f"members are {', '.join(everybody)}")


closed_store = control(
    "NET-011",
    title="Stores of keys, secrets, images and files are not open to all networks",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.3", "A.8.20"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.4.4", "3.6.1.3"],
    },
    remedy="Close the store to the internet, or let only named networks and principals in.",
)


@closed_store
@applies_to(
    "aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:secretsmanager/secretPolicy:SecretPolicy", reads=["policy"]
)
def aws_store_admits_somebody(store: Resource) -> Verdict:
    return passes_if(not any(map(admits_everyone, statements(store.document("policy")))), "a statement admits everyone")


def _closed(store: View, rules: str) -> Verdict:
    access = store.text("publicNetworkAccess", "not set")
    if access in CLOSED:
        return PASS
    action = store.text(f"{rules}.defaultAction", "not set")
    return passes_if(action == "Deny", f"publicNetworkAccess is {access}, and the default action {action}")


@closed_store
@applies_to(
    "azure-native:keyvault:Vault", reads=["properties.publicNetworkAccess", "properties.networkAcls.defaultAction"]
)
@fixed_by(sets("properties.networkAcls.defaultAction", "Deny"))
def vault_is_closed(vault: Resource) -> Verdict:
    return _closed(vault.object("properties"), "networkAcls")


@closed_store
@applies_to("azure-native:storage:StorageAccount", reads=["publicNetworkAccess", "networkRuleSet.defaultAction"])
@fixed_by(sets("networkRuleSet.defaultAction", "Deny"))
def storage_account_is_closed(account: Resource) -> Verdict:
    return _closed(account, "networkRuleSet")


@closed_store
@applies_to(
    "azure-native:containerregistry:Registry",
    reads=["anonymousPullEnabled", "publicNetworkAccess", "networkRuleSet.defaultAction"],
)
def registry_is_closed(registry: Resource) -> Verdict:
    if registry.flag("anonymousPullEnabled"):
        return fails("anonymousPullEnabled is on")
    return _closed(registry, "networkRuleSet")


@closed_store
@applies_to("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", reads=["member"])
def images_are_for_somebody(grant: Resource) -> Verdict:
    return passes_if(is_named(grant.text("member")), f"member is {grant.text('member')}")
