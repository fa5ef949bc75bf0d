"""Erasure stays possible: no lock holds personal data longer than it may be kept."""

from __future__ import annotations

from policies import (
    MEDIUM,
    PASS,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    in_stack,
    passes_if,
)
from policies.clouds.common_settings import LOCK as OWN_LOCK
from policies.clouds.common_settings import parts
from policies.clouds.data_stores import GCS_BUCKET, S3_BUCKET, STORAGE_ACCOUNT
from policies.clouds.durations import DAY_SECONDS
from policies.clouds.scope import IMPERSONAL
from policies.controls.logging_audit.storage import holds_logs
from policies.controls.residency_retention_erasure import control
from policies.controls.residency_retention_erasure.retention import Keeping
from policies.verdicts import not_applicable

erasable = control(
    "RES-006",
    title="No lock holds personal data longer than it may be kept",
    severity=MEDIUM,
    maps={
        "soc2": ["C1.2", "P4.3"],
        "iso27001": ["A.5.34", "A.8.10"],
        "gdpr": ["Art. 5(1)(e)", "Art. 17"],
    },
    remedy="Shorten the lock to maximumDays, choose a mode that an administrator can lift, and let backups end.",
    options=Keeping,
)
HOLDS_LOGS = not_applicable("it holds logs, which are locked on purpose")
YEAR_DAYS = 366
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
_RETENTION = "rule.defaultRetention"


def _judge(days: float, options: Keeping) -> Verdict:
    return passes_if(days <= options.maximum_days, f"locked for {days} days")


def _locked_days(retention: View) -> float:
    """How long nobody can delete: none in the mode that an administrator can lift, nor where no mode is set."""
    if retention.text("mode", "GOVERNANCE") == "GOVERNANCE":
        return 0
    return retention.number("days") + retention.number("years") * YEAR_DAYS


@erasable
@in_stack(S3_BUCKET, reads=["tags", *(f"{OWN_LOCK}.{name}" for name in ("mode", "days", "years"))])
def s3_objects_are_erasable(bucket: Resource, stack: Stack, options: Keeping) -> Verdict:
    if not options.is_in(bucket):
        return IMPERSONAL
    if holds_logs(bucket, stack):
        return HOLDS_LOGS
    locks = parts(bucket, OWN_LOCK)
    locks += [lock.object(_RETENTION) for lock in stack.companions(bucket, LOCK, by="bucket")]
    return _judge(max(map(_locked_days, locks), default=0), options)


_PERIOD = "immutabilityPeriodSinceCreationInDays"
_OF_ACCOUNT = f"immutableStorageWithVersioning.immutabilityPolicy.{_PERIOD}"


@erasable
@in_stack(STORAGE_ACCOUNT, reads=["tags", _OF_ACCOUNT])
def blobs_are_erasable(account: Resource, stack: Stack, options: Keeping) -> Verdict:
    if not options.is_in(account):
        return IMPERSONAL
    if holds_logs(account, stack):
        return HOLDS_LOGS
    locks = stack.companions(account, "azure-native:storage:BlobContainerImmutabilityPolicy", by="accountName")
    return _judge(max([account.number(_OF_ACCOUNT), *(lock.number(_PERIOD) for lock in locks)]), options)


@erasable
@in_stack(GCS_BUCKET, reads=["labels", "retentionPolicy.retentionPeriod"])
def gcs_objects_are_erasable(bucket: Resource, stack: Stack, options: Keeping) -> Verdict:
    if not options.is_in(bucket):
        return IMPERSONAL
    if holds_logs(bucket, stack):
        return HOLDS_LOGS
    return _judge(bucket.number("retentionPolicy.retentionPeriod") / DAY_SECONDS, options)


@erasable
@applies_to("aws:backup/plan:Plan", reads=["tags", "rules.lifecycle.deleteAfter"])
def backups_end(plan: Resource, options: Keeping) -> Verdict:
    if not options.is_in(plan):
        return IMPERSONAL
    ends = [rule.number("lifecycle.deleteAfter") for rule in plan.objects("rules")]
    if all(0 < days <= options.maximum_days for days in ends):
        return PASS
    return fails("a rule keeps backups longer, or for ever")
