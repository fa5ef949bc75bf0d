"""Who talked to whom: the flow logs of networks."""

from __future__ import annotations

from policies import (
    MEDIUM,
    Resource,
    Stack,
    Verdict,
    applies_to,
    fixed_by,
    in_stack,
    not_applicable,
    passes_if,
    sets,
)
from policies.controls.logging_audit import RECORDED, control
from policies.property_checks import ON, Property, check_properties

AWS_FLOWS, AZURE_FLOWS = "aws:ec2/flowLog:FlowLog", "azure-native:network:FlowLog"
ALL_TRAFFIC = "ALL"
WITHOUT_MACHINES = ("GLOBAL_MANAGED_PROXY", "PRIVATE_NAT", "PRIVATE_SERVICE_CONNECT", "REGIONAL_MANAGED_PROXY")
"""Purposes of subnets that hold none of our machines; Compute Engine keeps no flow logs of them."""

flow_logs = control(
    "LOG-002",
    title="Networks write flow logs",
    severity=MEDIUM,
    maps={**RECORDED, "iso27001": ["A.8.15", "A.8.16"], "pci_dss": ["1.2.1", "10.2.1"]},
    remedy="Log all traffic of the network, accepted and refused.",
    link="https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
)


@flow_logs
@in_stack("aws:ec2/vpc:Vpc", reads=[])
def vpc_is_logged(vpc: Resource, stack: Stack) -> Verdict:
    logs = stack.companions(vpc, AWS_FLOWS, by="vpcId")
    return passes_if(bool(logs), "no flow log belongs to it")


@flow_logs
@applies_to(AWS_FLOWS, reads=["trafficType", "transitGatewayId", "transitGatewayAttachmentId"])
@fixed_by(sets("trafficType", ALL_TRAFFIC), replaces=True)
def flow_log_takes_all(log: Resource) -> Verdict:
    traffic = log.text("trafficType", "not set")
    if traffic == ALL_TRAFFIC:
        return passes_if(True)
    if log.exists("transitGatewayId") or log.exists("transitGatewayAttachmentId"):
        return not_applicable("a transit gateway has all of its traffic logged")
    return passes_if(False, f"trafficType is {traffic}")


@flow_logs
@in_stack("azure-native:network:VirtualNetwork", reads=[])
def virtual_network_is_logged(network: Resource, stack: Stack) -> Verdict:
    logs = stack.companions(network, AZURE_FLOWS, by="targetResourceId")
    return passes_if(bool(logs), "no flow log belongs to it")


flow_logs_properties = check_properties(
    flow_logs,
    Property(AZURE_FLOWS, "enabled", ON, fix=True),
)


@flow_logs
@applies_to("gcp:compute/subnetwork:Subnetwork", reads=["purpose", "logConfig.flowSampling"])
@fixed_by(sets("logConfig.flowSampling", 0.5))
def subnetwork_is_logged(subnet: Resource) -> Verdict:
    """A configuration that says no share takes half of the flows."""
    purpose = subnet.text("purpose", "PRIVATE")
    if purpose in WITHOUT_MACHINES:
        return not_applicable(f"its purpose is {purpose}")
    if not subnet.exists("logConfig"):
        return passes_if(False, "there is no logConfig")
    share = subnet.number("logConfig.flowSampling", default=0.5)
    return passes_if(share > 0, f"flowSampling is {share}")
