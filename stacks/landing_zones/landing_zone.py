"""The interface of a landing zone, the same for every cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from components.addons.bindings import AddonBindings
from components.cluster.settings import ClusterSettings
from components.database.endpoint import Home
from components.interconnect import AwsSite, AzureSite, GcpSite


class Cluster(Protocol):
    """A Kubernetes cluster of any cloud."""

    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def kubeconfig(self) -> pulumi.Output[str]: ...
    @property
    def oidc_issuer(self) -> pulumi.Output[str]: ...
    @property
    def provider(self) -> kubernetes.Provider: ...
    @property
    def dns_cidrs(self) -> Sequence[str]: ...


class LandingZone(Protocol):
    """One cloud's part of an environment: account, key, network, and what runs on them."""

    @property
    def name(self) -> str:
        """`<environment>-<cloud>`, the name of what exists once per cloud."""
        ...

    @property
    def provider(self) -> pulumi.ProviderResource: ...

    @property
    def options(self) -> pulumi.ResourceOptions:
        """Options for components of this cloud: its provider, and what they depend on."""
        ...

    @property
    def database_cidrs(self) -> Sequence[str]:
        """Networks of this cloud's database servers."""
        ...

    def mesh_site(self) -> AwsSite | AzureSite | GcpSite:
        """Return the end of the mesh in this cloud."""
        ...

    def databases(self) -> Home:
        """Return the place for this cloud's shards."""
        ...

    def cluster(self, settings: ClusterSettings) -> Cluster:
        """Create the cluster."""
        ...

    def addon_bindings(self, cluster: Cluster, domain: str) -> AddonBindings:
        """Return the add-ons' access to this cloud; creates the zone of `domain`."""
        ...
