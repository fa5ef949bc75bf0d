"""Network policies of the add-ons: all traffic is denied except what is listed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.addons.charts import (
    CERT_MANAGER,
    ENVOY_GATEWAY,
    EXTERNAL_DNS,
    EXTERNAL_SECRETS,
    METRICS_SERVER,
    Chart,
)
from components.manifests import DENIED, Rule, addresses, anywhere, dns, namespace, port

HTTPS, HTTP, DNS = 443, 80, 53
HOOK = 10250
"""Port of the webhooks of cert-manager and external-secrets, of metrics-server, and of every kubelet."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The traffic of one add-on, besides what all add-ons have."""

    called_at: Sequence[int] = ()
    """Ports called by clients, or by the API server, whose address no policy can name."""
    calls: Sequence[Rule] = ()
    asks_for_tokens: bool = False
    """Whether it uses a cloud identity, whose tokens may come from the node."""


TRAFFIC: Mapping[Chart, Traffic] = {
    # Envoy's listeners for 80 and 443, and the controller's webhook (Envoy Gateway, gateway-helm and its EnvoyProxy).
    ENVOY_GATEWAY: Traffic(called_at=[10080, 10443, 9443]),
    # It checks its own DNS records at the zone's name servers (cert-manager, ACME DNS01, self check).
    CERT_MANAGER: Traffic(
        called_at=[HOOK],
        calls=[anywhere(DNS) | {"ports": [port(DNS, "UDP"), port(DNS)]}],
        asks_for_tokens=True,
    ),
    EXTERNAL_DNS: Traffic(asks_for_tokens=True),
    EXTERNAL_SECRETS: Traffic(called_at=[HOOK], asks_for_tokens=True),
    METRICS_SERVER: Traffic(called_at=[HOOK], calls=[anywhere(HOOK)]),
}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the policies need to know about the cluster."""

    dns_cidrs: Sequence[str]
    token_endpoint: str | None
    app_namespace: str
    app_port: int


def policies(chart: Chart, cluster: Surroundings) -> dict[str, Rule]:
    """Return NetworkPolicy specs of the add-on's namespace: one denies all, the other allows what is needed."""
    traffic = TRAFFIC[chart]
    inside: list[Rule] = [{"podSelector": {}}]
    called = [{"ports": [port(number) for number in traffic.called_at]}] if traffic.called_at else []
    # Every add-on calls the API server, whose address no policy can name; most call a cloud, too.
    calls = [{"to": inside}, dns(cluster.dns_cidrs), anywhere(HTTPS), *traffic.calls]
    if chart is ENVOY_GATEWAY:
        calls.append({"to": [namespace(cluster.app_namespace)], "ports": [port(cluster.app_port)]})
    if traffic.asks_for_tokens and cluster.token_endpoint:
        calls.append(addresses([cluster.token_endpoint], HTTP))
    needed = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": inside}, *called],
        "egress": calls,
    }
    return {"default-deny": DENIED, "allow-needed": needed}
