"""Object storage keeps what is overwritten or deleted."""

from __future__ import annotations

from policies import (
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    not_applicable,
    passes_if,
    sets,
)
from policies.clouds.common_settings import keeps_versions
from policies.clouds.data_stores import GCS_BUCKET, S3_BUCKET, STORAGE_ACCOUNT
from policies.controls.backup_dr import RESTORABLE, control
from policies.property_checks import ON, Property, check_properties

versions_kept = control(
    "BKP-006",
    title="Object storage keeps earlier versions",
    severity=MEDIUM,
    maps=RESTORABLE,
    remedy="Turn versioning on.",
)

BLOB_SERVICE = "azure-native:storage:BlobServiceProperties"
_STATUS = "versioningConfiguration.status"


@versions_kept
@in_stack(S3_BUCKET, reads=["versioning.enabled"])
def s3_keeps_versions(bucket: Resource, stack: Stack) -> Verdict:
    companions = stack.companions(bucket, "aws:s3/bucketVersioning:BucketVersioning", by="bucket")
    if any(companion.text(_STATUS) == "Enabled" for companion in companions):
        return PASS
    return passes_if(keeps_versions(bucket), "no versioning belongs to it")


@versions_kept
@in_stack(STORAGE_ACCOUNT, reads=["kind", "isHnsEnabled"])
def storage_account_keeps_versions(account: Resource, stack: Stack) -> Verdict:
    """Accounts with a hierarchy of folders know no versions."""
    if account.text("kind") == "FileStorage":
        return not_applicable("it holds files, not blobs")
    if account.flag("isHnsEnabled"):
        return not_applicable("accounts with a hierarchical namespace have no versions")
    services = stack.companions(account, BLOB_SERVICE, by="accountName")
    return passes_if(any(service.flag("isVersioningEnabled") for service in services), "no versioning belongs to it")


versions_kept_properties = check_properties(
    versions_kept,
    Property("aws:s3/bucketVersioning:BucketVersioning", _STATUS, "Enabled", fix="Enabled"),
    Property(BLOB_SERVICE, "isVersioningEnabled", ON, fix=True),
)


_PERIOD = "retentionPolicy.retentionPeriod"


@versions_kept
@applies_to(GCS_BUCKET, reads=["versioning.enabled", _PERIOD])
@fixed_by(sets("versioning.enabled", True))
def gcs_keeps_versions(bucket: Resource) -> Verdict:
    """Google lets a bucket have a retention policy or versions, not both."""
    if bucket.flag("versioning.enabled"):
        return PASS
    if bucket.number(_PERIOD) > 0:
        return not_applicable("its retention policy lets nothing be replaced or deleted")
    return fails("versioning is off")
