"""Volumes and file systems that something backs up on schedule."""

from __future__ import annotations

from policies import MEDIUM, PASS, Resource, Stack, Verdict, in_stack, not_applicable, passes_if
from policies.clouds.data_stores import EFS, FILESTORE
from policies.clouds.scope import Environments
from policies.clouds.tags import effective_tag
from policies.controls.backup_dr import EXPENDABLE, RESTORABLE, control
from policies.controls.backup_dr.plans import VOLUME, plans_of

BACKUP, NONE = "backup", "none"
"""The tag on a volume that may be lost, such as one of scratch space, and its value."""
UNNEEDED = not_applicable("its tag says that it needs no backup")
NO_PLAN = "no backup plan takes it"

in_plan = control(
    "BKP-007",
    title="Volumes and file systems are in a backup plan",
    severity=MEDIUM,
    maps=RESTORABLE,
    remedy="Let a backup plan or a snapshot schedule take it, or tag it with backup and none.",
    options=Environments,
)


def _spare(volume: Resource, options: Environments) -> Verdict | None:
    if not options.protects(volume):
        return EXPENDABLE
    return UNNEEDED if effective_tag(volume, BACKUP) == NONE else None


@in_plan
@in_stack(VOLUME, reads=["tags"])
def ebs_volume_is_in_plan(volume: Resource, stack: Stack, options: Environments) -> Verdict:
    spared = _spare(volume, options)
    if spared:
        return spared
    policies = stack.of_type("aws:dlm/lifecyclePolicy:LifecyclePolicy")
    taken = any(_snapshots(policy, volume) for policy in policies) or any(plans_of(volume, stack))
    return passes_if(taken, NO_PLAN)


def _snapshots(policy: Resource, volume: Resource) -> bool:
    """Tell whether a lifecycle policy takes snapshots of volumes with one of this one's tags."""
    if policy.text("state", "ENABLED") != "ENABLED" or "VOLUME" not in policy.texts("policyDetails.resourceTypes"):
        return False
    wanted = policy.table("policyDetails.targetTags")
    return any(effective_tag(volume, key) == value for key, value in wanted.items())


@in_plan
@in_stack(EFS, reads=["tags"])
def efs_is_in_plan(system: Resource, stack: Stack, options: Environments) -> Verdict:
    spared = _spare(system, options)
    if spared:
        return spared
    own = stack.companions(system, "aws:efs/backupPolicy:BackupPolicy", by="fileSystemId")
    if any(verdict.text("backupPolicy.status") == "ENABLED" for verdict in own):
        return PASS
    return passes_if(any(plans_of(system, stack)), NO_PLAN)


@in_plan
@in_stack("azure-native:compute:Disk", reads=["tags"])
def azure_disk_is_in_plan(disk: Resource, stack: Stack, options: Environments) -> Verdict:
    spared = _spare(disk, options)
    if spared:
        return spared
    instances = stack.companions(
        disk, "azure-native:dataprotection:BackupInstance", by="properties.dataSourceInfo.resourceID"
    )
    return passes_if(bool(instances), NO_PLAN)


ASSOCIATION = "gcp:backupdisasterrecovery/backupPlanAssociation:BackupPlanAssociation"
SCHEDULE, ATTACHMENT = (
    "gcp:compute/resourcePolicy:ResourcePolicy",
    "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment",
)


@in_plan
@in_stack("gcp:compute/disk:Disk", FILESTORE, reads=["labels"])
def gcp_volume_is_in_plan(volume: Resource, stack: Stack, options: Environments) -> Verdict:
    spared = _spare(volume, options)
    if spared:
        return spared
    attached = stack.companions(volume, ATTACHMENT, by="disk")
    scheduled = any(_takes_snapshots(attachment, stack) for attachment in attached)
    return passes_if(scheduled or bool(stack.companions(volume, ASSOCIATION, by="resource")), NO_PLAN)


def _takes_snapshots(attachment: Resource, stack: Stack) -> bool:
    """Tell whether the policy is a schedule of snapshots; one that is not of this stack is taken for such."""
    policies = [resource for resource in stack.of_type(SCHEDULE) if stack.refers(attachment, "name", resource)]
    return not policies or any(policy.exists("snapshotSchedulePolicy") for policy in policies)
