"""How much power is given, and to whom."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pydantic import Field

from policies import (
    CRITICAL,
    LOW,
    PASS,
    Options,
    Resource,
    Verdict,
    View,
    applies_to,
    fails,
    passes_if,
)
from policies.clouds.iam_documents import actions, resources, statements
from policies.clouds.members import PEOPLE, bindings, is_named, kind_of
from policies.clouds.scope import Namespaces, unless_exempt
from policies.controls.iam import BINDINGS, GRANTS, POLICIES, control
from policies.property_checks import Property, check_properties


class Rights(Namespaces):
    """Options of IAM-001."""

    administrator_policies: tuple[str, ...] = Field(
        default=("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "AWSOrganizationsFullAccess"),
        description="Names of AWS policies that give full administration.",
    )
    administrator_roles: tuple[str, ...] = Field(
        default=(
            *("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
            *("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"),
        ),
        description="Ids of Azure roles that give full administration: Owner, Contributor, User Access Administrator,"
        " Role Based Access Control Administrator.",
    )
    owner_roles: tuple[str, ...] = Field(
        default=(
            *("roles/resourcemanager.organizationAdmin", "roles/resourcemanager.folderAdmin"),
            *("roles/resourcemanager.projectIamAdmin", "roles/iam.securityAdmin"),
        ),
        description="Roles of Google Cloud by which one can make oneself owner, beside the basic ones.",
    )

    def limits(self, role: str) -> bool:
        """Tell whether a role of Google Cloud leaves something out."""
        return _is_limited_role(role) and role not in self.owner_roles


no_full_administration = control(
    "IAM-001",
    title="No role or policy gives full administration",
    severity=CRITICAL,
    maps={
        "soc2": ["CC6.1", "CC6.3"],
        "iso27001": ["A.5.15", "A.5.18", "A.8.2"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["7.2.1", "7.2.2", "7.2.5"],
    },
    remedy="Name the actions and the resources that are needed.",
    options=Rights,
)
ADMINISTRATIVE_SERVICES = ("iam", "organizations")
"""Who may do everything there may soon do everything."""


def _administers(statement: View) -> bool:
    if statement.text("Effect") == "Deny":
        return False
    wide = [action for action in actions(statement) if _is_everything(action)]
    if _everywhere(statement):
        return statement.exists("NotAction") or bool(wide)
    return bool(wide) and any(map(_is_all_of_administration, resources(statement)))


def _everywhere(statement: View) -> bool:
    return statement.exists("NotResource") or any(map(_is_every_arn, resources(statement)))


def _is_every_arn(arn: str) -> bool:
    return set(arn) == {"*"} or (arn.startswith("arn:") and not "".join(arn.split(":")[2:]).strip("*/"))


def _is_all_of_administration(arn: str) -> bool:
    """Tell whether it means all that one of the administrative services has in an account: `arn:aws:iam::1:*`."""
    parts = arn.split(":", 5)
    return len(parts) > 5 and parts[2] in ADMINISTRATIVE_SERVICES and not parts[5].strip("*/")


def _is_everything(action: str) -> bool:
    service, _, operation = action.partition(":")
    if operation.strip("*"):
        return False
    return service in ADMINISTRATIVE_SERVICES or "*" in service or "?" in service


def _judge(*policies: View) -> Verdict:
    found = [statement for policy in policies for statement in statements(policy) if _administers(statement)]
    return passes_if(not found, "a statement allows everything on everything")


@no_full_administration
@applies_to(
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
    reads=["policy"],
)
def policy_is_limited(policy: Resource) -> Verdict:
    return _judge(policy.document("policy"))


def _list_attached(arns: tuple[str, ...], options: Rights) -> Verdict:
    found = [arn for arn in arns if arn.rpartition("/")[2] in options.administrator_policies]
    return passes_if(not found, f"it attaches {', '.join(found)}")


@no_full_administration
@applies_to(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    reads=["policyArn"],
)
def attached_policy_is_limited(attachment: Resource, options: Rights) -> Verdict:
    if not attachment.has("policyArn"):
        return fails("policyArn is not set")
    return _list_attached((attachment.text("policyArn"),), options)


@no_full_administration
@applies_to("aws:iam/role:Role", reads=["managedPolicyArns", "inlinePolicies.policy"])
def role_is_limited(role: Resource, options: Rights) -> Verdict:
    attached = _list_attached(role.texts("managedPolicyArns"), options)
    if attached is not PASS:
        return attached
    return _judge(*(policy.document("policy") for policy in role.objects("inlinePolicies")))


@no_full_administration
@applies_to("azure-native:authorization:RoleAssignment", reads=["roleDefinitionId", "scope"])
def assigned_role_is_limited(assignment: Resource, options: Rights) -> Verdict:
    role = assignment.text("roleDefinitionId").rpartition("/")[2].lower()
    if role and role not in options.administrator_roles:
        return PASS
    scope = assignment.text("scope")
    return passes_if(bool(role) and "/resourcegroups/" in scope.lower(), f"role {role or 'not set'} at {scope}")


@no_full_administration
@applies_to("azure-native:authorization:RoleDefinition", reads=["permissions.actions", "permissions.dataActions"])
def defined_role_is_limited(role: Resource) -> Verdict:
    permissions = role.objects("permissions")
    allowed = [
        action for permission in permissions for kind in ("actions", "dataActions") for action in permission.texts(kind)
    ]
    found = [action for action in allowed if _administers_azure(action.lower())]
    return passes_if(not found, f"it allows {', '.join(found)}")


def _administers_azure(action: str) -> bool:
    if action.endswith("/read"):
        return False
    return "*" in action.partition("/")[0] or action.startswith("microsoft.authorization/")


_READING = ("viewer", "browser")


def _is_limited_role(role: str) -> bool:
    """Tell whether a role is limited: predefined, with its service's name and a dot, or one of ours."""
    kind, _, name = role.partition("/")
    if kind == "roles":
        return "." in name or name in _READING
    return kind in ("projects", "organizations") and "/roles/" in role


