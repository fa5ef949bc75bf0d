"""What goes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policies import (
    LOW,
    NOT_APPLICABLE,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    applies_to_each,
    in_stack,
    not_applicable,
    passes_if,
)
from policies.clouds.addresses import Sources
from policies.clouds.network_policies import means_all_ports
from policies.controls.network_exposure import control
from policies.controls.network_exposure.firewall_policies import (
    EGRESS,
    LISTS,
    RULES,
    denies_all,
    lets_through,
    means_all_protocols,
    means_anybody,
    reads,
)
from policies.property_checks import OFF, Property, check_properties

restricted_egress = control(
    "NET-010",
    title="Networks let out only what a rule lets out",
    severity=LOW,
    maps={
        "soc2": ["CC6.6", "CC6.7"],
        "iso27001": ["A.8.12", "A.8.22"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.3.2"],
    },
    remedy="Name the protocols, ports or destinations that are needed; deny the rest.",
    options=Sources,
)
EVERYTHING = "all protocols go out to any address"


def _lets_all_out(rule: View, protocol: str, blocks: tuple[str, ...], options: Sources) -> bool:
    if rule.text(protocol, "-1") not in ("-1", "all"):
        return False
    return any(options.any_open(rule.texts(path, alone=True), path) for path in blocks)


_BLOCKS = ("cidrBlocks", "ipv6CidrBlocks")


@restricted_egress
@applies_to(
    "aws:ec2/securityGroup:SecurityGroup",
    reads=["egress.protocol", "egress.cidrBlocks", "egress.ipv6CidrBlocks"],
)
def security_group_restricts_egress(group: Resource, options: Sources) -> Verdict:
    open_rules = [rule for rule in group.objects("egress") if _lets_all_out(rule, "protocol", _BLOCKS, options)]
    return passes_if(not open_rules, EVERYTHING)


@restricted_egress
@applies_to("aws:ec2/securityGroupRule:SecurityGroupRule", reads=["type", "protocol", *_BLOCKS])
def group_rule_restricts_egress(rule: Resource, options: Sources) -> Verdict:
    if rule.text("type") == "ingress":
        return NOT_APPLICABLE
    return passes_if(not _lets_all_out(rule, "protocol", _BLOCKS, options), EVERYTHING)


@restricted_egress
@applies_to("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", reads=["ipProtocol", "cidrIpv4", "cidrIpv6"])
def egress_rule_restricts(rule: Resource, options: Sources) -> Verdict:
    return passes_if(not _lets_all_out(rule, "ipProtocol", ("cidrIpv4", "cidrIpv6"), options), EVERYTHING)


restricted_egress_properties = check_properties(
    restricted_egress,
    Property(
        "azure-native:network:Subnet",
        "defaultOutboundAccess",
        OFF,
        absent=True,
        found="defaultOutboundAccess is not off",
        fix=False,
    ),
)


_FIREWALL = "gcp:compute/firewall:Firewall"
_POLICY = "gcp:compute/networkFirewallPolicy:NetworkFirewallPolicy"
_ASSOCIATION = "gcp:compute/networkFirewallPolicyAssociation:NetworkFirewallPolicyAssociation"


def _any_destination(firewall: View, options: Sources) -> bool:
    ranges = firewall.texts("destinationRanges")
    return not ranges or options.any_open(ranges, "destinationRanges")


@restricted_egress
@applies_to(_FIREWALL, reads=["disabled", "direction", "allows.protocol", "destinationRanges"])
def firewall_restricts_egress(firewall: Resource, options: Sources) -> Verdict:
    if firewall.flag("disabled") or firewall.text("direction", "INGRESS") == "INGRESS":
        return NOT_APPLICABLE
    all_allowed = any(allow.text("protocol").lower() == "all" for allow in firewall.objects("allows"))
    return passes_if(not (all_allowed and _any_destination(firewall, options)), EVERYTHING)


def _policy_restricts(rules: Iterable[View], options: Sources) -> Verdict:
    through = [rule for rule in rules if lets_through(rule, EGRESS) and means_all_protocols(rule)]
    return passes_if(not any(means_anybody(rule, EGRESS, options) for rule in through), EVERYTHING)


@restricted_egress
@applies_to_each(reads(EGRESS, *RULES))
def policy_rule_restricts_egress(rule: Resource, options: Sources) -> Verdict:
    return _policy_restricts([rule], options)


@restricted_egress
@applies_to_each(reads(EGRESS, *LISTS))
def policy_restricts_egress(policy: Resource, options: Sources) -> Verdict:
    return _policy_restricts(policy.objects("rules"), options)


@restricted_egress
@in_stack("gcp:compute/network:Network", reads=["name"])
def network_denies_egress(network: Resource, stack: Stack, options: Sources) -> Verdict:
    """Google Cloud lets everything out until a rule denies it."""
    rules = stack.companions(network, _FIREWALL, by="network")
    denied = any(_denies_egress(rule, options) for rule in rules) or any(
        denies_all(rule, EGRESS, options) for rule in _rules_of_policies(network, stack)
    )
    return passes_if(denied, "no rule denies what no other lets out")


def _rules_of_policies(network: Resource, stack: Stack) -> Iterator[View]:
    """Yield the rules of the policies that are associated with the network."""
    associations = stack.companions(network, _ASSOCIATION, by="attachmentTarget")
    policies = [
        policy
        for policy in stack.of_type(_POLICY, LISTS[0])
        if any(stack.refers(association, "firewallPolicy", policy) for association in associations)
    ]
    for policy in policies:
        yield from policy.objects("rules")
        yield from stack.companions(policy, RULES[0], by="firewallPolicy")


def _denies_egress(firewall: Resource, options: Sources) -> bool:
    if firewall.flag("disabled") or firewall.text("direction", "INGRESS") != "EGRESS":
        return False
    if firewall.texts("targetTags") or firewall.texts("targetServiceAccounts"):
        return False
    denied = any(deny.text("protocol").lower() == "all" for deny in firewall.objects("denies"))
    return denied and _any_destination(firewall, options)


@restricted_egress
@applies_to(
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    reads=["spec.policyTypes", "spec.egress.ports.port", "spec.egress.to.ipBlock.cidr"],
)
def network_policy_restricts_egress(policy: Resource, options: Sources) -> Verdict:
    rules = policy.objects("spec.egress")
    if not rules and "Egress" not in policy.texts("spec.policyTypes"):
        return not_applicable("it is about what comes in")
    return passes_if(not any(_pods_reach_anything(rule, options) for rule in rules), "a rule lets everything out")


def _pods_reach_anything(rule: View, options: Sources) -> bool:
    if not means_all_ports(rule, "ports"):
        return False
    destinations = rule.objects("to")
    blocks = [destination.text("ipBlock.cidr") for destination in destinations if destination.exists("ipBlock")]
    return not destinations or options.any_open(blocks, "spec.egress.to.ipBlock.cidr")
