"""Buckets: who reads them is logged, and those that hold logs keep them."""

from __future__ import annotations

from policies import (
    HIGH,
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Status,
    Verdict,
    applies_to,
    fixed_by,
    in_stack,
    not_applicable,
    passes_if,
    sets,
)
from policies.clouds.common_settings import LOCK, LOGGING, VERSIONING, keeps_versions, parts
from policies.clouds.scope import Environments
from policies.clouds.tags import tag
from policies.controls.logging_audit import control
from policies.controls.logging_audit.audit_log import ALL_SERVICES, AUDIT_CONFIG
from policies.controls.logging_audit.exports import SETTING, exports
from policies.controls.logging_audit.retention import BUCKET, GROUP, WORKSPACE
from policies.property_checks import OFF, Property, check_properties

S3_BUCKET, GCS_BUCKET, ACCOUNT = (
    "aws:s3/bucket:Bucket",
    "gcp:storage/bucket:Bucket",
    "azure-native:storage:StorageAccount",
)
S3_LOGGING = "aws:s3/bucketLogging:BucketLogging"
PURPOSE, LOGS = "purpose", "logs"
"""The tag that marks a bucket as a store of logs, where no resource of the stack shows it."""
WRITERS = {
    S3_BUCKET: {
        S3_LOGGING: "targetBucket",
        S3_BUCKET: f"{LOGGING}.targetBucket",
        "aws:cloudtrail/trail:Trail": "s3BucketName",
        "aws:cfg/deliveryChannel:DeliveryChannel": "s3BucketName",
        "aws:ec2/flowLog:FlowLog": "logDestination",
        "aws:lb/loadBalancer:LoadBalancer": "accessLogs.bucket",
        "aws:elb/loadBalancer:LoadBalancer": "accessLogs.bucket",
        "aws:cloudfront/distribution:Distribution": "loggingConfig.bucket",
        "aws:redshift/logging:Logging": "bucketName",
    },
    GCS_BUCKET: {"gcp:logging/projectSink:ProjectSink": "destination", GCS_BUCKET: "logging.logBucket"},
    ACCOUNT: {SETTING: "storageAccountId", "azure-native:network:FlowLog": "storageId"},
}
"""What writes logs into a store, and the property that names it."""


def holds_logs(store: Resource, stack: Stack) -> bool:
    """Tell whether a resource of the stack writes its logs into this one, or a tag says so."""
    writers = WRITERS[store.type].items()
    return any(stack.companions(store, token, by=path) for token, path in writers) or tag(store, PURPOSE) == LOGS


logged_access = control(
    "LOG-004",
    title="Access to object storage is logged",
    severity=MEDIUM,
    maps={
        "soc2": ["CC7.2"],
        "iso27001": ["A.8.15"],
        "gdpr": ["Art. 5(2)", "Art. 30"],
        "pci_dss": ["10.2.1.1"],
    },
    remedy="Send access logs to another bucket or workspace, in Google Cloud record data access of all services.",
    link="https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
)
HOLDS_LOGS = not_applicable("it holds logs itself, and its own would never end")


@logged_access
@in_stack(S3_BUCKET, reads=["tags", f"{LOGGING}.targetBucket"])
def s3_access_is_logged(bucket: Resource, stack: Stack) -> Verdict:
    if any(part.has("targetBucket") for part in parts(bucket, LOGGING)):
        return PASS
    if stack.companions(bucket, S3_LOGGING, by="bucket"):
        return PASS
    return HOLDS_LOGS if holds_logs(bucket, stack) else passes_if(False, "no logging belongs to it")


@logged_access
@in_stack(ACCOUNT, reads=["tags"])
def blob_access_is_logged(account: Resource, stack: Stack) -> Verdict:
    verdict = exports(account, stack, ["StorageDelete", "StorageRead", "StorageWrite"])
    return HOLDS_LOGS if verdict.status is Status.FAIL and holds_logs(account, stack) else verdict


_RECORDING = (ALL_SERVICES, "storage.googleapis.com")


