"""Which resource types have a real body on this machine, each loaded when the first resource of its type comes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from localcloud.body import Body

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
    "kubernetes:apps/v1:Deployment": "localcloud.kubernetes.deployments:DeploymentBody",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": "localcloud.kubernetes.deployments:AutoscalerBody",
    "kubernetes:batch/v1:Job": "localcloud.kubernetes.jobs:JobBody",
    "kubernetes:cert-manager.io/v1:Certificate": "localcloud.kubernetes.edge:CertificateBody",
    "kubernetes:core/v1:ConfigMap": "localcloud.kubernetes.edge:ConfigMapBody",
    "kubernetes:core/v1:Namespace": "localcloud.kubernetes.edge:NamespaceBody",
    "kubernetes:core/v1:Secret": "localcloud.kubernetes.edge:SecretBody",
    "kubernetes:core/v1:Service": "localcloud.kubernetes.edge:ServiceBody",
    "kubernetes:core/v1:ServiceAccount": "localcloud.kubernetes.objects:ServiceAccountBody",
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": "localcloud.kubernetes.edge:GatewayBody",
    "kubernetes:gateway.networking.k8s.io/v1:GatewayClass": "localcloud.kubernetes.objects:GatewayClassBody",
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": "localcloud.kubernetes.edge:HttpRouteBody",
}
"""Type token -> `module:factory`, the factory being called without arguments."""


@cache
def body_for(token: str) -> Body | None:
    """The real body of a resource type; None where resources of this type are recorded only."""
    factory = FACTORIES.get(token)
    if factory is None:
        return None
    module, _, name = factory.partition(":")
    body: Body = getattr(import_module(module), name)()
    return body
