"""Outputs that a cloud would choose: the same on every run, and none where what they need is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localcloud import contract
from localcloud.contract import UNKNOWN, Context
from localcloud.contract.placeholders import Placeholders

AWS = {"region": "eu-central-1", "allowedAccountIds": ["000000000000"]}


def context(
    token: str, inputs: dict[str, Any], provider: dict[str, Any] | None = None, name: str = "ledger"
) -> Context:
    return Context(
        urn=f"urn:pulumi:local::fortress::{token}::{name}",
        inputs=inputs,
        provider=AWS if provider is None else provider,
        mode="rehearsal",
    )


def outputs(token: str, inputs: dict[str, Any], provider: dict[str, Any] | None = None) -> dict[str, Any]:
    return contract.computed(token, context(token, inputs, provider))


def test_an_id_and_what_speaks_of_it() -> None:
    found = outputs("aws:kms/key:Key", {"tags": {"owner": "team"}})
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["id"])
    assert found["arn"] == f"arn:aws:kms:eu-central-1:000000000000:key/{found['id']}"
    assert found["tagsAll"] == {"owner": "team"}
    assert found["region"] == "eu-central-1"


def test_two_resources_have_different_ids_and_one_has_the_same_on_every_run() -> None:
    first, second = (contract.computed("aws:kms/key:Key", context("aws:kms/key:Key", {}, name=name)) for name in "ab")
    assert first["id"] != second["id"]
    assert first == contract.computed("aws:kms/key:Key", context("aws:kms/key:Key", {}, name="a"))


def test_a_default_shows_only_where_nothing_was_given() -> None:
    assert outputs("aws:kms/key:Key", {})["keyUsage"] == "ENCRYPT_DECRYPT"
    assert "keyUsage" not in outputs("aws:kms/key:Key", {"keyUsage": "SIGN_VERIFY"})


def test_what_needs_an_unknown_input_is_unknown() -> None:
    found = outputs("aws:rds/instance:Instance", {"identifier": UNKNOWN, "instanceClass": "db.t4g.micro"})
    assert found["address"] is UNKNOWN
    assert found["endpoint"] is UNKNOWN
    assert found["status"] == "available"


def test_what_needs_an_input_that_is_not_given_is_left_out() -> None:
    inputs = {"identifier": "ledger", "instanceClass": "db.t4g.micro"}
    assert outputs("aws:rds/instance:Instance", inputs)["masterUserSecrets"] == []
    managed = outputs("aws:rds/instance:Instance", inputs | {"manageMasterUserPassword": True})
    (secret,) = managed["masterUserSecrets"]
    assert secret["secretArn"].startswith("arn:aws:secretsmanager:eu-central-1:000000000000:secret:rds!db-")
    assert "kmsKeyId" not in secret


def test_an_object_that_the_cloud_adds_to_keeps_what_was_given_at_every_depth() -> None:
    provider = {"project": "p", "region": "europe-west3"}
    given = {"dnsEndpointConfig": {"allowExternalTraffic": True}, "ipEndpointsConfig": {"enabled": False}}
    found = outputs("gcp:container/cluster:Cluster", {"name": "one", "controlPlaneEndpointsConfig": given}, provider)
    assert found["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"allowExternalTraffic": True, "endpoint": "one.rehearsal.localcloud.invalid"},
        "ipEndpointsConfig": {"enabled": False},
    }


def test_an_azure_id_is_the_path_of_the_resource() -> None:
    inputs = {"resourceGroupName": "g", "virtualNetworkName": "v", "subnetName": "s"}
    assert outputs("azure-native:network:Subnet", inputs, {"subscriptionId": "0"})["id"] == (
        "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    )


@pytest.mark.parametrize(
    ("token", "inputs", "provider", "identity"),
    [
        ("aws:sqs/queue:Queue", {}, AWS, r"ledger-[0-9a-f]{7}"),
        ("kubernetes:example.com/v1:Thing", {"metadata": {"name": "t", "namespace": "n"}}, {}, "n/t"),
        ("kubernetes:example.com/v1:Thing", {"metadata": {"name": "t"}}, {}, "t"),
        ("kubernetes:example.com/v1:Thing", {}, {}, r"ledger-[0-9a-f]{7}"),
        (
            "azure-native:cache:Redis",
            {"resourceGroupName": "g"},
            {"subscriptionId": "0"},
            r"/subscriptions/0/resourceGroups/g/ledger-[0-9a-f]{7}",
        ),
    ],
)
def test_without_facts_nothing_but_an_id_is_made_up(
    token: str, inputs: dict[str, Any], provider: dict[str, Any], identity: str
) -> None:
    found = outputs(token, inputs, provider)
    assert found.keys() == {"id"}
    assert re.fullmatch(identity, found["id"])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("inputs.ids.1", "b"),
        ("inputs.ids.2", None),
        ("inputs.ids.x", None),
        ("inputs.text.deeper", None),
        ("inputs.none|inputs.text", "https://example.com/a"),
        ("inputs.none|=default", "default"),
        ("last:inputs.text", "a"),
        ("without_scheme:inputs.text", "example.com/a"),
        ("first_label:inputs.service", "sqladmin"),
        ("host:2:inputs.range", "10.0.0.2"),
        ("last:inputs.none", None),
        ("last:inputs.unknown", UNKNOWN),
        ("inputs.unknown.deeper", UNKNOWN),
        ("when:inputs.off", None),
        ("when:inputs.text", ""),
        ("nothing", None),
        ("account", "000000000000"),
        ("tenant", "00000000-0000-0000-0000-000000000000"),
        ("mode", "rehearsal"),
        ("name", "ledger"),
    ],
)
def test_a_place_has_the_value_it_names(place: str, value: Any) -> None:
    inputs = {
        "ids": ["a", "b"],
        "text": "https://example.com/a",
        "service": "sqladmin.googleapis.com",
        "range": "10.0.0.0/24",
        "unknown": UNKNOWN,
        "off": False,
    }
    assert Placeholders(context("aws:kms/key:Key", inputs)).value(place) == value


@pytest.mark.parametrize(
    ("place", "form"),
    [
        ("hex:17", "[0-9a-f]{17}"),
        ("base32:6", "[A-Z2-7]{6}"),
        ("digits:12", "[0-9]{12}"),
        ("octet", "[0-9]{1,3}"),
        ("uuid", "[0-9a-f-]{36}"),
        ("urn_hash", "[0-9a-f]{64}"),
        ("project_number", "[0-9]{12}"),
    ],
)
def test_random_names_keep_the_form_of_the_cloud_and_differ_by_label(place: str, form: str) -> None:
    places = Placeholders(context("gcp:kms/keyRing:KeyRing", {}, {"project": "p"}))
    assert re.fullmatch(form, places.value(place))
    if place not in ("urn_hash", "project_number"):
        assert places.value(f"{place}:other") != places.value(place)
