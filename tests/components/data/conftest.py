"""Networks, keys, databases and the mesh of all three clouds, built once for all data tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.database.aws import AwsHome
from components.database.azure import AzureHome
from components.database.endpoint import Home
from components.database.gcp import GcpHome
from components.database.settings import PostgresSettings, Tier
from components.database.shards import ShardCluster, ShardClusterArgs, plan_shards
from components.foundation.azure import AzureFoundation, AzureFoundationArgs
from components.foundation.gcp import GcpFoundation, GcpFoundationArgs
from components.interconnect import AwsSite, AzureNames, AzureSite, GcpSite, Mesh, MeshArgs
from components.keys.aws import AwsKey, AwsKeyArgs
from components.keys.azure import AzureKey, AzureKeyArgs
from components.keys.gcp import GcpKey, GcpKeyArgs
from components.network.aws import AwsNetwork, AwsNetworkArgs
from components.network.azure import AzureNetwork, AzureNetworkArgs
from components.network.gcp import GcpNetwork, GcpNetworkArgs
from components.personal_data.aws import AwsErasureLog, AwsErasureLogArgs
from components.personal_data.gcp import GcpErasureLog, GcpErasureLogArgs

CLOUDS = ("aws", "azure", "gcp")
CIDRS = {"aws": "10.16.0.0/16", "azure": "10.17.0.0/16", "gcp": "10.18.0.0/16"}
TAGS = {"owner": "ledger@example.com", "environment": "test", "data-classification": "confidential"}
ANSWERS: Mapping[str, Any] = {
    "aws:rds/instance:Instance": lambda name, _: {
        "address": f"{name}.rds.example",
        "port": 5432,
        "resourceId": f"db-{name}",
        "masterUserSecrets": [{"secretArn": f"arn:secret:{name}", "kmsKeyId": "arn:key", "secretStatus": "active"}],
    },
    "aws:kms/key:Key": lambda name, _: {"keyId": f"{name}-key"},
    "gcp:kms/keyRing:KeyRing": lambda _, inputs: {
        "id": f"projects/{inputs['project']}/locations/{inputs['location']}/keyRings/{inputs['name']}"
    },
    "azure-native:dbforpostgresql:Server": lambda name, _: {"fullyQualifiedDomainName": f"{name}.azure.example"},
    "azure-native:keyvault:Key": {"keyUri": "https://v/keys/k", "keyUriWithVersion": "https://v/keys/k/1"},
    "gcp:sql/databaseInstance:DatabaseInstance": lambda name, _: {
        "privateIpAddress": "10.18.160.3",
        "dnsNames": [
            {"connectionType": "PUBLIC", "dnsScope": "INSTANCE", "name": f"{name}.sql.example."},
            {
                "connectionType": "PRIVATE_SERVICES_ACCESS",
                "dnsScope": "INSTANCE",
                "name": f"{name}.sql-psa.example.",
            },
        ],
        "serverCaCerts": [{"cert": "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"}],
    },
    "gcp:projects/serviceIdentity:ServiceIdentity": lambda _, inputs: {
        "member": f"serviceAccount:service@{inputs['service']}"
    },
    "aws:s3/bucket:Bucket": lambda _, inputs: {"id": inputs["bucket"], "arn": f"arn:aws:s3:::{inputs['bucket']}"},
    "gcp:projects/iAMCustomRole:IAMCustomRole": lambda _, inputs: {
        "name": f"projects/{inputs['project']}/roles/{inputs['roleId']}"
    },
    "gcp:servicenetworking/connection:Connection": {"peering": "servicenetworking-googleapis-com"},
    "aws:ec2/vpnConnection:VpnConnection": lambda name, _: {
        "tunnel1Address": "192.0.2.1",
        "tunnel2Address": "192.0.2.2",
        "tunnel1PresharedKey": f"{name}-first",
        "tunnel2PresharedKey": f"{name}-second",
    },
    "gcp:compute/haVpnGateway:HaVpnGateway": {
        "vpnInterfaces": [{"id": 0, "ipAddress": "198.51.100.1"}, {"id": 1, "ipAddress": "198.51.100.2"}]
    },
    "azure-native:network:PublicIPAddress": lambda name, _: {"ipAddress": f"203.0.113.{int(name[-1] == '1') + 1}"},
}
RANDOM_PASSWORD = "aws:secretsmanager/getRandomPassword:getRandomPassword"
PASSWORD = "Zq8" * 13
STORAGE_ACCOUNT = "gcp:storage/getProjectServiceAccount:getProjectServiceAccount"
STORAGE_EMAIL = "service-1@gs-project-accounts.iam.gserviceaccount.com"


@pytest.fixture(scope="session")
def data_engine(new_engine: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that makes a mock engine with the clouds' outputs."""

    def made() -> Any:
        engine = new_engine()
        engine.answers.update(ANSWERS)
        engine.results[RANDOM_PASSWORD] = {"randomPassword": PASSWORD}
        engine.results[STORAGE_ACCOUNT] = {"emailAddress": STORAGE_EMAIL}
        return engine

    return made


