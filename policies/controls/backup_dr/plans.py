"""Backup plans of AWS: what they take, and where else they put it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from policies import Resource, Stack, View
from policies.clouds.data_stores import DOCDB_CLUSTER, DYNAMODB, EFS, RDS_CLUSTER, RDS_INSTANCE, REDSHIFT, S3_BUCKET
from policies.clouds.regions import region_name
from policies.clouds.tags import effective_tag

SELECTION = "aws:backup/selection:Selection"
PLAN = "aws:backup/plan:Plan"
VOLUME = "aws:ebs/volume:Volume"
_SOME = {
    RDS_INSTANCE: "rds:*:*:db:",
    RDS_CLUSTER: "rds:*:*:cluster:",
    DOCDB_CLUSTER: "rds:*:*:cluster:",
    REDSHIFT: "redshift:*:*:cluster:",
    DYNAMODB: "dynamodb:*:*:table/",
    S3_BUCKET: "s3:::",
    EFS: "elasticfilesystem:*:*:file-system/",
    VOLUME: "ec2:*:*:volume/",
}
"""What the ARNs of each type begin with, whichever account and region they are of."""


def plans_of(resource: Resource, stack: Stack) -> Iterator[Resource]:
    """Yield the plans that back a resource up; raises Undeterminable."""
    for selection in stack.of_type(SELECTION):
        if _selects(selection, resource, stack):
            yield from (plan for plan in stack.of_type(PLAN) if stack.refers(selection, "planId", plan))


def is_copied_away(resource: Resource, home: str, stack: Stack) -> bool:
    """Tell whether a plan puts copies of its backups into another region; raises Undeterminable."""
    vaults = [arn for plan in plans_of(resource, stack) for arn in plan.texts("rules.copyActions.destinationVaultArn")]
    return any(region_name(vault) != home for vault in vaults)


def _selects(selection: Resource, resource: Resource, stack: Stack) -> bool:
    """Tell whether a selection takes the resource; one with conditions or exceptions never counts."""
    if selection.exists("conditions") or selection.exists("notResources"):
        return False
    if any(_has_tag(condition, resource) for condition in selection.objects("selectionTags")):
        return True
    if stack.refers(selection, "resources", resource):
        return True
    return any(_all_of_type(pattern, resource.type) for pattern in selection.texts("resources"))


def _has_tag(condition: View, resource: Resource) -> bool:
    return effective_tag(resource, condition.text("key")) == condition.text("value")


def _all_of_type(pattern: str, token: str) -> bool:
    return pattern == "*" or ("*" in pattern and fnmatchcase(f"arn:aws:{_SOME[token]}*", pattern))
