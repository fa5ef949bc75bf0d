"""Logs of erasures: nobody changes or deletes an entry, who writes may write and list, and no stranger gets near."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.personal_data.aws_bucket import AwsBucketArgs, build_bucket_policy
from components.personal_data.gcp import GcpErasureLogArgs, NoPair

BUCKET, LOCK = "aws:s3/bucket:Bucket", "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
ROLE_POLICY, KEY = "aws:iam/rolePolicy:RolePolicy", "aws:kms/key:Key"
GCS, MEMBER = "gcp:storage/bucket:Bucket", "gcp:storage/bucketIAMMember:BucketIAMMember"
LOG, COPY = "test-aws-erasures", "test-aws-erasures-copy"
BUCKETS = (LOG, COPY, f"{LOG}-access", f"{COPY}-access")
DAY = 86_400


def companion(engine: Any, kind: str, name: str) -> Any:
    return engine.named(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", name)


def statements(engine: Any, name: str) -> dict[str, Any]:
    return {one["Sid"]: one for one in json.loads(companion(engine, "BucketPolicy", name)["policy"])["Statement"]}


@pytest.mark.parametrize("seen", ["erasure_logs", "modest_erasure_logs"])
def test_every_log_is_made_of_well_formed_components(seen: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(seen).assert_well_formed()


def test_the_app_is_told_of_them_in_its_own_words(erasure_logs: Any) -> None:
    bucket = erasure_logs.named(BUCKET, LOG)["bucket"]
    assert erasure_logs.result == {
        "aws": f"aws-s3:eu-central-1/{bucket}/erasures",
        "gcp": f"gcp-storage:{erasure_logs.only(GCS)['name']}/erasures",
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_of_amazon_is_closed(erasure_logs: Any, name: str) -> None:
    block = companion(erasure_logs, "BucketPublicAccessBlock", name)
    for way in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        assert block[way] is True
    owned = companion(erasure_logs, "BucketOwnershipControls", name)
    assert owned["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    assert companion(erasure_logs, "BucketVersioning", name)["versioningConfiguration"] == {"status": "Enabled"}
    bucket = erasure_logs.named(BUCKET, name)
    arn = f"arn:aws:s3:::{bucket['bucket']}"
    assert statements(erasure_logs, name)["TlsOnly"] == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_everything_of_a_copy_is_in_its_own_region(erasure_logs: Any, name: str) -> None:
    region = "eu-west-1" if name.startswith(COPY) else "eu-central-1"
    found = [
        resource for resource in erasure_logs.resources if resource.type.startswith("aws:s3/") and resource.name == name
    ]
    assert len(found) >= 6
    assert {one["region"] for one in found} == {region}


@pytest.mark.parametrize("name", [LOG, COPY])
def test_where_it_is_protected_nobody_at_all_lifts_the_lock_for_a_year(erasure_logs: Any, name: str) -> None:
    bucket = erasure_logs.named(BUCKET, name)
    assert bucket["objectLockEnabled"] is True
    assert bucket["forceDestroy"] is False
    assert bucket.protect
    assert erasure_logs.named(LOCK, name)["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}


def test_where_it_may_go_away_an_administrator_can_lift_it(modest_erasure_logs: Any) -> None:
    bucket = modest_erasure_logs.named(BUCKET, LOG)
    assert bucket["forceDestroy"] is True
    assert not bucket.protect
    assert modest_erasure_logs.only(LOCK)["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}


@pytest.mark.parametrize("name", [LOG, COPY])
def test_nobody_hides_an_entry_behind_a_mark_of_deletion(erasure_logs: Any, name: str) -> None:
    kept = statements(erasure_logs, name)["NobodyDeletes"]
    assert (kept["Effect"], kept["Principal"]) == ("Deny", "*")
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"} <= set(kept["Action"])
    assert "Condition" not in kept
    ended = erasure_logs.all("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert {one.name for one in ended} == {f"{LOG}-access", f"{COPY}-access"}


@pytest.mark.parametrize("name", [LOG, COPY])
def test_each_log_has_a_key_of_its_own_that_no_service_uses_by_itself(erasure_logs: Any, name: str) -> None:
    key = erasure_logs.named(KEY, name)
    assert key.protect
    assert key["tags"]["purpose"] == "storage"
    assert [one["Principal"] for one in json.loads(key["policy"])["Statement"]] == [
        {"AWS": "arn:aws:iam::000000000001:root"}
    ]
    encryption = companion(erasure_logs, "BucketServerSideEncryptionConfiguration", name)
    assert encryption["rules"] == [
        {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": f"arn:mock:{name}"}}
    ]


def test_who_used_a_log_is_delivered_beside_it_by_s3_alone_and_ends(erasure_logs: Any) -> None:
    for name in (LOG, COPY):
        log, access = (erasure_logs.named(BUCKET, one)["bucket"] for one in (name, f"{name}-access"))
        logging = companion(erasure_logs, "BucketLogging", name)
        assert (logging["bucket"], logging["targetBucket"]) == (log, access)
        delivery = statements(erasure_logs, f"{name}-access")["S3DeliversAccessLogs"]
        assert delivery["Principal"] == {"Service": "logging.s3.amazonaws.com"}
        assert delivery["Resource"] == f"arn:aws:s3:::{access}/*"
        assert delivery["Condition"] == {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{log}"},
            "StringEquals": {"aws:SourceAccount": "000000000001"},
        }
        # S3 delivers into no bucket with a default lock, and into none that another key than its own encrypts.
        assert erasure_logs.named(BUCKET, f"{name}-access")["objectLockEnabled"] is False
        encryption = companion(erasure_logs, "BucketServerSideEncryptionConfiguration", f"{name}-access")
        assert encryption["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
        [rule] = companion(erasure_logs, "BucketLifecycleConfiguration", f"{name}-access")["rules"]
        assert rule["expiration"] == {"days": 365}


def test_every_entry_is_copied_and_no_deletion(erasure_logs: Any) -> None:
    names = {name: erasure_logs.named(BUCKET, name)["bucket"] for name in BUCKETS}
    ways = {}
    for resource in erasure_logs.all(REPLICATION):
        [rule] = resource["rules"]
        assert rule["status"] == "Enabled"
        assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
        ways[resource["bucket"]] = rule["destination"]["bucket"].removeprefix("arn:aws:s3:::")
    assert ways == {
        names[LOG]: names[COPY],
        names[f"{LOG}-access"]: names[f"{COPY}-access"],
        names[f"{COPY}-access"]: names[f"{LOG}-access"],
    }
    [rule] = erasure_logs.named(REPLICATION, f"{LOG}-to-copy")["rules"]
    assert rule["destination"]["encryptionConfiguration"] == {"replicaKmsKeyId": f"arn:mock:{COPY}"}
    assert erasure_logs.named(BUCKET, COPY)["tags"]["copy-of"] == names[LOG]


def test_what_copies_reads_the_source_and_writes_the_copy_and_nothing_else(erasure_logs: Any) -> None:
    source, target = (f"arn:aws:s3:::{erasure_logs.named(BUCKET, name)['bucket']}" for name in (LOG, COPY))
    allowed = json.loads(erasure_logs.named(ROLE_POLICY, f"{LOG}-to-copy")["policy"])["Statement"]
    granted = {(action, one["Resource"]) for one in allowed for action in one["Action"]}
    assert {resource for action, resource in granted if "Get" in action or "List" in action} == {source, f"{source}/*"}
    assert {(action, resource) for action, resource in granted if "Replicate" in action} == {
        ("s3:ReplicateObject", f"{target}/*"),
        ("s3:ReplicateTags", f"{target}/*"),
    }
    assert {one for one in granted if one[0].startswith("kms:")} == {
        ("kms:Decrypt", f"arn:mock:{LOG}"),
        ("kms:Encrypt", f"arn:mock:{COPY}"),
    }
    assert all("*" not in action for action, _ in granted)


def test_where_there_is_one_region_nothing_is_copied(modest_erasure_logs: Any) -> None:
    assert not modest_erasure_logs.has(REPLICATION)
    assert sorted(resource.name for resource in modest_erasure_logs.all(BUCKET)) == [LOG, f"{LOG}-access"]
    assert "customPlacementConfig" not in modest_erasure_logs.only(GCS)
    assert modest_erasure_logs.only(GCS)["location"] == "europe-west3"
    assert modest_erasure_logs.only("gcp:kms/keyRing:KeyRing")["location"] == "europe-west3"


def test_a_bucket_without_a_lock_says_nothing_of_deletion() -> None:
    policy = json.loads(build_bucket_policy("arn:aws:s3:::b", AwsBucketArgs(bucket="b", region="r", tags={})))
    assert [one["Sid"] for one in policy["Statement"]] == ["TlsOnly"]


def test_the_bucket_of_google_is_closed_and_locked_for_good(erasure_logs: Any) -> None:
    bucket = erasure_logs.only(GCS)
    assert bucket.protect
    assert bucket["uniformBucketLevelAccess"] is True
    assert bucket["publicAccessPrevention"] == "enforced"
    assert bucket["retentionPolicy"] == {"retentionPeriod": str(365 * DAY), "isLocked": True}
    assert bucket["forceDestroy"] is False
    assert "lifecycleRules" not in bucket
    # Google refuses both together, and the policy lets nothing become an earlier version.
    assert "versioning" not in bucket


def test_where_it_may_go_away_google_locks_nothing_for_good(modest_erasure_logs: Any) -> None:
    bucket = modest_erasure_logs.only(GCS)
    assert bucket["retentionPolicy"] == {"retentionPeriod": str(7 * DAY), "isLocked": False}
    assert bucket["forceDestroy"] is True
    assert not bucket.protect


def test_google_keeps_it_in_two_regions_with_a_key_where_both_are(erasure_logs: Any) -> None:
    bucket = erasure_logs.only(GCS)
    assert bucket["location"] == "EU"
    assert bucket["customPlacementConfig"] == {"dataLocations": ["EUROPE-WEST3", "EUROPE-WEST4"]}
    assert erasure_logs.only("gcp:kms/keyRing:KeyRing")["location"] == "europe"
    assert bucket["encryption"] == {"defaultKmsKeyName": "test-gcp-erasures-id"}
    granted = erasure_logs.only("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    assert granted["member"] == "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com"


def test_in_google_writers_add_and_list_under_the_prefix_and_nothing_else(erasure_logs: Any) -> None:
    role = erasure_logs.only("gcp:projects/iAMCustomRole:IAMCustomRole")
    assert role["permissions"] == ["storage.objects.create", "storage.objects.list"]
    member = erasure_logs.only(MEMBER)
    assert member["role"] == f"projects/fortress-test/roles/{role['roleId']}"
    assert member["member"] == "serviceAccount:migrator@example.com"
    name = erasure_logs.only(GCS)["name"]
    assert member["condition"]["expression"] == (
        'resource.type == "storage.googleapis.com/Bucket"'
        f' || resource.name.startsWith("projects/_/buckets/{name}/objects/erasures/")'
    )


@pytest.mark.parametrize("kind", [BUCKET, GCS])
def test_what_is_logged_is_told_apart_from_personal_data(erasure_logs: Any, kind: str) -> None:
    for bucket in erasure_logs.all(kind):
        assert (bucket.get("tags") or bucket["labels"])["personal-data"] == "false"


@pytest.mark.parametrize("kind", [BUCKET, GCS])
def test_another_account_gets_other_names(erasure_logs: Any, kind: str) -> None:
    names = [resource.get("bucket") or resource["name"] for resource in erasure_logs.all(kind)]
    assert len({*names}) == len(names)
    assert all(name.rpartition("-")[2].isalnum() and len(name.rpartition("-")[2]) == 6 for name in names)


@pytest.mark.parametrize("other", ["us-east1", "europe-west3", "australia-southeast1"])
def test_google_pairs_two_regions_of_one_continent_only(other: str) -> None:
    with pytest.raises(NoPair, match=other):
        GcpErasureLogArgs(project="p", region="europe-west3", copy_region=other, writers={}, tags={})
