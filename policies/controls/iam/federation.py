"""Foreign identities: trusted by name."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import Field

from policies import (
    HIGH,
    NOT_APPLICABLE,
    Options,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    passes_if,
)
from policies.clouds.iam_documents import EVERYONE, condition_values, statements
from policies.controls.iam import BINDINGS, GRANTS, control


class Federation(Options):
    """Options of IAM-009."""

    allowed_issuers: tuple[str, ...] = Field(
        default=("https://?*",), description="Registries of identity whose tokens may be trusted, as globs of URLs."
    )
    allowed_audiences: tuple[str, ...] = Field(
        default=("?*",), description="Audiences that trusted tokens may be meant for, as globs."
    )

    def knows_issuer(self, url: str) -> bool:
        """Tell whether the issuer is allowed; AWS leaves its scheme out."""
        full = url if "://" in url or not url else f"https://{url}"
        return any(fnmatchcase(full, pattern) for pattern in self.allowed_issuers)

    def knows_audiences(self, audiences: Iterable[str]) -> bool:
        """Tell whether there are some, and all of them are allowed."""
        found = list(audiences)
        return bool(found) and all(any(fnmatchcase(one, glob) for glob in self.allowed_audiences) for one in found)


named_federation = control(
    "IAM-009",
    title="Foreign identities are trusted by issuer, audience and subject",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.2", "CC6.3"],
        "iso27001": ["A.5.15", "A.5.16", "A.8.5"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["7.2.5", "8.6.1"],
    },
    remedy="Name the issuer, the audience, and the one workload whose tokens are accepted.",
    options=Federation,
)
_WORKLOADS = "system:serviceaccount:"


def names_subject(subject: str) -> bool:
    """Tell whether it is one workload, or all of one owner: a namespace, or an organisation of repositories."""
    literal = subject.replace("?", "*").partition("*")[0]
    if literal == subject:
        return bool(subject)
    if literal.startswith(_WORKLOADS):
        namespace, separator, _ = literal.removeprefix(_WORKLOADS).partition(":")
        return bool(namespace and separator)
    owner, separator, _ = literal.partition("/")
    return bool(separator) and not owner.endswith(":")


@named_federation
@applies_to("aws:iam/role:Role", reads=["assumeRolePolicy"])
def role_names_its_workload(role: Resource) -> Verdict:
    trusting = [statement for statement in statements(role.document("assumeRolePolicy")) if _is_federated(statement)]
    if not trusting:
        return NOT_APPLICABLE
    return passes_if(all(map(_is_bound, trusting)), "a statement names no audience, or no subject")


def _is_federated(statement: View) -> bool:
    if statement.text("Effect") == "Deny" or EVERYONE in _shorthand(statement):
        return False
    return statement.exists("Principal") and statement.object("Principal").exists("Federated")


def _shorthand(statement: View) -> tuple[str, ...]:
    """Return the principal where it is no object."""
    value = dict(statement.entries()).get("Principal")
    return (value,) if isinstance(value, str) else ()


def _is_bound(statement: View) -> bool:
    claims = {key.rpartition(":")[2].lower(): values for key, values in condition_values(statement).items()}
    if not claims.get("aud"):
        return False
    if _is_saml(statement):
        return True
    subjects = claims.get("sub") or claims.get("amr") or ()
    return bool(subjects) and all(map(names_subject, subjects))


def _is_saml(statement: View) -> bool:
    return all(":saml-provider/" in text for text in statement.object("Principal").texts("Federated", alone=True))


@named_federation
@applies_to("aws:iam/openIdConnectProvider:OpenIdConnectProvider", reads=["url", "clientIdLists"])
def provider_is_known(provider: Resource, options: Federation) -> Verdict:
    url = provider.text("url")
    if not options.knows_issuer(url):
        return fails(f"issuer {url} is not allowed")
    return passes_if(options.knows_audiences(provider.texts("clientIdLists")), "clientIdLists is not what is allowed")


@named_federation
@applies_to("azure-native:managedidentity:FederatedIdentityCredential", reads=["issuer", "subject", "audiences"])
def credential_is_bound(credential: Resource, options: Federation) -> Verdict:
    issuer, subject = credential.text("issuer"), credential.text("subject")
    if not options.knows_issuer(issuer):
        return fails(f"issuer {issuer} is not allowed")
    if not names_subject(subject):
        return fails(f"subject is {subject or 'not set'}")
    return passes_if(options.knows_audiences(credential.texts("audiences")), "audiences are not what is allowed")


@named_federation
@applies_to(
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
    reads=["attributeCondition", "aws.accountId", "oidc.issuerUri"],
)
def pool_provider_is_bound(provider: Resource, options: Federation) -> Verdict:
    if provider.exists("oidc") and not options.knows_issuer(provider.text("oidc.issuerUri")):
        return fails(f"issuer {provider.text('oidc.issuerUri')} is not allowed")
    bound = provider.has("attributeCondition") or provider.has("aws.accountId")
    return passes_if(bound, "no attributeCondition says whose tokens are accepted")


@named_federation
@applies_to(*GRANTS, reads=["member"])
def member_is_no_whole_pool(grant: Resource) -> Verdict:
    """Everybody in a pool is everybody whom its issuers know."""
    return _no_whole_pool((grant.text("member"),))


@named_federation
@applies_to(*BINDINGS, reads=["members"])
def members_are_no_whole_pool(grant: Resource) -> Verdict:
    return _no_whole_pool(grant.texts("members"))


def _no_whole_pool(members: Iterable[str]) -> Verdict:
    foreign = [member for member in members if member.startswith(("principal://", "principalSet://"))]
    if not foreign:
        return NOT_APPLICABLE
    pools = [pool for pool in foreign if pool.endswith("/*")]
    return passes_if(not pools, f"members are {', '.join(pools)}")
