"""Customer-managed encryption key on Azure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_azure_native import authorization, keyvault, managedidentity

from components import naming
from components.common import add_purpose, child_of

# Azure built-in roles, Security: Key Vault Crypto Service Encryption User, Key Vault Crypto User
_WRAP_AND_UNWRAP = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
_USE = "12338af0-0e69-4776-bea7-57ae8d297424"


@dataclass(frozen=True, kw_only=True)
class AzureKeyArgs:
    purpose: str
    """What the key encrypts, e.g. `ledger databases`."""
    region: str
    resource_group_name: pulumi.Input[str]
    subscription_id: str
    tenant_id: str
    tags: Mapping[str, str]
    encrypts: tuple[str, ...] = ()
    """Kinds of data that it encrypts, e.g. `databases`, `kubernetes`, for its tag `purpose`."""
    users: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Further identities that encrypt with the key: name to principal id."""
    salt: str = ""
    """Makes the vault's name globally unique; change it when a deleted vault still occupies the name."""
    retention_days: int = 90
    """How long a deleted vault or key can be restored, 7 to 90 days; it cannot be purged earlier."""
    rotation_months: int = 12
    protect: bool = False
    """Pulumi refuses to delete vault and key: without them the data is lost."""


class AzureKey(pulumi.ComponentResource):
    """A vault with one key that rotates automatically and cannot be purged, and an identity that may wrap with it."""

    key_uri: pulumi.Output[str]
    """Without a version, so its users follow a rotation."""
    key_version_uri: pulumi.Output[str]
    """With a version, for users that cannot follow a rotation."""
    vault_id: pulumi.Output[str]
    identity_id: pulumi.Output[str]
    """Resource id of the identity through which services reach the key."""

    def __init__(self, name: str, args: AzureKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:keys:AzureKey", name, None, opts)
        kept = child_of(self, opts, protect=args.protect)
        vault = keyvault.Vault(
            name,
            vault_name=naming.fit(naming.KEY_VAULT, name, salt=args.salt),
            resource_group_name=args.resource_group_name,
            location=args.region,
            properties=_build_vault_properties(args),
            tags=args.tags,
            opts=kept,
        )
        key = keyvault.Key(
            name,
            key_name=naming.fit(naming.KEY_VAULT_KEY, args.purpose),
            vault_name=vault.name,
            resource_group_name=args.resource_group_name,
            properties=_build_key_properties(args.rotation_months),
            tags=add_purpose(args.tags, args.encrypts),
            opts=kept,
        )
        identity = managedidentity.UserAssignedIdentity(
            name,
            resource_name_=naming.fit(naming.AZURE_IDENTITY, name, "key"),
            resource_group_name=args.resource_group_name,
            location=args.region,
            tags=args.tags,
            opts=child_of(self, opts),
        )
        self._args, self._name, self._child = args, name, child_of(self, opts)
        granted = self._grant("services", identity.principal_id, vault.id, _WRAP_AND_UNWRAP)
        for user, principal_id in args.users.items():
            self._grant(user, principal_id, vault.id, _USE)
        # Users of the identity must wait for its role, so the key's URI resolves only then.
        self.key_uri = pulumi.Output.all(key.key_uri, granted.id).apply(lambda both: str(both[0]))
        self.key_version_uri = pulumi.Output.all(key.key_uri_with_version, granted.id).apply(lambda both: str(both[0]))
        self.vault_id, self.identity_id = vault.id, identity.id
        self.register_outputs({"keyUri": self.key_uri, "vaultId": vault.id, "identityId": identity.id})

    def _grant(
        self, user: str, principal_id: pulumi.Input[str], scope: pulumi.Input[str], role: str
    ) -> authorization.RoleAssignment:
        subscription = f"/subscriptions/{self._args.subscription_id}"
        return authorization.RoleAssignment(
            f"{self._name}-{user}",
            # Azure needs a GUID; a fixed one per vault and user lets a repeated run find the same assignment.
            role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{subscription}/{self._name}/{user}/{role}")),
            principal_id=principal_id,
            principal_type="ServicePrincipal",
            role_definition_id=f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            scope=scope,
            opts=self._child,
        )


def _build_vault_properties(args: AzureKeyArgs) -> keyvault.VaultPropertiesArgs:
    return keyvault.VaultPropertiesArgs(
        tenant_id=args.tenant_id,
        # Premium: keys live in hardware modules.
        sku=keyvault.SkuArgs(family="A", name="premium"),
        enable_rbac_authorization=True,
        enable_soft_delete=True,
        enable_purge_protection=True,
        soft_delete_retention_in_days=args.retention_days,
        public_network_access="Disabled",
        # Database and disk services have access as trusted Azure services; no other external access.
        network_acls=keyvault.NetworkRuleSetArgs(default_action="Deny", bypass="AzureServices"),
    )


def _build_key_properties(rotation_months: int) -> keyvault.KeyPropertiesArgs:
    return keyvault.KeyPropertiesArgs(
        kty="RSA-HSM",
        key_size=3072,
        key_ops=["wrapKey", "unwrapKey"],
        rotation_policy=keyvault.RotationPolicyArgs(
            attributes=keyvault.KeyRotationPolicyAttributesArgs(expiry_time=f"P{rotation_months * 2}M"),
            lifetime_actions=[
                keyvault.LifetimeActionArgs(
                    trigger=keyvault.TriggerArgs(time_after_create=f"P{rotation_months}M"),
                    action=keyvault.ActionArgs(type="rotate"),
                ),
                keyvault.LifetimeActionArgs(
                    trigger=keyvault.TriggerArgs(time_before_expiry="P30D"),
                    action=keyvault.ActionArgs(type="notify"),
                ),
            ],
        ),
    )