@no_full_administration
@applies_to(*GRANTS, *BINDINGS, reads=["role"])
def granted_role_is_limited(grant: Resource, options: Rights) -> Verdict:
    role = grant.text("role", "not set")
    return passes_if(options.limits(role), f"role is {role}")


@no_full_administration
@applies_to(*POLICIES, reads=["policyData"])
def granted_roles_are_limited(policy: Resource, options: Rights) -> Verdict:
    roles = [binding.text("role", "not set") for binding in bindings(policy.document("policyData"))]
    found = [role for role in roles if not options.limits(role)]
    return passes_if(not found, f"roles are {', '.join(found)}")


_OWNING = frozenset(
    (
        *("resourcemanager.projects.setIamPolicy", "resourcemanager.folders.setIamPolicy"),
        *("resourcemanager.organizations.setIamPolicy", "iam.roles.create", "iam.roles.update"),
    )
)
"""Permissions of Google Cloud by which one can give oneself all others."""


@no_full_administration
@applies_to(
    "gcp:projects/iAMCustomRole:IAMCustomRole", "gcp:organizations/iAMCustomRole:IAMCustomRole", reads=["permissions"]
)
def custom_role_is_limited(role: Resource) -> Verdict:
    found = sorted(_OWNING.intersection(role.texts("permissions")))
    return passes_if(not found, f"it permits {', '.join(found)}")


_RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
_RULES = ("verbs", "resources", "apiGroups", "nonResourceURLs")
ESCALATING = ("*", "escalate", "bind", "impersonate")


@no_full_administration
@applies_to(
    f"{_RBAC}:ClusterRole", f"{_RBAC}:Role", reads=["metadata.namespace", *(f"rules.{part}" for part in _RULES)]
)
def kubernetes_role_is_limited(role: Resource, options: Rights) -> Verdict:
    found = {text for rule in role.objects("rules") for text in _is_unlimited(rule)}
    if not found:
        return PASS
    return unless_exempt(role, options, f"rules hold {', '.join(sorted(found))}")


def _is_unlimited(rule: View) -> list[str]:
    wild = [part for part in _RULES if "*" in rule.texts(part)]
    return [f"{part}: *" for part in wild] + [verb for verb in rule.texts("verbs") if verb in ESCALATING[1:]]


@no_full_administration
@applies_to(f"{_RBAC}:ClusterRoleBinding", f"{_RBAC}:RoleBinding", reads=["roleRef.name", "metadata.namespace"])
def bound_role_is_limited(binding: Resource, options: Rights) -> Verdict:
    name = binding.text("roleRef.name", "not set")
    if name not in ("not set", "cluster-admin"):
        return PASS
    return unless_exempt(binding, options, f"roleRef.name is {name}")


class People(Options):
    """Options of IAM-002."""

    allowed_users: tuple[str, ...] = Field(
        default=(), description="Users, as globs, who may have rights of their own, such as those for an emergency."
    )

    def allows(self, user: str) -> bool:
        """Tell whether one of the globs means the user."""
        return any(fnmatchcase(user, pattern) for pattern in self.allowed_users)


groups_have_rights = control(
    "IAM-002",
    title="Groups and workloads get rights, single people do not",
    severity=LOW,
    maps={
        "soc2": ["CC6.3"],
        "iso27001": ["A.5.15", "A.5.18"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["7.2.1", "7.2.2"],
    },
    remedy="Give the right to a group or a role, and put the person there.",
    options=People,
)


@groups_have_rights
@applies_to("aws:iam/userPolicy:UserPolicy", "aws:iam/userPolicyAttachment:UserPolicyAttachment", reads=["user"])
def user_has_no_policy(policy: Resource, options: People) -> Verdict:
    user = policy.text("user")
    return passes_if(options.allows(user), f"user {user} gets it")


groups_have_rights_properties = check_properties(
    groups_have_rights,
    Property(
        ("azure-native:authorization:RoleAssignment", "azure-native:dbforpostgresql:AdministratorsMicrosoftEntra"),
        "principalType",
        ("Group", "ForeignGroup", "ServicePrincipal"),
    ),
)


@groups_have_rights
@applies_to(*GRANTS, reads=["member"])
def member_is_no_user(grant: Resource, options: People) -> Verdict:
    member = grant.text("member")
    if is_named(member) and kind_of(member) != PEOPLE:
        return PASS
    return passes_if(options.allows(member.removeprefix(f"{PEOPLE}:")), f"member is {member}")


@groups_have_rights
@applies_to(*BINDINGS, reads=["members"])
def members_are_no_users(grant: Resource, options: People) -> Verdict:
    people = [member for member in grant.texts("members") if not is_named(member) or kind_of(member) == PEOPLE]
    found = [person for person in people if not options.allows(person.removeprefix(f"{PEOPLE}:"))]
    return passes_if(not found, f"members are {', '.join(found)}")


@groups_have_rights
@applies_to(f"{_RBAC}:ClusterRoleBinding", f"{_RBAC}:RoleBinding", reads=["subjects.kind", "subjects.name"])
def subject_is_no_user(binding: Resource, options: People) -> Verdict:
    others = [
        subject for subject in binding.objects("subjects") if subject.text("kind") not in ("Group", "ServiceAccount")
    ]
    found = [name for other in others if not options.allows(name := other.text("name"))]
    return passes_if(not found, f"subjects are {', '.join(found)}")
