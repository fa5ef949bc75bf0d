"""What buckets of AWS say of themselves, in the words of both types that there are for them.

Where `aws:s3/bucket:Bucket` has an object, `aws:s3/bucketV2:BucketV2`, which checks know by the first name, has a
list of one: `versioning.enabled` is `versionings[0].enabled` there.
"""

from __future__ import annotations

from policies.resource import Resource
from policies.view import View

ENCRYPTION = "serverSideEncryptionConfiguration.rule"
LOCK = "objectLockConfiguration.rule.defaultRetention"
VERSIONING, LOGGING, REPLICATION = "versioning", "logging", "replicationConfiguration"
LIFECYCLE = "lifecycleRules"


def parts(holder: View, path: str) -> list[View]:
    """The objects at a path of singular names, whatever of them are lists; raises Undeterminable."""
    found = [holder]
    for name in path.split("."):
        found = [part for one in found for said in (name, f"{name}s") for part in one.objects(said, alone=True)]
    return found


def keeps_versions(bucket: Resource) -> bool:
    """Whether the bucket itself says so; raises Undeterminable."""
    return any(one.flag("enabled") for one in parts(bucket, VERSIONING))
