"""The app on a cluster of any cloud; what differs between clouds arrives as arguments."""

from components.app_deployment.settings import (
    AppDeploymentArgs,
    Entry,
    InvalidDeployment,
    Oidc,
    PersonalData,
    Replicas,
    Resources,
    SecretReference,
)

__all__ = [
    "AppDeploymentArgs",
    "Entry",
    "InvalidDeployment",
    "Oidc",
    "PersonalData",
    "Replicas",
    "Resources",
    "SecretReference",
]
