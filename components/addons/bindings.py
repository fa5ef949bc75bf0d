"""What the add-ons of a cluster need from their cloud: a DNS zone, a secret manager, load balancers."""

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
"""The accounts of each duty: `dns` writes records into the zone, `secrets` reads the environment's secrets."""


@dataclass(frozen=True, kw_only=True)
class AddonBindings:
    """One cloud's answers, as the charts and objects expect them."""

    external_dns: Mapping[str, Any]
    """Chart values: provider and its options."""
    dns_solver: Mapping[str, Any]
    """The `dns01` part of a cert-manager solver."""
    secret_store: Mapping[str, Any]
    """The `provider` part of a ClusterSecretStore."""
    annotations: Mapping[Duty, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """Annotations on the service accounts of a duty: the cloud identity of their pods."""
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels on pods that use a cloud identity."""
    load_balancer: Mapping[Exposure, Mapping[str, Any]]
    """Parts of the proxies' Service (Envoy Gateway, KubernetesServiceSpec) that make its address public or internal."""
    token_endpoint: str | None = None
    """The address on the node that issues cloud tokens to pods; None if they ask elsewhere."""
    brings_metrics: bool
    """The cloud runs a metrics-server itself."""
    name_servers: pulumi.Output[Sequence[str]]
    """The parent domain must delegate the zone to these."""
