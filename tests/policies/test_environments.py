"""Which stacks hold what must not be lost, told by their names."""

from __future__ import annotations

import pytest

from policies import Resource
from policies.clouds.scope import Environments


def protects(stack: str, options: Environments | None = None) -> bool:
    resource = Resource(value={}, type="aws:kms/key:Key", urn=f"urn:pulumi:{stack}::shop::aws:kms/key:Key::key")
    return (options or Environments()).protects(resource)


@pytest.mark.parametrize(
    "stack", ["production", "prod", "staging", "rehearsal-production", "rehearsal-staging", "shop-prod"]
)
def test_production_staging_and_their_rehearsals_are_protected(stack: str) -> None:
    assert protects(stack)


@pytest.mark.parametrize("stack", ["dev", "local", "preview-7", "rehearsal-dev", "rehearsal-preview-7"])
def test_what_may_go_away_is_not(stack: str) -> None:
    assert not protects(stack)


def test_a_project_names_its_own() -> None:
    options = Environments(protected_stacks=("live-*",))
    assert protects("live-eu", options)
    assert not protects("production", options)
