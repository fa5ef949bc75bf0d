"""Contracts as the SDKs' source tells them, held against the SDKs themselves."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pulumi import _types as pulumi_types

from localcloud import contract
from localcloud.contract import UNKNOWN
from localcloud.contract.contracts import Contract, contract_of
from localcloud.contract.shapes import Underivable, parse_annotation
from localcloud.contract.sources import PACKAGES, NoSuchSdk, registered, resource_file
from localcloud.contract.type_expr import (
    Anything,
    Either,
    Enum,
    JsonText,
    ListOf,
    MapOf,
    Object,
    Quantity,
    Scalar,
    TypeExpr,
)

pytestmark = pytest.mark.slow

REGISTERED = 6089
SMALL_SERVICES = {
    "aws": ("kms", "rds", "secretsmanager"),
    "azure-native": ("keyvault", "managedidentity", "dbforpostgresql"),
    "gcp": ("kms", "sql", "serviceaccount"),
    "kubernetes": ("apps", "batch", "policy"),
}


def shapes_of(expr: TypeExpr, seen: set[str]) -> Iterator[str]:
    """The names of every shape that a expr leads to, each once."""
    match expr:
        case ListOf(inner) | MapOf(inner):
            yield from shapes_of(inner, seen)
        case Either(members):
            for member in members:
                yield from shapes_of(member, seen)
        case Object(name) if name not in seen:
            seen.add(name)
            yield name
            for found in Contract.shape(name).properties.values():
                yield from shapes_of(found.expr, seen)


def all_shapes_of(token: str, seen: set[str]) -> Iterator[str]:
    for found in contract_of(token).root.properties.values():
        yield from shapes_of(found.expr, seen)


def test_the_sdks_register_as_many_types_as_ever() -> None:
    assert sum(len(registered(package)) for package in PACKAGES) >= REGISTERED


def test_every_registered_type_can_be_derived(package: str) -> None:
    seen: set[str] = set()
    shapes = [name for token in registered(package) for name in all_shapes_of(token, seen)]
    assert len(shapes) > 1_000
    assert all(contract_of(token).outputs is not None for token in registered(package))


def test_names_and_required_properties_are_those_of_the_sdk(package: str) -> None:
    seen: set[str] = set()
    tokens = [token for token in registered(package) if token.split(":")[1].split("/")[0] in SMALL_SERVICES[package]]
    shapes = [name for token in tokens for name in all_shapes_of(token, seen)]
    assert len(shapes) > 20
    for name in shapes:
        module, _, class_name = name.partition(":")
        arguments = getattr(importlib.import_module(module), class_name)
        wire = pulumi_types.input_type_py_to_pulumi_names(arguments)
        parameters = inspect.signature(arguments.__init__).parameters if "__init__" in vars(arguments) else {}
        expected = {
            wire[python]: parameter.default is inspect.Parameter.empty
            for python, parameter in parameters.items()
            if python != "__self__"
        }
        assert {key: found.required for key, found in Contract.shape(name).properties.items()} == expected, name


def test_nothing_of_an_sdk_is_imported_to_derive_it() -> None:
    program = (
        "import sys; from localcloud import contract;"
        "contract.check('aws', 'aws:kms/key:Key', {});"
        "contract.check('kubernetes', 'kubernetes:apps/v1:Deployment', {});"
        "print([name for name in sys.modules if name.startswith('pulumi')])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("token", "name", "expr"),
    [
        ("aws:kms/key:Key", "deletionWindowInDays", Scalar("int")),
        ("aws:kms/key:Key", "tags", MapOf(Scalar("str"))),
        ("aws:iam/role:Role", "assumeRolePolicy", JsonText()),
        ("aws:lambda/function:Function", "runtime", Scalar("str")),
        ("aws:ec2/subnet:Subnet", "vpcId", Scalar("str")),
        ("azure-native:resources:ResourceGroup", "tags", MapOf(Scalar("str"))),
        ("kubernetes:apps/v1:Deployment", "kind", Enum(("Deployment",))),
        ("kubernetes:apps/v1:Deployment", "metadata", Object("pulumi_kubernetes.meta.v1._inputs:ObjectMetaArgs")),
        ("kubernetes:helm.sh/v3:Release", "values", MapOf(Anything())),
        ("gcp:sql/databaseInstance:DatabaseInstance", "replicaNames", ListOf(Scalar("str"))),
    ],
)
def test_an_annotation_becomes_the_term_it_means(token: str, name: str, expr: TypeExpr) -> None:
    assert contract_of(token).root.properties[name].expr == expr


def test_kubernetes_quantities_are_known_by_their_place() -> None:
    resources = Contract.shape("pulumi_kubernetes.core.v1._inputs:ResourceRequirementsArgs").properties
    assert resources["limits"].expr == MapOf(Quantity())
    patch = Contract.shape("pulumi_kubernetes.core.v1._inputs:ResourceRequirementsPatchArgs").properties
    assert patch["requests"].expr == MapOf(Quantity())


def test_azure_unions_carry_the_constants_that_tell_their_members_apart() -> None:
    shape = Contract.shape("pulumi_azure_native.datafactory._inputs:AmazonS3LinkedServiceArgs")
    assert shape.constants == {"type": "AmazonS3"}


def test_outputs_and_their_secrets_are_told() -> None:
    outputs = contract.outputs("aws:rds/instance:Instance")
    assert outputs["endpoint"] == Scalar("str")
    assert outputs["masterUserSecrets"] == ListOf(Anything())
    assert "password" in contract.secret_outputs("aws:rds/instance:Instance")


@pytest.mark.parametrize(
    ("token", "parameters"),
    [
        ("azure-native:dbforpostgresql:Server", {"resourceGroupName", "serverName"}),
        ("azure-native:network:Subnet", {"resourceGroupName", "virtualNetworkName", "subnetName"}),
        ("azure-native:monitor:DiagnosticSetting", {"resourceUri", "name"}),
        ("kubernetes:core/v1:ConfigMap", {"apiVersion", "kind", "metadata.name", "metadata.namespace"}),
        ("kubernetes:helm.sh/v3:Release", set()),
        ("aws:kms/key:Key", set()),
        ("aws:no/such:Type", set()),
    ],
)
def test_the_path_of_a_resource_always_replaces_it(token: str, parameters: set[str]) -> None:
    assert set(contract.always_replaced_by(token)) == parameters


def test_replacement_is_unknown_without_facts_and_never_none() -> None:
    assert contract.replaced_by("aws:sqs/queue:Queue") is None
    known = contract.replaced_by("aws:kms/key:Key")
    assert known is not None
    assert {"keyUsage", "multiRegion", "region"} <= set(known)
    assert contract.replaced_by("kubernetes:example.com/v1:Thing") == (
        *("apiVersion", "kind", "metadata.name", "metadata.namespace"),
    )
    assert contract.replaced_by_removal_of("aws:eks/cluster:Cluster") == ("encryptionConfig",)
    assert contract.replaced_by_removal_of("aws:sqs/queue:Queue") == ()


def test_an_sdk_that_is_not_installed_is_named() -> None:
    with pytest.raises(NoSuchSdk, match="the Python SDK of package 'heroku' is not installed"):
        contract.check("heroku", "heroku:app/app:App", {})


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        ("pulumi.Input[", "no annotation"),
        ("Tuple[str, int]", "what is Tuple"),
        ("'NoSuchArgs'", "no class NoSuchArgs"),
        ("'_nowhere.v1.ThingArgs'", "nothing is imported as _nowhere"),
    ],
)
def test_an_annotation_that_is_not_understood_is_told(annotation: str, complaint: str) -> None:
    source = resource_file(*registered("kubernetes")["kubernetes:apps/v1:Deployment"])
    assert source is not None
    with pytest.raises(Underivable, match=complaint):
        parse_annotation(annotation, source)


def test_there_is_one_unknown_however_it_is_copied() -> None:
    assert copy.deepcopy({"a": [UNKNOWN]})["a"][0] is UNKNOWN
    assert copy.copy(UNKNOWN) is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN
    assert repr(UNKNOWN) == "<unknown>"
