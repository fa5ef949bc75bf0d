"""What joins data stores: companions of buckets, copies over three clouds, regions."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any

import pytest

from policies import Resource, Stack, Status, View
from policies.clouds.common_settings import parts
from policies.clouds.data_stores import DYNAMODB, POSTGRES, RDS_INSTANCE, S3_BUCKET, STORAGE_ACCOUNT, STORES, places_of
from policies.clouds.regions import AZURE_PAIRS, Regions, region_name
from policies.clouds.replication import COPYING
from policies.control import Control
from policies.controls.backup_dr.backups import with_restorable_blobs
from policies.evaluation import Evaluator
from policies.registry import everything
from tests.policies.cases import UNKNOWN
from tests.policies.sdk_paths import missing

TODAY = datetime.date(2030, 1, 1)
DATABASES = [token for token, store in STORES.items() if store.database]


def store(
    token: str, name: str, *, stack: str = "production", tags: Mapping[str, str] | None = None, **given: Any
) -> Resource:
    """A data store whose own name in its cloud is `name`."""
    known = STORES[token]
    value: dict[str, Any] = {known.name: name, **given}
    node, (*way, last) = value, known.tags.split(".")
    for part in way:
        node = node.setdefault(part, {})
    node[last] = dict(tags or {})
    return Resource(value=value, urn=f"urn:pulumi:{stack}::shop::{token}::{name}-logical", type=token)


def verdict(control: str, subject: Resource, *others: Resource) -> Status:
    """What a control says of the first resource among all of them."""
    found: Control | None = everything().control(control)
    assert found
    check = next(one for one in everything().of(found) if one.is_for(subject.type))
    return Evaluator(everything(), TODAY).judge(check, subject, Stack([subject, *others])).status


@pytest.mark.parametrize("token", STORES)
def test_the_sdk_knows_what_a_data_store_says(token: str) -> None:
    known = STORES[token]
    paths = (known.name, known.tags, *known.places, *known.origin)
    assert not [problem for path in paths if (problem := missing(token, path))]


@pytest.mark.parametrize("token", COPYING)
def test_the_sdk_knows_what_a_copy_says(token: str) -> None:
    assert not [problem for path in COPYING[token].reads if (problem := missing(token, path))]


@pytest.mark.parametrize("other", STORES)
@pytest.mark.parametrize("token", DATABASES)
def test_a_copy_counts_in_another_cloud_only(token: str, other: str) -> None:
    database, copy = store(token, "ledger"), store(other, "standby", tags={"copy-of": "ledger"})
    expected = Status.FAIL if database.cloud == copy.cloud else Status.PASS
    assert verdict("BKP-009", database, copy) is expected
    assert verdict("BKP-009", database, store(other, "standby", tags={"copy-of": "another"})) is Status.FAIL


@pytest.mark.parametrize("token", DATABASES)
def test_two_databases_may_be_copies_of_each_other(token: str) -> None:
    other = next(database for database in DATABASES if store(database, "").cloud != store(token, "").cloud)
    one, two = store(token, "a", tags={"copy-of": "b"}), store(other, "b", tags={"copy-of": "a"})
    assert verdict("BKP-009", one, two) is Status.PASS
    assert verdict("BKP-009", two, one) is Status.PASS


@pytest.mark.parametrize("token", DATABASES)
def test_a_copy_of_a_copy_is_no_copy_of_the_first(token: str) -> None:
    other = next(database for database in DATABASES if store(database, "").cloud != store(token, "").cloud)
    first, second = store(token, "a"), store(token, "b", tags={"copy-of": "a"})
    third = store(other, "c", tags={"copy-of": "b"})
    assert verdict("BKP-009", first, second, third) is Status.FAIL
    assert verdict("BKP-009", second, first, third) is Status.NOT_APPLICABLE


def test_a_name_that_is_not_known_yet_is_neither_met_nor_missed() -> None:
    copy = store(POSTGRES, "standby", tags={"copy-of": "ledger"})
    assert verdict("BKP-009", store(DYNAMODB, UNKNOWN), copy) is Status.NOT_DETERMINABLE
    assert verdict("BKP-009", store(DYNAMODB, UNKNOWN)) is Status.FAIL


def test_a_replica_of_what_is_not_there_yet_is_one() -> None:
    source = f"urn:pulumi:production::shop::a:b:C${RDS_INSTANCE}::ledger"
    replica = dataclasses.replace(
        store(RDS_INSTANCE, "replica", replicateSourceDb=UNKNOWN),
        property_dependencies={"replicateSourceDb": (source,), "tags": (source,)},
    )
    assert verdict("BKP-009", replica) is Status.NOT_APPLICABLE
    other = dataclasses.replace(
        replica, property_dependencies={"replicateSourceDb": ("urn:pulumi:production::shop::a:b:C$aws:kms/key:Key::k",)}
    )
    assert verdict("BKP-009", other) is Status.NOT_DETERMINABLE


@pytest.mark.parametrize("token", DATABASES)
@pytest.mark.parametrize("stack", ["staging", "rehearsal-production", "shop-prod"])
def test_only_what_must_not_be_lost_needs_a_copy(token: str, stack: str) -> None:
    assert verdict("BKP-009", store(token, "ledger", stack=stack)) is Status.FAIL
    assert verdict("BKP-009", store(token, "ledger", stack="dev")) is Status.NOT_APPLICABLE


COMPANIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "NET-004": (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
    ),
    "TLS-003": (
        "aws:s3/bucketPolicy:BucketPolicy",
        {
            "policy": json.dumps(
                {
                    "Statement": {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                }
            )
        },
    ),
    "ENC-005": (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": "arn:aws:kms:eu-central-1:1:key/1",
                    }
                }
            ]
        },
    ),
    "BKP-006": ("aws:s3/bucketVersioning:BucketVersioning", {"versioningConfiguration": {"status": "Enabled"}}),
    "LOG-004": ("aws:s3/bucketLogging:BucketLogging", {"targetBucket": "logs", "targetPrefix": ""}),
    "RES-004": (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "rules": [
                {
                    "status": "Enabled",
                    "expiration": {"days": 365},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                }
            ]
        },
    ),
    "BKP-004": (
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        {"rules": [{"status": "Enabled", "destination": {"bucket": "arn:aws:s3:::far"}}]},
    ),
}
"""What belongs to a bucket, by the control that asks for it."""


def companions(*, but: str = "") -> list[Resource]:
    far = store(S3_BUCKET, "far", region="eu-west-1")
    return [far] + [
        Resource(value={"bucket": "files", **given}, urn=f"urn:pulumi:production::shop::{token}::files", type=token)
        for control, (token, given) in COMPANIONS.items()
        if control != but
    ]


@pytest.mark.parametrize("missing_one", ["", *COMPANIONS])
def test_each_companion_of_a_bucket_is_asked_for_by_one_control(missing_one: str) -> None:
    bucket = store(S3_BUCKET, "files", region="eu-central-1", tags={"data-classification": "confidential"})
    verdicts = {control: verdict(control, bucket, *companions(but=missing_one)) for control in COMPANIONS}
    expected = {control: Status.FAIL if control == missing_one else Status.PASS for control in COMPANIONS}
    expected["NET-004"] = Status.PASS  # S3 itself blocks the public where nobody says otherwise
    assert verdicts == expected


@pytest.mark.parametrize(("asked", "kept"), [({}, 8), ({"days": 30}, 31)])
def test_deleted_blobs_are_kept_longer_than_a_restore_goes_back(asked: dict[str, int], kept: int) -> None:
    """Azure refuses the one without the other."""
    service = with_restorable_blobs({"restorePolicy": asked, "deleteRetentionPolicy": {"days": 5}})
    assert service["deleteRetentionPolicy"]["days"] == kept
    assert (
        with_restorable_blobs({**service, "deleteRetentionPolicy": {"days": 90}})["deleteRetentionPolicy"]["days"] == 90
    )


DEFAULT = Regions()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("eu-central-1", "eu-central-1"),
        ("eu-central-1a", "eu-central-1"),
        ("us-gov-west-1b", "us-gov-west-1"),
        ("us-west-2-lax-1a", "us-west-2-lax-1a"),
        ("arn:aws:backup:eu-west-1:1:backup-vault:far", "eu-west-1"),
        ("Germany West Central", "germanywestcentral"),
        ("europe-west3-a", "europe-west3"),
        ("EUROPE-WEST10", "europe-west10"),
        ("projects/p/instanceConfigs/regional-europe-west3", "europe-west3"),
        ("EU", "eu"),
    ],
)
def test_regions_have_one_name_however_they_are_written(written: str, name: str) -> None:
    assert region_name(written) == name


@pytest.mark.parametrize("region", ["eu-west-3", "Sweden Central", "europe-west4-b", "EUR4", "norwayeast"])
def test_europe_is_allowed(region: str) -> None:
    assert DEFAULT.allows(region)


@pytest.mark.parametrize(
    "region",
    [
        *("us-east-1", "eu-west-2", "eu-central-2", "uksouth", "switzerlandnorth", "europe-west2", "europe-west6"),
        *("eur5", "eur7", "US", "global", "", "eu-west-33", "eu-west-3-fra-1a", "europe"),
    ],
)
def test_what_is_not_wholly_in_europe_is_not_allowed(region: str) -> None:
    assert not DEFAULT.allows(region)


@pytest.mark.parametrize("region", [pair for pair in AZURE_PAIRS if DEFAULT.allows(pair)])
def test_the_second_place_of_a_european_region_is_in_europe(region: str) -> None:
    account = store(STORAGE_ACCOUNT, "files", location=region, sku={"name": "Standard_GRS"})
    assert places_of(account) == (region, AZURE_PAIRS[region])
    assert DEFAULT.allows(AZURE_PAIRS[region])


def test_a_provider_may_say_the_region_of_what_says_none() -> None:
    bucket = Resource(
        value={}, urn="urn:pulumi:dev::shop::a::b", type=S3_BUCKET, provider=View(value={"region": "us-east-1"})
    )
    assert places_of(bucket) == ("us-east-1",)
    assert verdict("RES-001", bucket) is Status.FAIL


@pytest.mark.parametrize(
    "path",
    [
        "serverSideEncryptionConfigurations.rules.applyServerSideEncryptionByDefaults.sseAlgorithm",
        "objectLockConfiguration.rules.defaultRetentions.mode",
        "versionings.enabled",
        "loggings.targetBucket",
        "replicationConfigurations.rules.destinations.bucket",
        "lifecycleRules.expirations.days",
        "lifecycleRules.noncurrentVersionExpirations.days",
    ],
)
def test_the_second_type_of_buckets_has_lists_where_the_first_has_objects(path: str) -> None:
    """Whatever the first one calls it, the checks find it in the second by the same path with singular names."""
    assert not missing("aws:s3/bucketV2:BucketV2", path)
    *way, last = path.split(".")
    given: Any = {last: "here"}
    for name in reversed(way):
        given = {name: [given]} if name.endswith("s") else {name: given}
    singular = ".".join(name.removesuffix("s") for name in way)
    assert [part.text(last) for part in parts(View(value=given), singular)] == ["here"]
