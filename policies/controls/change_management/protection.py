"""What holds data, or is needed to read it, is not deleted by accident."""

from __future__ import annotations

from policies import (
    MEDIUM,
    Resource,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    not_applicable,
    passes_if,
    sets,
)
from policies.clouds.common_settings import BY_SCOPE, KEEPING, OF_GROUP, OF_RESOURCE, OF_SUBSCRIPTION, lock_keeps
from policies.clouds.data_stores import GCS_BUCKET, S3_BUCKET
from policies.clouds.scope import Environments
from policies.controls.change_management import control

protected = control(
    "CHG-004",
    title="What holds data is protected from being deleted or replaced",
    severity=MEDIUM,
    maps={
        "soc2": ["A1.2", "CC8.1"],
        "iso27001": ["A.8.13", "A.8.32"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["6.5.1"],
    },
    remedy="Set the option protect, and leave forceDestroy off; to delete it then takes a decision of its own.",
    link="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    options=Environments,
)
UNPROTECTED = not_applicable("its stack is not among protectedStacks")


KEPT: dict[str, tuple[str, ...]] = {
    "aws": (
        "aws:rds/cluster:Cluster",
        "aws:dynamodb/table:Table",
        "aws:efs/fileSystem:FileSystem",
        "aws:kms/key:Key",
    ),
    "azure": (
        "azure-native:sql:Database",
        "azure-native:storage:StorageAccount",
        "azure-native:keyvault:Vault",
        "azure-native:keyvault:Key",
    ),
    "gcp": ("gcp:kms/cryptoKey:CryptoKey", "gcp:spanner/database:Database", "gcp:alloydb/cluster:Cluster"),
}
"""What holds data, or is needed to read it, and has no other setting to look at."""


def judge_protection(resource: Resource, options: Environments, *, replica: bool = False) -> Verdict:
    if not options.protects(resource):
        return UNPROTECTED
    if replica:
        return not_applicable("it is a copy")
    return passes_if(resource.protect, "the option protect is not set")


def judge_store(store: Resource, options: Environments) -> Verdict:
    return judge_protection(store, options)


store_checks = tuple(protected(applies_to(*types, reads=[])(judge_store)) for types in KEPT.values())


@protected
@applies_to("aws:rds/instance:Instance", reads=["replicateSourceDb"])
def rds_instance_is_kept(instance: Resource, options: Environments) -> Verdict:
    return judge_protection(instance, options, replica=not instance.protect and instance.has("replicateSourceDb"))


def judge_bucket(bucket: Resource, options: Environments) -> Verdict:
    if options.protects(bucket) and bucket.flag("forceDestroy"):
        return fails("forceDestroy is on")
    return judge_protection(bucket, options)


@protected
@applies_to("azure-native:dbforpostgresql:Server", reads=["createMode"])
def azure_server_is_kept(server: Resource, options: Environments) -> Verdict:
    return judge_protection(server, options, replica=not server.protect and server.text("createMode") == "Replica")


@protected
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=["masterInstanceName"])
def cloud_sql_instance_is_kept(instance: Resource, options: Environments) -> Verdict:
    return judge_protection(instance, options, replica=not instance.protect and instance.has("masterInstanceName"))


bucket_checks = tuple(
    protected(applies_to(token, reads=["forceDestroy"])(judge_bucket)) for token in (S3_BUCKET, GCS_BUCKET)
)


locked = control(
    "CHG-010",
    title="Locks, clusters and entrances of protected stacks refuse deletion",
    severity=MEDIUM,
    maps={"soc2": ["A1.2", "CC8.1"], "iso27001": ["A.8.14", "A.8.32"], "gdpr": ["Art. 32(1)(b)"], "pci_dss": ["6.5.1"]},
    remedy="Turn its own protection from deletion on: it holds in the console, too.",
    options=Environments,
)


@locked
@applies_to("aws:eks/cluster:Cluster", reads=["deletionProtection"])
@fixed_by(sets("deletionProtection", True))
def eks_refuses_deletion(cluster: Resource, options: Environments) -> Verdict:
    return _refuses(cluster, "deletionProtection", options)


@locked
@applies_to("aws:lb/loadBalancer:LoadBalancer", reads=["enableDeletionProtection"])
@fixed_by(sets("enableDeletionProtection", True))
def load_balancer_refuses_deletion(balancer: Resource, options: Environments) -> Verdict:
    return _refuses(balancer, "enableDeletionProtection", options)


def _refuses(resource: Resource, path: str, options: Environments) -> Verdict:
    if not options.protects(resource):
        return UNPROTECTED
    return passes_if(resource.flag(path), f"{path} is not on")


@locked
@applies_to(BY_SCOPE, OF_GROUP, OF_RESOURCE, OF_SUBSCRIPTION, reads=["level"])
@fixed_by(sets("level", KEEPING))
def lock_locks(lock: Resource) -> Verdict:
    """A lock holds wherever somebody made one."""
    return lock_keeps(lock)
