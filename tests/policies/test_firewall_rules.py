"""Which sources are any address, and which statements admit everyone: what fixtures alone would not show."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import View
from policies.clouds.addresses import PRIVATE, Ranges
from policies.clouds.iam_documents import admits_everyone

DEFAULT = Ranges()


@given(st.integers(min_value=0, max_value=8), st.booleans())
def test_the_whole_internet_cut_into_pieces_stays_open(bits: int, six: bool) -> None:
    whole = ip_network("::/0" if six else "0.0.0.0/0")
    pieces = whole.subnets(new_prefix=bits)
    outside = [piece for piece in pieces if not any(piece.version == p.version and piece.subnet_of(p) for p in PRIVATE)]
    assert all(DEFAULT.is_open(str(one), "") for one in outside)


@pytest.mark.parametrize("source", ["10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1", "198.51.100.0/24", "198.51.0.0/16"])
def test_private_and_small_ranges_are_known_sources(source: str) -> None:
    assert not DEFAULT.is_open(source, "")


@pytest.mark.parametrize("source", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/3", "2600::/20", "fc00::/6"])
def test_what_holds_more_than_a_private_range_is_open(source: str) -> None:
    assert DEFAULT.is_open(source, "")


ARN = "arn:aws:iam::111111111111:role/app"


@pytest.mark.parametrize(
    ("operator", "key", "value", "everyone"),
    [
        ("StringEquals", "aws:PrincipalAccount", "111111111111", False),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-a1b2c3d4e5/r-ab12/*", False),
        ("ArnLike", "aws:PrincipalArn", ARN, False),
        ("ArnLike", "AWS:SourceArn", "arn:aws:s3:::our-bucket", False),
        ("ArnLike", "aws:SourceArn", "arn:aws:s3:::*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/app", True),
        ("StringLike", "aws:PrincipalOrgID", "o-*", True),
        ("StringLike", "aws:PrincipalAccount", "*", True),
        ("StringEquals", "aws:PrincipalAccount", ["111111111111", "*"], True),
        ("StringEquals", "aws:PrincipalAccount", [], True),
        ("ForAllValues:StringEquals", "aws:PrincipalAccount", "111111111111", True),
        ("StringNotEquals", "aws:PrincipalAccount", "111111111111", True),
        ("StringEqualsIfExists", "aws:PrincipalAccount", "111111111111", True),
        ("StringEquals", "aws:RequestedRegion", "eu-central-1", True),
        ("IpAddress", "aws:SourceIp", ["198.51.100.0/24", "2001:db8::/48"], False),
        ("ForAnyValue:IpAddress", "aws:SourceIp", "198.51.100.7", False),
        ("IpAddress", "aws:SourceIp", ["198.51.100.0/24", "0.0.0.0/0"], True),
        ("IpAddress", "aws:SourceIp", [], True),
        ("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8", True),
        ("IpAddressIfExists", "aws:SourceIp", "198.51.100.0/24", True),
        ("NotIpAddress", "aws:SourceIp", "198.51.100.0/24", True),
        ("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d", False),
        ("StringLike", "aws:PrincipalOrgID", ["o-a1b2c3d4e5"], False),
    ],
)
def test_only_a_condition_that_leaves_somebody_narrows(
    operator: str, key: str, value: str | list[str], everyone: bool
) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Condition": {operator: {key: value}}}
    assert admits_everyone(View(value=statement)) is everyone


@pytest.mark.parametrize("principal", [{"AWS": ARN}, {"Service": "ec2.amazonaws.com"}, {"Federated": ARN}])
def test_somebody_is_not_everyone(principal: dict[str, str]) -> None:
    assert not admits_everyone(View(value={"Effect": "Allow", "Principal": principal}))
