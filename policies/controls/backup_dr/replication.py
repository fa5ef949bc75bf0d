"""Copies of data stores where no fault of a region or of a cloud reaches."""

from __future__ import annotations

from policies import HIGH, PASS, Resource, Stack, Verdict, fails
from policies.clouds.data_stores import (
    S3_BUCKET,
    STORING_CLOUDS,
    DataStore,
    home_of,
    in_data_stores,
    is_replica,
    is_spread,
    replicas_of,
)
from policies.clouds.replication import (
    carriers_of,
    destinations_of,
    has_tagged_copy,
    is_on,
    is_tagged_copy,
    own_destinations_of,
    replicates_itself,
)
from policies.clouds.scope import Environments
from policies.controls.backup_dr import EXPENDABLE, REPLICA, control
from policies.controls.backup_dr.plans import is_copied_away
from policies.verdicts import not_applicable

LASTING = {
    "soc2": ["A1.2", "CC7.5", "CC9.1"],
    "iso27001": ["A.5.29", "A.5.30", "A.8.13", "A.8.14"],
    "gdpr": ["Art. 32(1)(b)", "Art. 32(1)(c)"],
}
"""What a copy elsewhere is evidence for."""
COPY = not_applicable("a copy of another store, as its tag says")


def _spare(store: Resource, stack: Stack, options: Environments) -> Verdict | None:
    """Return why a store needs no copy of its own, or nothing."""
    if not options.protects(store):
        return EXPENDABLE
    if is_replica(store):
        return REPLICA
    return COPY if is_tagged_copy(store, stack) else None


copied_away = control(
    "BKP-004",
    title="Data stores have a copy in another region or cloud",
    severity=HIGH,
    maps=LASTING,
    remedy="Replicate the store, or copy its backups, to another region or cloud, and tag a copy that the clouds do not"
    " know of with copy-of and the name of the store.",
    options=Environments,
)


def _store_reads(store: DataStore) -> tuple[str, ...]:
    return (store.name, store.tags, *store.places, *store.origin)


def judge_copy_elsewhere(store: Resource, stack: Stack, options: Environments) -> Verdict:
    spared = _spare(store, stack, options)
    if spared:
        return spared
    if has_tagged_copy(store, stack, lambda other: other.cloud != store.cloud or home_of(other) != home_of(store)):
        return PASS
    if is_spread(store) or _is_replicated(store, stack) or _is_carried(store, stack):
        return PASS
    return fails("it has no copy in another region or cloud")


def _is_replicated(store: Resource, stack: Stack) -> bool:
    return any(home_of(replica) != home_of(store) for replica in replicas_of(store, stack))


def _is_carried(store: Resource, stack: Stack) -> bool:
    """Tell whether something else copies it away."""
    home = home_of(store)
    carriers = [copying for copying in carriers_of(store, stack) if is_on(copying)]
    if any(place != home for copying in carriers for place in destinations_of(copying, stack)):
        return True
    own = own_destinations_of(store, stack) if store.type == S3_BUCKET and replicates_itself(store) else ()
    if any(place != home for place in own):
        return True
    return store.cloud == "aws" and is_copied_away(store, home, stack)


copied_away_checks = tuple(
    copied_away(in_data_stores(cloud, _store_reads, joins=True)(judge_copy_elsewhere)) for cloud in STORING_CLOUDS
)


other_cloud = control(
    "BKP-009",
    title="Every database has a copy in another cloud",
    severity=HIGH,
    maps=LASTING,
    remedy="Feed a standby, or copy the backups, in another cloud, and tag it with copy-of and the database's name.",
    options=Environments,
)


def _database_reads(database: DataStore) -> tuple[str, ...]:
    return (database.name, database.tags, *database.origin)


def judge_copy_in_other_cloud(database: Resource, stack: Stack, options: Environments) -> Verdict:
    spared = _spare(database, stack, options)
    if spared:
        return spared
    if has_tagged_copy(database, stack, lambda other: other.cloud != database.cloud):
        return PASS
    return fails("no store in another cloud says that it is a copy of it")


other_cloud_checks = tuple(
    other_cloud(in_data_stores(cloud, _database_reads, databases=True, joins=True)(judge_copy_in_other_cloud))
    for cloud in STORING_CLOUDS
)
