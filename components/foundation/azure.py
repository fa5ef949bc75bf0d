"""What everything on Azure needs first: a resource group and a workspace for audit logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import monitor, operationalinsights, resources

from components import naming
from components.common import child_of

_ACTIVITY = ("Administrative", "Security", "Alert", "Policy")
"""Actions on the subscription itself; Azure keeps them for 90 days unless they are exported."""


@dataclass(frozen=True, kw_only=True)
class AzureFoundationArgs:
    region: str
    subscription_id: str
    tags: Mapping[str, str]
    log_retention_days: int = 365
    """How long audit logs are kept, 30 to 730 days (Log Analytics, interactive retention)."""
    protect: bool = False
    """Pulumi refuses to delete the group, because Azure deletes everything in it as well."""


class AzureFoundation(pulumi.ComponentResource):
    """Resource group, Log Analytics workspace, and the subscription's activity log in it."""

    resource_group_name: pulumi.Output[str]
    workspace_id: pulumi.Output[str]

    def __init__(self, name: str, args: AzureFoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:foundation:AzureFoundation", name, None, opts)
        group = resources.ResourceGroup(
            name,
            resource_group_name=naming.fit(naming.AZURE_RESOURCE_GROUP, name),
            location=args.region,
            tags=args.tags,
            opts=child_of(self, opts, protect=args.protect),
        )
        workspace = operationalinsights.Workspace(
            name,
            workspace_name=naming.fit(naming.AZURE_WORKSPACE, name),
            resource_group_name=group.name,
            location=args.region,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=args.log_retention_days,
            # Readers need an Entra token with a role on the log's own resource; the workspace's shared keys are off.
            features=operationalinsights.WorkspaceFeaturesArgs(
                disable_local_auth=True, enable_log_access_using_only_resource_permissions=True
            ),
            tags=args.tags,
            opts=child_of(self, opts),
        )
        monitor.DiagnosticSetting(
            name,
            name=naming.fit(naming.AZURE_RESOURCE, name, "activity"),
            resource_uri=f"/subscriptions/{args.subscription_id}",
            workspace_id=workspace.id,
            logs=[monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in _ACTIVITY],
            opts=child_of(self, opts),
        )
        self.resource_group_name, self.workspace_id = group.name, workspace.id
        self.register_outputs({"resourceGroupName": group.name, "workspaceId": workspace.id})
