"""Buckets and containers of objects: for somebody, never for everybody."""

from __future__ import annotations

from policies import (
    CRITICAL,
    PASS,
    Resource,
    Stack,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    in_turn,
    passes_if,
    sets,
)
from policies.clouds.members import for_somebody, is_named_entity, members_of_all_roles
from policies.controls.network_exposure import control
from policies.property_checks import OFF, Property, check_properties

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
ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
PRIVATE_ACLS = (*("private", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write", "aws-exec-read"),)


def list_open_blocks(block: Resource) -> list[str]:
    """Return the kinds of public access that a block leaves open."""
    return [name for name in BLOCKS if not block.flag(name)]


@private_bucket
@applies_to(BLOCK, ACCOUNT_BLOCK, reads=BLOCKS)
@fixed_by(in_turn(*(sets(name, True) for name in BLOCKS)))
def public_access_is_blocked(block: Resource) -> Verdict:
    opened = list_open_blocks(block)
    return passes_if(not opened, f"{', '.join(opened)} not on")


@private_bucket
@in_stack("aws:s3/bucket:Bucket", reads=["bucket", "acl"])
def bucket_is_blocked(bucket: Resource, stack: Stack) -> Verdict:
    """S3 blocks all public access to buckets made since April 2023, so a bucket without a block of its own passes.

    S3 applies the strictest of the settings of bucket and account: one complete block is enough (Amazon S3 User Guide,
    Blocking public access to your Amazon S3 storage).
    """
    acl = bucket.text("acl", "private")
    if acl not in PRIVATE_ACLS:
        return fails(f"acl is {acl}")
    blocks = stack.companions(bucket, BLOCK, by="bucket")
    if not blocks:
        return PASS
    accounts = [resource for resource in stack.of_type(ACCOUNT_BLOCK) if resource.provider_urn == bucket.provider_urn]
    blocked = any(not list_open_blocks(block) for block in (*blocks, *accounts))
    return passes_if(blocked, "its block leaves some public access open")


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


private_bucket_properties = check_properties(
    private_bucket,
    # Azure takes an absent setting for false (Azure Storage REST API, Storage Accounts, Create).
    Property("azure-native:storage:StorageAccount", "allowBlobPublicAccess", OFF, fix=False),
    Property("azure-native:storage:BlobContainer", "publicAccess", "None", absent="None", fix="None"),
)


@private_bucket
@applies_to("gcp:storage/bucket:Bucket", reads=["publicAccessPrevention", "uniformBucketLevelAccess"])
@fixed_by(in_turn(sets("publicAccessPrevention", "enforced"), sets("uniformBucketLevelAccess", True)))
def gcs_bucket_is_private(bucket: Resource) -> Verdict:
    prevention = bucket.text("publicAccessPrevention", "not set")
    if prevention != "enforced":
        return fails(f"publicAccessPrevention is {prevention}")
    return passes_if(bucket.flag("uniformBucketLevelAccess"), "uniformBucketLevelAccess is off")


@private_bucket
@applies_to(
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    "gcp:storage/managedFolderIamMember:ManagedFolderIamMember",
    reads=["member"],
)
def gcs_role_is_for_somebody(grant: Resource) -> Verdict:
    return for_somebody([grant.text("member")])


@private_bucket
@applies_to(
    "gcp:storage/bucketIAMBinding:BucketIAMBinding",
    "gcp:storage/managedFolderIamBinding:ManagedFolderIamBinding",
    reads=["members"],
)
def gcs_roles_are_for_somebody(grant: Resource) -> Verdict:
    return for_somebody(grant.texts("members"))


@private_bucket
@applies_to(
    "gcp:storage/bucketIAMPolicy:BucketIAMPolicy",
    "gcp:storage/managedFolderIamPolicy:ManagedFolderIamPolicy",
    reads=["policyData"],
)
def gcs_roles_of_all_are_for_somebody(policy: Resource) -> Verdict:
    return for_somebody(members_of_all_roles(policy.document("policyData")))


@private_bucket
@applies_to(
    "gcp:storage/bucketAccessControl:BucketAccessControl",
    "gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl",
    "gcp:storage/objectAccessControl:ObjectAccessControl",
    reads=["entity"],
)
def gcs_access_control_is_for_somebody(control_: Resource) -> Verdict:
    entity = control_.text("entity", "not set")
    return passes_if(is_named_entity(entity), f"entity is {entity}")


_PREDEFINED = ("predefinedAcl", "defaultAcl")
PRIVATE_GCS_ACLS = ("private", "projectPrivate", "bucketOwnerRead", "bucketOwnerFullControl")


@private_bucket
@applies_to("gcp:storage/bucketACL:BucketACL", reads=["roleEntities", *_PREDEFINED])
@applies_to("gcp:storage/objectACL:ObjectACL", reads=["roleEntities", _PREDEFINED[0]])
@applies_to("gcp:storage/defaultObjectACL:DefaultObjectACL", reads=["roleEntities"])
def gcs_acl_is_for_somebody(acl: Resource) -> Verdict:
    """Each entry is a role and whom it is for: `READER:allUsers`."""
    entities = [text.partition(":")[2] for text in acl.texts("roleEntities")]
    found = [entity for entity in entities if not is_named_entity(entity)]
    found += [said for path in _PREDEFINED if (said := acl.text(path)) and said not in PRIVATE_GCS_ACLS]
    return passes_if(not found, f"it lets {', '.join(found)} in")
