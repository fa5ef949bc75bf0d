"""Settings that several controls read in the same way: of buckets, of databases made from others, of locks."""

from __future__ import annotations

from policies.resource import Resource
from policies.verdicts import Verdict, passes_if
from policies.view import View

ENCRYPTION = "serverSideEncryptionConfiguration.rule"
LOCK = "objectLockConfiguration.rule.defaultRetention"
VERSIONING, LOGGING, REPLICATION = "versioning", "logging", "replicationConfiguration"
LIFECYCLE = "lifecycleRules"


def parts(holder: View, path: str) -> list[View]:
    """Return the objects at a path of singular names, whatever of them are lists; raises Undeterminable."""
    found = [holder]
    for name in path.split("."):
        found = [part for one in found for said in (name, f"{name}s") for part in one.objects(said, alone=True)]
    return found


def keeps_versions(bucket: Resource) -> bool:
    """Tell whether the bucket itself says so; raises Undeterminable."""
    return any(part.flag("enabled") for part in parts(bucket, VERSIONING))


_SNAPSHOT, _MOMENT = "snapshotIdentifier", "restoreToPointInTime"
_FOLLOWED = ("replicateSourceDb", "replicationSourceIdentifier")
INSTANCE_ORIGINS = (_FOLLOWED[0], _SNAPSHOT, _MOMENT)
CLUSTER_ORIGINS = (_FOLLOWED[1], _SNAPSHOT, _MOMENT)
"""The properties that tell it, of an instance of RDS and of a cluster of Aurora."""


def follows_another(database: Resource) -> bool:
    """Tell whether it is a replica; raises Undeterminable."""
    return any(map(database.has, _FOLLOWED))


def is_restored(database: Resource) -> bool:
    """Tell whether it starts with what another one held; raises Undeterminable."""
    return database.has(_SNAPSHOT) or database.exists(_MOMENT)


BY_SCOPE, OF_GROUP, OF_RESOURCE, OF_SUBSCRIPTION = (
    f"azure-native:authorization:ManagementLock{of}"
    for of in ("ByScope", "AtResourceGroupLevel", "AtResourceLevel", "AtSubscriptionLevel")
)
KEEPING = "CanNotDelete"
_LEVELS = (KEEPING, "ReadOnly")


def keeps(lock: Resource) -> bool:
    """Tell whether nobody deletes what it holds."""
    return lock.text("level") in _LEVELS


def lock_keeps(lock: Resource) -> Verdict:
    """Judge whether the lock keeps what it holds."""
    return passes_if(keeps(lock), f"level is {lock.text('level', 'not set')}")
