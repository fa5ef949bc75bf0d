"""Whom roles and resources trust: somebody, never everybody."""

from __future__ import annotations

from collections.abc import Iterable

from policies import (
    CRITICAL,
    PASS,
    Resource,
    Stack,
    Verdict,
    View,
    applies_to,
    in_stack,
    not_applicable,
    passes_if,
)
from policies.clouds.data_stores import texts_if_known
from policies.clouds.iam_documents import EVERYONE, admits_everyone, statements
from policies.clouds.members import for_somebody, members_of_all_roles
from policies.clouds.scope import Namespaces, unless_exempt
from policies.controls.iam import BINDINGS, GRANTS, POLICIES, control
from policies.property_checks import Property, check_properties

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


_SEARCH = "aws:opensearch/domain:Domain"
_OWN_USERS = ("advancedSecurityOptions.enabled", "advancedSecurityOptions.anonymousAuthEnabled")


def _domain_admits_somebody(policy: View, domains: Iterable[Resource]) -> Verdict:
    """With fine-grained access control the domain itself asks who it is, and AWS advises to admit everyone so far."""
    verdict = _admits_somebody(policy)
    if verdict is PASS:
        return PASS
    asking = [domain.flag(_OWN_USERS[0]) and not domain.flag(_OWN_USERS[1]) for domain in domains]
    return PASS if asking and all(asking) else verdict


@not_everyone
@applies_to(_SEARCH, reads=["accessPolicies", *_OWN_USERS])
def search_domain_admits_somebody(domain: Resource) -> Verdict:
    if not domain.exists("accessPolicies"):
        return not_applicable("it has no policy in itself")
    return _domain_admits_somebody(domain.document("accessPolicies"), [domain])


@not_everyone
@in_stack("aws:opensearch/domainPolicy:DomainPolicy", reads=["accessPolicies", "domainName"])
def domain_policy_admits_somebody(policy: Resource, stack: Stack) -> Verdict:
    named = texts_if_known(policy, "domainName") or ()
    domains = [
        resource
        for resource in stack.of_type(_SEARCH)
        if stack.refers(policy, "domainName", resource)
        or (resource.known("domainName") and resource.text("domainName") in named)
    ]
    return _domain_admits_somebody(policy.document("accessPolicies"), domains)


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


not_everyone_properties = check_properties(
    not_everyone,
    Property("aws:lambda/functionUrl:FunctionUrl", "authorizationType", "AWS_IAM", fix="AWS_IAM"),
)


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
    found = [subject.text("name") for subject in binding.objects("subjects") if not _is_somebody(subject)]
    return unless_exempt(binding, options, f"subjects are {', '.join(found)}") if found else PASS
