"""What everything on Google Cloud stands on: the services that are switched on, and the audit log of data access."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects

from components.children import child_of

SERVICES = (
    "artifactregistry.googleapis.com",
    "cloudkms.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "dns.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
    "sts.googleapis.com",
)

_AUDITED = ("cloudkms.googleapis.com", "cloudsql.googleapis.com", "secretmanager.googleapis.com")
"""Services whose reading and writing of data is logged as well; administration always is."""


@dataclass(frozen=True, kw_only=True)
class GcpFoundationArgs:
    project: str
    services: tuple[str, ...] = SERVICES


class GcpFoundation(pulumi.ComponentResource):
    """Enabled services and data access logs of a project; whatever is made in the project depends on this."""

    project: str

    def __init__(self, name: str, args: GcpFoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:foundation:GcpFoundation", name, None, opts)
        child = child_of(self, opts)
        for service in args.services:
            projects.Service(
                f"{name}-{service.partition('.')[0]}",
                project=args.project,
                service=service,
                # Another stack of the project may use the service: ours going away must not take it along.
                disable_on_destroy=False,
                opts=child,
            )
        for service in _AUDITED:
            projects.IAMAuditConfig(
                f"{name}-{service.partition('.')[0]}",
                project=args.project,
                service=service,
                audit_log_configs=[
                    projects.IAMAuditConfigAuditLogConfigArgs(log_type=kind) for kind in ("DATA_READ", "DATA_WRITE")
                ],
                opts=child,
            )
        self.project = args.project
        self.register_outputs({"project": args.project})
