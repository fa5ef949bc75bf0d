"""The erasure log in Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects, storage

from components import naming
from components.common import child_of, to_labels
from components.keys.gcp import GcpKey, GcpKeyArgs
from components.personal_data import PREFIX, mark_impersonal

_DAY = 86_400
_CONTINENTS = {"asia": ("ASIA", "asia"), "europe": ("EU", "europe"), "us": ("US", "us")}
"""By first part of a region's name: the location of a dual-region bucket, and of its key."""


class NoPair(ValueError):
    """Two regions that Google Cloud Storage does not support as a pair."""


@dataclass(frozen=True, kw_only=True)
class GcpErasureLogArgs:
    """Where erasures are logged, by whom, and how long entries are locked."""

    project: str
    """Its id makes the bucket's name globally unique."""
    region: str
    writers: Mapping[str, pulumi.Input[str]]
    """Service accounts that may add and list entries: name to e-mail address."""
    tags: Mapping[str, str]
    copy_region: str | None = None
    """Another region of the same continent for a copy of every entry; absent: no copy."""
    retention_days: int = 365
    """Days in which no entry can be changed or deleted; longer than any backup lives, as restores replay the log."""
    protect: bool = False
    """Nobody can shorten the retention again, and Pulumi does not delete the bucket."""

    def __post_init__(self) -> None:
        if self.copy_region is not None and (
            self.copy_region == self.region or _find_continent(self.copy_region) != _find_continent(self.region)
        ):
            raise NoPair(
                f"copy_region: {self.copy_region} makes no pair with {self.region}; expected another region of the same"
                f" continent, one of {', '.join(sorted(_CONTINENTS))}"
            )


class GcpErasureLog(pulumi.ComponentResource):
    """A locked bucket for this purpose only, in one region or two, and the right to add to it."""

    address: pulumi.Output[str]
    """In the app's notation; resolves once its writers have access."""

    def __init__(self, name: str, args: GcpErasureLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:GcpErasureLog", name, None, opts)
        child = child_of(self, opts)
        # Not the master key: the storage service must decrypt the log, but never subject keys.
        key = GcpKey(name, _make_key_args(args, self._find_service_account(args, child)), child)
        bucket = storage.Bucket(
            name,
            name=naming.fit(naming.GCS_BUCKET, name, salt=args.project),
            project=args.project,
            location=args.region if args.copy_region is None else _find_continent(args.region)[0],
            custom_placement_config=_make_placement(args),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            # No versions: Google refuses them together with a retention policy, which already prevents changes.
            retention_policy={"retention_period": str(args.retention_days * _DAY), "is_locked": args.protect},
            encryption={"default_kms_key_name": key.key_id},
            force_destroy=not args.protect,
            labels=to_labels(mark_impersonal(args.tags)),
            opts=child_of(self, opts, protect=args.protect),
        )
        granted = self._grant(name, bucket, args, child)
        self.address = pulumi.Output.all(bucket.name, *(grant.id for grant in granted)).apply(
            lambda known: f"gcp-storage:{known[0]}/{PREFIX}"
        )
        self.register_outputs({"address": self.address})

    def _find_service_account(self, args: GcpErasureLogArgs, child: pulumi.ResourceOptions) -> pulumi.Output[str]:
        """Return the e-mail address of Cloud Storage's service identity; the request creates it if needed."""
        options = pulumi.InvokeOutputOptions(parent=self, depends_on=child.depends_on)
        address: pulumi.Output[str] = storage.get_project_service_account_output(
            project=args.project, opts=options
        ).email_address
        return address

    def _grant(
        self, name: str, bucket: storage.Bucket, args: GcpErasureLogArgs, child: pulumi.ResourceOptions
    ) -> Sequence[storage.BucketIAMMember]:
        role = projects.IAMCustomRole(
            name,
            # The id of a deleted role stays taken for weeks: to recreate a preview, raise its number.
            role_id=naming.fit(naming.GCP_ROLE, name),
            project=args.project,
            title="Log of erasures: add and list",
            description="Adds entries and lists them; reads, changes and deletes none",
            permissions=["storage.objects.create", "storage.objects.list"],
            opts=child,
        )
        return [
            storage.BucketIAMMember(
                f"{name}-{writer}",
                bucket=bucket.name,
                role=role.name,
                member=pulumi.Output.concat("serviceAccount:", email),
                condition={"title": f"only-{PREFIX}", "expression": bucket.name.apply(limit_to_log)},
                opts=child,
            )
            for writer, email in args.writers.items()
        ]


def limit_to_log(bucket: str) -> str:
    """Return a condition that limits access to objects under the prefix; listing concerns the bucket, not an object."""
    return (
        'resource.type == "storage.googleapis.com/Bucket"'
        f' || resource.name.startsWith("projects/_/buckets/{bucket}/objects/{PREFIX}/")'
    )


def _find_continent(region: str) -> tuple[str, str]:
    known = _CONTINENTS.get(region.partition("-")[0])
    if known is None:
        raise NoPair(f"{region}: Google Cloud Storage supports no pairs there; leave copy_region out")
    return known


def _make_placement(args: GcpErasureLogArgs) -> dict[str, list[str]] | None:
    if args.copy_region is None:
        return None
    return {"data_locations": [args.region.upper(), args.copy_region.upper()]}


def _make_key_args(args: GcpErasureLogArgs, service: pulumi.Input[str]) -> GcpKeyArgs:
    return GcpKeyArgs(
        purpose="log of erasures",
        encrypts=("storage",),
        project=args.project,
        region=args.region if args.copy_region is None else _find_continent(args.region)[1],
        tags=args.tags,
        services=(),
        users={"storage": service},
        protect=args.protect,
    )
