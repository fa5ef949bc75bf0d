"""Databases, stores of secrets and images: reachable from inside only."""

from __future__ import annotations

from policies import (
    CRITICAL,
    HIGH,
    PASS,
    Properties,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    passes_if,
    sets,
    with_value,
)
from policies.clouds.iam_documents import admits_everyone, statements
from policies.clouds.members import for_somebody, members_of_all_roles
from policies.controls.network_exposure import EVIDENCE, control
from policies.property_checks import OFF, Property, check_properties

CLOSED = ("Disabled", "SecuredByPerimeter")

private_database = control(
    "NET-003",
    title="Databases have no public address",
    severity=CRITICAL,
    maps={**EVIDENCE, "iso27001": ["A.8.3", "A.8.20", "A.8.22"], "pci_dss": ["1.3.1", "1.4.4"]},
    remedy="Give the database an address inside the network only; in GCP name that network.",
)


@private_database
@applies_to(
    "aws:rds/instance:Instance",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:neptune/clusterInstance:ClusterInstance",
    "aws:redshift/cluster:Cluster",
    "aws:dms/replicationInstance:ReplicationInstance",
    reads=["publiclyAccessible"],
)
@fixed_by(
    sets("publiclyAccessible", False),
    "aws:rds/instance:Instance",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:redshift/cluster:Cluster",
)
@fixed_by(
    sets("publiclyAccessible", False),
    "aws:neptune/clusterInstance:ClusterInstance",
    "aws:dms/replicationInstance:ReplicationInstance",
    replaces=True,
)
def aws_database_is_private(database: Resource) -> Verdict:
    return passes_if(not database.flag("publiclyAccessible"), "publiclyAccessible is on")


@private_database
@applies_to(
    "azure-native:dbforpostgresql:Server",
    "azure-native:dbformysql:Server",
    reads=["network.publicNetworkAccess", "network.delegatedSubnetResourceId"],
)
@fixed_by(sets("network.publicNetworkAccess", "Disabled"), replaces=True)
def azure_flexible_server_is_private(server: Resource) -> Verdict:
    """In a subnet of its own a server has no public address, unless somebody asks for one all the same."""
    access = server.text("network.publicNetworkAccess", "not set")
    if access == "Disabled":
        return PASS
    inside = access == "not set" and server.has("network.delegatedSubnetResourceId")
    return passes_if(inside, f"publicNetworkAccess is {access}")


_ADDRESS = "settings.ipConfiguration"


def without_public_address(properties: Properties) -> Properties:
    """Turns the public address off where there is another one; Cloud SQL refuses an instance with none."""
    instance = View(value=properties)
    inside = instance.has(f"{_ADDRESS}.privateNetwork") or instance.exists(f"{_ADDRESS}.pscConfigs")
    return with_value(properties, f"{_ADDRESS}.ipv4Enabled", False) if inside else properties


@private_database
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=[f"{_ADDRESS}.ipv4Enabled"])
@fixed_by(without_public_address)
def cloud_sql_is_private(instance: Resource) -> Verdict:
    return passes_if(not instance.flag(f"{_ADDRESS}.ipv4Enabled", default=True), "ipv4Enabled is on")


private_database_properties = check_properties(
    private_database,
    Property(
        ("azure-native:sql:Server", "azure-native:cosmosdb:DatabaseAccount", "azure-native:redis:Redis"),
        "publicNetworkAccess",
        CLOSED,
        fix="Disabled",
    ),
    Property("gcp:alloydb/instance:Instance", "networkConfig.enablePublicIp", OFF, fix=False),
)


closed_store = control(
    "NET-011",
    title="Stores of keys, secrets, images and files are not open to all networks",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.3", "A.8.20"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.4.4", "3.6.1.3"],
    },
    remedy="Close the store to the internet, or let only named networks and principals in.",
)


@closed_store
@applies_to(
    "aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:secretsmanager/secretPolicy:SecretPolicy", reads=["policy"]
)
def aws_store_admits_somebody(store: Resource) -> Verdict:
    return passes_if(not any(map(admits_everyone, statements(store.document("policy")))), "a statement admits everyone")


def _judge_network(store: View, rules: str) -> Verdict:
    access = store.text("publicNetworkAccess", "not set")
    if access in CLOSED:
        return PASS
    action = store.text(f"{rules}.defaultAction", "not set")
    return passes_if(action == "Deny", f"publicNetworkAccess is {access}, and the default action {action}")


@closed_store
@applies_to(
    "azure-native:keyvault:Vault", reads=["properties.publicNetworkAccess", "properties.networkAcls.defaultAction"]
)
@fixed_by(sets("properties.networkAcls.defaultAction", "Deny"))
def vault_is_closed(vault: Resource) -> Verdict:
    return _judge_network(vault.object("properties"), "networkAcls")


@closed_store
@applies_to("azure-native:storage:StorageAccount", reads=["publicNetworkAccess", "networkRuleSet.defaultAction"])
@fixed_by(sets("networkRuleSet.defaultAction", "Deny"))
def storage_account_is_closed(account: Resource) -> Verdict:
    return _judge_network(account, "networkRuleSet")


@closed_store
@applies_to(
    "azure-native:containerregistry:Registry",
    reads=["anonymousPullEnabled", "publicNetworkAccess", "networkRuleSet.defaultAction"],
)
def registry_is_closed(registry: Resource) -> Verdict:
    if registry.flag("anonymousPullEnabled"):
        return fails("anonymousPullEnabled is on")
    return _judge_network(registry, "networkRuleSet")


@closed_store
@applies_to("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", reads=["member"])
def images_are_for_somebody(grant: Resource) -> Verdict:
    return for_somebody([grant.text("member")])


@closed_store
@applies_to("gcp:artifactregistry/repositoryIamBinding:RepositoryIamBinding", reads=["members"])
def images_are_for_several(grant: Resource) -> Verdict:
    return for_somebody(grant.texts("members"))


@closed_store
@applies_to("gcp:artifactregistry/repositoryIamPolicy:RepositoryIamPolicy", reads=["policyData"])
def images_are_for_somebody_in_all_roles(policy: Resource) -> Verdict:
    return for_somebody(members_of_all_roles(policy.document("policyData")))
