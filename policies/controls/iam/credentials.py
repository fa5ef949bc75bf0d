"""Passwords and keys: none where a login by identity exists, and strong ones where nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pydantic import Field

from policies import (
    HIGH,
    MEDIUM,
    NOT_APPLICABLE,
    PASS,
    Options,
    Properties,
    Resource,
    Verdict,
    View,
    WrongShape,
    applies_to,
    fails,
    fixed_by,
    in_turn,
    not_applicable,
    passes_if,
    sets,
    with_value,
)
from policies.controls.iam import control
from policies.property_checks import OFF, ON, Property, check_properties
from policies.remedies import at_least, at_most
from policies.values import unwrap


class Holders(Options):
    """Options of IAM-004."""

    allowed_holders: tuple[str, ...] = Field(
        default=(), description="Users and service accounts, as globs, that may have keys which never expire."
    )

    def judge(self, holder: str) -> Verdict:
        """Tell whether the holder may have such a key."""
        allowed = any(fnmatchcase(holder, pattern) for pattern in self.allowed_holders)
        return passes_if(allowed, f"{holder or 'somebody'} gets a credential that never expires")


no_static_credential = control(
    "IAM-004",
    title="No credential is made that never expires",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.2"],
        "iso27001": ["A.5.17", "A.8.5"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["8.3.9", "8.6.1", "8.6.3"],
    },
    remedy="Log in by role, workload identity or federation; where that cannot be, agree on it in allowedHolders.",
    options=Holders,
)


@no_static_credential
@applies_to("aws:iam/accessKey:AccessKey", reads=["status", "user"])
def access_key_is_agreed(key: Resource, options: Holders) -> Verdict:
    return PASS if key.text("status") == "Inactive" else options.judge(key.text("user"))


@no_static_credential
@applies_to("aws:iam/userLoginProfile:UserLoginProfile", reads=["user"])
def password_is_agreed(profile: Resource, options: Holders) -> Verdict:
    return options.judge(profile.text("user"))


@no_static_credential
@applies_to("gcp:serviceaccount/key:Key", reads=["serviceAccountId"])
def service_account_key_is_agreed(key: Resource, options: Holders) -> Verdict:
    return options.judge(key.text("serviceAccountId"))


@no_static_credential
@applies_to("gcp:storage/hmacKey:HmacKey", reads=["state", "serviceAccountEmail"])
def hmac_key_is_agreed(key: Resource, options: Holders) -> Verdict:
    return PASS if key.text("state") == "INACTIVE" else options.judge(key.text("serviceAccountEmail"))


@no_static_credential
@applies_to("kubernetes:core/v1:Secret", reads=["type"])
def secret_is_no_account_token(secret: Resource) -> Verdict:
    kind = secret.text("type", "Opaque")
    return passes_if(kind != "kubernetes.io/service-account-token", f"type is {kind}")


class Passwords(Options):
    """Options of IAM-005."""

    minimum_length: int = Field(default=14, ge=8, description="Characters that a password must have.")
    reuse_prevention: int = Field(default=24, ge=1, le=24, description="Earlier passwords that must not come again.")
    maximum_age_days: int = Field(
        default=90, ge=0, description="Days after which a password ends; 0 asks for no end, as a second factor allows."
    )


strong_passwords = control(
    "IAM-005",
    title="Passwords of the account are long, varied and not used again",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.1"],
        "iso27001": ["A.5.17"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["8.3.6", "8.3.7", "8.3.9"],
    },
    remedy="Raise the account's password policy, or have no passwords there at all.",
    options=Passwords,
)
KINDS = ("requireLowercaseCharacters", "requireNumbers", "requireSymbols", "requireUppercaseCharacters")


@strong_passwords
@applies_to(
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
    reads=["minimumPasswordLength", "passwordReusePrevention", "maxPasswordAge", *KINDS],
)
@fixed_by(
    in_turn(
        at_least("minimumPasswordLength", 14),
        at_least("passwordReusePrevention", 24),
        at_most("maxPasswordAge", 90),
        *(sets(kind, True) for kind in KINDS),
    )
)
def passwords_are_strong(policy: Resource, options: Passwords) -> Verdict:
    length, reuse = policy.number("minimumPasswordLength"), policy.number("passwordReusePrevention")
    if length < options.minimum_length:
        return fails(f"minimumPasswordLength is {length}")
    if reuse < options.reuse_prevention:
        return fails(f"passwordReusePrevention is {reuse}")
    age = policy.number("maxPasswordAge")
    if options.maximum_age_days and not 0 < age <= options.maximum_age_days:
        return fails(f"maxPasswordAge is {age}")
    missing = [kind for kind in KINDS if not policy.flag(kind)]
    return passes_if(not missing, f"{', '.join(missing)} not on")


directory_login = control(
    "IAM-006",
    title="People and programs log in by the cloud's identities, not by local accounts and shared keys",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.1", "CC6.2"],
        "iso27001": ["A.5.16", "A.8.5"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["8.2.1", "8.2.2", "8.3.1"],
    },
    remedy="Turn login by IAM or Entra on and move everybody there; then turn passwords, local accounts and keys off.",
)
# A fix only adds a way to log in: to take one away would shut out whoever still uses it.
_IAM = "iamDatabaseAuthenticationEnabled"
KNOWS_IAM = ("postgres", "mysql", "mariadb", "aurora-postgresql", "aurora-mysql")


@directory_login
@applies_to("aws:rds/instance:Instance", "aws:rds/cluster:Cluster", reads=[_IAM, "engine"])
@fixed_by(sets(_IAM, True))
def rds_knows_iam(database: Resource) -> Verdict:
    """A replica's engine is its source's, and not said again."""
    if database.flag(_IAM):
        return PASS
    engine = database.text("engine")
    if engine and engine not in KNOWS_IAM:
        return not_applicable(f"engine {engine} has no login by IAM")
    return fails(f"{_IAM} is off")


_AUTHENTICATION = {"authConfig.activeDirectoryAuth": "Enabled", "authConfig.passwordAuth": "Disabled"}


@directory_login
@applies_to("azure-native:dbforpostgresql:Server", reads=list(_AUTHENTICATION))
def flexible_server_knows_entra(server: Resource) -> Verdict:
    found = {path: server.text(path, "not set") for path in _AUTHENTICATION}
    return passes_if(found == _AUTHENTICATION, ", ".join(f"{path} is {value}" for path, value in found.items()))


_NO_SQL = "GlobalDocumentDB"
_OTHER_APIS = ("EnableMongo", "EnableCassandra", "EnableGremlin", "EnableTable")


@directory_login
@applies_to("azure-native:cosmosdb:DatabaseAccount", reads=["disableLocalAuth", "kind", "capabilities.name"])
def cosmos_has_no_local_login(account: Resource) -> Verdict:
    """Azure refuses the setting where an account speaks another API than that of NoSQL."""
    if account.flag("disableLocalAuth"):
        return PASS
    kind = account.text("kind", _NO_SQL)
    others = [text for text in account.texts("capabilities.name") if text in _OTHER_APIS]
    if kind != _NO_SQL or others:
        return not_applicable(f"accounts of {others[0] if others else kind} always have keys")
    return fails("disableLocalAuth is off")


directory_login_properties = check_properties(
    directory_login,
    Property("azure-native:containerservice:ManagedCluster", "disableLocalAccounts", ON),
    Property(
        "azure-native:storage:StorageAccount",
        "allowSharedKeyAccess",
        OFF,
        absent=True,
        found="allowSharedKeyAccess is not off",
    ),
    Property(("azure-native:eventhub:Namespace", "azure-native:servicebus:Namespace"), "disableLocalAuth", ON),
    Property("azure-native:cognitiveservices:Account", "properties.disableLocalAuth", ON),
    Property("azure-native:containerregistry:Registry", "adminUserEnabled", OFF),
    Property("gcp:container/cluster:Cluster", "enableLegacyAbac", OFF),
    Property("gcp:redis/instance:Instance", "authEnabled", ON),
)


_FLAGS = "settings.databaseFlags"
FLAG = {"POSTGRES": "cloudsql.iam_authentication", "MYSQL": "cloudsql_iam_authentication"}


def _flag_of(version: str) -> str:
    """Return the flag that turns login by IAM on; nothing where the engine has no such login."""
    return FLAG.get(version.partition("_")[0], "")


def with_iam_login(properties: Properties) -> Properties:
    """Sets the engine's flag and leaves the others."""
    name = _flag_of(View(value=properties).text("databaseVersion"))
    settings = unwrap(properties.get("settings") or {}, "settings")
    flags = unwrap(settings.get("databaseFlags") or [], _FLAGS)
    if not isinstance(flags, Sequence) or isinstance(flags, str):
        raise WrongShape(_FLAGS, "a list", flags)
    others = [flag for flag in flags if unwrap(flag, _FLAGS).get("name") != name]
    return with_value(properties, _FLAGS, [*others, {"name": name, "value": "on"}])


