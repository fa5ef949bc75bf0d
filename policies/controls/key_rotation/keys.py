"""The life of a key: it rotates, it ends, and it cannot be destroyed at once."""

from __future__ import annotations

from pydantic import Field

from policies import (
    HIGH,
    LOW,
    MEDIUM,
    PASS,
    Options,
    Properties,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    not_applicable,
    passes_if,
    sets,
    with_value,
)
from policies.clouds.durations import days
from policies.clouds.tags import effective_tag
from policies.controls.key_rotation import AWS_KEY, AZURE_KEY, ENCRYPTS, GCP_KEY, control

SPEC, USAGE, PERIOD = "customerMasterKeySpec", "keyUsage", "rotationPeriodInDays"
SYMMETRIC, YEAR = "SYMMETRIC_DEFAULT", 365
POLICY = "properties.rotationPolicy"


class Rotation(Options):
    """Options of KEY-001."""

    rotation_days: int = Field(default=YEAR, ge=90, description="Days after which a key has a new version at most.")


class Grace(Options):
    """Options of KEY-002."""

    grace_days: int = Field(default=14, ge=7, le=30, description="Days in which a destroyed key can be brought back.")


class Cards(Options):
    """Options of KEY-006."""

    classification_tag: str = Field(default="data-classification", description="The tag that says what data it is.")
    card_classifications: tuple[str, ...] = Field(
        default=("cardholder", "cardholder-data", "pci"), description="Its values that mean data of payment cards."
    )


rotates = control(
    "KEY-001",
    title="Keys rotate by themselves",
    severity=HIGH,
    maps={"soc2": ["CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 32(1)(a)"], "pci_dss": ["3.7.4"]},
    remedy="Turn rotation on, with a period of a year or less.",
    link="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    options=Rotation,
)


def rotating_yearly(key: Properties) -> Properties:
    """Turns rotation on, and shortens its period to a year where it is longer."""
    slow = View(value=key).number(PERIOD, YEAR) > YEAR
    key = with_value(key, "enableKeyRotation", True)
    return with_value(key, PERIOD, YEAR) if slow else key


@rotates
@applies_to(AWS_KEY, reads=[SPEC, USAGE, "customKeyStoreId", "enableKeyRotation", PERIOD])
@fixed_by(rotating_yearly)
def kms_key_rotates(key: Resource, options: Rotation) -> Verdict:
    kind = key.text(SPEC, SYMMETRIC)
    if kind != SYMMETRIC or key.text(USAGE, ENCRYPTS) != ENCRYPTS:
        return not_applicable(f"AWS rotates no keys of kind {kind}")
    if key.exists("customKeyStoreId"):
        return not_applicable("AWS rotates no keys of other stores")
    if not key.flag("enableKeyRotation"):
        return fails("enableKeyRotation is off")
    period = key.number(PERIOD, YEAR)
    return passes_if(period <= options.rotation_days, f"it rotates every {period} days")


@rotates
@applies_to(
    AZURE_KEY,
    reads=[
        f"{POLICY}.attributes.expiryTime",
        f"{POLICY}.lifetimeActions.action.type",
        f"{POLICY}.lifetimeActions.trigger.timeAfterCreate",
        f"{POLICY}.lifetimeActions.trigger.timeBeforeExpiry",
    ],
)
def vault_key_rotates(key: Resource, options: Rotation) -> Verdict:
    policy = key.object(POLICY)
    rotations = [action for action in policy.objects("lifetimeActions") if action.text("action.type") == "rotate"]
    periods = [period for rotation in rotations if (period := _period(rotation, policy)) > 0]
    if not periods:
        return fails("no lifetimeAction rotates it")
    return passes_if(min(periods) <= options.rotation_days, f"it rotates every {min(periods):.0f} days")


def _period(rotation: View, policy: View) -> float:
    """Return the days from one version to the next, 0 where nothing starts the rotation."""
    if after := days(rotation, "trigger.timeAfterCreate"):
        return after
    before = days(rotation, "trigger.timeBeforeExpiry")
    return days(policy, "attributes.expiryTime") - before if before else 0


@rotates
@applies_to(GCP_KEY, reads=["purpose", "importOnly", "versionTemplate.protectionLevel", "rotationPeriod"])
@fixed_by(sets("rotationPeriod", "7776000s"))
def crypto_key_rotates(key: Resource, options: Rotation) -> Verdict:
    purpose = key.text("purpose", ENCRYPTS)
    if purpose != ENCRYPTS:
        return not_applicable(f"Google Cloud rotates no keys for {purpose}")
    if key.flag("importOnly"):
        return not_applicable("its versions are imported")
    if key.text("versionTemplate.protectionLevel") == "EXTERNAL":
        return not_applicable("its versions are keys outside of Google Cloud, and rotate there")
    period = days(key, "rotationPeriod")
    if not period:
        return fails("rotationPeriod is not set")
    return passes_if(period <= options.rotation_days, f"it rotates every {period:.0f} days")


