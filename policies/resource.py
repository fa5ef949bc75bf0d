"""A resource as the checks see it, whatever it was read from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from policies.view import View

Cloud: TypeAlias = Literal["aws", "azure", "gcp", "kubernetes", "any"]
"""`any` is what belongs to no cloud: the stack itself, components."""
CLOUDS: tuple[Cloud, ...] = get_args(Cloud)
STACK = "pulumi:pulumi:Stack"

_PACKAGES: Mapping[str, Cloud] = {"aws": "aws", "azure-native": "azure", "gcp": "gcp", "kubernetes": "kubernetes"}
_VERSIONED_PACKAGE = re.compile(r"azure-native_\w+_v\d{8}\w*")
_VERSION = re.compile(r"/v\d{8}\w*$")


@dataclass(frozen=True, eq=False, kw_only=True)
class Resource(View):
    """A view of the resource's inputs, and what else is known of it."""

    urn: str
    type: str
    """The type token: without the API version that Azure's may carry, and by the name that checks know."""
    outputs: View = field(default_factory=lambda: View(value={}))
    """What the cloud gave back, its `id` too; empty before an update, and in checks that do not see the stack."""
    provider: View = field(default_factory=lambda: View(value={}))
    """The properties of its provider: `region`, `location`, `project`; empty where they are not known."""
    provider_urn: str = ""
    """Which provider that is: of two clusters, two accounts; empty where it is not known."""
    parent: str = ""
    """The parent's URN, or nothing."""
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """The option `additionalSecretOutputs`, which also carries exemptions written in code."""
    dependencies: tuple[str, ...] = ()
    """The URNs of all that it depends on."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each top-level property, the URNs of what its value came from."""
    declared: str = ""
    """Where the program declares it, as the engine notes that (`project:///components/keys/aws.py#40`), or nothing."""

    @property
    def cloud(self) -> Cloud:
        return cloud_of(self.type)

    @property
    def name(self) -> str:
        """The logical name, which ends the URN."""
        return self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        """The stack's name, which stands first in the URN."""
        return self.urn.removeprefix("urn:pulumi:").partition("::")[0]


_BALANCING = re.compile(r"aws:(?:alb|applicationloadbalancing|elasticloadbalancingv2)/(\w+:\w+)")
_SECOND_BUCKETS = re.compile(r"aws:s3/(bucket\w*)V2:(Bucket\w*)V2")
_FORMER_MODULES = {
    "azure-native:cache:Redis": "azure-native:redis:Redis",
    "azure-native:documentdb:DatabaseAccount": "azure-native:cosmosdb:DatabaseAccount",
    "azure-native:documentdb:SqlResourceSqlContainer": "azure-native:cosmosdb:SqlResourceSqlContainer",
    "azure-native:insights:DiagnosticSetting": "azure-native:monitor:DiagnosticSetting",
}
"""What Azure's provider called types before its third version."""


def normalize_type(token: str) -> str:
    """Return the one token by which checks know a type that has several: `aws:lb/listener:Listener`."""
    found = drop_api_version(token)
    found = _BALANCING.sub(r"aws:lb/\1", found)
    found = _SECOND_BUCKETS.sub(r"aws:s3/\1:\2", found)
    return _FORMER_MODULES.get(found, found)


def drop_api_version(token: str) -> str:
    """Return the type token without Azure's API version: `azure-native:storage:StorageAccount`."""
    package, _, rest = token.partition(":")
    if not package.startswith("azure-native"):
        return token
    if _VERSIONED_PACKAGE.fullmatch(package):
        package = "azure-native"
    module, _, name = rest.partition(":")
    return f"{package}:{_VERSION.sub('', module)}:{name}"


def cloud_of(token: str) -> Cloud:
    """Return the cloud that a type belongs to."""
    return _PACKAGES.get(token.partition(":")[0], "any")
