"""The Helm charts of the add-ons, each pinned to one version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart in one version, and the source of that version."""

    name: str
    """Name of the release, and of the chart itself unless it is in an OCI registry."""
    version: str
    repository: str
    """`https://…` of a chart repository, or `oci://…` of the chart."""
    namespace: str
    source: str

    @property
    def reference(self) -> str:
        return self.repository if self.is_oci else self.name

    @property
    def is_oci(self) -> bool:
        return self.repository.startswith("oci://")


ENVOY_GATEWAY = Chart(
    name="envoy-gateway",
    version="v1.9.2",
    repository="oci://docker.io/envoyproxy/gateway-helm",
    namespace="envoy-gateway-system",
    source="Envoy Gateway, Compatibility Matrix (1.9: Kubernetes 1.33 to 1.36); brings the Gateway API too",
)
CERT_MANAGER = Chart(
    name="cert-manager",
    version="v1.21.1",
    repository="oci://quay.io/jetstack/charts/cert-manager",
    namespace="cert-manager",
    source="cert-manager release notes, v1.21.1 (fixes the regressions of v1.21.0; all users should upgrade)",
)
EXTERNAL_DNS = Chart(
    name="external-dns",
    version="1.21.1",
    repository="https://kubernetes-sigs.github.io/external-dns/",
    namespace="external-dns",
    source="Artifact Hub, external-dns/external-dns, versions",
)
EXTERNAL_SECRETS = Chart(
    name="external-secrets",
    version="2.14.0",
    repository="https://charts.external-secrets.io",
    namespace="external-secrets",
    source="Chart index of external-secrets.io, entry 2.14.0",
)
METRICS_SERVER = Chart(
    name="metrics-server",
    version="3.13.0",
    repository="https://kubernetes-sigs.github.io/metrics-server/",
    namespace="metrics-server",
    source="metrics-server Helm chart changelog, 3.13.0",
)
