"""What lets traffic in, in the words of three clouds: rules of groups, or rules that are resources of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from policies import Resource, View, WrongShape, applies_to_each
from policies.clouds.addresses import Sources
from policies.control import Decorator
from policies.controls.network_exposure import firewall_policies
from policies.resource import Cloud, cloud_of

FIREWALL_CLOUDS: tuple[Cloud, ...] = ("aws", "azure", "gcp")
ALL_PORTS = range(65536)
NONE: tuple[range, ...] = ()
WITHOUT_PORTS = frozenset(("icmp", "icmpv6", "esp", "ah", "ipip", "1", "58", "50", "51", "4", "94"))
"""Protocols that know no ports, by their names and by their numbers (IANA, protocol numbers)."""
OPEN_RANGE = "0.0.0.0/0"


@dataclass(frozen=True)
class InboundRule:
    """One rule that lets traffic in."""

    ports: tuple[range, ...]
    read_sources: Callable[[Sources], bool]
    """Whether it lets anybody in; read last, for it may be unknown."""

    def reaches(self, ports: Collection[int]) -> list[int]:
        """Return those of the ports that the rule opens."""
        return [port for port in ports if any(port in opened for opened in self.ports)]

    def reaches_beyond(self, ports: Collection[int]) -> list[range]:
        """Return the ranges that hold a port besides these."""
        return [opened for opened in self.ports if any(port not in ports for port in opened)]


def read_rules(resource: Resource) -> Iterator[InboundRule]:
    """The rules of a resource that let traffic in."""
    return _READERS[resource.type](resource)


def open_to_anybody(resource: Resource, ports: Collection[int], sources: Sources) -> list[int]:
    """Return those of the ports that any address reaches."""
    found: set[int] = set()
    for rule in read_rules(resource):
        reached = rule.reaches(ports)
        if reached and rule.read_sources(sources):
            found.update(reached)
    return sorted(found)


def open_beyond(resource: Resource, ports: Collection[int], sources: Sources) -> list[str]:
    """Return the ranges of ports that any address reaches, and that hold more than these ports."""
    found: set[str] = set()
    for rule in read_rules(resource):
        beyond = rule.reaches_beyond(ports)
        if beyond and rule.read_sources(sources):
            found.update(describe_ports(ports) for ports in beyond)
    return sorted(found)


def describe_ports(ports: range) -> str:
    """Describe a range of ports."""
    if ports == ALL_PORTS:
        return "all ports"
    return str(ports.start) if len(ports) == 1 else f"{ports.start}-{ports.stop - 1}"


def rules_of(cloud: Cloud, *, but: Collection[str] = ()) -> Decorator:
    """Apply a check to all types of a cloud that hold rules, without those of `but`."""
    return applies_to_each(
        {token: reads for token, reads in READS.items() if cloud_of(token) == cloud and token not in but}
    )


# AWS: one rule has one protocol, a range of ports, and lists of ranges; groups and prefix lists are known sources.


def _aws_ports(rule: View, protocol: str) -> tuple[range, ...]:
    kind = rule.text(protocol, "-1").lower()
    if kind in WITHOUT_PORTS:
        return NONE
    if kind in ("-1", "all"):
        return (ALL_PORTS,)
    return (range(int(rule.number("fromPort", 0)), int(rule.number("toPort", ALL_PORTS[-1])) + 1),)


def _aws_rule(rule: View, protocol: str, lists: Sequence[str]) -> InboundRule:
    return InboundRule(
        _aws_ports(rule, protocol),
        lambda sources: any(sources.any_open(rule.texts(path, alone=True), path) for path in lists),
    )


_BLOCKS = ("cidrBlocks", "ipv6CidrBlocks")
_GROUP_RULE = ("protocol", "fromPort", "toPort", *_BLOCKS)


def _security_group(group: Resource) -> Iterator[InboundRule]:
    return (_aws_rule(rule, "protocol", _BLOCKS) for rule in group.objects("ingress"))


def _security_group_rule(rule: Resource) -> Iterator[InboundRule]:
    if rule.text("type") != "egress":
        yield _aws_rule(rule, "protocol", _BLOCKS)


def _ingress_rule(rule: Resource) -> Iterator[InboundRule]:
    yield _aws_rule(rule, "ipProtocol", ("cidrIpv4", "cidrIpv6"))


_ACL_BLOCKS = ("cidrBlock", "ipv6CidrBlock")


def _acl_rule(rule: Resource) -> Iterator[InboundRule]:
    if not rule.flag("egress") and rule.text("ruleAction").lower() != "deny":
        yield _aws_rule(rule, "protocol", _ACL_BLOCKS)


def _acl(acl: Resource) -> Iterator[InboundRule]:
    rules = acl.objects("ingress")
    return (_aws_rule(rule, "protocol", _ACL_BLOCKS) for rule in rules if rule.text("action").lower() != "deny")


# Azure: ports and sources come alone or as lists, and sources may be tags.

_AZURE_PORTS = ("destinationPortRange", "destinationPortRanges")
_AZURE_SOURCES = ("sourceAddressPrefix", "sourceAddressPrefixes")
_AZURE_RULE = ("direction", "access", "protocol", *_AZURE_PORTS, *_AZURE_SOURCES)


def _one_and_more(rule: View, one: str, more: str) -> tuple[str, ...]:
    return (*([rule.text(one)] if rule.has(one) else []), *rule.texts(more))


def _azure_rules(rules: Iterable[View]) -> Iterator[InboundRule]:
    for rule in rules:
        if rule.text("direction").lower() != "outbound" and rule.text("access").lower() != "deny":
            yield InboundRule(_azure_ports(rule), _azure_sources(rule))


def _azure_ports(rule: View) -> tuple[range, ...]:
    if rule.text("protocol").lower() in WITHOUT_PORTS:
        return NONE
    return tuple(port_range(text, _AZURE_PORTS[0]) for text in _one_and_more(rule, *_AZURE_PORTS))


def _azure_sources(rule: View) -> Callable[[Sources], bool]:
    return lambda sources: any(map(sources.is_open_tag, _one_and_more(rule, *_AZURE_SOURCES)))


def port_range(text: str, path: str) -> range:
    """Parse a port, a range of ports such as `20-25`, or `*`; raises WrongShape."""
    if text == "*":
        return ALL_PORTS
    first, _, last = text.partition("-")
    if not first.strip().isdecimal() or not (last or first).strip().isdecimal():
        raise WrongShape(path, "a range of ports", text)
    return range(int(first), int(last or first) + 1)


# Google Cloud: a rule without any kind of source means everybody.


def _firewall(firewall: Resource) -> Iterator[InboundRule]:
    if firewall.flag("disabled") or firewall.text("direction", "INGRESS") == "EGRESS":
        return
    for allowed in firewall.objects("allows"):
        yield InboundRule(_gcp_ports(allowed, "protocol"), _gcp_sources(firewall))


def _gcp_ports(allowed: View, protocol: str) -> tuple[range, ...]:
    if allowed.text(protocol).lower() in WITHOUT_PORTS:
        return NONE
    named = allowed.texts("ports")
    return tuple(port_range(text, f"{allowed.path}.ports") for text in named) if named else (ALL_PORTS,)


def _gcp_sources(firewall: Resource) -> Callable[[Sources], bool]:
    def anybody(sources: Sources) -> bool:
        ranges = firewall.texts("sourceRanges")
        named = [*firewall.texts("sourceTags"), *firewall.texts("sourceServiceAccounts")]
        return sources.any_open(ranges or ([] if named else [OPEN_RANGE]), "sourceRanges")

    return anybody


def _policy_rules(rules: Iterable[View]) -> Iterator[InboundRule]:
    for rule in rules:
        if firewall_policies.lets_through(rule, firewall_policies.INGRESS):
            sources = functools.partial(firewall_policies.means_anybody, rule, firewall_policies.INGRESS)
            for allowed in rule.objects("match.layer4Configs"):
                yield InboundRule(_gcp_ports(allowed, "ipProtocol"), sources)


ACLS = ("aws:ec2/networkAclRule:NetworkAclRule", "aws:ec2/networkAcl:NetworkAcl")
_POLICY_PORTS = "match.layer4Configs.ports"
_READERS: dict[str, Callable[[Resource], Iterator[InboundRule]]] = {
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:ec2/securityGroupRule:SecurityGroupRule": _security_group_rule,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress_rule,
    ACLS[0]: _acl_rule,
    ACLS[1]: _acl,
    "azure-native:network:NetworkSecurityGroup": lambda group: _azure_rules(group.objects("securityRules")),
    "azure-native:network:SecurityRule": lambda rule: _azure_rules([rule]),
    "gcp:compute/firewall:Firewall": _firewall,
    **dict.fromkeys(firewall_policies.RULES, lambda rule: _policy_rules([rule])),
    **dict.fromkeys(firewall_policies.LISTS, lambda policy: _policy_rules(policy.objects("rules"))),
}
READS: dict[str, list[str]] = {
    "aws:ec2/securityGroup:SecurityGroup": [f"ingress.{path}" for path in _GROUP_RULE],
    "aws:ec2/securityGroupRule:SecurityGroupRule": ["type", *_GROUP_RULE],
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": [
        *("ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6")
    ],
    ACLS[0]: ["egress", "ruleAction", "protocol", "fromPort", "toPort", *_ACL_BLOCKS],
    ACLS[1]: [f"ingress.{path}" for path in ("action", "protocol", "fromPort", "toPort", *_ACL_BLOCKS)],
    "azure-native:network:NetworkSecurityGroup": [f"securityRules.{path}" for path in _AZURE_RULE],
    "azure-native:network:SecurityRule": list(_AZURE_RULE),
    "gcp:compute/firewall:Firewall": [
        *("disabled", "direction", "allows.protocol", "allows.ports"),
        *("sourceRanges", "sourceTags", "sourceServiceAccounts"),
    ],
    **{
        token: [*paths, _POLICY_PORTS if token in firewall_policies.RULES else f"rules.{_POLICY_PORTS}"]
        for token, paths in firewall_policies.reads(firewall_policies.INGRESS).items()
    },
}
"""What the readers read, by type."""
