"""What databases of AWS are made from: another one that they go on following, or a snapshot or moment of one."""

from __future__ import annotations

from policies.resource import Resource

_SNAPSHOT, _MOMENT = "snapshotIdentifier", "restoreToPointInTime"
_FOLLOWED = ("replicateSourceDb", "replicationSourceIdentifier")
INSTANCE_ORIGINS = (_FOLLOWED[0], _SNAPSHOT, _MOMENT)
CLUSTER_ORIGINS = (_FOLLOWED[1], _SNAPSHOT, _MOMENT)
"""The properties that tell it, of an instance of RDS and of a cluster of Aurora."""


def follows_another(database: Resource) -> bool:
    """Whether it is a replica; raises Undeterminable."""
    return any(map(database.has, _FOLLOWED))


def is_restored(database: Resource) -> bool:
    """Whether it starts with what another one held; raises Undeterminable."""
    return database.has(_SNAPSHOT) or database.exists(_MOMENT)
