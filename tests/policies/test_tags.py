"""The table of where types carry tags agrees with the SDKs and leaves out no type of the stacks that can have some."""

from __future__ import annotations

import pytest

from policies.controls.change_management.tags import places
from policies.registry import everything, is_pattern
from tests.policies.sdk_paths import missing
from tests.policies.test_registry import stack_types

PATHS = ("tags", "labels", "resourceLabels", "settings.userLabels")
"""Where cloud types carry them."""


@pytest.mark.parametrize(("token", "path"), places().items())
def test_the_sdk_knows_the_tags_of_a_type_in_the_table(token: str, path: str) -> None:
    assert path in PATHS
    assert not missing(token, path)


@pytest.mark.parametrize("token", sorted(one for one in stack_types() if not one.startswith("kubernetes:")))
def test_a_type_of_the_stacks_is_in_the_table_where_it_can_have_tags(token: str) -> None:
    taggable = any(not missing(token, path) for path in PATHS)
    assert taggable == (token in places())


def test_every_cloud_is_asked_for_tags_as_a_whole() -> None:
    asked = {token for check in everything().of(everything().control("CHG-009")) for token in check.types}
    assert asked == {"aws:*", "azure-native:*", "gcp:*", "kubernetes:*"}
    assert all(map(is_pattern, asked))
