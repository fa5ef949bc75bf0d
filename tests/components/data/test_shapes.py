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
        resource.urn: contract.check(resource.type.partition(":")[0], resource.type, resource.inputs).problems
        for resource in engine.resources
    }
    assert {urn: found for urn, found in problems.items() if found} == {}


@pytest.mark.parametrize("seen", SEEN)
def test_every_type_says_what_replaces_it(seen: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(seen)
    unknown = {resource.type for resource in engine.resources if contract.replaced_by(resource.type) is None}
    assert unknown == set()
