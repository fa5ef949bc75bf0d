"""Members of Google Cloud's IAM policies: who gets a role."""

from __future__ import annotations

from collections.abc import Iterable

from policies.values import WrongShape
from policies.verdicts import Verdict, passes_if
from policies.view import View

NAMED = frozenset(
    (
        *("user", "group", "serviceAccount", "domain", "principal", "principalSet"),
        *("projectOwner", "projectEditor", "projectViewer"),
    )
)
"""Kinds that stand before a name; `allUsers` and `allAuthenticatedUsers` stand alone and mean everybody."""
PEOPLE = "user"


def kind_of(member: str) -> str:
    """Return what stands before the name, or the whole text where nothing does."""
    return member.partition(":")[0]


def is_named(member: str) -> bool:
    """Tell whether it is somebody, and not everybody; raises WrongShape where it is nobody."""
    if not member:
        raise WrongShape("member", "a member", None)
    return ":" in member and kind_of(member) in NAMED


def for_somebody(members: Iterable[str]) -> Verdict:
    """Tell whether none of them is everybody; raises WrongShape where one is nobody."""
    everybody = [member for member in members if not is_named(member)]
    return passes_if(not everybody, f"members are {', '.join(everybody)}")


_ENTITIES = ("user", "group", "domain", "project")


def is_named_entity(entity: str) -> bool:
    """Tell whether whom an access control list of Cloud Storage names is somebody: `group-people@shop.example`."""
    kind, _, name = entity.partition("-")
    return kind in _ENTITIES and bool(name)


_OF_POLICY = frozenset(("bindings", "auditConfigs", "etag", "version"))


def bindings(policy: View) -> tuple[View, ...]:
    """Return the bindings of a policy document; raises WrongShape where it is none."""
    if any(key not in _OF_POLICY for key, _ in policy.entries()):
        raise WrongShape(policy.path, "a policy with bindings", policy.value)
    return policy.objects("bindings")


def members_of_all_roles(policy: View) -> list[str]:
    """List who gets any role by a policy document; raises WrongShape where it is none."""
    return [member for binding in bindings(policy) for member in binding.texts("members")]
