"""Transfers on real servers that all work."""

from __future__ import annotations

import pytest

from tests.app.transfers.conftest import GRANTED, Bank, legs, pair

pytestmark = pytest.mark.servers

ROUTES = [
    ("aws-0", "aws-0", "source"),
    ("aws-0", "aws-0", "target"),
    ("aws-0", "azure-0", "source"),
    ("aws-0", "azure-0", "target"),
    ("azure-0", "aws-0", "target"),
]
across = pytest.mark.parametrize("route", ROUTES, ids=lambda route: "-".join(route))


@across
async def test_a_transfer_moves_its_amount_once(bank: Bank, route: tuple[str, str, str]) -> None:
    source, target = pair(*route[:2], prepared=route[2])
    await bank.grant(source)
    first = await bank.transfers.transfer(*legs(source, target, 300), key="k")
    assert (first.source.version, first.source.total, first.repeated) == (2, GRANTED - 300, False)
    assert (first.target.version, first.target.total, first.settled) == (1, 300, True)
    again = await bank.transfers.transfer(*legs(source, target, 300), key="k")
    assert (again.source[:2], again.target[:2], again.repeated) == (first.source[:2], first.target[:2], True)
    assert (bank.total(source), bank.total(target)) == (GRANTED - 300, 300)
    assert not bank.servers.prepared()
    assert set(bank.stored) == set(route[:2])
