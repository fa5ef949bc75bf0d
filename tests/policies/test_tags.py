"""Tags are found where types keep them, and every type of the stacks that can have some is asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from policies import Resource, Unknown, View
from policies.clouds.tags import effective_tag, place_of, tag
from policies.controls.change_management.tags import taggable
from policies.registry import everything, is_pattern
from tests.policies.cases import UNKNOWN
from tests.policies.sdk_paths import missing
from tests.policies.test_registry import stack_types


def place(token: str) -> str:
    return place_of(Resource(value={}, urn=f"urn:pulumi:test::shop::{token}::a", type=token))


@pytest.mark.parametrize("token", sorted(taggable()))
def test_the_sdk_knows_the_tags_of_a_type_in_the_table(token: str) -> None:
    assert not missing(token, place(token))


@pytest.mark.parametrize("token", sorted(token for token in stack_types() if not token.startswith("kubernetes:")))
def test_a_type_of_the_stacks_is_in_the_table_where_it_can_have_tags(token: str) -> None:
    paths = ("tags", "labels", "resourceLabels", "settings.userLabels")
    assert any(not missing(token, path) for path in paths) == (token in taggable())


@pytest.mark.parametrize(
    ("token", "path"),
    [
        ("aws:kms/key:Key", "tags"),
        ("azure-native:keyvault:Vault", "tags"),
        ("gcp:kms/cryptoKey:CryptoKey", "labels"),
        ("gcp:container/cluster:Cluster", "resourceLabels"),
        ("gcp:sql/databaseInstance:DatabaseInstance", "settings.userLabels"),
        ("kubernetes:core/v1:Namespace", "metadata.labels"),
    ],
)
def test_a_tag_is_found_where_its_type_keeps_it_whatever_is_unknown_of_others(token: str, path: str) -> None:
    given: Any = {"purpose": "logs", "other": UNKNOWN}
    for name in reversed(path.split(".")):
        given = {name: given}
    one = Resource(value=given, urn=f"urn:pulumi:test::shop::{token}::a", type=token)
    assert (tag(one, "purpose"), tag(one, "owner")) == ("logs", "")
    with pytest.raises(Unknown):
        tag(one, "other")


def test_a_tag_of_no_cloud_is_none() -> None:
    component = Resource(value={"tags": {"owner": "platform"}}, urn="urn:pulumi:test::shop::own:x:Y::a", type="own:x:Y")
    assert tag(component, "owner") == ""


@pytest.mark.parametrize(
    ("token", "defaults"),
    [
        ("aws:kms/key:Key", {"defaultTags": '{"tags": {"owner": "platform"}}'}),
        ("gcp:kms/cryptoKey:CryptoKey", {"defaultLabels": {"owner": "platform"}}),
    ],
)
def test_what_a_provider_writes_on_all_counts_where_the_resource_says_nothing(token: str, defaults: Any) -> None:
    def owner(**given: Any) -> str:
        urn, provider = f"urn:pulumi:test::shop::{token}::a", View(value=defaults, path="provider")
        return effective_tag(Resource(value=given, urn=urn, type=token, provider=provider), "owner")

    assert owner() == "platform"
    assert owner(tags={"owner": "shop"}, labels={"owner": "shop"}) == "shop"


def test_every_cloud_is_asked_for_tags_as_a_whole() -> None:
    asked = {token for check in everything().of(everything().control("CHG-009")) for token in check.types}
    assert asked == {"aws:*", "azure-native:*", "gcp:*", "kubernetes:*"}
    assert all(map(is_pattern, asked))