@pytest.fixture(scope="session")
def run(data_engine: Callable[[], Any]) -> Callable[..., Any]:
    """Return a function that runs a program with a provider for every cloud, and returns its engine."""

    def ran(program: Callable[[Any], Any]) -> Any:
        engine = data_engine()
        engine.result = engine.run(lambda: program(engine.on(*CLOUDS)))
        return engine

    return ran


@pytest.fixture(scope="session")
def networks(run: Callable[..., Any]) -> Any:
    """The engine after building the three networks and their foundations."""
    return run(_networks)


@pytest.fixture(scope="session")
def keys(run: Callable[..., Any]) -> Any:
    """The engine after building a protected key on every cloud."""
    return run(lambda opts: _keys(opts, protect=True))


@pytest.fixture(scope="session")
def settings() -> PostgresSettings:
    """Settings like production's, with a replica."""
    return PostgresSettings(tier=Tier.MEDIUM, zone_redundant=True, deletion_protection=True, protect=True, replicas=1)


@pytest.fixture(scope="session")
def modest_settings() -> PostgresSettings:
    """Settings like a preview environment's."""
    return PostgresSettings(tier=Tier.SMALL, zone_redundant=False, deletion_protection=False, protect=False)


@pytest.fixture(scope="session")
def erasure_logs(run: Callable[..., Any]) -> Any:
    """The engine after building the erasure logs of a protected environment, each in two regions."""
    return run(lambda opts: _erasure_logs(opts, protect=True, copies={"aws": "eu-west-1", "gcp": "europe-west4"}))


@pytest.fixture(scope="session")
def modest_erasure_logs(run: Callable[..., Any]) -> Any:
    """The engine after building the erasure logs of a temporary environment, each in one region."""
    return run(lambda opts: _erasure_logs(opts, protect=False, copies={}))


@pytest.fixture(scope="session")
def place_shards(run: Callable[..., Any], homes: dict[str, Home]) -> Callable[[PostgresSettings], Any]:
    """Return a function that builds a shard on every cloud; the engine's result is the directory."""

    def placed(settings: PostgresSettings) -> Any:
        def program(opts: Any) -> Any:
            args = ShardClusterArgs(homes=homes, shards=plan_shards(CLOUDS, 1), settings=settings, tags=TAGS)
            return ShardCluster("test", args, opts).directory

        return run(program)

    return placed


@pytest.fixture(scope="session")
def databases(place_shards: Callable[..., Any], settings: PostgresSettings) -> Any:
    """The engine after building three production-like shards."""
    return place_shards(settings)


@pytest.fixture(scope="session")
def modest_databases(place_shards: Callable[..., Any], modest_settings: PostgresSettings) -> Any:
    """The engine after building three small shards."""
    return place_shards(modest_settings)


@pytest.fixture(scope="session")
def sites() -> SimpleNamespace:
    """Ends of the mesh in every cloud."""
    return SimpleNamespace(
        aws=AwsSite(
            vpc_id="vpc-1",
            cidr=CIDRS["aws"],
            subnet_ids=["subnet-1", "subnet-2", "subnet-3"],
            route_table_ids={"zone": "rtb-1", "database": "rtb-2"},
            tags=TAGS,
            log_key_arn="arn:key",
        ),
        azure=AzureSite(
            region="germanywestcentral",
            resource_group_name="test-azure",
            subscription_id="00000000-0000-0000-0000-000000000001",
            cidr=CIDRS["azure"],
            gateway_subnet_id="/subnets/GatewaySubnet",
            zones=("1", "2", "3"),
            tags=TAGS,
            names=AzureNames(
                region="germanywestcentral",
                resource_group_name="test-azure",
                vnet_id="/vnets/test",
                resolver_subnet_id="/subnets/resolver",
                resolver_address="10.17.160.68",
                zone="test.private.postgres.database.azure.com",
            ),
        ),
        gcp=GcpSite(
            project="fortress-test", region="europe-west3", network_id="networks/test", cidr=CIDRS["gcp"], tags=TAGS
        ),
    )


@pytest.fixture(scope="session")
def joined(run: Callable[..., Any], sites: SimpleNamespace) -> Any:
    """The engine after joining all three networks."""
    return run(lambda opts: Mesh("test", MeshArgs(aws=sites.aws, azure=sites.azure, gcp=sites.gcp), opts) and None)


