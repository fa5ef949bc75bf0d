"""The two workloads of the platform, and what their pods need to log in to each cloud by token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi

from components.common import Cloud

Workload = Literal["ledger", "migrator"]

LEDGER: Workload = "ledger"
MIGRATOR: Workload = "migrator"
WORKLOADS: tuple[Workload, ...] = (LEDGER, MIGRATOR)
NAMESPACE = "living-fortress"
"""The app's namespace in every cluster, part of the token subject that the clouds trust."""

AWS_AUDIENCE = "sts.amazonaws.com"
AZURE_AUDIENCE = "api://AzureADTokenExchange"
TOKEN_FOLDER = "/var/run/secrets/fortress"  # noqa: S105 (a folder, no secret)


@dataclass(frozen=True, kw_only=True)
class ClusterIssuer:
    """A cluster whose service account tokens the clouds trust."""

    home: Cloud
    """The cloud that runs the cluster; one cluster per cloud."""
    issuer: pulumi.Input[str]
    """Its OIDC issuer URL, `https://…`."""


@dataclass(frozen=True, kw_only=True)
class AwsLogin:
    """How a pod assumes an AWS role."""

    role_arn: pulumi.Input[str]
    audience: pulumi.Input[str] = AWS_AUDIENCE


@dataclass(frozen=True, kw_only=True)
class AzureLogin:
    """How a pod assumes an Entra identity."""

    client_id: pulumi.Input[str]
    tenant_id: pulumi.Input[str]
    audience: pulumi.Input[str] = AZURE_AUDIENCE


@dataclass(frozen=True, kw_only=True)
class GcpLogin:
    """How a pod assumes a Google service account."""

    service_account: pulumi.Input[str]
    """Its e-mail address."""
    audience: pulumi.Input[str] | None = None
    """Audience of the token that the pod exchanges; absent on Google Cloud, where the metadata server issues tokens."""
    credential_configuration: pulumi.Input[str] | None = None
    """The `external_account` file (JSON, without a secret); absent on Google Cloud."""


@dataclass(frozen=True, kw_only=True)
class WorkloadLogins:
    """What a pod of one workload in one cluster needs to log in to the clouds in use."""

    aws: AwsLogin | None = None
    azure: AzureLogin | None = None
    gcp: GcpLogin | None = None
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Annotations that the home cloud needs on the ServiceAccount."""


def subject(workload: Workload, namespace: str = NAMESPACE) -> str:
    """Return the `sub` claim of the workload's service account tokens, the same in every cluster."""
    return f"system:serviceaccount:{namespace}:{workload}"


def select_logins(
    workload: Workload,
    home: Cloud,
    *,
    aws: Mapping[Workload, AwsLogin] | None = None,
    azure: Mapping[Workload, AzureLogin] | None = None,
    gcp: Mapping[Workload, GcpLogin] | None = None,
) -> WorkloadLogins:
    """Return the logins of `workload` in the cluster at `home`, from those of each cloud in use."""
    logins = WorkloadLogins(
        aws=(aws or {}).get(workload),
        azure=(azure or {}).get(workload),
        gcp=(gcp or {}).get(workload),
    )
    return WorkloadLogins(
        aws=logins.aws, azure=logins.azure, gcp=logins.gcp, annotations=_make_annotations(home, logins)
    )


def _make_annotations(home: Cloud, logins: WorkloadLogins) -> dict[str, pulumi.Input[str]]:
    if home == "aws" and logins.aws:
        return {"eks.amazonaws.com/role-arn": logins.aws.role_arn}
    if home == "azure" and logins.azure:
        return {
            "azure.workload.identity/client-id": logins.azure.client_id,
            "azure.workload.identity/tenant-id": logins.azure.tenant_id,
        }
    if home == "gcp" and logins.gcp:
        return {"iam.gke.io/gcp-service-account": logins.gcp.service_account}
    return {}
