"""Whom roles and resources trust: somebody, never everybody."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import Field

from policies import (
    CRITICAL,
    HIGH,
    NOT_APPLICABLE,
    PASS,
    Options,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    fixed_by,
    not_applicable,
    passes_if,
    sets,
)
from policies.controls.iam import BINDINGS, GRANTS, POLICIES, control
from policies.members import for_somebody, members_of_all_roles
from policies.namespaces import Namespaces, unless_exempt
from policies.statements import EVERYONE, admits_everyone, condition_values, statements

not_everyone = control(
    "IAM-003",
    title="Roles, keys, queues and functions do not admit everyone",
    severity=CRITICAL,
    maps={
        "soc2": ["CC6.1", "CC6.3"],
        "iso27001": ["A.5.15", "A.8.3"],
        "gdpr": ["Art. 25(2)", "Art. 32(1)(b)"],
        "pci_dss": ["7.2.1", "7.3.3"],
    },
    remedy="Name the principals, or add a condition on the account or organisation that asks.",
    options=Namespaces,
)


def _admits_somebody(policy: View) -> Verdict:
    return passes_if(not any(map(admits_everyone, statements(policy))), "a statement admits everyone")


@not_everyone
@applies_to("aws:iam/role:Role", reads=["assumeRolePolicy"])
def role_admits_somebody(role: Resource) -> Verdict:
    return _admits_somebody(role.document("assumeRolePolicy"))


@not_everyone
@applies_to(
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:kms/key:Key",
    "aws:kms/keyPolicy:KeyPolicy",
    "aws:backup/vaultPolicy:VaultPolicy",
    reads=["policy"],
)
def resource_admits_somebody(resource: Resource) -> Verdict:
    return _admits_somebody(resource.document("policy"))


@not_everyone
@applies_to("aws:sqs/queue:Queue", "aws:sns/topic:Topic", "aws:s3/bucket:Bucket", reads=["policy"])
def own_policy_admits_somebody(resource: Resource) -> Verdict:
    """The policy may also be a resource of its own, and is judged there."""
    if not resource.exists("policy"):
        return not_applicable("it has no policy in itself")
    return _admits_somebody(resource.document("policy"))


_ASKER = ("sourceArn", "sourceAccount", "principalOrgId")


@not_everyone
@applies_to("aws:lambda/permission:Permission", reads=["principal", *_ASKER])
def function_admits_somebody(permission: Resource) -> Verdict:
    """A service of AWS acts for every customer of it, so the one must be named for whom it may call."""
    principal = permission.text("principal")
    if principal == EVERYONE:
        return passes_if(any(map(permission.has, _ASKER[1:])), "principal is *")
    if not principal.endswith(".amazonaws.com"):
        return passes_if(bool(principal), "principal is not set")
    return passes_if(any(map(permission.has, _ASKER)), f"{principal} may call for anybody")


@not_everyone
@applies_to("aws:lambda/functionUrl:FunctionUrl", reads=["authorizationType"])
@fixed_by(sets("authorizationType", "AWS_IAM"))
def function_url_asks_who(url: Resource) -> Verdict:
    kind = url.text("authorizationType", "not set")
    return passes_if(kind == "AWS_IAM", f"authorizationType is {kind}")


_REFUSES_EVERYBODY = "gcp:dns/"
_INVOKERS = (
    *("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", "gcp:cloudrun/iamMember:IamMember"),
    *("gcp:cloudrunv2/jobIamMember:JobIamMember", "gcp:cloudfunctions/functionIamMember:FunctionIamMember"),
    "gcp:cloudfunctionsv2/functionIamMember:FunctionIamMember",
)
"""The types by which somebody may call a service, a job or a function."""


@not_everyone
@applies_to(
    *(token for token in GRANTS if not token.startswith(_REFUSES_EVERYBODY)),
    *_INVOKERS,
    reads=["member"],
)
def member_is_somebody(grant: Resource) -> Verdict:
    return for_somebody([grant.text("member")])


@not_everyone
@applies_to(
    *(token for token in BINDINGS if not token.startswith(_REFUSES_EVERYBODY)),
    *(token.replace("Member", "Binding") for token in _INVOKERS),
    reads=["members"],
)
def members_are_somebody(grant: Resource) -> Verdict:
    return for_somebody(grant.texts("members"))


@not_everyone
@applies_to(
    *(token for token in POLICIES if not token.startswith(_REFUSES_EVERYBODY)),
    *(token.replace("Member", "Policy") for token in _INVOKERS),
    reads=["policyData"],
)
def members_of_every_role_are_somebody(policy: Resource) -> Verdict:
    return for_somebody(members_of_all_roles(policy.document("policyData")))


_RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
_NODES = "system:nodes"
_ACCOUNTS = "system:serviceaccounts:"


def _is_somebody(subject: View) -> bool:
    """Names of the system stand for everybody or nobody in particular, but for nodes and one namespace's accounts."""
    name = subject.text("name")
    if subject.text("kind") == "ServiceAccount" or not name.startswith("system:"):
        return bool(name)
    return name == _NODES or name.startswith(_ACCOUNTS)


@not_everyone
@applies_to(
    f"{_RBAC}:ClusterRoleBinding",
    f"{_RBAC}:RoleBinding",
    reads=["subjects.kind", "subjects.name", "metadata.namespace"],
)
def subjects_are_somebody(binding: Resource, options: Namespaces) -> Verdict:
    found = [one.text("name") for one in binding.objects("subjects") if not _is_somebody(one)]
    return unless_exempt(binding, options, f"subjects are {', '.join(found)}") if found else PASS


class Federation(Options):
    """What IAM-009 may be told."""

    allowed_issuers: tuple[str, ...] = Field(
        default=("https://?*",), description="Registries of identity whose tokens may be trusted, as globs of URLs."
    )
    allowed_audiences: tuple[str, ...] = Field(
        default=("?*",), description="Audiences that trusted tokens may be meant for, as globs."
    )

    def knows_issuer(self, url: str) -> bool:
        """Whether the issuer is allowed; AWS leaves its scheme out."""
        full = url if "://" in url or not url else f"https://{url}"
        return any(fnmatchcase(full, pattern) for pattern in self.allowed_issuers)

    def knows_audiences(self, audiences: Iterable[str]) -> bool:
        """Whether there are some, and all of them are allowed."""
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
    """Whether it is one workload, or all of one owner: a namespace, or an organisation of repositories."""
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
    trusting = [one for one in statements(role.document("assumeRolePolicy")) if _is_federated(one)]
    if not trusting:
        return NOT_APPLICABLE
    return passes_if(all(map(_is_bound, trusting)), "a statement names no audience, or no subject")


def _is_federated(statement: View) -> bool:
    if statement.text("Effect") == "Deny" or EVERYONE in _shorthand(statement):
        return False
    return statement.exists("Principal") and statement.object("Principal").exists("Federated")


def _shorthand(statement: View) -> tuple[str, ...]:
    """The principal where it is no object."""
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
    return all(":saml-provider/" in one for one in statement.object("Principal").texts("Federated", alone=True))


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
    foreign = [one for one in members if one.startswith(("principal://", "principalSet://"))]
    if not foreign:
        return NOT_APPLICABLE
    pools = [one for one in foreign if one.endswith("/*")]
    return passes_if(not pools, f"members are {', '.join(pools)}")
