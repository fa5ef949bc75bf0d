"""Keys: they rotate by themselves, they cannot be destroyed at once, and only named services use them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.keys.aws import AwsKeyArgs, build_key_policy

KMS, VAULT, VAULT_KEY = "aws:kms/key:Key", "azure-native:keyvault:Vault", "azure-native:keyvault:Key"
CRYPTO_KEY, RING = "gcp:kms/cryptoKey:CryptoKey", "gcp:kms/keyRing:KeyRing"
DAY = 86_400


def test_every_key_is_made_of_well_formed_components(keys: Any) -> None:
    keys.assert_well_formed()


@pytest.mark.parametrize("type_", [KMS, VAULT, VAULT_KEY, CRYPTO_KEY, RING])
def test_a_protected_key_stays(keys: Any, type_: str) -> None:
    assert keys.only(type_).protect


def test_an_aws_key_rotates_and_cannot_be_destroyed_at_once(keys: Any) -> None:
    key = keys.only(KMS)
    assert key["enableKeyRotation"] is True
    assert key["rotationPeriodInDays"] == 365
    assert key["deletionWindowInDays"] == 30


def test_an_azure_key_rotates_and_cannot_be_purged(keys: Any) -> None:
    vault = keys.only(VAULT)["properties"]
    assert vault["enablePurgeProtection"] is True
    assert vault["enableSoftDelete"] is True
    assert vault["softDeleteRetentionInDays"] == 90
    policy = keys.only(VAULT_KEY)["properties"]["rotationPolicy"]
    rotate = next(action for action in policy["lifetimeActions"] if action["action"]["type"] == "rotate")
    assert rotate["trigger"] == {"timeAfterCreate": "P12M"}
    assert policy["attributes"]["expiryTime"] == "P24M"


def test_a_google_key_rotates_and_cannot_be_destroyed_at_once(keys: Any) -> None:
    key = keys.only(CRYPTO_KEY)
    assert key["rotationPeriod"] == f"{90 * DAY}s"
    assert key["destroyScheduledDuration"] == f"{30 * DAY}s"
    assert key["versionTemplate"]["protectionLevel"] == "HSM"


def test_a_key_says_what_it_encrypts(keys: Any) -> None:
    assert keys.only(KMS)["tags"]["purpose"] == "databases-logs"
    assert keys.only(VAULT_KEY)["tags"]["purpose"] == "databases"
    assert keys.only(CRYPTO_KEY)["labels"]["purpose"] == "databases-kubernetes"


def test_azures_vault_opens_by_role_only_and_not_to_the_network(keys: Any) -> None:
    vault = keys.only(VAULT)["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert "accessPolicies" not in vault
    assert vault["publicNetworkAccess"] == "Disabled"
    assert vault["networkAcls"] == {"defaultAction": "Deny", "bypass": "AzureServices"}


def test_azures_identities_get_the_least_role_on_the_vault_alone(keys: Any) -> None:
    granted = {resource.name: resource for resource in keys.all("azure-native:authorization:RoleAssignment")}
    assert set(granted) == {"test-azure-services", "test-azure-cluster"}
    assert {one["scope"] for one in granted.values()} == {"test-azure-id"}
    assert granted["test-azure-services"]["roleDefinitionId"].endswith("/e147488a-f6f5-4113-8e2d-b22465e65bf6")
    assert granted["test-azure-cluster"]["principalId"] == "principal-cluster"
    assert len({one["roleAssignmentName"] for one in granted.values()}) == 2


def test_google_lets_the_named_services_encrypt_and_nobody_else(keys: Any) -> None:
    granted = keys.all("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    encrypts, sees = "roles/cloudkms.cryptoKeyEncrypterDecrypter", "roles/cloudkms.viewer"
    assert sorted((one["member"].removeprefix("serviceAccount:"), one["role"]) for one in granted) == [
        ("ledger@example.com", encrypts),
        ("migrator@example.com", encrypts),
        ("migrator@example.com", sees),
        ("service@container.googleapis.com", encrypts),
        ("service@sqladmin.googleapis.com", encrypts),
    ]


def test_an_aws_key_is_used_by_services_for_this_account_only(keys: Any) -> None:
    statements = {one["Sid"]: one for one in json.loads(keys.only(KMS)["policy"])["Statement"]}
    administrators = statements["AccountAdministersByIam"]
    assert administrators["Principal"] == {"AWS": "arn:aws:iam::000000000001:root"}
    services = statements["ServicesUseForThisAccount"]["Condition"]["StringEquals"]
    assert services == {
        "kms:CallerAccount": "000000000001",
        "kms:ViaService": ["rds.eu-central-1.amazonaws.com"],
    }
    logs = statements["LogGroupsEuCentral1"]
    assert logs["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    assert "000000000001:log-group" in json.dumps(logs["Condition"])


def test_everybody_needs_a_condition() -> None:
    policy = build_key_policy(AwsKeyArgs(purpose="p", account_id="1", tags={}, via_services=("s",), log_regions=("r",)))
    statements: Any = policy["Statement"]
    others = [statement for statement in statements if "root" not in json.dumps(statement["Principal"])]
    assert len(others) == 2
    for statement in others:
        assert statement["Condition"]
        assert "kms:*" not in statement["Action"]
