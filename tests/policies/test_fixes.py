"""A fix changes what is wrong, and leaves what is better or has a meaning of its own."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from policies.evaluation import Evaluator
from policies.registry import everything
from policies.remediation import apply_fix
from policies.resource import Resource

EVALUATOR = Evaluator(everything(), datetime.date(2026, 1, 1))


def repaired(check_id: str, token: str, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The properties after the check's fix; None where it does not help, and nothing is applied."""
    resource = Resource(urn=f"urn:pulumi:production::shop::{token}::it", type=token, value=properties)
    check = next(one for one in EVALUATOR.registry.for_type(token) if one.id == check_id and not one.over_stack)
    done = apply_fix(check, resource, EVALUATOR)
    return None if done.fault else done.properties


def test_a_password_policy_is_not_loosened() -> None:
    token = "aws:iam/accountPasswordPolicy:AccountPasswordPolicy"
    strict = {"minimumPasswordLength": 20, "passwordReusePrevention": 24, "maxPasswordAge": 30}
    after = repaired("IAM-005/aws", token, strict)
    assert after is not None
    assert {key: after[key] for key in strict} == strict


def test_a_database_that_starts_its_backups_keeps_as_many_as_it_says() -> None:
    settings = {"backupConfiguration": {"enabled": False, "backupRetentionSettings": {"retainedBackups": 30}}}
    after = repaired("BKP-001/gcp", "gcp:sql/databaseInstance:DatabaseInstance", {"settings": settings})
    assert after is not None
    assert after["settings"]["backupConfiguration"]["backupRetentionSettings"] == {"retainedBackups": 30}


def test_a_cluster_that_logs_its_workloads_untold_goes_on_to() -> None:
    after = repaired("LOG-008/gcp", "gcp:container/cluster:Cluster", {"enableAutopilot": True})
    assert after is not None
    assert set(after["loggingConfig"]["enableComponents"]) == {"SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER"}


def test_a_disk_of_the_machine_itself_gets_no_volume() -> None:
    """EC2 refuses a mapping that has both."""
    mappings = [{"deviceName": "a", "ebs": {"volumeSize": 8}}, {"deviceName": "b", "virtualName": "ephemeral0"}]
    after = repaired("ENC-003/aws", "aws:ec2/launchTemplate:LaunchTemplate", {"blockDeviceMappings": mappings})
    assert after is not None
    assert after["blockDeviceMappings"] == [
        {"deviceName": "a", "ebs": {"volumeSize": 8, "encrypted": "true"}},
        {"deviceName": "b", "virtualName": "ephemeral0"},
    ]


DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def pods(*containers: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop"}, "spec": {"template": {"spec": {"containers": [*containers]}}}}


def test_a_container_keeps_the_capability_that_it_may_have() -> None:
    context = {"runAsUser": 7, "capabilities": {"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}
    assert repaired("K8S-003/kubernetes", DEPLOYMENT, pods({"securityContext": context})) == pods(
        {
            "securityContext": {
                "runAsUser": 7,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            }
        }
    )


def test_a_privileged_container_is_not_made_one_that_the_api_refuses() -> None:
    assert repaired("K8S-003/kubernetes", DEPLOYMENT, pods({"securityContext": {"privileged": True}})) is None


def test_a_container_keeps_the_filter_that_was_written_for_it() -> None:
    own = {"seccompProfile": {"type": "Localhost", "localhostProfile": "app.json"}}
    after = repaired("K8S-005/kubernetes", DEPLOYMENT, pods({"securityContext": own}, {"name": "other"}))
    assert after is not None
    first, second = after["spec"]["template"]["spec"]["containers"]
    assert first["securityContext"] == own
    assert second["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_a_recorder_of_everything_names_no_types() -> None:
    """AWS Config refuses a group that has both."""
    group = {"allSupported": False, "resourceTypes": ["AWS::EC2::Instance"]}
    after = repaired("LOG-010/aws", "aws:cfg/recorder:Recorder", {"name": "all", "recordingGroup": group})
    assert after == {"name": "all", "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}}


@pytest.mark.parametrize(
    ("control", "token"),
    [
        *(
            ("IAM-006", f"azure-native:{name}")
            for name in (
                *("dbforpostgresql:Server", "storage:StorageAccount", "cosmosdb:DatabaseAccount", "eventhub:Namespace"),
                *("servicebus:Namespace", "cognitiveservices:Account", "containerregistry:Registry"),
                "containerservice:ManagedCluster",
            )
        ),
        ("IAM-006", "gcp:redis/instance:Instance"),
        ("IAM-006", "gcp:container/cluster:Cluster"),
        ("IAM-007", "azure-native:keyvault:Vault"),
    ],
)
def test_no_fix_takes_a_way_to_log_in_or_a_right_from_those_who_may_still_use_it(control: str, token: str) -> None:
    [check] = [one for one in EVALUATOR.registry.for_type(token) if one.control.id == control]
    assert check.remedy_for(token, replacing=True) is None