not_at_once = control(
    "KEY-002",
    title="Keys cannot be destroyed at once",
    severity=HIGH,
    maps={"soc2": ["A1.2", "CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 32(1)(b)"], "pci_dss": ["3.7.5"]},
    remedy="Let destroyed keys wait for two weeks or more; in Azure forbid to purge them.",
    options=Grace,
)


@not_at_once
@applies_to(AWS_KEY, reads=["deletionWindowInDays"])
@fixed_by(sets("deletionWindowInDays", 30))
def kms_key_waits(key: Resource, options: Grace) -> Verdict:
    window = key.number("deletionWindowInDays", default=30)
    return passes_if(window >= options.grace_days, f"deletionWindowInDays is {window}")


_VAULT = ("properties.enablePurgeProtection", "properties.enableSoftDelete", "properties.softDeleteRetentionInDays")


@not_at_once
@applies_to("azure-native:keyvault:Vault", reads=_VAULT)
def vault_keeps_what_is_deleted(vault: Resource, options: Grace) -> Verdict:
    """No fix: Azure lets nobody change the retention of a vault, nor take back the protection from purging."""
    purge, soft, retention = _VAULT
    if not vault.flag(purge):
        return fails("enablePurgeProtection is off")
    if not vault.flag(soft, default=True):
        return fails("enableSoftDelete is off")
    kept = vault.number(retention, default=90)
    return passes_if(kept >= options.grace_days, f"softDeleteRetentionInDays is {kept}")


@not_at_once
@applies_to(GCP_KEY, reads=["destroyScheduledDuration"])
def crypto_key_waits(key: Resource, options: Grace) -> Verdict:
    """No fix: another duration is another key, and what was encrypted with the old one would be lost."""
    if not key.exists("destroyScheduledDuration"):
        return PASS  # 30 days
    wait = days(key, "destroyScheduledDuration")
    return passes_if(wait >= options.grace_days, f"destroyed versions wait for {wait:g} days")


ends = control(
    "KEY-004",
    title="Keys in vaults end",
    severity=LOW,
    maps={"soc2": ["CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 32(1)(a)"], "pci_dss": ["3.7.4", "3.7.5"]},
    remedy="Give the rotation policy an expiry, or the key itself.",
    link="https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation",
)
_EXPIRES = "properties.attributes.expires"


@ends
@applies_to(AZURE_KEY, reads=[f"{POLICY}.attributes.expiryTime", _EXPIRES])
def vault_key_ends(key: Resource) -> Verdict:
    if days(key, f"{POLICY}.attributes.expiryTime"):
        return PASS
    return passes_if(key.number(_EXPIRES) > 0, "neither the key nor its rotation policy has an expiry")


in_hardware = control(
    "KEY-006",
    title="Keys of card data live in hardware",
    severity=MEDIUM,
    maps={"soc2": ["CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 32(1)(a)"], "pci_dss": ["3.6.1.2", "3.7.1"]},
    remedy="Make the key in a hardware security module: an -HSM type, or protection level HSM. AWS has no others.",
    options=Cards,
)
VAULT_MODULES = ("RSA-HSM", "EC-HSM")
CLOUD_MODULES = ("HSM", "HSM_SINGLE_TENANT")
NO_CARDS = not_applicable("no tag says that it is for card data")


def _of_cards(key: Resource, options: Cards) -> bool:
    return effective_tag(key, options.classification_tag).lower() in options.card_classifications


@in_hardware
@applies_to(AZURE_KEY, reads=["tags", "properties.kty"])
def vault_key_is_in_hardware(key: Resource, options: Cards) -> Verdict:
    kind = key.text("properties.kty", "not set")
    if kind in VAULT_MODULES:
        return PASS
    return fails(f"kty is {kind}") if _of_cards(key, options) else NO_CARDS


@in_hardware
@applies_to(GCP_KEY, reads=["labels", "versionTemplate.protectionLevel"])
def crypto_key_is_in_hardware(key: Resource, options: Cards) -> Verdict:
    level = key.text("versionTemplate.protectionLevel", "SOFTWARE")
    if level in CLOUD_MODULES:
        return PASS
    return (
        fails(f"protectionLevel is {level}") if _of_cards(key, options) else not_applicable("no label says card data")
    )
