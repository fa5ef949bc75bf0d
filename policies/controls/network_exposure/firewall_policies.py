"""Rules of Google Cloud's firewall policies: of organisations, folders and networks, alone or listed by a policy."""

from __future__ import annotations

from policies import View
from policies.clouds.addresses import Ranges

RULES = (
    "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule",
    "gcp:compute/regionNetworkFirewallPolicyRule:RegionNetworkFirewallPolicyRule",
    "gcp:compute/firewallPolicyRule:FirewallPolicyRule",
)
"""The types of single rules."""
LISTS = (
    "gcp:compute/networkFirewallPolicyWithRules:NetworkFirewallPolicyWithRules",
    "gcp:compute/regionNetworkFirewallPolicyWithRules:RegionNetworkFirewallPolicyWithRules",
    "gcp:compute/firewallPolicyWithRules:FirewallPolicyWithRules",
)
"""The types that hold all rules of a policy."""
INGRESS, EGRESS = "INGRESS", "EGRESS"
_SIDES = {INGRESS: "src", EGRESS: "dest"}
_SHUT = ("deny", "goto_next")
"""What lets nothing through by itself; an inspection lets through what it finds nothing in."""
_INSIDE = ("INTRA_VPC", "NON_INTERNET", "VPC_NETWORKS")
_MANY = ("RegionCodes", "ThreatIntelligences")
"""Whole countries, and lists of Google's such as that of all clouds: their addresses belong to strangers too."""
_NAMED = ("AddressGroups", "Fqdns", "SecureTags")


def lets_through(rule: View, direction: str) -> bool:
    """Tell whether it is a rule for that direction, and one that lets something through."""
    return _is_on(rule, direction) and rule.text("action").lower() not in _SHUT


def denies_all(rule: View, direction: str, ranges: Ranges) -> bool:
    """Tell whether it denies all that goes that way, for every machine."""
    if not _is_on(rule, direction) or rule.text("action").lower() != "deny":
        return False
    if rule.objects("targetSecureTags") or rule.texts("targetServiceAccounts"):
        return False
    return means_all_protocols(rule) and means_anybody(rule, direction, ranges)


def means_all_protocols(rule: View) -> bool:
    """Tell whether one of its protocols is all of them."""
    return any(layer4config.text("ipProtocol").lower() == "all" for layer4config in rule.objects("match.layer4Configs"))


def means_anybody(rule: View, direction: str, ranges: Ranges) -> bool:
    """Tell whether the other side is any address; of several kinds of addresses each one counts by itself."""
    match, side = rule.object("match"), _SIDES[direction]
    scopes = (match.text(f"{side}NetworkScope"), match.text(f"{side}NetworkContext"))
    if any(scope in _INSIDE for scope in scopes):
        return False
    if any(match.texts(f"{side}{kind}") for kind in _MANY):
        return True
    blocks = match.texts(f"{side}IpRanges")
    if blocks:
        return ranges.any_open(blocks, f"{match.path}.{side}IpRanges")
    return not any(match.exists(f"{side}{kind}") for kind in _NAMED)


def _is_on(rule: View, direction: str) -> bool:
    return not rule.flag("disabled") and rule.text("direction", INGRESS) == direction


def reads(direction: str, *types: str) -> dict[str, list[str]]:
    """Return the paths that are read of each type for rules of a direction."""
    return {token: _reads(token, _SIDES[direction]) for token in types or (*RULES, *LISTS)}


def _reads(token: str, side: str) -> list[str]:
    kinds = ["NetworkScope", *_MANY, "IpRanges", *(_NAMED if side == _SIDES[INGRESS] else _NAMED[:2])]
    paths = ["disabled", "direction", "action", "match.layer4Configs.ipProtocol"]
    paths += [f"match.{side}{kind}" for kind in kinds]
    return [*paths, f"match.{side}NetworkContext"] if token in RULES else [f"rules.{path}" for path in paths]
