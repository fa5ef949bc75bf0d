"""Whatever the compute components register, the providers' own contracts take: names, nesting, types, enums, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.app_deployment import SecretReference
from components.app_deployment.deployment import AppDeployment
from localcloud import contract

RUNS = ("clusters", "identities", "addons", "app")


@pytest.fixture(scope="module")
def app(compute_engine: Callable[[], Any], app_args: Callable[..., Any]) -> Any:
    engine = compute_engine()
    args = app_args(secrets=[SecretReference(variable="KEY", remote_key="test/key")])
    engine.run(lambda: AppDeployment("test-app", args, engine.on("kubernetes")) and None)
    return engine


@pytest.mark.parametrize("run", RUNS)
def test_every_resource_fits_its_contract(run: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(run)
    engine = getattr(found, "engine", found)
    assert engine.resources
    problems = {
        resource.urn: contract.check(resource.type.partition(":")[0], resource.type, resource.inputs).problems
        for resource in engine.resources
    }
    assert {urn: found for urn, found in problems.items() if found} == {}


@pytest.mark.parametrize("run", RUNS)
def test_every_type_has_facts_that_say_what_replaces_it(run: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(run)
    engine = getattr(found, "engine", found)
    assert {resource.type for resource in engine.resources if contract.replaced_by(resource.type) is None} == set()
