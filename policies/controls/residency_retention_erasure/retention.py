"""Personal data goes when its time is over."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

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
from policies.clouds.common_settings import LIFECYCLE, parts
from policies.clouds.data_stores import BIGQUERY, DYNAMODB, GCS_BUCKET, S3_BUCKET, STORAGE_ACCOUNT
from policies.clouds.scope import IMPERSONAL, PersonalData
from policies.controls.residency_retention_erasure import control
from policies.values import unwrap

HOURS, MILLISECONDS = 24, 86_400_000


class Keeping(PersonalData):
    """How long personal data may be kept."""

    maximum_days: int = Field(
        default=3653, ge=1, description="Days after which personal data must be gone; ten years where nothing is said."
    )

    def allow(self, days: Iterable[float]) -> bool:
        """Tell whether there is a period, and each is short enough; no period at all, written as 0, is none."""
        known = tuple(days)
        return bool(known) and all(0 < one <= self.maximum_days for one in known)


EXPIRING = {
    "soc2": ["C1.2", "P4.2", "P4.3"],
    "iso27001": ["A.5.33", "A.8.10"],
    "gdpr": ["Art. 5(1)(e)", "Art. 17"],
    "pci_dss": ["3.2.1"],
}
"""What an end is evidence for."""

objects_expire = control(
    "RES-004",
    title="Object storage deletes personal data when its time is over",
    severity=MEDIUM,
    maps=EXPIRING,
    remedy="Add a rule for the whole store that deletes objects, and their earlier versions, within maximumDays.",
    options=Keeping,
)


@objects_expire
@in_stack(
    S3_BUCKET,
    reads=[
        "tags",
        *(
            f"{LIFECYCLE}.{name}"
            for name in ("enabled", "prefix", "expiration.days", "noncurrentVersionExpiration.days")
        ),
    ],
)
def s3_objects_expire(bucket: Resource, stack: Stack, options: Keeping) -> Verdict:
    if not options.is_in(bucket):
        return IMPERSONAL
    companions = stack.companions(
        bucket, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", by="bucket"
    )
    rules = [rule for companion in companions for rule in companion.objects("rules") if _is_for_all(rule)]
    own = [rule for rule in bucket.objects(LIFECYCLE) if _own_is_for_all(rule)]
    ends = [rule.number("expiration.days") for rule in rules] + _own_days(own, "expiration")
    if not any(options.allow([days]) for days in ends):
        return fails("no rule deletes all its objects in time")
    ends = [rule.number(f"{_NONCURRENT}.noncurrentDays") for rule in rules] + _own_days(own, _NONCURRENT)
    return passes_if(any(options.allow([days]) for days in ends), "no rule deletes earlier versions in time")


_NONCURRENT = "noncurrentVersionExpiration"


def _own_is_for_all(rule: View) -> bool:
    """The same of a rule that stands in the bucket itself."""
    return rule.flag("enabled") and not rule.has("prefix") and not rule.table("tags")


def _own_days(rules: Iterable[View], kind: str) -> list[float]:
    return [part.number("days") for rule in rules for part in parts(rule, kind)]


def _is_for_all(rule: View) -> bool:
    """Tell whether a rule is on, and means every object."""
    return rule.text("status") == "Enabled" and not rule.has("prefix") and not _narrows(rule.object("filter"))


def _narrows(filter_: View, *harmless: str) -> bool:
    """Tell whether a filter leaves anything out: by a property, also one that is new to us, with a value in it."""
    return any(unwrap(value, f"{filter_.path}.{key}") for key, value in filter_.entries() if key not in harmless)


_BLOBS = "definition.actions.baseBlob.delete.daysAfterModificationGreaterThan"


@objects_expire
@in_stack(STORAGE_ACCOUNT, reads=["tags"])
def blobs_expire(account: Resource, stack: Stack, options: Keeping) -> Verdict:
    if not options.is_in(account):
        return IMPERSONAL
    companions = stack.companions(account, "azure-native:storage:ManagementPolicy", by="accountName")
    rules = [rule for companion in companions for rule in companion.objects("policy.rules") if _is_for_all_blobs(rule)]
    return passes_if(any(options.allow([rule.number(_BLOBS)]) for rule in rules), "no rule deletes all blobs in time")


def _is_for_all_blobs(rule: View) -> bool:
    return rule.flag("enabled", default=True) and not _narrows(rule.object("definition.filters"), "blobTypes")


_HARMLESS = ("age", "withState", "sendAgeIfZero", "sendDaysSinceCustomTimeIfZero", "sendDaysSinceNoncurrentTimeIfZero")


@objects_expire
@applies_to(GCS_BUCKET, reads=["labels", "lifecycleRules.action.type", "lifecycleRules.condition.age"])
def gcs_objects_expire(bucket: Resource, options: Keeping) -> Verdict:
    """A rule by age means earlier versions too, unless it asks for live ones."""
    if not options.is_in(bucket):
        return IMPERSONAL
    rules = [rule for rule in bucket.objects("lifecycleRules") if rule.text("action.type") == "Delete"]
    whole = [rule.object("condition") for rule in rules if _means_all(rule.object("condition"))]
    return passes_if(any(options.allow([rule.number("age")]) for rule in whole), "no rule deletes all objects in time")


def _means_all(condition: View) -> bool:
    return condition.text("withState", "ANY") == "ANY" and not _narrows(condition, *_HARMLESS)


records_expire = control(
    "RES-005",
    title="Tables, streams and datasets delete personal data when its time is over",
    severity=MEDIUM,
    maps={**EXPIRING, "soc2": ["C1.2", "P4.2"], "iso27001": ["A.8.10"]},
    remedy="Let records expire: by a time to live, a retention period, or the expiry of tables or partitions.",
    options=Keeping,
)


@records_expire
@applies_to(DYNAMODB, reads=["tags", "ttl.enabled", "ttl.attributeName"])
def dynamodb_items_expire(table: Resource, options: Keeping) -> Verdict:
    if not options.is_in(table):
        return IMPERSONAL
    if not table.flag("ttl.enabled"):
        return fails("ttl is off")
    return passes_if(table.has("ttl.attributeName"), "ttl names no attribute")


@records_expire
@applies_to("aws:kinesis/stream:Stream", reads=["tags", "retentionPeriod"])
def kinesis_records_expire(stream: Resource, options: Keeping) -> Verdict:
    """A stream keeps a day where nobody says otherwise."""
    if not options.is_in(stream):
        return IMPERSONAL
    hours = stream.number("retentionPeriod", default=HOURS)
    return passes_if(options.allow([hours / HOURS]), f"retentionPeriod is {hours} hours")


@records_expire
@applies_to("azure-native:cosmosdb:SqlResourceSqlContainer", reads=["tags", "resource.defaultTtl"])
def cosmos_items_expire(container: Resource, options: Keeping) -> Verdict:
    """With -1 only items expire that say so themselves."""
    if not options.is_in(container):
        return IMPERSONAL
    seconds = container.number("resource.defaultTtl")
    return passes_if(options.allow([seconds * 1000 / MILLISECONDS]), f"defaultTtl is {seconds or 'not set'}")


_EXPIRIES = ("defaultTableExpirationMs", "defaultPartitionExpirationMs")


@records_expire
@applies_to(BIGQUERY, reads=["labels", *_EXPIRIES])
def bigquery_tables_expire(dataset: Resource, options: Keeping) -> Verdict:
    if not options.is_in(dataset):
        return IMPERSONAL
    days = [dataset.number(path) / MILLISECONDS for path in _EXPIRIES if dataset.exists(path)]
    return PASS if options.allow(days) else fails("neither tables nor partitions expire in time")
