"""Networks: private, three zones, and nothing gets in or out that was not meant to."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pulumi
import pytest
from pulumi_gcp import projects

from components.network.aws import AwsNetwork, AwsNetworkArgs
from components.network.azure import AzureNetwork, AzureNetworkArgs
from components.network.gcp import GcpNetwork, GcpNetworkArgs
from components.network.plan import InvalidNetwork

pytestmark = pytest.mark.slow

SUBNET, ROUTE, INGRESS = (
    "aws:ec2/subnet:Subnet",
    "aws:ec2/route:Route",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
)
ENDPOINT, NAT = "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/natGateway:NatGateway"
NSG, AZURE_SUBNET = "azure-native:network:NetworkSecurityGroup", "azure-native:network:Subnet"
FIREWALL = "gcp:compute/firewall:Firewall"
INSIDE = {"10.16.0.0/16", "10.17.0.0/16", "10.18.0.0/16"}


def test_every_network_is_made_of_well_formed_components(networks: Any) -> None:
    networks.assert_well_formed()


def test_no_aws_subnet_hands_out_public_addresses(networks: Any) -> None:
    subnets = networks.all(SUBNET)
    assert len(subnets) == 9
    assert not any(subnet["mapPublicIpOnLaunch"] for subnet in subnets)
    assert {subnet["availabilityZone"] for subnet in subnets} == {"eu-central-1a", "eu-central-1b", "eu-central-1c"}


def test_aws_databases_have_no_way_to_the_internet(networks: Any) -> None:
    table = networks.named("aws:ec2/routeTable:RouteTable", "test-aws-database")
    assert not [route for route in networks.all(ROUTE) if route["routeTableId"] == f"{table.name}-id"]
    joined = networks.all("aws:ec2/routeTableAssociation:RouteTableAssociation")
    inside = {one["subnetId"] for one in joined if one["routeTableId"] == f"{table.name}-id"}
    assert inside == {f"{resource.name}-id" for resource in networks.all(SUBNET) if "-database-" in resource.name}


def test_each_aws_zone_has_its_own_way_out(networks: Any) -> None:
    assert len(networks.all(NAT)) == 3
    ways = {route.get("natGatewayId") for route in networks.all(ROUTE) if route.get("natGatewayId")}
    assert len(ways) == 3
    assert {nat["subnetId"] for nat in networks.all(NAT)} == {
        f"{resource.name}-id" for resource in networks.all(SUBNET) if "-public-" in resource.name
    }


def test_aws_clusters_leave_through_nat_only(networks: Any) -> None:
    straight_out = [route for route in networks.all(ROUTE) if route.get("gatewayId")]
    assert [route.name for route in straight_out] == ["test-aws-public"]


def test_aws_services_are_reached_privately(networks: Any) -> None:
    services = {
        resource["serviceName"].removeprefix("com.amazonaws.eu-central-1."): resource
        for resource in networks.all(ENDPOINT)
    }
    assert {"s3", "ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager", "sts"} <= set(services)
    assert services.pop("s3")["vpcEndpointType"] == "Gateway"
    assert all(
        service["vpcEndpointType"] == "Interface" and service["privateDnsEnabled"] for service in services.values()
    )


def test_aws_databases_take_postgres_from_the_joined_networks_and_nothing_else(networks: Any) -> None:
    group = networks.named("aws:ec2/securityGroup:SecurityGroup", "test-aws-database")
    assert "egress" not in group
    assert "ingress" not in group
    rules = [rule for rule in networks.all(INGRESS) if rule["securityGroupId"] == f"{group.name}-id"]
    assert {rule["cidrIpv4"] for rule in rules} == INSIDE
    assert {(rule["ipProtocol"], rule["fromPort"], rule["toPort"]) for rule in rules} == {("tcp", 5432, 5432)}
    assert not networks.has("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")


def test_the_default_group_of_aws_lets_nothing_through(networks: Any) -> None:
    group = networks.only("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group["ingress"] == []
    assert group["egress"] == []


def test_no_rule_of_aws_is_open_to_the_world(networks: Any) -> None:
    assert not [rule for rule in networks.all(INGRESS) if rule.get("cidrIpv4") == "0.0.0.0/0" or "cidrIpv6" in rule]


def test_aws_keeps_encrypted_flow_logs_of_everything(networks: Any) -> None:
    flow = networks.only("aws:ec2/flowLog:FlowLog")
    assert flow["trafficType"] == "ALL"
    assert flow["vpcId"] == "test-aws-id"
    group = networks.only("aws:cloudwatch/logGroup:LogGroup")
    assert group["kmsKeyId"] == "arn:key"
    assert group["retentionInDays"] == 365
    assert group["deletionProtectionEnabled"] is True
    policy = json.loads(networks.only("aws:iam/rolePolicy:RolePolicy")["policy"])
    assert policy["Statement"][0]["Resource"] == "arn:mock:test-aws:*"


def test_azure_databases_live_in_a_subnet_of_their_own(networks: Any) -> None:
    subnet = networks.named(AZURE_SUBNET, "test-azure-database")
    assert [delegation["serviceName"] for delegation in subnet["delegations"]] == [
        "Microsoft.DBforPostgreSQL/flexibleServers"
    ]
    assert "natGateway" not in subnet
    assert subnet["networkSecurityGroup"] == {"id": "test-azure-database-id"}


def test_no_azure_subnet_uses_the_default_way_out(networks: Any) -> None:
    subnets = networks.all(AZURE_SUBNET)
    assert len(subnets) == 6
    assert not any(subnet["defaultOutboundAccess"] for subnet in subnets)
    assert [subnet.name for subnet in subnets if "natGateway" in subnet] == ["test-azure-cluster"]


def test_azure_subnets_are_made_one_after_another(networks: Any) -> None:
    subnets = networks.all(AZURE_SUBNET)
    assert len(subnets) > 1
    for before, after in pairwise(subnets):
        assert before.urn in after.depends_on


def test_azure_databases_take_postgres_from_the_joined_networks_and_nothing_else(networks: Any) -> None:
    rules = networks.named(NSG, "test-azure-database")["securityRules"]
    allowed = [rule for rule in rules if rule["direction"] == "Inbound" and rule["access"] == "Allow"]
    assert {rule["destinationPortRange"] for rule in allowed} == {"5432"}
    assert set(rules[0]["sourceAddressPrefixes"]) == INSIDE
    outward = [rule for rule in rules if rule["direction"] == "Outbound" and rule["access"] == "Allow"]
    assert not [rule for rule in outward if rule.get("destinationAddressPrefix") in ("*", "Internet")]


@pytest.mark.parametrize("kind", ["cluster", "database", "endpoints"])
def test_azure_groups_end_in_a_refusal(networks: Any, kind: str) -> None:
    rules = networks.named(NSG, f"test-azure-{kind}")["securityRules"]
    last = max((rule for rule in rules if rule["direction"] == "Inbound"), key=lambda rule: rule["priority"])
    assert (last["access"], last["sourceAddressPrefix"], last["destinationPortRange"]) == ("Deny", "*", "*")


def test_azure_databases_have_private_names(networks: Any) -> None:
    zone = networks.only("azure-native:privatedns:PrivateZone")
    assert zone["privateZoneName"] == "test-azure.private.postgres.database.azure.com"
    link = networks.only("azure-native:privatedns:VirtualNetworkLink")
    assert link["virtualNetwork"] == {"id": "test-azure-id"}
    assert link["registrationEnabled"] is False


def test_azures_group_and_its_logs_cannot_go_by_accident(networks: Any) -> None:
    assert networks.only("azure-native:resources:ResourceGroup").protect
    workspace = networks.only("azure-native:operationalinsights:Workspace")
    assert workspace["features"]["disableLocalAuth"] is True
    assert workspace["retentionInDays"] == 365


def test_azure_keeps_what_is_done_to_the_subscription(networks: Any) -> None:
    setting = networks.only("azure-native:monitor:DiagnosticSetting")
    assert setting["resourceUri"] == "/subscriptions/1"
    assert setting["workspaceId"] == "test-azure-id"
    assert {log["category"] for log in setting["logs"] if log["enabled"]} >= {"Administrative", "Security", "Policy"}


def test_google_makes_no_subnets_of_its_own(networks: Any) -> None:
    network = networks.only("gcp:compute/network:Network")
    assert network["autoCreateSubnetworks"] is False
    assert network["routingMode"] == "GLOBAL"


def test_googles_subnet_logs_flows_and_reaches_googles_services_privately(networks: Any) -> None:
    subnet = networks.only("gcp:compute/subnetwork:Subnetwork")
    assert subnet["privateIpGoogleAccess"] is True
    assert subnet["logConfig"]["metadata"] == "INCLUDE_ALL_METADATA"
    assert {one["rangeName"] for one in subnet["secondaryIpRanges"]} == {"pods", "services"}


def test_google_refuses_what_no_rule_allows(networks: Any) -> None:
    refusals = {rule["direction"]: rule for rule in networks.all(FIREWALL) if "denies" in rule}
    assert set(refusals) == {"INGRESS", "EGRESS"}
    assert refusals["EGRESS"]["destinationRanges"] == ["0.0.0.0/0"]
    assert refusals["INGRESS"]["sourceRanges"] == ["0.0.0.0/0"]
    assert all(rule["denies"] == [{"protocol": "all"}] for rule in refusals.values())
    allowances = [rule for rule in networks.all(FIREWALL) if "allows" in rule]
    assert all(rule["priority"] < refusals[rule["direction"]]["priority"] for rule in allowances)


def test_google_lets_nobody_in_from_outside_the_mesh(networks: Any) -> None:
    inward = [rule for rule in networks.all(FIREWALL) if "allows" in rule and rule["direction"] == "INGRESS"]
    assert {source for rule in inward for source in rule["sourceRanges"]} == INSIDE


def test_google_lets_only_tls_out_to_the_internet(networks: Any) -> None:
    outward = [rule for rule in networks.all(FIREWALL) if "allows" in rule and rule["direction"] == "EGRESS"]
    to_the_world = [rule for rule in outward if "0.0.0.0/0" in rule["destinationRanges"]]
    assert [rule["allows"] for rule in to_the_world] == [[{"protocol": "tcp", "ports": ["443"]}]]


def test_every_google_rule_is_logged(networks: Any) -> None:
    assert all(rule["logConfig"] for rule in networks.all(FIREWALL))


def test_cloud_sql_gets_a_range_of_ours_and_knows_the_way_back(networks: Any) -> None:
    reserved = networks.only("gcp:compute/globalAddress:GlobalAddress")
    assert (reserved["purpose"], reserved["addressType"]) == ("VPC_PEERING", "INTERNAL")
    connection = networks.only("gcp:servicenetworking/connection:Connection")
    assert connection["reservedPeeringRanges"] == ["test-gcp-databases"]
    routes = networks.only("gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig")
    assert routes["exportCustomRoutes"] is True
    assert routes["peering"] == "servicenetworking-googleapis-com"


def test_google_logs_all_that_anybody_reads_and_writes(networks: Any) -> None:
    audited = networks.only("gcp:projects/iAMAuditConfig:IAMAuditConfig")
    assert audited["service"] == "allServices"
    assert audited["auditLogConfigs"] == [{"logType": kind} for kind in ("ADMIN_READ", "DATA_READ", "DATA_WRITE")]


def test_google_keeps_logs_in_our_region_for_a_year_and_nobody_shortens_it(networks: Any) -> None:
    bucket = networks.only("gcp:logging/projectBucketConfig:ProjectBucketConfig")
    assert (bucket["location"], bucket["retentionDays"], bucket["locked"]) == ("europe-west3", 365, True)
    sink = networks.only("gcp:logging/projectSink:ProjectSink")
    assert sink["destination"] == "logging.googleapis.com/test-gcp-id"
    assert 'logName:"cloudaudit.googleapis.com"' in sink["filter"]


def test_a_service_that_others_may_use_is_never_switched_off(networks: Any) -> None:
    services = networks.all("gcp:projects/service:Service")
    assert services
    assert not any(service["disableOnDestroy"] for service in services)


def test_what_a_component_waits_for_its_children_wait_for(run: Any) -> None:
    def program(opts: Any) -> None:
        first = projects.Service("first", project="p", service="compute.googleapis.com", opts=opts)
        args = GcpNetworkArgs(
            project="p", region="europe-west3", zones=("a", "b", "c"), cidr="10.0.0.0/16", tags={}, peers={}
        )
        GcpNetwork("test", args, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[first])))

    engine = run(program)
    first = engine.only("gcp:projects/service:Service").urn
    assert all(first in resource.depends_on for resource in engine.resources if resource.urn != first)


@pytest.mark.parametrize(
    ("component", "args"),
    [
        (AwsNetwork, AwsNetworkArgs(region="r", zones=("a", "b"), cidr="10.0.0.0/16", tags={}, peers={})),
        (
            AzureNetwork,
            AzureNetworkArgs(
                region="r", resource_group_name="g", zones=("1", "2"), cidr="10.0.0.0/16", tags={}, peers={}
            ),
        ),
        (GcpNetwork, GcpNetworkArgs(project="p", region="r", zones=("a", "b"), cidr="10.0.0.0/16", tags={}, peers={})),
    ],
)
def test_two_zones_are_refused(run: Any, component: Any, args: Any) -> None:
    with pytest.raises(InvalidNetwork, match="zones"):
        run(lambda opts: component("test", args, opts) and None)


def test_a_network_that_overlaps_a_peer_is_refused(run: Any) -> None:
    args = AwsNetworkArgs(
        region="r", zones=("a", "b", "c"), cidr="10.0.0.0/16", tags={}, peers={"gcp": "10.0.128.0/20"}
    )
    with pytest.raises(InvalidNetwork, match=r"aws .* and gcp .* overlap"):
        run(lambda opts: AwsNetwork("test", args, opts) and None)
