"""Clusters, identities, add-ons and the app on all three clouds, built once for all compute tests."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.addons.addons import Addons, AddonsArgs
from components.addons.aws import AwsAddonAccess, AwsAddonAccessArgs
from components.addons.azure import AzureAddonAccess, AzureAddonAccessArgs
from components.addons.gcp import GcpAddonAccess, GcpAddonAccessArgs
from components.app_deployment import AppDeploymentArgs, Entry, Oidc, PersonalData
from components.cluster.aws import AwsCluster, AwsClusterArgs
from components.cluster.azure import AzureCluster, AzureClusterArgs
from components.cluster.gcp import GcpCluster, GcpClusterArgs
from components.cluster.settings import ClusterSettings, NodeSize
from components.identity.aws import AwsDatabaseAccess, AwsErasureAccess, AwsFederation, AwsFederationArgs
from components.identity.azure import AzureFederation, AzureFederationArgs, AzureIdentities, AzureIdentitiesArgs
from components.identity.gcp import GcpFederation, GcpFederationArgs, GcpIdentities, GcpIdentitiesArgs
from components.identity.workloads import WORKLOADS, AwsLogin, AzureLogin, ClusterIssuer, GcpLogin, WorkloadLogins

CLOUDS = ("aws", "azure", "gcp")
TAGS = {"owner": "platform", "environment": "test"}
ISSUERS = {cloud: f"https://issuer.{cloud}.example" for cloud in CLOUDS}
PROJECT = "fortress-test"
AZURE_KUBECONFIG = """
clusters: [{name: c, cluster: {server: 'https://c.azure.example:443', certificate-authority-data: QUs=}}]
users: [{name: c, user: {token: not-to-be-kept}}]
"""
ANSWERS: Mapping[str, Any] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://c.eks.example",
        "certificateAuthority": {"data": "RUtT"},
        "identities": [{"oidcs": [{"issuer": ISSUERS["aws"]}]}],
        "vpcConfig": {"clusterSecurityGroupId": "sg-1", "subnetIds": []},
    },
    "azure-native:containerservice:ManagedCluster": {
        "oidcIssuerProfile": {"enabled": True, "issuerURL": ISSUERS["azure"]},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {}},
    },
    "gcp:container/cluster:Cluster": {
        "id": f"projects/{PROJECT}/locations/europe-west3/clusters/c",
        "endpoint": "10.18.192.2",
        "masterAuth": {"clusterCaCertificate": "R0tF"},
    },
    "gcp:serviceaccount/account:Account": lambda _, inputs: {
        "email": f"{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com",
        "member": f"serviceAccount:{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com",
        "name": f"projects/{PROJECT}/serviceAccounts/{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com",
    },
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": lambda _, inputs: {
        "name": f"projects/123/locations/global/workloadIdentityPools/{inputs['workloadIdentityPoolId']}"
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": lambda _, inputs: {
        "name": "projects/123/locations/global/workloadIdentityPools/"
        f"{inputs['workloadIdentityPoolId']}/providers/{inputs['workloadIdentityPoolProviderId']}"
    },
    "aws:route53/zone:Zone": {"zoneId": "Z1", "nameServers": ["ns.aws.example"]},
    "azure-native:dns:Zone": {"nameServers": ["ns.azure.example"]},
    "gcp:dns/managedZone:ManagedZone": {"nameServers": ["ns.gcp.example"]},
}
SETTINGS = ClusterSettings(size=NodeSize.SMALL, min_nodes=3, max_nodes=9, deletion_protection=True)


@pytest.fixture(scope="session")
def compute_engine(new_engine: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that makes a mock engine with the clouds' outputs."""

    def made() -> Any:
        engine = new_engine()
        engine.answers.update(ANSWERS)
        token = "azure-native:containerservice:listManagedClusterUserCredentials"
        value = base64.b64encode(AZURE_KUBECONFIG.encode()).decode()
        engine.results[token] = {"kubeconfigs": [{"name": "clusterUser", "value": value}]}
        return engine

    return made


