"""Each rule of the check, one by one, with the words in which it complains."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import contract
from localcloud.contract import UNKNOWN, AssetValue, Problem

KEY = "aws:kms/key:Key"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVER = "azure-native:dbforpostgresql:Server"
LINKED_SERVICE = "azure-native:datafactory:LinkedService"
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"


def problems(token: str, inputs: dict[str, Any]) -> list[Problem]:
    return list(contract.check(token.partition(":")[0], token, inputs).problems)


def messages(token: str, inputs: dict[str, Any]) -> dict[str, str]:
    return {problem.path: problem.message for problem in problems(token, inputs)}


def taken(token: str, inputs: dict[str, Any]) -> Any:
    checked = contract.check(token.partition(":")[0], token, inputs)
    assert not checked.problems
    return checked.inputs


def deployment(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "app", **container}]}}, **spec}}


CONTAINER = "spec.template.spec.containers[0]"


def test_an_unknown_property_is_refused_with_the_one_that_was_meant() -> None:
    assert messages(KEY, {"deletionWindow": 7})["deletionWindow"].startswith(
        "unknown property, did you mean deletionWindowInDays?; known are bypassPolicyLockoutSafetyCheck, "
    )
    assert messages(DEPLOYMENT, deployment({"imagePolicy": "Always"})).keys() == {f"{CONTAINER}.imagePolicy"}


@pytest.mark.parametrize(
    ("token", "inputs", "path", "message"),
    [
        (KEY, {"isEnabled": "yes"}, "isEnabled", "expected true or false, got 'yes'"),
        (KEY, {"deletionWindowInDays": 7.5}, "deletionWindowInDays", "expected a whole number, got 7.5"),
        (KEY, {"deletionWindowInDays": True}, "deletionWindowInDays", "expected a whole number, got true"),
        (KEY, {"tags": "owner"}, "tags", "expected a map to text, got 'owner'"),
        (KEY, {"tags": {"a.b": {}}}, 'tags["a.b"]', "expected text, got an object"),
        (KEY, {"description": ["x"]}, "description", "expected text, got a list"),
        (DEPLOYMENT, deployment({"image": 5}), f"{CONTAINER}.image", "expected text, got 5"),
        (DEPLOYMENT, deployment({}, replicas="3"), "spec.replicas", "expected a whole number, got '3'"),
        (DEPLOYMENT, {"spec": 3}, "spec", "expected an object with minReadySeconds, paused, "),
        (DEPLOYMENT, deployment({}) | {"kind": "Job"}, "kind", "expected 'Deployment', got 'Job'"),
        (SERVER, {"resourceGroupName": "a", "storage": {"storageSizeGB": "64"}}, "storage.storageSizeGB", "expected a"),
        ("aws:rds/subnetGroup:SubnetGroup", {"subnetIds": "a"}, "subnetIds", "expected a list of text, got 'a'"),
        ("aws:rds/subnetGroup:SubnetGroup", {}, "subnetIds", "missing; expected a list of text"),
    ],
)
def test_a_wrong_shape_is_told_with_its_place_and_what_was_expected(
    token: str, inputs: dict[str, Any], path: str, message: str
) -> None:
    found = messages(token, inputs)
    assert found.keys() == {path}
    assert found[path].startswith(message)


def test_every_problem_is_told_at_once() -> None:
    assert len(messages(KEY, {"isEnabled": "yes", "tags": 1, "nothing": 1, "deletionWindowInDays": 3})) == 4


def test_bridged_clouds_convert_text_to_numbers_and_booleans_and_back() -> None:
    given = {"deletionWindowInDays": "7", "isEnabled": "true", "description": 5.0, "tags": {"a": False, "b": 0.5}}
    expected = {"deletionWindowInDays": 7, "isEnabled": True, "description": "5", "tags": {"a": "false", "b": "0.5"}}
    assert taken(KEY, given) == expected


def test_whole_numbers_arrive_as_floats_and_are_taken_as_such() -> None:
    assert repr(taken(DEPLOYMENT, deployment({}, replicas=3.0))["spec"]["replicas"]) == "3"


def test_nulls_and_the_engines_own_keys_are_dropped_at_every_depth() -> None:
    given = deployment({"image": None, "__x": 1}, replicas=None) | {"__defaults": []}
    assert taken(DEPLOYMENT, given) == deployment({})


def test_what_is_unknown_yet_fits_everywhere() -> None:
    assert taken(KEY, {"deletionWindowInDays": UNKNOWN, "tags": UNKNOWN}) == {
        "deletionWindowInDays": UNKNOWN,
        "tags": UNKNOWN,
    }
    taken(DEPLOYMENT, {"spec": UNKNOWN})
    taken(SERVER, {"resourceGroupName": UNKNOWN, "version": UNKNOWN})


def test_a_policy_document_comes_back_as_text() -> None:
    token = "aws:iam/rolePolicy:RolePolicy"
    document = {"Version": "2012-10-17", "Statement": []}
    text = '{"Version": "2012-10-17", "Statement": []}'
    assert taken(token, {"role": "r", "policy": document})["policy"] == text
    assert taken(token, {"role": "r", "policy": text})["policy"] == text
    assert taken(token, {"role": "r", "policy": {"Statement": [UNKNOWN]}})["policy"] is UNKNOWN
    assert messages(token, {"role": "r", "policy": "{"}) == {"policy": "expected JSON text or a document, got '{'"}


def test_kubernetes_quantities_are_numbers_or_text_with_a_unit() -> None:
    limits = {"cpu": 1, "memory": "1.5Gi", "ephemeral-storage": "1e3"}
    taken(DEPLOYMENT, deployment({"resources": {"limits": limits}}))
    found = messages(DEPLOYMENT, deployment({"resources": {"limits": {"memory": "1 GB"}}}))
    assert found == {f"{CONTAINER}.resources.limits.memory": "expected a quantity such as 500m or 2Gi, got '1 GB'"}


def test_a_port_may_be_a_number_or_a_name() -> None:
    for port in (8080.0, "http"):
        taken(DEPLOYMENT, deployment({"livenessProbe": {"httpGet": {"port": port}}}))
    assert f"{CONTAINER}.livenessProbe.httpGet.port" in messages(
        DEPLOYMENT, deployment({"livenessProbe": {"httpGet": {"port": 1.5}}})
    )


def test_files_arrive_as_assets() -> None:
    token = "aws:lambda/function:Function"
    taken(token, {"role": "r", "code": AssetValue("archive")})
    assert messages(token, {"role": "r", "code": "x.zip"})["code"] == "expected an asset or archive, got 'x.zip'"


def test_the_member_of_an_azure_union_is_chosen_by_its_constants() -> None:
    known = {"resourceGroupName": "g", "factoryName": "f"}
    s3 = {"type": "AmazonS3", "serviceUrl": "https://s3.example.com"}
    taken(LINKED_SERVICE, known | {"properties": s3})
    found = messages(LINKED_SERVICE, known | {"properties": s3 | {"accountName": "x"}})
    assert found.keys() == {"properties.accountName"}
    assert "properties.type" in messages(LINKED_SERVICE, known | {"properties": {"type": "NoSuchService"}})
    assert messages(LINKED_SERVICE, known | {"properties": 7})["properties"].startswith("expected an object with ")


def test_a_custom_resource_needs_its_type_metadata_and_a_spec_that_is_an_object() -> None:
    inputs = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"}, "other": 1}
    taken(GATEWAY, inputs | {"spec": {"anything": [1]}})
    assert messages(GATEWAY, inputs | {"spec": 3}).keys() == {"spec"}
    assert messages(GATEWAY, inputs | {"metadata": {"nom": "g"}}).keys() == {"metadata.nom"}
    assert messages(GATEWAY, inputs | {"apiVersion": "v2"}).keys() == {"apiVersion"}
    assert messages(GATEWAY, {}).keys() == {"apiVersion", "kind"}
    taken(f"{GATEWAY}Patch", inputs)


def test_a_patch_resource_asks_only_for_what_it_patches() -> None:
    taken(f"{DEPLOYMENT}Patch", {"metadata": {"name": "app"}, "spec": {"replicas": 2}})
    assert messages(f"{DEPLOYMENT}Patch", {"spec": {"replica": 2}}).keys() == {"spec.replica"}


@pytest.mark.parametrize(
    "token",
    ["aws:kms/key:Kee", "kubernetes:apps/v1:Deploy", "kubernetes:v1:Thing", "kubernetes:networking.k8s.io/v1:Policy"],
)
def test_a_type_that_no_sdk_registers_is_refused(token: str) -> None:
    (problem,) = problems(token, {})
    assert problem.path == ""
    assert problem.message.startswith(f"{token} is no resource type of {token.partition(':')[0]} ")


def test_the_settings_of_a_provider_have_a_contract_too() -> None:
    token = "pulumi:providers:aws"
    assert not contract.check("aws", token, {"region": "eu-central-1", "allowedAccountIds": ["0"]}).problems
    assert contract.check("aws", token, {"regions": "eu-central-1"}).problems[0].path == "regions"


@pytest.mark.parametrize(
    ("token", "inputs", "path", "message"),
    [
        (KEY, {"deletionWindowInDays": 31}, "deletionWindowInDays", "expected 7 to 30, got 31"),
        (KEY, {"keyUsage": "SIGN"}, "keyUsage", "expected one of 'ENCRYPT_DECRYPT', 'SIGN_VERIFY', "),
        (KEY, {"description": "x" * 9_000}, "description", "expected 0 to 8192 characters, got 9000"),
        (
            "aws:kms/alias:Alias",
            {"name": "ledger", "targetKeyId": "k"},
            "name",
            "expected text like alias/[a-zA-Z0-9/_-]{1,250}, got 'ledger'",
        ),
        (
            "aws:ec2/securityGroup:SecurityGroup",
            {"name": "sg-ledger"},
            "name",
            "expected text like (?!sg-)",
        ),
        (
            "aws:rds/parameterGroup:ParameterGroup",
            {"family": "postgres17", "parameters": [{"name": "a", "value": "1"}, {"applyMethod": "now"}]},
            "parameters[1].applyMethod",
            "expected one of 'immediate', 'pending-reboot', got 'now'",
        ),
        (DEPLOYMENT, deployment({}, replicas=-1), "spec.replicas", "expected at least 0, got -1"),
    ],
)
def test_what_facts_limit_is_refused_outside_its_limits(
    token: str, inputs: dict[str, Any], path: str, message: str
) -> None:
    assert messages(token, inputs)[path].startswith(message)


def test_a_limit_says_nothing_of_what_is_unknown() -> None:
    assert not problems(KEY, {"deletionWindowInDays": UNKNOWN, "keyUsage": UNKNOWN, "description": UNKNOWN})


def test_a_wrong_type_is_told_once() -> None:
    assert messages(KEY, {"keyUsage": {}}) == {"keyUsage": "expected text, got an object"}
