"""How requests reach the app: a certificate, a gateway with TLS, and routes to the tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions

from components.app_deployment.settings import AppDeploymentArgs
from components.app_deployment.track import SERVICE_PORT
from components.common import child_of

GATEWAY = "ledger"
CERTIFICATE_SECRET = "ledger-tls"  # noqa: S105 (a name)
GATEWAY_API = "gateway.networking.k8s.io/v1"


class AppIngress(pulumi.ComponentResource):
    """HTTPS for the hostnames, and a redirect from HTTP; `weights` shares requests among Services."""

    def __init__(
        self,
        name: str,
        args: AppDeploymentArgs,
        weights: Mapping[str, int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # The token keeps the name that deployed stacks hold.
        super().__init__("livingfortress:app_deployment:AppEntrance", name, None, opts)
        self._in, self._child = args, child_of(self, opts)
        certificate = self._create_object(
            name, "cert-manager.io/v1", "Certificate", CERTIFICATE_SECRET, build_certificate_spec(args)
        )
        gateway = self._create_object(
            name, GATEWAY_API, "Gateway", GATEWAY, build_gateway_spec(args), after=certificate
        )
        self._create_object(name, GATEWAY_API, "HTTPRoute", "ledger", build_route_spec(args, weights), after=gateway)
        self._create_object(name, GATEWAY_API, "HTTPRoute", "ledger-to-https", build_redirect_spec(args), after=gateway)
        self.register_outputs({"hostnames": list(args.entry.hostnames)})

    def _create_object(
        self,
        name: str,
        api_version: str,
        kind: str,
        called: str,
        spec: dict[str, Any],
        after: pulumi.Resource | None = None,
    ) -> apiextensions.CustomResource:
        return apiextensions.CustomResource(
            f"{name}-{called}",
            api_version=api_version,
            kind=kind,
            metadata={"name": called, "namespace": self._in.namespace, "labels": dict(self._in.labels)},
            spec=spec,
            opts=child_of(self, self._child, after=[after] if after else []),
        )


def build_certificate_spec(args: AppDeploymentArgs) -> dict[str, Any]:
    return {
        "secretName": CERTIFICATE_SECRET,
        "dnsNames": list(args.entry.hostnames),
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": args.entry.cluster_issuer},
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
    }


def build_gateway_spec(args: AppDeploymentArgs) -> dict[str, Any]:
    here = {"namespaces": {"from": "Same"}}
    return {
        "gatewayClassName": args.entry.gateway_class,
        "listeners": [
            {
                "name": "https",
                "protocol": "HTTPS",
                "port": 443,
                "allowedRoutes": here,
                "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": CERTIFICATE_SECRET}]},
            },
            {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": here},
        ],
    }


def build_route_spec(args: AppDeploymentArgs, weights: Mapping[str, int]) -> dict[str, Any]:
    return _build_route(args, "https") | {
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": path}} for path in args.entry.paths],
                "backendRefs": [
                    {"kind": "Service", "name": service, "port": SERVICE_PORT, "weight": weight}
                    for service, weight in weights.items()
                ],
                "timeouts": {"request": "30s"},
            }
        ]
    }


def build_redirect_spec(args: AppDeploymentArgs) -> dict[str, Any]:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    return _build_route(args, "http") | {"rules": [{"filters": [redirect]}]}


def _build_route(args: AppDeploymentArgs, listener: str) -> dict[str, Any]:
    return {
        "parentRefs": [{"name": GATEWAY, "sectionName": listener}],
        "hostnames": list(args.entry.hostnames),
    }
