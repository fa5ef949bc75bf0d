"""Google service accounts of the workloads, and their trust in the service account tokens of every cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import iam, projects, serviceaccount

from components.common import Cloud, child_of
from components.identity.workloads import (
    NAMESPACE,
    TOKEN_FOLDER,
    WORKLOADS,
    ClusterIssuer,
    GcpLogin,
    Workload,
    subject,
)

DATABASE_ROLES = {"login": "roles/cloudsql.instanceUser", "connect": "roles/cloudsql.client"}
USER_ROLE = "roles/iam.workloadIdentityUser"


@dataclass(frozen=True, kw_only=True)
class GcpIdentitiesArgs:
    """Where the service accounts live."""

    project: str
    """One environment per project: database users are named after the accounts, `ledger@<project>.iam`."""


class GcpIdentities(pulumi.ComponentResource):
    """One service account per workload that may log in to Cloud SQL. Databases name them before any cluster exists."""

    project: str
    emails: Mapping[Workload, pulumi.Output[str]]
    account_names: Mapping[Workload, pulumi.Output[str]]
    """Full resource names, `projects/…/serviceAccounts/…`."""

    def __init__(self, name: str, args: GcpIdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:identity:GcpIdentities", name, None, opts)
        child = child_of(self, opts)
        accounts = {
            workload: serviceaccount.Account(
                f"{name}-{workload}",
                account_id=workload,
                project=args.project,
                display_name=f"Living Fortress {workload}",
                opts=child,
            )
            for workload in WORKLOADS
        }
        for workload, account in accounts.items():
            for purpose, role in DATABASE_ROLES.items():
                projects.IAMMember(
                    f"{name}-{workload}-{purpose}",
                    project=args.project,
                    role=role,
                    member=account.member,
                    opts=child,
                )
        self.project = args.project
        self.emails = {workload: account.email for workload, account in accounts.items()}
        self.account_names = {workload: account.name for workload, account in accounts.items()}
        self.register_outputs({f"{workload}_email": account.email for workload, account in accounts.items()})


@dataclass(frozen=True, kw_only=True)
class GcpFederationArgs:
    """Clusters whose tokens the service accounts accept."""

    identities: GcpIdentities
    pool_id: str
    """Id of the workload identity pool, 4 to 32 of `a-z0-9-`; a deleted one stays taken for 30 days."""
    clusters: Sequence[ClusterIssuer]
    namespace: str = NAMESPACE


class GcpFederation(pulumi.ComponentResource):
    """A workload identity pool with every foreign cluster's issuer; pods on GKE use its built-in pool."""

    def __init__(self, name: str, args: GcpFederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:identity:GcpFederation", name, None, opts)
        self._args, self._child = args, child_of(self, opts)
        pool = iam.WorkloadIdentityPool(
            name,
            workload_identity_pool_id=args.pool_id,
            project=args.identities.project,
            display_name="Clusters of Living Fortress",
            opts=self._child,
        )
        self._trusted = {
            cluster.home: self._trust(name, pool, cluster) for cluster in args.clusters if cluster.home != "gcp"
        }
        for workload in WORKLOADS:
            self._bind(name, workload, pool)
        self.register_outputs({"pool": pool.name})

    def logins(self, home: Cloud) -> Mapping[Workload, GcpLogin]:
        """Return what pods of the cluster at `home` need to act as the service accounts."""
        return {workload: self._make_login(workload, home) for workload in WORKLOADS}

    def _trust(
        self, name: str, pool: iam.WorkloadIdentityPool, cluster: ClusterIssuer
    ) -> iam.WorkloadIdentityPoolProvider:
        allowed = json.dumps([subject(workload, self._args.namespace) for workload in WORKLOADS])
        return iam.WorkloadIdentityPoolProvider(
            f"{name}-{cluster.home}",
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id=f"{cluster.home}-cluster",
            project=self._args.identities.project,
            display_name=f"Cluster on {cluster.home}",
            attribute_mapping={"google.subject": "assertion.sub"},
            attribute_condition=f"assertion.sub in {allowed}",
            oidc={"issuer_uri": cluster.issuer},
            opts=self._child,
        )

    def _bind(self, name: str, workload: Workload, pool: iam.WorkloadIdentityPool) -> None:
        args = self._args
        foreign = pulumi.Output.concat(
            "principal://iam.googleapis.com/", pool.name, "/subject/", subject(workload, args.namespace)
        )
        inside = f"serviceAccount:{args.identities.project}.svc.id.goog[{args.namespace}/{workload}]"
        members: dict[str, pulumi.Input[str]] = {"foreign": foreign} if self._trusted else {}
        for cluster in args.clusters:
            if cluster.home == "gcp":
                # The built-in pool exists only once the first cluster does, so wait for its issuer.
                members["inside"] = pulumi.Output.all(inside, cluster.issuer).apply(lambda known: str(known[0]))
        for place, member in members.items():
            serviceaccount.IAMMember(
                f"{name}-{workload}-{place}",
                service_account_id=args.identities.account_names[workload],
                role=USER_ROLE,
                member=member,
                opts=self._child,
            )

    def _make_login(self, workload: Workload, home: Cloud) -> GcpLogin:
        email = self._args.identities.emails[workload]
        if home not in self._trusted:
            return GcpLogin(service_account=email)
        provider = self._trusted[home].name
        return GcpLogin(
            service_account=email,
            audience=pulumi.Output.concat("https://iam.googleapis.com/", provider),
            credential_configuration=pulumi.Output.all(provider, email).apply(
                lambda pair: build_external_account(*pair)
            ),
        )


def build_external_account(provider: str, email: str) -> str:
    """Return the credential file (no secret) with which a pod exchanges its token for the service account's."""
    return json.dumps(
        {
            "type": "external_account",
            "universe_domain": "googleapis.com",
            "audience": f"//iam.googleapis.com/{provider}",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "service_account_impersonation_url": (
                f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
            ),
            "credential_source": {"file": f"{TOKEN_FOLDER}/gcp/token", "format": {"type": "text"}},
        },
        indent=2,
    )