@directory_login
@applies_to("gcp:sql/databaseInstance:DatabaseInstance", reads=["databaseVersion", f"{_FLAGS}.name", f"{_FLAGS}.value"])
@fixed_by(with_iam_login)
def cloud_sql_knows_iam(instance: Resource) -> Verdict:
    name = _flag_of(instance.text("databaseVersion"))
    if not name:
        return NOT_APPLICABLE
    values = [entry.text("value") for entry in instance.objects(_FLAGS) if entry.text("name") == name]
    return passes_if(values[-1:] == ["on"], f"{name} is {values[-1] if values else 'not set'}")


IDENTITIES = ("CLOUD_IAM_USER", "CLOUD_IAM_SERVICE_ACCOUNT", "CLOUD_IAM_GROUP")


@directory_login
@applies_to("gcp:sql/user:User", reads=["type"])
def cloud_sql_user_is_an_identity(user: Resource) -> Verdict:
    kind = user.text("type", "BUILT_IN")
    return passes_if(kind in IDENTITIES, f"type is {kind}, which logs in by password")


key_store_roles = control(
    "IAM-007",
    title="Stores of keys are governed by roles, and cannot lock their owner out",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.3"],
        "iso27001": ["A.5.15", "A.8.24"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["3.6.1.3", "7.2.1"],
    },
    remedy="Give roles to all who have access policies, turn role-based access on, and leave key policies checked.",
)


key_store_roles_properties = check_properties(
    key_store_roles,
    Property("aws:kms/key:Key", "bypassPolicyLockoutSafetyCheck", OFF, fix=False),
    # No fix: with roles the vault forgets its access policies, and with them everybody who has no role yet.
    Property("azure-native:keyvault:Vault", "properties.enableRbacAuthorization", ON),
)