@pytest.fixture(scope="session")
def make_clusters() -> Callable[[Any, ClusterSettings], dict[str, Any]]:
    """Registers the three clusters on an engine."""

    def made(engine: Any, settings: ClusterSettings) -> dict[str, Any]:
        return {
            "aws": AwsCluster(
                "test-aws",
                AwsClusterArgs(
                    settings=settings,
                    region="eu-central-1",
                    subnet_ids=["subnet-a", "subnet-b", "subnet-c"],
                    key_arn="arn:aws:kms:eu-central-1:1:key/k",
                    tags=TAGS,
                    log_key_arn="arn:aws:kms:eu-central-1:1:key/logs",
                    viewer_role_arns=["arn:aws:iam::1:role/people"],
                    admin_role_arns=["arn:aws:iam::1:role/operators"],
                ),
                engine.on("aws"),
            ),
            "azure": AzureCluster(
                "test-azure",
                AzureClusterArgs(
                    settings=settings,
                    region="germanywestcentral",
                    zones=["1", "2", "3"],
                    subscription_id="sub",
                    resource_group_name="group",
                    subnet_id="nodes",
                    control_plane_subnet_id="control-plane",
                    vault_id="/vaults/v",
                    key_id="https://v.vault.azure.net/keys/k/1",
                    workspace_id="workspace",
                    tags=TAGS,
                ),
                engine.on("azure"),
            ),
            "gcp": GcpCluster(
                "test-gcp",
                GcpClusterArgs(
                    settings=settings,
                    project=PROJECT,
                    region="europe-west3",
                    zones=["europe-west3-a", "europe-west3-b", "europe-west3-c"],
                    network_id="network",
                    subnet_id="subnet",
                    pods_range_name="pods",
                    services_range_name="services",
                    control_plane_cidr="10.18.192.0/28",
                    key_id="key",
                    tags=TAGS,
                ),
                engine.on("gcp"),
            ),
        }

    return made


@pytest.fixture(scope="session")
def clusters(compute_engine: Any, make_clusters: Any) -> SimpleNamespace:
    """Three private clusters: their engine, and their outputs by cloud."""
    engine = compute_engine()

    def program() -> dict[str, Any]:
        made = make_clusters(engine, SETTINGS)
        return {
            cloud: {"kubeconfig": one.kubeconfig, "issuer": one.oidc_issuer, "name": one.name}
            for cloud, one in made.items()
        }

    return SimpleNamespace(outputs=engine.run(program), engine=engine)


@pytest.fixture(scope="session")
def identities(compute_engine: Any) -> SimpleNamespace:
    """Identities of both workloads, and the trust of each cloud in the clusters of all three."""
    engine = compute_engine()
    issuers = [ClusterIssuer(home=cloud, issuer=issuer) for cloud, issuer in ISSUERS.items()]

    def program() -> dict[str, Any]:
        azure = AzureIdentities(
            "test-azure",
            AzureIdentitiesArgs(resource_group_name="group", location="germanywestcentral", tags=TAGS),
            engine.on("azure"),
        )
        gcp = GcpIdentities("test-gcp", GcpIdentitiesArgs(project=PROJECT), engine.on("gcp"))
        aws = AwsFederation(
            "test-aws",
            AwsFederationArgs(
                clusters=issuers,
                databases=[
                    AwsDatabaseAccess(
                        name="aws-0",
                        arn="arn:aws:rds:eu-central-1:000000000001:db:test-aws-0",
                        resource_id="db-ABC",
                        replica_resource_ids=["db-DEF"],
                        master_secret_arn="arn:aws:secretsmanager:eu-central-1:000000000001:secret:rds!db-1",
                    )
                ],
                secret_key_arn="arn:aws:kms:eu-central-1:000000000001:key/k",
                person_key_arn="arn:aws:kms:eu-central-1:000000000001:key/persons",
                erasures=AwsErasureAccess(
                    bucket_arn="arn:aws:s3:::erased",
                    prefix="erasures",
                    key_arn="arn:aws:kms:eu-central-1:000000000001:key/erasures",
                ),
                tags=TAGS,
            ),
            engine.on("aws"),
        )
        AzureFederation("test-azure", AzureFederationArgs(identities=azure, clusters=issuers), engine.on("azure"))
        trusted = GcpFederation(
            "test-gcp", GcpFederationArgs(identities=gcp, pool_id="fortress", clusters=issuers), engine.on("gcp")
        )
        return {
            "aws": {one: vars(login) for one, login in aws.logins.items()},
            "gcp": {home: {one: vars(login) for one, login in trusted.logins(home).items()} for home in CLOUDS},
        }

    return SimpleNamespace(outputs=engine.run(program), engine=engine)


