"""What the add-ons of a cluster must know of their cloud: a DNS zone, a secret manager, load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from components.addons.charts import CERT_MANAGER, EXTERNAL_DNS, EXTERNAL_SECRETS

Exposure = Literal["public", "internal"]
Duty = Literal["dns", "secrets"]


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """The account that an add-on's pods run under."""

    namespace: str
    name: str

    @property
    def subject(self) -> str:
        """The `sub` claim of its tokens."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


DUTIES: Mapping[Duty, Sequence[ServiceAccount]] = {
    "dns": [ServiceAccount(namespace=chart.namespace, name=chart.name) for chart in (CERT_MANAGER, EXTERNAL_DNS)],
    "secrets": [ServiceAccount(namespace=EXTERNAL_SECRETS.namespace, name=EXTERNAL_SECRETS.name)],
}
"""Who acts in the cloud for the cluster: writing records into its zone, reading its environment's secrets."""


@dataclass(frozen=True, kw_only=True)
class AddonBindings:
    """One cloud's answers, in the words of the charts and objects that take them."""

    external_dns: Mapping[str, Any]
    """Chart values: provider and its options."""
    dns_solver: Mapping[str, Any]
    """The `dns01` part of a cert-manager solver."""
    secret_store: Mapping[str, Any]
    """The `provider` part of a ClusterSecretStore."""
    annotations: Mapping[Duty, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """On the service accounts of a duty: whom their pods become in the cloud."""
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    """On pods that act in the cloud."""
    load_balancer: Mapping[Exposure, Mapping[str, Any]]
    """Parts of the proxies' Service (Envoy Gateway, KubernetesServiceSpec) that make its address public or internal."""
    token_endpoint: str | None = None
    """The address on the node where pods that act in the cloud get its tokens; none where they ask elsewhere."""
    brings_metrics: bool
    """The cloud runs a metrics-server itself."""
    name_servers: pulumi.Output[Sequence[str]]
    """Whom the parent domain must delegate the zone to."""
