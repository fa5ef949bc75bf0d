"""Who the workloads are in every cloud: pods log in by their cluster's token, and no password exists.

In order: identities (databases name them), databases, clusters, then federation, which makes each cloud trust the
issuers of all clusters.
"""

from components.identity.workloads import (
    LEDGER,
    MIGRATOR,
    NAMESPACE,
    WORKLOADS,
    AwsLogin,
    AzureLogin,
    Cloud,
    ClusterIssuer,
    GcpLogin,
    Workload,
    WorkloadLogins,
    logins_for,
    subject,
)

__all__ = [
    "LEDGER",
    "MIGRATOR",
    "NAMESPACE",
    "WORKLOADS",
    "AwsLogin",
    "AzureLogin",
    "Cloud",
    "ClusterIssuer",
    "GcpLogin",
    "Workload",
    "WorkloadLogins",
    "logins_for",
    "subject",
]