@pytest.fixture(scope="session")
def homes() -> dict[str, Home]:
    """A place for databases on every cloud."""
    return {
        "aws": AwsHome(
            region="eu-central-1",
            subnet_ids=["subnet-4", "subnet-5", "subnet-6"],
            security_group_id="sg-1",
            key_arn="arn:aws:kms:eu-central-1:000000000001:key/1",
        ),
        "azure": AzureHome(
            region="germanywestcentral",
            resource_group_name="test-azure",
            subnet_id="/subnets/database",
            dns_zone_id="/zones/database",
            key_uri="https://vault.example/keys/ledger",
            key_identity_id="/identities/key",
            tenant_id="tenant-1",
            app_principal_id="principal-ledger",
            admin_principal_id="principal-migrator",
            workspace_id="/workspaces/audit",
        ),
        "gcp": GcpHome(
            region="europe-west3",
            project="fortress-test",
            network_id="networks/test",
            address_range_name="test-databases",
            key_id="keys/ledger",
            app_service_account="ledger@fortress-test.iam.gserviceaccount.com",
            admin_service_account="migrator@fortress-test.iam.gserviceaccount.com",
        ),
    }


def _networks(opts: Any) -> None:
    def peers(cloud: str) -> dict[str, str]:
        return {peer: cidr for peer, cidr in CIDRS.items() if peer != cloud}

    AwsNetwork(
        "test-aws",
        AwsNetworkArgs(
            region="eu-central-1",
            zones=("eu-central-1a", "eu-central-1b", "eu-central-1c"),
            cidr=CIDRS["aws"],
            tags=TAGS,
            peers=peers("aws"),
            log_key_arn="arn:key",
            keep_logs=True,
        ),
        opts,
    )
    foundation = AzureFoundation(
        "test-azure",
        AzureFoundationArgs(region="germanywestcentral", subscription_id="1", tags=TAGS, protect=True),
        opts,
    )
    AzureNetwork(
        "test-azure",
        AzureNetworkArgs(
            region="germanywestcentral",
            resource_group_name=foundation.resource_group_name,
            zones=("1", "2", "3"),
            cidr=CIDRS["azure"],
            tags=TAGS,
            peers=peers("azure"),
        ),
        opts,
    )
    GcpFoundation("test-gcp", GcpFoundationArgs(project="fortress-test", region="europe-west3", keep_logs=True), opts)
    GcpNetwork(
        "test-gcp",
        GcpNetworkArgs(
            project="fortress-test",
            region="europe-west3",
            zones=("europe-west3-a", "europe-west3-b", "europe-west3-c"),
            cidr=CIDRS["gcp"],
            tags=TAGS,
            peers=peers("gcp"),
        ),
        opts,
    )


def _keys(opts: Any, *, protect: bool) -> None:
    AwsKey(
        "test-aws",
        AwsKeyArgs(
            purpose="ledger databases",
            encrypts=("databases", "logs"),
            account_id="000000000001",
            tags=TAGS,
            via_services=("rds.eu-central-1.amazonaws.com",),
            log_regions=("eu-central-1",),
            protect=protect,
        ),
        opts,
    )
    AzureKey(
        "test-azure",
        AzureKeyArgs(
            purpose="ledger databases",
            encrypts=("databases",),
            region="germanywestcentral",
            resource_group_name="test-azure",
            subscription_id="00000000-0000-0000-0000-000000000001",
            tenant_id="tenant-1",
            tags=TAGS,
            users={"cluster": "principal-cluster"},
            salt="00000000-0000-0000-0000-000000000001",
            protect=protect,
        ),
        opts,
    )
    GcpKey(
        "test-gcp",
        GcpKeyArgs(
            purpose="ledger databases",
            encrypts=("kubernetes", "databases"),
            project="fortress-test",
            region="europe-west3",
            tags=TAGS,
            services=("sqladmin.googleapis.com", "container.googleapis.com"),
            users={"ledger": "ledger@example.com", "migrator": "migrator@example.com"},
            rotators=("migrator",),
            protect=protect,
        ),
        opts,
    )


def _erasure_logs(opts: Any, *, protect: bool, copies: Mapping[str, str]) -> Any:
    aws = AwsErasureLog(
        "test-aws-erasures",
        AwsErasureLogArgs(
            region="eu-central-1",
            copy_region=copies.get("aws"),
            account_id="000000000001",
            retention_days=365 if protect else 7,
            tags=TAGS,
            protect=protect,
        ),
        opts,
    )
    gcp = GcpErasureLog(
        "test-gcp-erasures",
        GcpErasureLogArgs(
            project="fortress-test",
            region="europe-west3",
            copy_region=copies.get("gcp"),
            writers={"migrator": "migrator@example.com"},
            retention_days=365 if protect else 7,
            tags=TAGS,
            protect=protect,
        ),
        opts,
    )
    return pulumi.Output.all(aws=aws.address, gcp=gcp.address)