@logged_access
@in_stack(GCS_BUCKET, reads=["project", "logging.logBucket", "labels"])
def gcs_access_is_logged(bucket: Resource, stack: Stack) -> Verdict:
    """By the bucket's own usage logs, or by the project's record of data access, which Google recommends."""
    if bucket.has("logging.logBucket"):
        return PASS
    project = bucket.text("project")
    if any(_records_reading(config, project) for config in stack.of_type(AUDIT_CONFIG)):
        return PASS
    return HOLDS_LOGS if holds_logs(bucket, stack) else passes_if(False, "nothing records who reads it")


def _records_reading(config: Resource, project: str) -> bool:
    """A bucket that names no project is in the provider's, and so, most likely, is the record."""
    elsewhere = project and config.text("project") != project
    if elsewhere or config.text("service") not in _RECORDING:
        return False
    return "DATA_READ" in config.texts("auditLogConfigs.logType")


protected_logs = control(
    "LOG-007",
    title="Stored logs are safe from change and deletion",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC7.2"],
        "iso27001": ["A.5.28", "A.5.33", "A.8.15"],
        "gdpr": ["Art. 5(1)(f)", "Art. 5(2)"],
        "pci_dss": ["10.3.2", "10.3.3"],
    },
    remedy="Lock the store of the logs, or let it keep versions, and forbid its deletion.",
    options=Environments,
)
HOLDS_NONE = not_applicable("nothing shows that it holds logs")
MAY_GO = not_applicable("its environment may go away with its logs")
LOCKS = ("COMPLIANCE", "GOVERNANCE")


@protected_logs
@in_stack(S3_BUCKET, reads=["tags", f"{LOCK}.mode", f"{VERSIONING}.enabled"])
def s3_logs_are_protected(bucket: Resource, stack: Stack) -> Verdict:
    if not holds_logs(bucket, stack):
        return HOLDS_NONE
    if any(part.text("mode") in LOCKS for part in parts(bucket, LOCK)) or keeps_versions(bucket):
        return PASS
    locks = stack.companions(bucket, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", by="bucket")
    if any(lock.text("rule.defaultRetention.mode") in LOCKS for lock in locks):
        return PASS
    versions = stack.companions(bucket, "aws:s3/bucketVersioning:BucketVersioning", by="bucket")
    kept = any(version.text("versioningConfiguration.status") == "Enabled" for version in versions)
    return passes_if(kept, "it has neither a lock nor versions")


@protected_logs
@in_stack(ACCOUNT, reads=["tags", "immutableStorageWithVersioning.enabled"])
def blob_logs_are_protected(account: Resource, stack: Stack) -> Verdict:
    if not holds_logs(account, stack):
        return HOLDS_NONE
    if account.flag("immutableStorageWithVersioning.enabled"):
        return PASS
    locks = stack.companions(account, "azure-native:storage:BlobContainerImmutabilityPolicy", by="accountName")
    services = stack.companions(account, "azure-native:storage:BlobServiceProperties", by="accountName")
    kept = bool(locks) or any(service.flag("isVersioningEnabled") for service in services)
    return passes_if(kept, "it has neither a lock nor versions")


@protected_logs
@in_stack(GCS_BUCKET, reads=["labels", "retentionPolicy.isLocked", "versioning.enabled"])
def gcs_logs_are_protected(bucket: Resource, stack: Stack) -> Verdict:
    if not holds_logs(bucket, stack):
        return HOLDS_NONE
    kept = bucket.flag("retentionPolicy.isLocked") or bucket.flag("versioning.enabled")
    return passes_if(kept, "it has neither a lock nor versions")


@protected_logs
@applies_to(GROUP, reads=["deletionProtectionEnabled"])
@fixed_by(sets("deletionProtectionEnabled", True))
def log_group_is_protected(group: Resource, options: Environments) -> Verdict:
    if group.flag("deletionProtectionEnabled"):
        return PASS
    return passes_if(False, "deletionProtectionEnabled is off") if options.protects(group) else MAY_GO


@protected_logs
@applies_to(BUCKET, reads=["locked"])
def log_bucket_is_locked(bucket: Resource, options: Environments) -> Verdict:
    if bucket.flag("locked"):
        return PASS
    return passes_if(False, "locked is off") if options.protects(bucket) else MAY_GO


protected_logs_properties = check_properties(
    protected_logs,
    Property(WORKSPACE, "features.immediatePurgeDataOn30Days", OFF, fix=False),
)
