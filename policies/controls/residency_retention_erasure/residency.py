"""Where personal data is kept, and where it is copied to."""

from __future__ import annotations

from collections.abc import Iterable

from policies import (
    CRITICAL,
    HIGH,
    Resource,
    Stack,
    Verdict,
    applies_to,
    fails,
    in_stack,
    not_applicable,
)
from policies.clouds.common_settings import REPLICATION, parts
from policies.clouds.data_stores import (
    S3_BUCKET,
    STORAGE_ACCOUNT,
    STORES,
    STORING_CLOUDS,
    DataStore,
    in_data_stores,
    is_replica,
    list_named_stores,
    places_of,
)
from policies.clouds.regions import region_name
from policies.clouds.replication import COPYING, OWN_REPLICATION, destinations_of, origins_of, own_destinations_of
from policies.clouds.scope import IMPERSONAL
from policies.control import Declaration, Decorator, Judge
from policies.controls.residency_retention_erasure import Residency, control
from policies.property_checks import OFF, Property, check_properties
from policies.resource import Cloud, cloud_of

PLACED = {
    "soc2": ["C1.1", "P6.1"],
    "iso27001": ["A.5.31", "A.5.34"],
    "gdpr": ["Art. 44", "Art. 45", "Art. 46"],
}
"""What a place is evidence for."""

allowed_region = control(
    "RES-001",
    title="Personal data stays in allowed regions",
    severity=CRITICAL,
    maps=PLACED,
    remedy="Put the store, its replicas and its backups into regions that allowedRegions names, or tag what holds no"
    " personal data with personal-data and false.",
    options=Residency,
)


def _store_reads(store: DataStore) -> tuple[str, ...]:
    return (*store.places, store.tags)


def judge_regions(store: Resource, options: Residency) -> Verdict:
    return options.judge(places_of(store)) if options.is_in(store) else IMPERSONAL


allowed_region_checks = tuple(
    allowed_region(in_data_stores(cloud, _store_reads)(judge_regions)) for cloud in STORING_CLOUDS
)


copies_stay = control(
    "RES-002",
    title="Replicas and copies of personal data stay in allowed regions",
    severity=HIGH,
    maps={
        **PLACED,
        "soc2": ["C1.1", "CC6.7", "P6.1"],
        "iso27001": ["A.5.14", "A.5.34"],
        "gdpr": ["Art. 44", "Art. 46"],
    },
    remedy="Let copies go only to regions that allowedRegions names.",
    options=Residency,
)
NO_REPLICA = not_applicable("it follows no other store")


def _any_personal(origins: Iterable[Resource], copy: Resource, options: Residency) -> bool:
    """What is copied tells; where that is not in sight, the copy's own tags."""
    known = tuple(origins)
    return any(options.is_in(one) for one in known) if known else options.is_in(copy)


def _replica_stays(replica: Resource, stack: Stack, options: Residency) -> Verdict:
    """A replica holds what its source holds, whatever its own tags say."""
    if not is_replica(replica):
        return NO_REPLICA
    sources = list_named_stores(replica, STORES[replica.type].source, stack.of_type(replica.type), stack)
    return options.judge(places_of(replica)) if _any_personal(sources, replica, options) else IMPERSONAL


def _copies_stay(copying: Resource, stack: Stack, options: Residency) -> Verdict:
    if not _any_personal(origins_of(copying, stack), copying, options):
        return IMPERSONAL
    return options.judge(destinations_of(copying, stack))


def judge_copy(resource: Resource, stack: Stack, options: Residency) -> Verdict:
    return (_copies_stay if resource.type in COPYING else _replica_stays)(resource, stack, options)


def _copies_and_replicas(cloud: Cloud) -> Decorator:
    """Apply a check to all types of a cloud that copy a store, or may follow one."""

    def declare(judge: Judge | Declaration) -> Declaration:
        declaration = Declaration.of(judge)
        reads = {token: copying.reads for token, copying in COPYING.items()}
        reads |= {token: (*one.places, *one.origin, one.tags) for token, one in STORES.items() if one.source}
        for token, paths in reads.items():
            if cloud_of(token) == cloud:
                declaration = in_stack(token, reads=paths)(declaration)
        return declaration

    return declare


copies_stay_checks = tuple(copies_stay(_copies_and_replicas(cloud)(judge_copy)) for cloud in STORING_CLOUDS)


@copies_stay
@in_stack(S3_BUCKET, reads=[OWN_REPLICATION, "tags"])
def bucket_copies_stay(bucket: Resource, stack: Stack, options: Residency) -> Verdict:
    if not parts(bucket, REPLICATION):
        return not_applicable("it says nothing of copies itself")
    return options.judge(own_destinations_of(bucket, stack)) if options.is_in(bucket) else IMPERSONAL


_VAULT = "rules.copyActions.destinationVaultArn"


@copies_stay
@applies_to("aws:backup/plan:Plan", reads=[_VAULT, "tags"])
def plan_copies_stay(plan: Resource, options: Residency) -> Verdict:
    return options.judge(tuple(map(region_name, plan.texts(_VAULT)))) if options.is_in(plan) else IMPERSONAL


_PERSISTED = "messageStoragePolicy.allowedPersistenceRegions"


@copies_stay
@applies_to("gcp:pubsub/topic:Topic", reads=[_PERSISTED, "labels"])
def messages_stay(topic: Resource, options: Residency) -> Verdict:
    """Without a policy Pub/Sub keeps a message wherever it arrives."""
    if not options.is_in(topic):
        return IMPERSONAL
    regions = topic.texts(_PERSISTED)
    return options.judge(regions) if regions else fails("messageStoragePolicy names no region")


own_tenant = control(
    "RES-008",
    title="Object storage is not replicated to other tenants",
    severity=HIGH,
    maps={"soc2": ["C1.1", "CC6.7"], "iso27001": ["A.5.14", "A.5.34"], "gdpr": ["Art. 44"]},
    remedy="Turn allowCrossTenantReplication off.",
    link="https://learn.microsoft.com/azure/storage/blobs/object-replication-prevent-cross-tenant-policies",
)
_TENANTS = "allowCrossTenantReplication"


own_tenant_properties = check_properties(
    own_tenant,
    # Azure takes an absent setting for false in accounts made since December 2023.
    Property(STORAGE_ACCOUNT, _TENANTS, OFF, fix=False),
)
