"""DNS zone, secret access and load balancers of a GKE cluster's add-ons, which authenticate by workload identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import dns, projects, serviceaccount

from components.addons.bindings import DUTIES, AddonBindings, Duty
from components.common import child_of, to_labels
from components.manifests import METADATA_SERVER
from components.naming import GCP_RESOURCE, GCP_SERVICE_ACCOUNT, fit


@dataclass(frozen=True, kw_only=True)
class GcpAddonAccessArgs:
    """What the add-ons of one GKE cluster may reach in Google Cloud."""

    cluster_name: pulumi.Input[str]
    project: str
    domain: str
    """The zone made for the cluster; its parent domain delegates to it."""
    secret_prefix: str
    """Only secrets named `<prefix>-…` may be read."""
    tags: Mapping[str, str]


class GcpAddonAccess(pulumi.ComponentResource):
    """A Cloud DNS zone with DNSSEC, and one service account for each duty of the add-ons."""

    bindings: AddonBindings

    def __init__(self, name: str, args: GcpAddonAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:addons:GcpAddonAccess", name, None, opts)
        self._base, self._args, self._child = name, args, child_of(self, opts)
        zone = dns.ManagedZone(
            name,
            name=fit(GCP_RESOURCE, name),
            project=args.project,
            dns_name=f"{args.domain}.",
            description="Names of the cluster's gateways, written by external-dns",
            dnssec_config={"state": "on"},
            labels=to_labels(args.tags),
            opts=self._child,
        )
        writer, reader = self._create_account("dns"), self._create_account("secrets")
        self._grant_zone(zone, writer)
        self._grant_secrets(reader)
        accounts = {"dns": writer, "secrets": reader}
        self.bindings = AddonBindings(
            external_dns={"provider": {"name": "google"}, "extraArgs": [f"--google-project={args.project}"]},
            dns_solver={"cloudDNS": {"project": args.project, "hostedZoneName": zone.name}},
            secret_store={"gcpsm": {"projectID": args.project}},
            annotations={duty: {"iam.gke.io/gcp-service-account": accounts[duty].email} for duty in DUTIES},
            load_balancer={
                "public": {},
                "internal": {"annotations": {"networking.gke.io/load-balancer-type": "Internal"}},
            },
            token_endpoint=METADATA_SERVER,
            brings_metrics=True,
            name_servers=zone.name_servers,
        )
        self.register_outputs({"zone": zone.name, "name_servers": zone.name_servers})

    def _create_account(self, duty: Duty) -> serviceaccount.Account:
        args = self._args
        identity = serviceaccount.Account(
            f"{self._base}-{duty}",
            account_id=fit(GCP_SERVICE_ACCOUNT, self._base, duty),
            project=args.project,
            display_name=f"Cluster add-ons: {duty}",
            opts=self._child,
        )
        for account in DUTIES[duty]:
            member = f"serviceAccount:{args.project}.svc.id.goog[{account.namespace}/{account.name}]"
            serviceaccount.IAMMember(
                f"{self._base}-{account.name}",
                service_account_id=identity.name,
                role="roles/iam.workloadIdentityUser",
                # The members' pool exists only once the cluster does, so wait for the cluster's name.
                member=pulumi.Output.all(member, args.cluster_name).apply(lambda known: str(known[0])),
                opts=self._child,
            )
        return identity

    def _grant_zone(self, zone: dns.ManagedZone, writer: serviceaccount.Account) -> None:
        dns.DnsManagedZoneIamMember(
            f"{self._base}-records",
            project=self._args.project,
            managed_zone=zone.name,
            role="roles/dns.admin",
            member=writer.member,
            opts=self._child,
        )
        # Finding the zone by name needs a role on the project.
        projects.IAMMember(
            f"{self._base}-zones",
            project=self._args.project,
            role="roles/dns.reader",
            member=writer.member,
            opts=self._child,
        )

    def _grant_secrets(self, reader: serviceaccount.Account) -> None:
        prefix = self._args.secret_prefix
        projects.IAMMember(
            f"{self._base}-secrets",
            project=self._args.project,
            role="roles/secretmanager.secretAccessor",
            member=reader.member,
            condition={
                "title": f"only-{prefix}",
                "expression": f'resource.name.extract("secrets/{{name}}/").startsWith("{prefix}-")',
            },
            opts=self._child,
        )
