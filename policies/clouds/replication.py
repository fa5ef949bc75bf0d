"""Copies of data stores: what makes one, where it goes, and the tag that says of what a store is one."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from policies.clouds.common_settings import REPLICATION, parts
from policies.clouds.data_stores import (
    AZURE_SQL,
    AZURE_SQL_SERVER,
    DYNAMODB,
    EFS,
    GCS_BUCKET,
    RDS_CLUSTER,
    RDS_INSTANCE,
    REDSHIFT,
    S3_BUCKET,
    STORES,
    follows,
    home_of,
    is_replica,
    list_named_stores,
    names_of,
    region_of,
    stores_in,
    texts_if_known,
)
from policies.clouds.regions import region_name
from policies.clouds.tags import place_of, tags_of
from policies.resource import Resource
from policies.stack import Stack
from policies.values import Undeterminable, Unknown
from policies.view import View

COPY_OF = "copy-of"
"""The tag on a store whose value names the store that it is a copy of. A store that holds several copies has the tag
several times, each with something of its own at the end of the key: `copy-of-1`, `copy-of-2`."""


@dataclass(frozen=True, kw_only=True)
class Copying:
    """What is to be known of a resource that copies a data store: names of its properties."""

    source: str
    """The store, or a snapshot of it."""
    of: tuple[str, ...]
    """The types of stores that it copies."""
    region: str = ""
    """Where the copy is; its own region or its provider's where that is not said."""
    regions: str = ""
    """Lists the regions where copies are."""
    into: str = ""
    """What holds the copy, to be found in the stack."""
    holders: tuple[str, ...] = ()
    """The types of that."""
    tags: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the properties that a check reads which asks where copies go."""
        return tuple(path for path in (self.source, self.region, self.regions, self.into, self.tags) if path)


S3_REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
COPYING = {
    S3_REPLICATION: Copying(source="bucket", of=(S3_BUCKET,), into="rules.destination.bucket", holders=(S3_BUCKET,)),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": Copying(
        source="sourceDbInstanceArn", of=(RDS_INSTANCE,), region="region"
    ),
    "aws:rds/snapshotCopy:SnapshotCopy": Copying(
        source="sourceDbSnapshotIdentifier", of=(RDS_INSTANCE,), region="destinationRegion", tags="tags"
    ),
    "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy": Copying(
        source="sourceDbClusterSnapshotIdentifier", of=(RDS_CLUSTER,), region="destinationRegion", tags="tags"
    ),
    "aws:ebs/snapshotCopy:SnapshotCopy": Copying(source="sourceSnapshotId", of=(), region="region", tags="tags"),
    "aws:dynamodb/tableReplica:TableReplica": Copying(
        source="globalTableArn", of=(DYNAMODB,), region="region", tags="tags"
    ),
    "aws:efs/replicationConfiguration:ReplicationConfiguration": Copying(
        source="sourceFileSystemId", of=(EFS,), region="destination.region"
    ),
    "aws:redshift/snapshotCopy:SnapshotCopy": Copying(
        source="clusterIdentifier", of=(REDSHIFT,), region="destinationRegion"
    ),
    "azure-native:sql:FailoverGroup": Copying(
        source="databases", of=(AZURE_SQL,), into="partnerServers.id", holders=(AZURE_SQL_SERVER,), tags="tags"
    ),
    "gcp:storage/transferJob:TransferJob": Copying(
        source="transferSpec.gcsDataSource.bucketName",
        of=(GCS_BUCKET,),
        into="transferSpec.gcsDataSink.bucketName",
        holders=(GCS_BUCKET,),
    ),
    "gcp:compute/snapshot:Snapshot": Copying(source="sourceDisk", of=(), regions="storageLocations", tags="labels"),
}
"""Resources that exist to copy a store; what a store copies itself is among its places."""
OWN_REPLICATION = f"{REPLICATION}.rules.destination.bucket"
_OF_SECOND_TYPE = f"{REPLICATION}s.rules.destinations.bucket"
"""Where a bucket of AWS itself says to what other buckets it is copied."""
SNAPSHOTS = {
    "aws:rds/snapshot:Snapshot": "dbInstanceIdentifier",
    "aws:rds/clusterSnapshot:ClusterSnapshot": "dbClusterIdentifier",
}
"""What stands between a store and the copy of its snapshot, and the property that names the store."""


def origins_of(copying: Resource, stack: Stack) -> tuple[Resource, ...]:
    """List the stores of this stack that are copied, as far as that is known."""
    known = COPYING[copying.type]
    snapshots = [resource for resource in stack.of_type(*SNAPSHOTS) if stack.refers(copying, known.source, resource)]
    return (
        *list_named_stores(copying, known.source, stack.of_type(*known.of), stack),
        *(
            store
            for store in stack.of_type(*known.of)
            if any(follows(snapshot, SNAPSHOTS[snapshot.type], store, stack) for snapshot in snapshots)
        ),
    )


def is_on(copying: Resource) -> bool:
    """Tell whether it copies; the rules of a bucket's replication may be off."""
    return copying.type != S3_REPLICATION or _has_rule(copying)


