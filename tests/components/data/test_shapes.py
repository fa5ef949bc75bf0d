"""Whatever the data components register, the providers' own contracts take: names, nesting, types, enums, limits."""

from __future__ import annotations

import pytest

from localcloud import contract

SEEN = ("networks", "keys", "databases", "modest_databases", "joined", "erasure_logs", "modest_erasure_logs")


@pytest.mark.parametrize("seen", SEEN)
def test_every_resource_fits_its_contract(seen: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(seen)
    assert engine.resources
    problems = {
        one.urn: contract.check(one.type.partition(":")[0], one.type, one.inputs).problems for one in engine.resources
    }
    assert {urn: found for urn, found in problems.items() if found} == {}


@pytest.mark.parametrize("seen", SEEN)
def test_every_type_says_what_replaces_it(seen: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(seen)
    unknown = {one.type for one in engine.resources if contract.replaced_by(one.type) is None}
    assert unknown == set()
