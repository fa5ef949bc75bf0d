"""What Azure's diagnostic settings send away of a resource's logs: nothing is kept without one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from policies import Resource, Stack, Verdict, View, passes_if

SETTING = "azure-native:monitor:DiagnosticSetting"
EVERYTHING, AUDIT = "allLogs", "audit"
"""The groups of categories that every resource with logs has; the second is what auditors ask for."""
DESTINATIONS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")


def categories(setting: View) -> frozenset[str]:
    """Return the categories, and groups of them, that a setting exports."""
    logs = [log for log in setting.objects("logs") if log.flag("enabled")]
    return frozenset(log.text("category") or log.text("categoryGroup") for log in logs)


def destination(setting: View) -> str:
    """Return where a setting sends its logs, or nothing."""
    return next((where for where in map(setting.text, DESTINATIONS) if where), "")


def exported(resource: Resource, stack: Stack) -> frozenset[str]:
    """List the log categories that any setting of the stack sends somewhere."""
    settings = stack.companions(resource, SETTING, by="resourceUri")
    return frozenset(category for setting in settings if _leads(setting, stack) for category in categories(setting))


def exports(resource: Resource, stack: Stack, wanted: Collection[str], groups: Iterable[str] = (AUDIT,)) -> Verdict:
    """Tell whether the resource exports these categories, or a group that holds them."""
    found = exported(resource, stack)
    if not found.isdisjoint({EVERYTHING, *groups}):
        return passes_if(True)
    missing = sorted(set(wanted) - found)
    return passes_if(not missing, f"no diagnostic setting exports {', '.join(missing)}")


def _leads(setting: Resource, stack: Stack) -> bool:
    """A destination that another resource gives is one, even before its name is known."""
    return any(stack.sources(setting, path) or setting.has(path) for path in DESTINATIONS)
