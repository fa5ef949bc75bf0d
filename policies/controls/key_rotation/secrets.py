"""Secrets: they change from time to time, and their values stand nowhere in the clear."""

from __future__ import annotations

from pydantic import Field

from policies import (
    HIGH,
    MEDIUM,
    PASS,
    Options,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    fails,
    in_stack,
    not_applicable,
    passes_if,
)
from policies.clouds.common_settings import CLUSTER_ORIGINS, INSTANCE_ORIGINS, follows_another, is_restored
from policies.clouds.data_stores import RDS_CLUSTER, RDS_INSTANCE
from policies.clouds.durations import days
from policies.controls.key_rotation import control

SECRET, VERSION = "aws:secretsmanager/secret:Secret", "aws:secretsmanager/secretVersion:SecretVersion"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
INHERITS = not_applicable("it keeps the password of what it was made from")
EXPIRES = "properties.attributes.expires"


class SecretRotation(Options):
    """Options of KEY-003."""

    secret_days: int = Field(default=90, ge=1, description="Days after which a secret has another value at most.")


secrets_rotate = control(
    "KEY-003",
    title="Secrets rotate",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.1"],
        "iso27001": ["A.5.17", "A.8.24"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["8.3.9", "8.6.3"],
    },
    remedy="Give the secret a rotation or an end, and let the database service keep its own password.",
    link="https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html",
    options=SecretRotation,
)


@secrets_rotate
@in_stack(SECRET, reads=[])
def aws_secret_rotates(secret: Resource, stack: Stack, options: SecretRotation) -> Verdict:
    rotations = stack.companions(secret, ROTATION, by="secretId")
    if not rotations:
        return fails("no rotation belongs to it")
    return passes_if(any(_rotates(rotation, options) for rotation in rotations), "its rotation is off, or slow")


def _rotates(rotation: View, options: SecretRotation) -> bool:
    """A schedule that is written as an expression is taken to be meant."""
    if not rotation.flag("rotationEnabled", default=True):
        return False
    if rotation.has("rotationRules.scheduleExpression"):
        return True
    return 0 < rotation.number("rotationRules.automaticallyAfterDays") <= options.secret_days


@secrets_rotate
@in_stack(RDS_INSTANCE, reads=["manageMasterUserPassword", "password", *INSTANCE_ORIGINS])
def rds_keeps_its_password(instance: Resource, stack: Stack) -> Verdict:
    return _keeps_its_password(instance, stack, "password")


@secrets_rotate
@in_stack(RDS_CLUSTER, reads=["manageMasterUserPassword", "masterPassword", *CLUSTER_ORIGINS])
def aurora_keeps_its_password(cluster: Resource, stack: Stack) -> Verdict:
    return _keeps_its_password(cluster, stack, "masterPassword")


def _keeps_its_password(database: Resource, stack: Stack, path: str) -> Verdict:
    """A password that comes from a secret of the stack rotates with that secret; an encrypted one is a password too."""
    if database.flag("manageMasterUserPassword"):
        return PASS
    kept = [source for source in stack.sources(database, path) if source.type in (SECRET, VERSION)]
    if kept:
        return not_applicable(f"its password is that of the secret {kept[0].name}")
    if (follows_another(database) or is_restored(database)) and not database.is_given(path):
        return INHERITS
    return fails("its master password is not managed by the service")


@secrets_rotate
@applies_to("azure-native:keyvault:Secret", reads=[EXPIRES])
def vault_secret_ends(secret: Resource) -> Verdict:
    return passes_if(secret.number(EXPIRES) > 0, "it has no expiry")


@secrets_rotate
@applies_to("gcp:secretmanager/secret:Secret", reads=["ttl", "expireTime", "rotation.rotationPeriod"])
def gcp_secret_rotates(secret: Resource, options: SecretRotation) -> Verdict:
    if secret.has("ttl") or secret.has("expireTime"):
        return PASS
    period = days(secret, "rotation.rotationPeriod")
    if not period:
        return fails("it has neither a rotation nor an end")
    return passes_if(period <= options.secret_days, f"it rotates every {period:.0f} days")


value_is_secret = control(
    "KEY-005",
    title="Values of secrets are secret to the engine too",
    severity=HIGH,
    maps={"soc2": ["CC6.1"], "iso27001": ["A.5.17"], "gdpr": ["Art. 32(1)(a)"], "pci_dss": ["8.3.2", "8.6.2"]},
    remedy="Wrap the value with pulumi.Output.secret, or read it with config.require_secret; then replace it.",
    link="https://www.pulumi.com/docs/iac/concepts/secrets/",
)


def _is_secret(holder: View, *paths: str) -> Verdict:
    """What is not marked stands in the state, in logs and in previews as it is."""
    plain = [path for path in paths if not holder.is_secret(path) and holder.exists(path)]
    return passes_if(not plain, f"{' and '.join(plain)} stands there in the clear")


@value_is_secret
@applies_to(VERSION, reads=["secretString", "secretBinary"])
def aws_value_is_secret(version: Resource) -> Verdict:
    return _is_secret(version, "secretString", "secretBinary")


@value_is_secret
@applies_to("azure-native:keyvault:Secret", reads=["properties.value"])
def vault_value_is_secret(secret: Resource) -> Verdict:
    return _is_secret(secret, "properties.value")


@value_is_secret
@applies_to("gcp:secretmanager/secretVersion:SecretVersion", reads=["secretData"])
def gcp_value_is_secret(version: Resource) -> Verdict:
    return _is_secret(version, "secretData")


@value_is_secret
@applies_to("kubernetes:core/v1:Secret", reads=["data", "stringData"])
def kubernetes_value_is_secret(secret: Resource) -> Verdict:
    """Either the whole map is marked, or each of its values."""
    plain = [path for path in ("data", "stringData") if not secret.is_secret(path) and _has_plain(secret.object(path))]
    return passes_if(not plain, f"{' and '.join(plain)} stands there in the clear")


def _has_plain(table: View) -> bool:
    return any(not table.is_secret(name) for name, _ in table.entries())
