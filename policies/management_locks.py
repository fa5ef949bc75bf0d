"""Locks of Azure, which keep what they hold from being deleted."""

from __future__ import annotations

from policies.resource import Resource
from policies.verdicts import Verdict, passes_if

BY_SCOPE, OF_GROUP, OF_RESOURCE, OF_SUBSCRIPTION = (
    f"azure-native:authorization:ManagementLock{of}"
    for of in ("ByScope", "AtResourceGroupLevel", "AtResourceLevel", "AtSubscriptionLevel")
)
KEEPING = "CanNotDelete"
_LEVELS = (KEEPING, "ReadOnly")


def keeps(lock: Resource) -> bool:
    """Whether nobody deletes what it holds."""
    return lock.text("level") in _LEVELS


def lock_keeps(lock: Resource) -> Verdict:
    """The same as a verdict."""
    return passes_if(keeps(lock), f"level is {lock.text('level', 'not set')}")
