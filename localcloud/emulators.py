"""Which resource types have an emulator on this machine, each loaded when the first resource of its type comes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from localcloud.emulator import Emulator

FACTORIES: Mapping[str, str] = {
    "aws:rds/instance:Instance": "localcloud.postgres.aws:Instance",
    "aws:rds/parameterGroup:ParameterGroup": "localcloud.postgres.aws:ParameterGroup",
    "azure-native:dbforpostgresql:AdministratorsMicrosoftEntra": "localcloud.postgres.azure:EntraAdministrator",
    "azure-native:dbforpostgresql:Configuration": "localcloud.postgres.azure:Configuration",
    "azure-native:dbforpostgresql:Database": "localcloud.postgres.azure:Database",
    "azure-native:dbforpostgresql:Server": "localcloud.postgres.azure:FlexibleServer",
    "gcp:sql/database:Database": "localcloud.postgres.gcp:Database",
    "gcp:sql/databaseInstance:DatabaseInstance": "localcloud.postgres.gcp:DatabaseInstance",
    "gcp:sql/user:User": "localcloud.postgres.gcp:User",
    "kubernetes:apps/v1:Deployment": "localcloud.kubernetes.deployments:DeploymentEmulator",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": "localcloud.kubernetes.deployments:AutoscalerEmulator",
    "kubernetes:batch/v1:Job": "localcloud.kubernetes.jobs:JobEmulator",
    "kubernetes:cert-manager.io/v1:Certificate": "localcloud.kubernetes.edge:CertificateEmulator",
    "kubernetes:core/v1:ConfigMap": "localcloud.kubernetes.edge:ConfigMapEmulator",
    "kubernetes:core/v1:Namespace": "localcloud.kubernetes.edge:NamespaceEmulator",
    "kubernetes:core/v1:Secret": "localcloud.kubernetes.edge:SecretEmulator",
    "kubernetes:core/v1:Service": "localcloud.kubernetes.edge:ServiceEmulator",
    "kubernetes:core/v1:ServiceAccount": "localcloud.kubernetes.objects:ServiceAccountEmulator",
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": "localcloud.kubernetes.edge:GatewayEmulator",
    "kubernetes:gateway.networking.k8s.io/v1:GatewayClass": "localcloud.kubernetes.objects:GatewayClassEmulator",
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": "localcloud.kubernetes.edge:HttpRouteEmulator",
}
"""Type token -> `module:factory`, the factory being called without arguments."""


@cache
def emulator_for(token: str) -> Emulator | None:
    """The emulator of a resource type; None where resources of this type are recorded only."""
    factory = FACTORIES.get(token)
    if factory is None:
        return None
    module, _, name = factory.partition(":")
    emulator: Emulator = getattr(import_module(module), name)()
    return emulator