def replicates_itself(bucket: Resource) -> bool:
    """Tell whether a bucket of AWS itself says that it is copied, by a rule that is on."""
    return any(map(_has_rule, parts(bucket, REPLICATION)))


def _has_rule(replication: View) -> bool:
    return any(rule.text("status") == "Enabled" for rule in replication.objects("rules"))


def carriers_of(store: Resource, stack: Stack) -> tuple[Resource, ...]:
    """List what copies a store, as far as that is known."""
    return tuple(_carriers(stack).get(store.urn, ()))


@functools.lru_cache(maxsize=1)
def _carriers(stack: Stack) -> Mapping[str, list[Resource]]:
    """Map each store to what copies it; cached, for every store asks."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for copying in stack.of_type(*COPYING):
        for store in origins_of(copying, stack):
            found[store.urn].append(copying)
    return found


def destinations_of(copying: Resource, stack: Stack) -> tuple[str, ...]:
    """Return the regions to which it copies; raises Undeterminable, also for a target outside this stack."""
    known = COPYING[copying.type]
    if known.into:
        holders = holders_of(copying, known.into, known.holders, stack, but=origins_of(copying, stack))
        return tuple(map(_place, holders))
    if known.region:
        return (region_of(copying, said=known.region),)
    named = copying.texts(known.regions)
    if not named:
        raise Unknown(known.regions, "does not say where the copy is")
    return tuple(map(region_name, named))


def _place(holder: Resource) -> str:
    return region_of(holder, said="location") if holder.type == AZURE_SQL_SERVER else home_of(holder)


def own_destinations_of(bucket: Resource, stack: Stack) -> tuple[str, ...]:
    """Return the regions to which a bucket of AWS copies itself; raises Undeterminable, as `destinations_of` does."""
    if not parts(bucket, REPLICATION):
        return ()
    path = OWN_REPLICATION if bucket.exists(REPLICATION) else _OF_SECOND_TYPE
    return tuple(map(_place, holders_of(bucket, path, (S3_BUCKET,), stack, but=(bucket,))))


def holders_of(
    copying: Resource, path: str, types: tuple[str, ...], stack: Stack, *, but: tuple[Resource, ...]
) -> list[Resource]:
    """Return what a property names as the places of copies; raises Unknown where one of them is not in this stack."""
    holders = [store for store in list_named_stores(copying, path, stack.of_type(*types), stack) if store not in but]
    named = texts_if_known(copying, path)
    if not holders or (named and len(set(named)) > len(holders)):
        raise Unknown(path, "leads out of this stack")
    return holders


def has_tagged_copy(store: Resource, stack: Stack, counts: Callable[[Resource], bool]) -> bool:
    """Tell whether a store says that it is a copy of this one, and counts; raises Undeterminable where one may be."""
    doubt: Undeterminable | None = None
    for copy, originals in _list_tagged_copies(stack):
        try:
            if _names_store(originals, store) and counts(copy):
                return True
        except Undeterminable as signal:
            doubt = signal
    if doubt:
        raise doubt
    return False


def _names_store(originals: frozenset[str] | Undeterminable, store: Resource) -> bool:
    """Raises Undeterminable where a copy names what is not known, or the store's own name is not known."""
    if isinstance(originals, Undeterminable):
        raise originals
    return store.name in originals or store.text(STORES[store.type].name) in originals


@functools.lru_cache(maxsize=1)
def _list_tagged_copies(stack: Stack) -> tuple[tuple[Resource, frozenset[str] | Undeterminable], ...]:
    """Map the stores that name another one to what they name; cached, for every database asks."""
    found: list[tuple[Resource, frozenset[str] | Undeterminable]] = []
    for store in stores_in(stack):
        try:
            if originals := originals_of(store, stack):
                found.append((store, originals))
        except Undeterminable as signal:
            found.append((store, signal))
    return tuple(found)


def is_tagged_copy(store: Resource, stack: Stack) -> bool:
    """Tell whether its tag names a store of this stack that is neither a copy itself nor a replica."""
    named = originals_of(store, stack)
    others = [other for other in stores_in(stack) if other is not store and named & names_of(other)] if named else []
    return any(not originals_of(other, stack) and not is_replica(other) for other in others)


def originals_of(store: Resource, stack: Stack) -> frozenset[str]:
    """Return the names in its tag copy-of; a name that is not known yet is that of the store it comes from."""
    names: set[str] = set()
    for key, value in tags_of(store).items():
        if key == COPY_OF or key.startswith(f"{COPY_OF}-"):
            names |= _original(store, value, stack)
    return frozenset(names - {""})


def _original(store: Resource, tag: View, stack: Stack) -> frozenset[str]:
    sources = [source for source in stack.sources(store, place_of(store)) if source.type in STORES]
    if tag.known("_") or not sources:
        return frozenset({tag.text("_")})
    return frozenset(name for source in sources for name in names_of(source))
