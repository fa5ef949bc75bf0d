"""The log of erasures in Google Cloud Storage."""

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
"""By what a region's name begins with: where two of its regions together are, and where the key of such a bucket is."""


class NoPair(ValueError):
    """Two regions that Google Cloud Storage makes no bucket in."""


@dataclass(frozen=True, kw_only=True)
class GcpErasureLogArgs:
    """Where erasures are logged, who logs them, and for how long nobody can take that back."""

    project: str
    """Its id makes the name of the bucket unique in the world."""
    region: str
    writers: Mapping[str, pulumi.Input[str]]
    """Who may add entries and list them: a name for each, and the e-mail address of its service account."""
    tags: Mapping[str, str]
    copy_region: str | None = None
    """Another region of the same continent, which has every entry too; absent: none has."""
    retention_days: int = 365
    """For so long no entry can be changed or deleted: longer than any backup that its erasure must be replayed on."""
    protect: bool = False
    """Nobody ever shortens that time again, and Pulumi does not delete the bucket."""

    def __post_init__(self) -> None:
        if self.copy_region is not None and (
            self.copy_region == self.region or _continent(self.copy_region) != _continent(self.region)
        ):
            raise NoPair(
                f"copy_region: {self.copy_region} makes no pair with {self.region}; expected another region of the same"
                f" continent, one of {', '.join(sorted(_CONTINENTS))}"
            )


class GcpErasureLog(pulumi.ComponentResource):
    """A locked bucket of one purpose, in one region or two, and the right to add to it."""

    address: pulumi.Output[str]
    """As the app takes it; known once its writers may write."""

    def __init__(self, name: str, args: GcpErasureLogArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:personal_data:GcpErasureLog", name, None, opts)
        child = child_of(self, opts)
        # Not the key of persons: the service of the bucket must open what is in it, and must not open them.
        key = GcpKey(name, _key_args(args, self._service(args, child)), child)
        bucket = storage.Bucket(
            name,
            name=naming.fit(naming.GCS_BUCKET, name, salt=args.project),
            project=args.project,
            location=args.region if args.copy_region is None else _continent(args.region)[0],
            custom_placement_config=_placement(args),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            # No versions: Google refuses them beside this, which lets nothing be deleted, replaced or made an old one.
            retention_policy={"retention_period": str(args.retention_days * _DAY), "is_locked": args.protect},
            encryption={"default_kms_key_name": key.key_id},
            force_destroy=not args.protect,
            labels=to_labels(mark_impersonal(args.tags)),
            opts=child_of(self, opts, protect=args.protect),
        )
        granted = self._grant(name, bucket, args, child)
        self.address = pulumi.Output.all(bucket.name, *(one.id for one in granted)).apply(
            lambda known: f"gcp-storage:{known[0]}/{PREFIX}"
        )
        self.register_outputs({"address": self.address})

    def _service(self, args: GcpErasureLogArgs, child: pulumi.ResourceOptions) -> pulumi.Output[str]:
        """E-mail address of the identity with which Cloud Storage encrypts; asking makes it, where there is none."""
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
            # The id of a deleted role stays taken for weeks: its number is raised to make the environment anew.
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
                condition={"title": f"only-{PREFIX}", "expression": bucket.name.apply(only_the_log)},
                opts=child,
            )
            for writer, email in args.writers.items()
        ]


def only_the_log(bucket: str) -> str:
    """The condition that entries are under the prefix; a list is asked of the bucket, not of an object."""
    return (
        'resource.type == "storage.googleapis.com/Bucket"'
        f' || resource.name.startsWith("projects/_/buckets/{bucket}/objects/{PREFIX}/")'
    )


def _continent(region: str) -> tuple[str, str]:
    known = _CONTINENTS.get(region.partition("-")[0])
    if known is None:
        raise NoPair(f"{region}: Google Cloud Storage pairs no regions there; leave copy_region out")
    return known


def _placement(args: GcpErasureLogArgs) -> dict[str, list[str]] | None:
    if args.copy_region is None:
        return None
    return {"data_locations": [args.region.upper(), args.copy_region.upper()]}


def _key_args(args: GcpErasureLogArgs, service: pulumi.Input[str]) -> GcpKeyArgs:
    return GcpKeyArgs(
        purpose="log of erasures",
        encrypts=("storage",),
        project=args.project,
        region=args.region if args.copy_region is None else _continent(args.region)[1],
        tags=args.tags,
        services=(),
        users={"storage": service},
        protect=args.protect,
    )
