"""Identities: every cloud trusts the pods of all three clusters, two accounts of one namespace, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.identity.aws import _allow_person_key, to_database_user_arn
from components.identity.workloads import LEDGER, MIGRATOR, AwsLogin, AzureLogin, GcpLogin, select_logins, subject

CLOUDS = ("aws", "azure", "gcp")
SUBJECTS = {"ledger": "system:serviceaccount:living-fortress:ledger"}
SUBJECTS["migrator"] = SUBJECTS["ledger"].replace("ledger", "migrator")
ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"


def statements(engine: Any, type_: str, name: str, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(engine.named(type_, name)[key])["Statement"]
    return found


def test_the_components_are_well_formed(identities: Any) -> None:
    identities.engine.assert_well_formed()


@pytest.mark.parametrize("workload", ["ledger", "migrator"])
def test_an_aws_role_is_open_to_one_account_of_each_cluster(identities: Any, workload: str) -> None:
    trusted = statements(identities.engine, ROLE, f"test-aws-{workload}", "assumeRolePolicy")
    assert len(trusted) == 3
    for cloud, statement in zip(CLOUDS, trusted, strict=True):
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"] == {"Federated": f"arn:mock:test-aws-{cloud}"}
        assert statement["Condition"] == {
            "StringEquals": {
                f"issuer.{cloud}.example:aud": "sts.amazonaws.com",
                f"issuer.{cloud}.example:sub": SUBJECTS[workload],
            }
        }


def test_an_aws_session_ends_within_the_hour(identities: Any) -> None:
    assert {resource["maxSessionDuration"] for resource in identities.engine.all(ROLE)} == {3600}


def test_aws_takes_tokens_meant_for_aws_only(identities: Any) -> None:
    providers = identities.engine.all("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert {provider["url"] for provider in providers} == {f"https://issuer.{cloud}.example" for cloud in CLOUDS}
    assert all(provider["clientIdLists"] == ["sts.amazonaws.com"] for provider in providers)


def test_the_ledger_logs_in_as_its_own_user_on_replicas_too_and_reads_no_secret(identities: Any) -> None:
    statement, _ = statements(identities.engine, ROLE_POLICY, "test-aws-ledger", "policy")
    assert statement == {
        "Effect": "Allow",
        "Action": "rds-db:connect",
        "Resource": [
            "arn:aws:rds-db:eu-central-1:000000000001:dbuser:db-ABC/ledger",
            "arn:aws:rds-db:eu-central-1:000000000001:dbuser:db-DEF/ledger",
        ],
    }


def test_the_migrator_reads_the_master_secrets_and_no_others(identities: Any) -> None:
    read, decrypt, *_ = statements(identities.engine, ROLE_POLICY, "test-aws-migrator", "policy")
    assert read["Action"] == "secretsmanager:GetSecretValue"
    assert read["Resource"] == ["arn:aws:secretsmanager:eu-central-1:000000000001:secret:rds!db-1"]
    assert decrypt["Action"] == "kms:Decrypt"
    assert decrypt["Resource"] == "arn:aws:kms:eu-central-1:000000000001:key/k"
    assert decrypt["Condition"] == {"StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}}


@pytest.mark.parametrize("workload", SUBJECTS)
def test_the_workloads_use_the_key_of_persons_for_what_is_bound_to_a_person(identities: Any, workload: str) -> None:
    [statement] = [
        one
        for one in statements(identities.engine, ROLE_POLICY, f"test-aws-{workload}", "policy")
        if one["Resource"] == "arn:aws:kms:eu-central-1:000000000001:key/persons"
    ]
    assert statement == {
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": "arn:aws:kms:eu-central-1:000000000001:key/persons",
        "Condition": {"Null": {"kms:EncryptionContext:context": "false"}},
    }


def test_the_migrator_may_only_add_and_list_erasures(identities: Any) -> None:
    granted = statements(identities.engine, ROLE_POLICY, "test-aws-migrator", "policy")
    assert [one for one in granted if "eras" in one["Resource"]] == [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::erased/erasures/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::erased",
            "Condition": {"StringEquals": {"s3:prefix": "erasures/"}},
        },
        {
            "Effect": "Allow",
            "Action": "kms:GenerateDataKey",
            "Resource": "arn:aws:kms:eu-central-1:000000000001:key/erasures",
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        },
    ]
    assert len(granted) == 6


def test_the_ledger_has_no_right_to_the_log_of_erasures(identities: Any) -> None:
    granted = statements(identities.engine, ROLE_POLICY, "test-aws-ledger", "policy")
    assert "eras" not in json.dumps(granted)


def test_where_another_cloud_keeps_the_key_aws_allows_none() -> None:
    assert _allow_person_key(None) == []


def test_azure_trusts_each_account_in_each_cluster(identities: Any) -> None:
    credentials = identities.engine.all("azure-native:managedidentity:FederatedIdentityCredential")
    assert {
        (credential["resourceName"], credential["issuer"], credential["subject"]) for credential in credentials
    } == {
        (f"test-azure-{workload}", f"https://issuer.{cloud}.example", SUBJECTS[workload])
        for workload in SUBJECTS
        for cloud in CLOUDS
    }
    assert all(credential["audiences"] == ["api://AzureADTokenExchange"] for credential in credentials)


def test_azure_is_asked_for_one_credential_of_an_identity_at_a_time(identities: Any) -> None:
    credentials = identities.engine.all("azure-native:managedidentity:FederatedIdentityCredential")
    for workload in SUBJECTS:
        chain = {credential.name: credential for credential in credentials if f"-{workload}-" in credential.name}
        for earlier, later in (("aws", "azure"), ("azure", "gcp")):
            assert chain[f"test-azure-{workload}-{earlier}"].urn in chain[f"test-azure-{workload}-{later}"].depends_on


def test_google_knows_foreign_clusters_and_only_our_two_accounts_of_them(identities: Any) -> None:
    providers = identities.engine.all("gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider")
    assert {one["oidc"]["issuerUri"] for one in providers} == {
        "https://issuer.aws.example",
        "https://issuer.azure.example",
    }
    for provider in providers:
        assert provider["attributeMapping"] == {"google.subject": "assertion.sub"}
        assert json.loads(provider["attributeCondition"].removeprefix("assertion.sub in ")) == list(SUBJECTS.values())


def test_google_accounts_log_into_cloud_sql_and_are_lent_to_nobody_else(identities: Any) -> None:
    engine = identities.engine
    for workload in SUBJECTS:
        email = f"{workload}@fortress-test.iam.gserviceaccount.com"
        grants = engine.all("gcp:projects/iAMMember:IAMMember")
        assert {grant["role"] for grant in grants if grant["member"] == f"serviceAccount:{email}"} == {
            "roles/cloudsql.instanceUser",
            "roles/cloudsql.client",
        }
        lent = [
            resource
            for resource in engine.all("gcp:serviceaccount/iAMMember:IAMMember")
            if resource["serviceAccountId"].endswith(email)
        ]
        assert all(one["role"] == "roles/iam.workloadIdentityUser" for one in lent)
        assert {one["member"] for one in lent} == {
            "principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/fortress"
            f"/subject/{SUBJECTS[workload]}",
            f"serviceAccount:fortress-test.svc.id.goog[living-fortress/{workload}]",
        }


def test_the_google_database_users_are_named_after_the_accounts(identities: Any) -> None:
    accounts = identities.engine.all("gcp:serviceaccount/account:Account")
    assert {account["accountId"] for account in accounts} == {"ledger", "migrator"}


def test_a_foreign_pod_gets_a_credential_file_without_secret(identities: Any) -> None:
    login = identities.outputs["gcp"]["aws"]["ledger"]
    provider = "projects/123/locations/global/workloadIdentityPools/fortress/providers/aws-cluster"
    assert login["audience"] == f"https://iam.googleapis.com/{provider}"
    file = json.loads(login["credential_configuration"])
    assert file["type"] == "external_account"
    assert file["audience"] == f"//iam.googleapis.com/{provider}"
    assert file["credential_source"] == {
        "file": "/var/run/secrets/fortress/gcp/token",
        "format": {"type": "text"},
    }
    assert (
        "ledger@fortress-test.iam.gserviceaccount.com:generateAccessToken" in file["service_account_impersonation_url"]
    )
    assert not {"private_key", "client_secret", "refresh_token"} & set(file)


def test_a_pod_inside_google_asks_the_metadata_server(identities: Any) -> None:
    login = identities.outputs["gcp"]["gcp"]["ledger"]
    assert login["audience"] is None
    assert login["credential_configuration"] is None


def test_database_users_are_named_in_the_partition_of_their_server() -> None:
    arn = to_database_user_arn("arn:aws-us-gov:rds:us-gov-west-1:7:db:x", "db-1")
    assert arn == "arn:aws-us-gov:rds-db:us-gov-west-1:7:dbuser:db-1/ledger"


@pytest.mark.parametrize(
    ("home", "annotations"),
    [
        ("aws", {"eks.amazonaws.com/role-arn": "role"}),
        ("azure", {"azure.workload.identity/client-id": "client", "azure.workload.identity/tenant-id": "tenant"}),
        ("gcp", {"iam.gke.io/gcp-service-account": "email"}),
    ],
)
def test_a_service_account_is_annotated_as_its_home_cloud_wants(home: Any, annotations: dict[str, str]) -> None:
    logins = select_logins(
        LEDGER,
        home,
        aws={LEDGER: AwsLogin(role_arn="role")},
        azure={LEDGER: AzureLogin(client_id="client", tenant_id="tenant")},
        gcp={LEDGER: GcpLogin(service_account="email")},
    )
    assert logins.annotations == annotations


def test_a_cloud_that_is_not_in_use_has_no_login() -> None:
    logins = select_logins(MIGRATOR, "azure", aws={LEDGER: AwsLogin(role_arn="role")})
    assert (logins.aws, logins.azure, logins.gcp, logins.annotations) == (None, None, None, {})


def test_the_subject_names_namespace_and_account() -> None:
    assert subject(LEDGER) == SUBJECTS["ledger"]
    assert subject(MIGRATOR, "other") == "system:serviceaccount:other:migrator"