@pytest.fixture(scope="session")
def addons(compute_engine: Any) -> SimpleNamespace:
    """The add-ons of three clusters."""
    engine = compute_engine()

    def program() -> None:
        access = {
            "aws": AwsAddonAccess(
                "test-aws",
                AwsAddonAccessArgs(
                    cluster_name="test-aws",
                    region="eu-central-1",
                    account_id="000000000001",
                    domain="aws.example.org",
                    secret_prefix="test",
                    secret_key_arn="arn:aws:kms:eu-central-1:000000000001:key/k",
                    tags=TAGS,
                    protect=True,
                ),
                engine.on("aws"),
            ),
            "azure": AzureAddonAccess(
                "test-azure",
                AzureAddonAccessArgs(
                    oidc_issuer=ISSUERS["azure"],
                    region="germanywestcentral",
                    subscription_id="sub",
                    tenant_id="tenant",
                    resource_group_name="group",
                    domain="azure.example.org",
                    vault_id="/vaults/v",
                    tags=TAGS,
                ),
                engine.on("azure"),
            ),
            "gcp": GcpAddonAccess(
                "test-gcp",
                GcpAddonAccessArgs(
                    cluster_name="test-gcp",
                    project=PROJECT,
                    domain="gcp.example.org",
                    secret_prefix="test",
                    tags=TAGS,
                ),
                engine.on("gcp"),
            ),
        }
        for cloud, one in access.items():
            Addons(
                f"test-{cloud}",
                AddonsArgs(bindings=one.bindings, domain=f"{cloud}.example.org", owner=f"test-{cloud}", labels=TAGS),
                pulumi.ResourceOptions(provider=engine.provider("kubernetes", f"test-{cloud}")),
            )

    engine.run(program)
    return SimpleNamespace(engine=engine)


@pytest.fixture(scope="session")
def app_args() -> Callable[..., AppDeploymentArgs]:
    """Arguments of a complete app deployment on AWS, with changes."""
    logins = WorkloadLogins(
        aws=AwsLogin(role_arn="arn:aws:iam::1:role/r"),
        azure=AzureLogin(client_id="client", tenant_id="tenant"),
        gcp=GcpLogin(
            service_account=f"ledger@{PROJECT}.iam.gserviceaccount.com",
            audience="https://iam.googleapis.com/provider",
            credential_configuration='{"type": "external_account"}',
        ),
        annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/r"},
    )

    def made(**changes: Any) -> AppDeploymentArgs:
        args = AppDeploymentArgs(
            cloud="aws",
            environment="test",
            image="registry.example/app@sha256:" + "0" * 64,
            directory='{"shards": []}',
            database_cidrs=["10.16.224.0/22", "10.17.128.0/20"],
            oidc=Oidc(issuer="https://login.example", audience="ledger"),
            personal_data=PersonalData(master_key="aws-kms:arn:aws:kms:eu-central-1:1:key/persons"),
            entry=Entry(hostnames=["aws.example.org"]),
            logins=dict.fromkeys(WORKLOADS, logins),
            labels=TAGS,
        )
        return replace(args, **changes)

    return made
