"""Network policies of the app: all traffic is denied except what is listed here."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import networking

from components.app_deployment.pods import selector
from components.app_deployment.settings import DATABASE_PORT, PORT, AppDeploymentArgs
from components.common import child_of
from components.identity.workloads import LEDGER, WORKLOADS
from components.manifests import DENIED, METADATA_SERVER, Rule, addresses, anywhere, dns, egress, namespace, port


class AppNetworkPolicies(pulumi.ComponentResource):
    """Denies all traffic in the namespace, then allows DNS, databases, the clouds' token endpoints, and the gateway."""

    def __init__(self, name: str, args: AppDeploymentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:app_deployment:AppNetworkPolicies", name, None, opts)
        for purpose, spec in policies(args).items():
            networking.v1.NetworkPolicy(
                f"{name}-{purpose}",
                metadata={"name": purpose, "namespace": args.namespace, "labels": args.labels},
                spec=spec,
                opts=child_of(self, opts),
            )
        self.register_outputs({})


def policies(args: AppDeploymentArgs) -> dict[str, Rule]:
    """Return NetworkPolicy specs by purpose: the first denies all, the others allow."""
    ours = {
        "matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": [*WORKLOADS]}],
    }
    specs = {
        "default-deny": DENIED,
        "allow-dns": egress(ours, [dns(args.dns_cidrs)]),
        "allow-databases": egress(ours, [addresses(args.database_cidrs, DATABASE_PORT)]),
        "allow-token-endpoints": egress(ours, [anywhere(443)]),
        "allow-gateway": {
            "podSelector": {"matchLabels": selector(LEDGER)},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [namespace(args.entry.gateway_namespace)], "ports": [port(PORT)]}],
        },
    }
    if _needs_metadata_server(args):
        specs["allow-metadata-server"] = egress(ours, [addresses([METADATA_SERVER], 80)])
    return specs


def _needs_metadata_server(args: AppDeploymentArgs) -> bool:
    """Return whether pods get Google tokens from the node, because they have no credential file."""
    logins = [login.gcp for login in args.logins.values() if login.gcp]
    return any(login.credential_configuration is None for login in logins)
