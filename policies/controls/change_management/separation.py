"""One stack is one environment, made by named providers, joined to no other."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from pydantic import Field

from policies import (
    HIGH,
    LOW,
    NOT_APPLICABLE,
    PASS,
    STACK,
    Options,
    Resource,
    Stack,
    Undeterminable,
    Verdict,
    applies_to,
    fails,
    in_stack,
    not_determinable,
    passes_if,
)
from policies.clouds.tags import tag
from policies.controls.change_management import EVIDENCE, control


class Separation(Options):
    """Options of CHG-005."""

    environment_tag: str = Field(default="environment", description="The tag that names a resource's environment.")
    agreed_peers: tuple[str, ...] = Field(
        default=(), description="Ids, as globs, of networks outside the stack that networks may be peered with."
    )


separated = control(
    "CHG-005",
    title="Environments are kept apart",
    severity=HIGH,
    maps={
        "soc2": ["CC6.6", "CC8.1"],
        "iso27001": ["A.8.22", "A.8.31"],
        "gdpr": ["Art. 25(1)"],
        "pci_dss": ["6.5.3"],
    },
    remedy="Keep each environment in a stack of its own, and peer its networks with no others but agreed ones.",
    options=Separation,
)


@separated
@in_stack(STACK, reads=[])
def stack_is_one_environment(_: Resource, stack: Stack, options: Separation) -> Verdict:
    """Two names that are known settle it, whatever is not known of others."""
    found: set[str] = set()
    unclear: Undeterminable | None = None
    for resource in stack:
        try:
            found.add(tag(resource, options.environment_tag))
        except Undeterminable as signal:
            unclear = signal
    environments = sorted(found - {""})
    if len(environments) > 1:
        return fails(f"resources of {', '.join(environments)} are in it")
    return not_determinable(str(unclear)) if unclear else PASS


@separated
@in_stack("aws:ec2/vpcPeeringConnection:VpcPeeringConnection", reads=["peerVpcId"])
def aws_peer_is_ours(peering: Resource, stack: Stack, options: Separation) -> Verdict:
    return _peer_is_known(peering, stack, options, "peerVpcId", "aws:ec2/vpc:Vpc")


@separated
@in_stack("azure-native:network:VirtualNetworkPeering", reads=["remoteVirtualNetwork.id"])
def azure_peer_is_ours(peering: Resource, stack: Stack, options: Separation) -> Verdict:
    return _peer_is_known(peering, stack, options, "remoteVirtualNetwork.id", "azure-native:network:VirtualNetwork")


@separated
@in_stack("gcp:compute/networkPeering:NetworkPeering", reads=["peerNetwork"])
def gcp_peer_is_ours(peering: Resource, stack: Stack, options: Separation) -> Verdict:
    return _peer_is_known(peering, stack, options, "peerNetwork", "gcp:compute/network:Network")


def _peer_is_known(peering: Resource, stack: Stack, options: Separation, path: str, network: str) -> Verdict:
    if any(stack.refers(peering, path, resource) for resource in stack.of_type(network)):
        return PASS
    peer = peering.text(path, "not set")
    agreed = any(fnmatchcase(peer, pattern) for pattern in options.agreed_peers)
    return passes_if(agreed, f"{path} is {peer}, which is neither of this stack nor agreed")


explicit = control(
    "CHG-006",
    title="Providers are declared by name, in a known version",
    severity=LOW,
    maps={**EVIDENCE, "gdpr": ["Art. 5(2)"], "pci_dss": ["2.2.1", "6.5.1"]},
    remedy="Declare a provider, bound to its account and region, and hand it to the resource.",
)
PROVIDERS = "pulumi:providers:"
DEFAULT = re.compile(r"default(_.*)?")
"""What the engine calls a provider that it makes up for a resource without one."""


@explicit
@applies_to("pulumi:*", reads=["version"])
def provider_is_explicit(provider: Resource) -> Verdict:
    if not provider.type.startswith(PROVIDERS):
        return NOT_APPLICABLE
    if DEFAULT.fullmatch(provider.name):
        return fails("it is a default provider, set up by the environment of whoever runs the update")
    return passes_if(provider.has("version"), "it has no version")
