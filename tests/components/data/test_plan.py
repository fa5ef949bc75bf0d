"""Addresses: nothing overlaps, everything is inside, and networks that cannot be joined are refused in one line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.plan import InvalidNetwork, check_disjoint, check_zones, plan_aws, plan_azure, plan_gcp

PLANS = (plan_aws, plan_azure, plan_gcp)
tens = st.builds(
    lambda number, length: str(next(IPv4Network(f"10.{number}.0.0/16").subnets(new_prefix=length))),
    st.integers(0, 255),
    st.integers(16, 20),
)


def parts_of(plan: object) -> list[IPv4Network]:
    flat: list[str] = []
    for value in astuple(plan):  # type: ignore[call-overload]
        flat += [value] if isinstance(value, str) else list(value)
    return [IPv4Network(one) for one in flat if "/" in one]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)
@given(cidr=tens)
def test_subnets_lie_within_and_never_overlap(plan: object, cidr: str) -> None:
    parts = parts_of(plan(cidr))  # type: ignore[operator]
    assert all(part.subnet_of(IPv4Network(cidr)) for part in parts)
    assert not any(one.overlaps(other) for one, other in combinations(parts, 2))


@given(cidr=tens)
def test_aws_has_three_subnets_of_each_kind(cidr: str) -> None:
    plan = plan_aws(cidr)
    assert [len(plan.cluster), len(plan.database), len(plan.public)] == [3, 3, 3]


@given(cidr=tens)
def test_azures_own_services_get_the_room_they_insist_on(cidr: str) -> None:
    plan = plan_azure(cidr)
    assert IPv4Network(plan.gateway).prefixlen <= 27  # VPN gateway
    assert IPv4Network(plan.database).prefixlen <= 28  # flexible server
    assert IPv4Network(plan.control_plane).prefixlen <= 28  # AKS API server
    assert IPv4Network(plan.resolver).prefixlen <= 28  # DNS resolver
    address, subnet = IPv4Address(plan.resolver_address), IPv4Network(plan.resolver)
    assert address in subnet
    assert address not in (*list(subnet)[:4], subnet[-1])


@given(cidr=tens)
def test_googles_own_services_get_the_room_they_insist_on(cidr: str) -> None:
    plan = plan_gcp(cidr)
    assert IPv4Network(plan.control_plane).prefixlen == 28
    assert IPv4Network(plan.database).prefixlen <= 24


@given(cidr=tens)
def test_disjoint_networks_are_accepted(cidr: str) -> None:
    check_disjoint({"aws": cidr, "azure": "192.168.0.0/16"})


@pytest.mark.parametrize(
    ("networks", "line"),
    [
        ({"aws": "10.1.0.0/16", "gcp": "10.1.0.0/16"}, "networks of aws (10.1.0.0/16) and gcp (10.1.0.0/16) overlap"),
        ({"aws": "10.1.0.0/16", "azure": "10.1.240.0/20"}, "aws (10.1.0.0/16) and azure (10.1.240.0/20) overlap"),
        ({"aws": "10.1.0.0/8"}, "'10.1.0.0/8' is not an IPv4 network"),
        ({"aws": "10.0.0.0/8"}, "must be /16 to /20"),
        ({"aws": "10.0.0.0/24"}, "must be /16 to /20"),
        ({"aws": "11.0.0.0/16"}, "is not private"),
        ({"aws": "172.17.0.0/20"}, "Cloud SQL's own bridge network keeps"),
        ({"aws": "172.31.0.0/16"}, "AKS keeps"),
        ({"aws": "nonsense"}, "'nonsense' is not an IPv4 network"),
    ],
)
def test_networks_that_cannot_be_joined_are_refused(networks: dict[str, str], line: str) -> None:
    with pytest.raises(InvalidNetwork) as refused:
        check_disjoint(networks)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("zones", [(), ("a", "b"), ("a", "b", "b"), ("a", "b", "c", "d")])
def test_exactly_three_zones_are_asked_for(zones: Iterable[str]) -> None:
    with pytest.raises(InvalidNetwork, match="exactly 3 different ones"):
        check_zones(zones)
