"""What a cluster needs besides the app: gateway, certificates, DNS records, secrets, and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, core, helm, networking

from components.addons import values
from components.addons.bindings import AddonBindings, Exposure
from components.addons.charts import (
    CERT_MANAGER,
    ENVOY_GATEWAY,
    EXTERNAL_DNS,
    EXTERNAL_SECRETS,
    METRICS_SERVER,
    Chart,
)
from components.addons.network import Surroundings, policies
from components.app_deployment.settings import PORT
from components.common import child_of
from components.identity.workloads import NAMESPACE
from components.manifests import restricted

GATEWAY_CLASS = "envoy"
CLUSTER_ISSUER = "acme"
SECRET_STORE = "cloud-secrets"  # noqa: S105 (a name)
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """The add-ons of one cluster."""

    bindings: AddonBindings
    domain: str
    """The zone in which external-dns writes records and for which cert-manager proves ownership."""
    owner: str
    """Marks DNS records as this cluster's; must be unique among all writers of the zone."""
    labels: Mapping[str, str]
    exposure: Exposure = "internal"
    """Whether the gateway's address is reachable from the internet."""
    acme_server: str = LETS_ENCRYPT
    acme_email: str | None = None
    replicas: int = 2
    """Replicas of every add-on that supports more than one."""
    dns_cidrs: Sequence[str] = ()
    """DNS addresses for pods besides the pods of kube-dns."""
    app_namespace: str = NAMESPACE
    """The one namespace that gateways send requests to and that gets secrets of the cloud."""


class Addons(pulumi.ComponentResource):
    """Pinned charts, each in its own isolated and restricted namespace, and the objects that the app refers to."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:addons:Addons", name, None, opts)
        self._base, self._args, self._child = name, args, child_of(self, opts)
        bindings, replicas = args.bindings, args.replicas
        gateway = self._install(ENVOY_GATEWAY, values.envoy_gateway(replicas))
        certificates = self._install(CERT_MANAGER, values.cert_manager(bindings, replicas))
        secrets = self._install(EXTERNAL_SECRETS, values.external_secrets(bindings, replicas))
        # external-dns watches HTTPRoutes and fails until their CRD exists.
        self._install(EXTERNAL_DNS, values.external_dns(bindings, args.domain, args.owner), after=[gateway])
        if not bindings.brings_metrics:
            self._install(METRICS_SERVER, values.metrics_server(replicas))
        self._create_gateway_class(gateway)
        self._create_object(
            "cert-manager.io/v1", "ClusterIssuer", CLUSTER_ISSUER, build_issuer_spec(args), certificates
        )
        store = {"provider": dict(bindings.secret_store), "conditions": [{"namespaces": [args.app_namespace]}]}
        self._create_object("external-secrets.io/v1", "ClusterSecretStore", SECRET_STORE, store, secrets)
        self.register_outputs({"gateway_class": GATEWAY_CLASS, "cluster_issuer": CLUSTER_ISSUER})

    def _install(self, chart: Chart, chart_values: values.Values, after: Sequence[pulumi.Resource] = ()) -> Any:
        label = f"{self._base}-{chart.name}"
        namespace = core.v1.Namespace(
            label,
            metadata={
                "name": chart.namespace,
                "labels": {**self._args.labels, **restricted()},
            },
            opts=self._child,
        )
        closed = self._create_network_policies(chart, label, namespace)
        return helm.v3.Release(
            label,
            name=chart.name,
            chart=chart.reference,
            version=chart.version,
            repository_opts=None if chart.is_oci else {"repo": chart.repository},
            namespace=chart.namespace,
            values=chart_values,
            atomic=True,
            cleanup_on_fail=True,
            timeout=600,
            opts=child_of(self, self._child, after=[namespace, *closed, *after]),
        )

    def _create_network_policies(self, chart: Chart, label: str, namespace: pulumi.Resource) -> list[pulumi.Resource]:
        args = self._args
        cluster = Surroundings(
            dns_cidrs=args.dns_cidrs,
            token_endpoint=args.bindings.token_endpoint,
            app_namespace=args.app_namespace,
            app_port=PORT,
        )
        return [
            networking.v1.NetworkPolicy(
                f"{label}-{purpose}",
                metadata={"name": purpose, "namespace": chart.namespace, "labels": dict(args.labels)},
                spec=spec,
                opts=child_of(self, self._child, after=[namespace]),
            )
            for purpose, spec in policies(chart, cluster).items()
        ]

    def _create_gateway_class(self, gateway: pulumi.Resource) -> None:
        proxies = self._create_object(
            "gateway.envoyproxy.io/v1alpha1",
            "EnvoyProxy",
            GATEWAY_CLASS,
            build_proxy_spec(self._args),
            gateway,
            namespace=ENVOY_GATEWAY.namespace,
        )
        spec = {
            "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
            "parametersRef": {
                "group": "gateway.envoyproxy.io",
                "kind": "EnvoyProxy",
                "name": GATEWAY_CLASS,
                "namespace": ENVOY_GATEWAY.namespace,
            },
        }
        self._create_object("gateway.networking.k8s.io/v1", "GatewayClass", GATEWAY_CLASS, spec, proxies)

    def _create_object(
        self,
        api_version: str,
        kind: str,
        called: str,
        spec: dict[str, Any],
        after: pulumi.Resource,
        *,
        namespace: str | None = None,
    ) -> apiextensions.CustomResource:
        place = {"namespace": namespace} if namespace else {}
        return apiextensions.CustomResource(
            f"{self._base}-{called}",
            api_version=api_version,
            kind=kind,
            metadata={"name": called, "labels": dict(self._args.labels), **place},
            spec=spec,
            opts=child_of(self, self._child, after=[after]),
        )


def build_issuer_spec(args: AddonsArgs) -> dict[str, Any]:
    """Return an ACME issuer that proves the domain by a DNS record, so the gateway need not face the internet."""
    contact = {"email": args.acme_email} if args.acme_email else {}
    return {
        "acme": {
            "server": args.acme_server,
            **contact,
            "privateKeySecretRef": {"name": "acme-account"},
            "solvers": [{"selector": {"dnsZones": [args.domain]}, "dns01": dict(args.bindings.dns_solver)}],
        }
    }


def build_proxy_spec(args: AddonsArgs) -> dict[str, Any]:
    """Return proxies on several hosts behind one load balancer of the cloud."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/component": "proxy"}},
    }
    return {
        "provider": {
            "type": "Kubernetes",
            "kubernetes": {
                "envoyDeployment": {"replicas": args.replicas, "pod": {"topologySpreadConstraints": [spread]}},
                "envoyPDB": {"minAvailable": min(1, args.replicas - 1)},
                "envoyService": {"type": "LoadBalancer", **args.bindings.load_balancer[args.exposure]},
            },
        }
    }
