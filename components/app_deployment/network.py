"""Who may talk to whom: nobody, but for what is written here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_kubernetes import networking

from components.app_deployment.pods import selector
from components.app_deployment.settings import DATABASE_PORT, PORT, AppDeploymentArgs
from components.children import child_of
from components.identity.workloads import LEDGER, WORKLOADS

LINK_LOCAL = "169.254.0.0/16"
METADATA_SERVER = "169.254.169.254/32"

Rule = dict[str, Any]


class AppNetworkPolicies(pulumi.ComponentResource):
    """Everything denied in the namespace; then DNS, the databases, the clouds' token endpoints, and the gateway."""

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
    """NetworkPolicy specs by purpose; they only ever add to what the first one denies."""
    everyone: Rule = {}
    ours = {
        "matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": [*WORKLOADS]}],
    }
    specs = {
        "default-deny": {"podSelector": everyone, "policyTypes": ["Ingress", "Egress"]},
        "allow-dns": _egress(ours, [_dns(args.dns_cidrs)]),
        "allow-databases": _egress(ours, [_addresses(args.database_cidrs, DATABASE_PORT)]),
        "allow-token-endpoints": _egress(ours, [_addresses(["0.0.0.0/0"], 443, but_not=[LINK_LOCAL])]),
        "allow-gateway": {
            "podSelector": {"matchLabels": selector(LEDGER)},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [_namespace(args.entry.gateway_namespace)], "ports": [_port(PORT)]}],
        },
    }
    if _asks_metadata_server(args):
        specs["allow-metadata-server"] = _egress(ours, [_addresses([METADATA_SERVER], 80)])
    return specs


def _asks_metadata_server(args: AppDeploymentArgs) -> bool:
    """Pods that become a Google service account without a credential file get its tokens from the node."""
    logins = [login.gcp for login in args.logins.values() if login.gcp]
    return any(login.credential_configuration is None for login in logins)


def _egress(pods: Rule, rules: list[Rule]) -> Rule:
    return {"podSelector": pods, "policyTypes": ["Egress"], "egress": rules}


def _dns(cidrs: Sequence[str]) -> Rule:
    resolver = _namespace("kube-system") | {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    return {
        "to": [resolver, *[{"ipBlock": {"cidr": cidr}} for cidr in cidrs]],
        "ports": [_port(53, "UDP"), _port(53)],
    }


def _addresses(cidrs: Sequence[pulumi.Input[str]], port: int, but_not: Sequence[str] = ()) -> Rule:
    excepted = {"except": [*but_not]} if but_not else {}
    return {"to": [{"ipBlock": {"cidr": cidr, **excepted}} for cidr in cidrs], "ports": [_port(port)]}


def _namespace(name: str) -> Rule:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _port(number: int, protocol: str = "TCP") -> Rule:
    return {"port": number, "protocol": protocol}
