"""What everything on Google Cloud needs first: enabled services and a bucket for logs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import logging, projects

from components import naming
from components.common import child_of

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
    "storage.googleapis.com",
    "sts.googleapis.com",
)

_LOGGING = "logging.googleapis.com"
_ACCESSES = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")
"""Data access to log besides administration, which Google always logs."""
_KEPT = (
    'logName:"cloudaudit.googleapis.com"',
    'resource.type="cloudsql_database"',
    'resource.type="gce_subnetwork"',
    'resource.type="k8s_control_plane_component"',
)
"""Logs kept in our region beyond Google's thirty days: audit, databases, flows, control planes."""


@dataclass(frozen=True, kw_only=True)
class GcpFoundationArgs:
    project: str
    region: str
    """Where the logs are kept."""
    log_retention_days: int = 365
    keep_logs: bool = False
    """Lock the retention: nobody can shorten it or delete logs earlier. The lock cannot be removed."""
    services: tuple[str, ...] = SERVICES


class GcpFoundation(pulumi.ComponentResource):
    """Enabled services and audit logs of a project; all its resources depend on this."""

    project: str

    def __init__(self, name: str, args: GcpFoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("livingfortress:foundation:GcpFoundation", name, None, opts)
        child = child_of(self, opts)
        services = {service: self._enable(name, service, args, child) for service in args.services}
        projects.IAMAuditConfig(
            name,
            project=args.project,
            service="allServices",
            audit_log_configs=[projects.IAMAuditConfigAuditLogConfigArgs(log_type=kind) for kind in _ACCESSES],
            opts=child,
        )
        self._keep_logs(name, args, child_of(self, opts, after=[services[_LOGGING]]))
        self.project = args.project
        self.register_outputs({"project": args.project})

    def _enable(
        self, name: str, service: str, args: GcpFoundationArgs, child: pulumi.ResourceOptions
    ) -> projects.Service:
        return projects.Service(
            f"{name}-{service.partition('.')[0]}",
            project=args.project,
            service=service,
            # Another stack of the project may use the service, so deleting ours must not disable it.
            disable_on_destroy=False,
            opts=child,
        )

    def _keep_logs(self, name: str, args: GcpFoundationArgs, opts: pulumi.ResourceOptions) -> None:
        bucket = logging.ProjectBucketConfig(
            name,
            project=args.project,
            location=args.region,
            bucket_id=naming.fit(naming.GCP_LOG_BUCKET, name, "audit"),
            description="Audit, databases, flows and control planes",
            retention_days=args.log_retention_days,
            locked=args.keep_logs,
            opts=opts,
        )
        logging.ProjectSink(
            name,
            name=naming.fit(naming.GCP_LOG_BUCKET, name, "audit"),
            project=args.project,
            destination=pulumi.Output.concat("logging.googleapis.com/", bucket.id),
            filter=" OR ".join(_KEPT),
            opts=opts,
        )
