"""Customer-managed encryption key on Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import kms, projects

from components import naming
from components.common import add_purpose, child_of, to_labels

_DAY = 86_400
_USE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
_SEE = "roles/cloudkms.viewer"


@dataclass(frozen=True, kw_only=True)
class GcpKeyArgs:
    purpose: str
    """What the key encrypts, e.g. `ledger databases`."""
    project: str
    region: str
    """A key encrypts data of its own region only."""
    tags: Mapping[str, str]
    encrypts: tuple[str, ...] = ()
    """Kinds of data that it encrypts, e.g. `databases`, `kubernetes`, for its label `purpose`."""
    services: tuple[str, ...] = ("sqladmin.googleapis.com",)
    """Services whose own identity may encrypt with the key."""
    users: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Further identities that encrypt with the key: name to e-mail address of the service account."""
    rotators: tuple[str, ...] = ()
    """Users that may also read the current version, to re-wrap data of earlier versions."""
    salt: str = ""
    """A key ring's name stays taken for ever; change the salt to recreate a deleted environment."""
    rotation_days: int = 90
    destroy_days: int = 30
    """Days in which a destroyed version can be restored, 1 to 120 (Cloud KMS, destroyScheduledDuration)."""
    protect: bool = False
    """Pulumi refuses to delete the key: without it the data is lost."""


class GcpKey(pulumi.ComponentResource):
    """A symmetric hardware key that rotates automatically; destroyed versions can be restored for weeks."""

    key_id: pulumi.Output[str]

    def __init__(self, name: str, args: GcpKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:keys:GcpKey", name, None, opts)
        kept = child_of(self, opts, protect=args.protect)
        ring = kms.KeyRing(
            name,
            name=naming.fit(naming.GCP_KEY, name, salt=args.salt),
            project=args.project,
            location=args.region,
            opts=kept,
        )
        key = kms.CryptoKey(
            name,
            name=naming.fit(naming.GCP_KEY, args.purpose),
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=f"{args.rotation_days * _DAY}s",
            destroy_scheduled_duration=f"{args.destroy_days * _DAY}s",
            version_template=kms.CryptoKeyVersionTemplateArgs(
                algorithm="GOOGLE_SYMMETRIC_ENCRYPTION", protection_level="HSM"
            ),
            labels=to_labels(add_purpose(args.tags, args.encrypts)),
            opts=kept,
        )
        child = child_of(self, opts)
        grants = [_grant_service(name, service, key.id, args, child) for service in args.services]
        for user, email in args.users.items():
            roles = {user: _USE} | ({f"{user}-sees": _SEE} if user in args.rotators else {})
            grants += [_grant_account(f"{name}-{label}", role, email, key.id, child) for label, role in roles.items()]
        # Users of the key must wait for the grants, so its id resolves only then.
        self.key_id = pulumi.Output.all(key.id, *(grant.id for grant in grants)).apply(lambda all_: str(all_[0]))
        self.register_outputs({"keyId": self.key_id})


def _grant_service(
    name: str, service: str, key_id: pulumi.Input[str], args: GcpKeyArgs, child: pulumi.ResourceOptions
) -> kms.CryptoKeyIAMMember:
    label = f"{name}-{service.partition('.')[0]}"
    # A service's identity exists only after this request.
    identity = projects.ServiceIdentity(label, project=args.project, service=service, opts=child)
    return kms.CryptoKeyIAMMember(
        label,
        crypto_key_id=key_id,
        role=_USE,
        member=identity.member,
        opts=child,
    )


def _grant_account(
    name: str, role: str, email: pulumi.Input[str], key_id: pulumi.Input[str], child: pulumi.ResourceOptions
) -> kms.CryptoKeyIAMMember:
    return kms.CryptoKeyIAMMember(
        name,
        crypto_key_id=key_id,
        role=role,
        member=pulumi.Output.concat("serviceAccount:", email),
        opts=child,
    )
