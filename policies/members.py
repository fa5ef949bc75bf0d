"""Members of Google Cloud's IAM policies: who gets a role."""

from __future__ import annotations

from policies.values import WrongShape

NAMED = frozenset(
    (
        *("user", "group", "serviceAccount", "domain", "principal", "principalSet"),
        *("projectOwner", "projectEditor", "projectViewer"),
    )
)
"""Kinds that stand before a name; `allUsers` and `allAuthenticatedUsers` stand alone and mean everybody."""
PEOPLE = "user"


def kind_of(member: str) -> str:
    """What stands before the name, or the whole text where nothing does."""
    return member.partition(":")[0]


def is_named(member: str) -> bool:
    """Whether it is somebody, and not everybody; raises WrongShape where it is nobody."""
    if not member:
        raise WrongShape("member", "a member", None)
    return ":" in member and kind_of(member) in NAMED
