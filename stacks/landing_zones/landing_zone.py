"""What the estate asks of a cloud, whichever it is."""

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
    """One cloud's part of an environment: account, key, network, and what stands on them."""

    @property
    def name(self) -> str:
        """Names what is there once: `<environment>-<cloud>`."""
        ...

    @property
    def provider(self) -> pulumi.ProviderResource: ...

    @property
    def options(self) -> pulumi.ResourceOptions:
        """For components of this cloud: its provider, and what must stand before they do."""
        ...

    @property
    def database_cidrs(self) -> Sequence[str]:
        """Where the database servers of this cloud have their addresses."""
        ...

    def mesh_site(self) -> AwsSite | AzureSite | GcpSite:
        """The end of the mesh in this cloud."""
        ...

    def databases(self) -> Home:
        """Where shards can be placed."""
        ...

    def cluster(self, settings: ClusterSettings) -> Cluster:
        """Make the cluster."""
        ...

    def addon_bindings(self, cluster: Cluster, domain: str) -> AddonBindings:
        """What the add-ons of the cluster may reach in this cloud; makes the zone of `domain`."""
        ...
