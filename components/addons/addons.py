"""What a cluster needs besides the app: a gateway, certificates, names, secrets, metrics where the cloud has none."""

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
    """The zone whose names external-dns writes and cert-manager proves."""
    owner: str
    """Marks DNS records as this cluster's; unique among everybody who writes to the zone."""
    labels: Mapping[str, str]
    exposure: Exposure = "internal"
    """Whether the gateway's address is reachable from the internet."""
    acme_server: str = LETS_ENCRYPT
    acme_email: str | None = None
    replicas: int = 2
    """Of every add-on that can have more than one."""
    dns_cidrs: Sequence[str] = ()
    """Where pods reach DNS besides the pods of kube-dns."""
    app_namespace: str = NAMESPACE
    """The one namespace that gateways send requests into, and that gets secrets of the cloud."""


class Addons(pulumi.ComponentResource):
    """Pinned charts, each in its own closed and restricted namespace, and the objects that the app refers to."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:addons:Addons", name, None, opts)
        self._base, self._args, self._child = name, args, child_of(self, opts)
        bindings, replicas = args.bindings, args.replicas
        gateway = self._release(ENVOY_GATEWAY, values.envoy_gateway(replicas))
        certificates = self._release(CERT_MANAGER, values.cert_manager(bindings, replicas))
        secrets = self._release(EXTERNAL_SECRETS, values.external_secrets(bindings, replicas))
        # It watches HTTPRoutes, and fails until they are defined.
        self._release(EXTERNAL_DNS, values.external_dns(bindings, args.domain, args.owner), after=[gateway])
        if not bindings.brings_metrics:
            self._release(METRICS_SERVER, values.metrics_server(replicas))
        self._gateway_class(gateway)
        self._object("cert-manager.io/v1", "ClusterIssuer", CLUSTER_ISSUER, issuer_spec(args), certificates)
        store = {"provider": dict(bindings.secret_store), "conditions": [{"namespaces": [args.app_namespace]}]}
        self._object("external-secrets.io/v1", "ClusterSecretStore", SECRET_STORE, store, secrets)
        self.register_outputs({"gateway_class": GATEWAY_CLASS, "cluster_issuer": CLUSTER_ISSUER})

    def _release(self, chart: Chart, chart_values: values.Values, after: Sequence[pulumi.Resource] = ()) -> Any:
        label = f"{self._base}-{chart.name}"
        namespace = core.v1.Namespace(
            label,
            metadata={
                "name": chart.namespace,
                "labels": {**self._args.labels, **restricted()},
            },
            opts=self._child,
        )
        closed = self._network_policies(chart, label, namespace)
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

    def _network_policies(self, chart: Chart, label: str, namespace: pulumi.Resource) -> list[pulumi.Resource]:
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

    def _gateway_class(self, gateway: pulumi.Resource) -> None:
        proxies = self._object(
            "gateway.envoyproxy.io/v1alpha1",
            "EnvoyProxy",
            GATEWAY_CLASS,
            proxy_spec(self._args),
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
        self._object("gateway.networking.k8s.io/v1", "GatewayClass", GATEWAY_CLASS, spec, proxies)

    def _object(
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


def issuer_spec(args: AddonsArgs) -> dict[str, Any]:
    """Proves the domain by a DNS record, so that the gateway need not be reachable from the internet."""
    contact = {"email": args.acme_email} if args.acme_email else {}
    return {
        "acme": {
            "server": args.acme_server,
            **contact,
            "privateKeySecretRef": {"name": "acme-account"},
            "solvers": [{"selector": {"dnsZones": [args.domain]}, "dns01": dict(args.bindings.dns_solver)}],
        }
    }


def proxy_spec(args: AddonsArgs) -> dict[str, Any]:
    """Several proxies on several hosts behind one load balancer of the cloud."""
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
