"""What checks of keys and logs join, where a fixture cannot say it: values that come from third resources."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from localcloud.contract.contracts import contract_of
from policies import Resource, Stack, Status
from policies.controls.key_rotation.keys import rotating_yearly
from policies.controls.key_rotation.uses import ATTACHED, USES
from policies.evaluation import NO_STACK, Evaluator
from policies.registry import everything
from tests.policies.cases import UNKNOWN
from tests.policies.sdk_paths import missing

WORKSPACE = "azure-native:operationalinsights:Workspace"


def resource(token: str, name: str, given: dict[str, Any] | None = None, **sources: Resource) -> Resource:
    """A resource whose properties of these names came from other resources."""
    return Resource(
        value=given or {},
        type=token,
        urn=f"urn:pulumi:test::shop::{token}::{name}",
        property_dependencies={path: (source.urn,) for path, source in sources.items()},
    )


def verdict(control: str, subject: Resource, *others: Resource) -> Status:
    check = next(one for one in everything().for_type(subject.type) if one.control.id == control)
    judged = Evaluator(everything(), datetime.date(2030, 1, 1)).judge
    return judged(check, subject, Stack([subject, *others]) if others else NO_STACK).status


def test_a_destination_that_another_resource_gives_is_one_before_its_name_is_known() -> None:
    cluster = resource("azure-native:containerservice:ManagedCluster", "cluster")
    workspace = resource(WORKSPACE, "logs")
    logs = [{"categoryGroup": "audit", "enabled": True}]
    given = {"logs": logs, "workspaceId": UNKNOWN, "resourceUri": UNKNOWN}
    setting = "azure-native:monitor:DiagnosticSetting"

    known = resource(setting, "setting", given, workspaceId=workspace, resourceUri=cluster)
    assert verdict("LOG-008", cluster, known, workspace) is Status.PASS
    nobody_knows = resource(setting, "setting", given, resourceUri=cluster)
    assert verdict("LOG-008", cluster, nobody_knows) is Status.NOT_DETERMINABLE


@pytest.mark.parametrize(
    ("token", "path"), [("aws:rds/instance:Instance", "password"), ("aws:rds/cluster:Cluster", "masterPassword")]
)
@pytest.mark.parametrize("kind", ["secret:Secret", "secretVersion:SecretVersion"])
def test_a_password_from_a_secret_of_the_stack_rotates_with_that_secret(token: str, path: str, kind: str) -> None:
    secret = resource(f"aws:secretsmanager/{kind}", "master")
    database = resource(token, "database", {path: UNKNOWN}, **{path: secret})
    assert verdict("KEY-003", database, secret) is Status.NOT_APPLICABLE
    elsewhere = resource("aws:ssm/parameter:Parameter", "master")
    assert verdict("KEY-003", resource(token, "database", {path: "x"}, **{path: elsewhere}), elsewhere) is Status.FAIL


def test_a_name_of_a_key_is_the_key() -> None:
    key = resource("aws:kms/key:Key", "key", {"tags": {"purpose": "logs"}})
    alias = resource("aws:kms/alias:Alias", "alias", {"name": "alias/shop"}, targetKeyId=key)
    database = resource("aws:rds/instance:Instance", "database", {"kmsKeyId": UNKNOWN}, kmsKeyId=alias)
    assert verdict("KEY-008", key, alias, database) is Status.PASS
    assert verdict("KEY-007", key, alias, database) is Status.FAIL

    queue = resource("aws:sqs/queue:Queue", "queue", {"kmsMasterKeyId": "alias/shop"})
    assert verdict("KEY-007", key, alias, queue) is Status.FAIL
    stranger = resource("aws:rolesanywhere/trustAnchor:TrustAnchor", "stranger", {}, notes=alias)
    assert verdict("KEY-008", key, alias, stranger) is Status.PASS


@pytest.mark.parametrize(("given", "after"), [(90, 90), (366, 365)])
def test_the_fix_of_a_key_shortens_its_period_and_never_lengthens_it(given: int, after: int) -> None:
    key = rotating_yearly({"enableKeyRotation": False, "rotationPeriodInDays": given})
    assert key == {"enableKeyRotation": True, "rotationPeriodInDays": after}


def test_the_sdk_knows_the_properties_that_name_keys() -> None:
    named = [(token, path) for types in USES.values() for token, paths in types.items() for path in paths]
    assert not [problem for token, path in named if (problem := missing(token, path))]
    assert all(contract_of(token) for token in ATTACHED)


def test_a_zone_is_signed_also_where_its_id_came_through_the_key_that_signs() -> None:
    zone = resource("aws:route53/zone:Zone", "zone", {"name": "shop.example"})
    key = resource("aws:route53/keySigningKey:KeySigningKey", "key", {"hostedZoneId": UNKNOWN}, hostedZoneId=zone)
    dnssec = "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec"
    signing = resource(dnssec, "signing", {"hostedZoneId": UNKNOWN}, hostedZoneId=key)
    assert verdict("TLS-008", zone, key, signing) is Status.PASS

    other = resource("aws:route53/zone:Zone", "other", {"name": "other.example"})
    of_other = resource("aws:route53/keySigningKey:KeySigningKey", "key", {"hostedZoneId": UNKNOWN}, hostedZoneId=other)
    assert verdict("TLS-008", zone, other, of_other, signing) is Status.FAIL
    assert verdict("TLS-008", zone, key) is Status.FAIL
