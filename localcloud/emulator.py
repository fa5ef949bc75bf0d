"""Emulators of the few resource types that are real on this machine: their protocol, and which type has which.

The module of an emulator is imported when the first resource of its type comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from threading import Event
from typing import Any, Protocol

from localcloud.sandbox import Sandbox

Properties = Mapping[str, Any]


class EmulatorError(Exception):
    """An emulator could not be made, changed or removed; the text says what was wrong, where, and what to do."""


@dataclass(frozen=True)
class Resource:
    """One resource as the engine tells of it: checked inputs under wire names, no unknown or secret wrappers."""

    urn: str
    type: str
    """Type token, e.g. `aws:rds/instance:Instance`."""
    name: str
    """Logical name, the URN's last part."""
    inputs: Properties
    provider: Properties = field(default_factory=dict)
    """The configuration of the provider instance (region, account, kubeconfig), nested settings decoded."""
    timeout: float = 0.0
    """Seconds that the program's `customTimeouts` allow; 0 leaves it to the emulator."""
    interrupted: Event = field(default_factory=Event, compare=False, repr=False)
    """Set when the user stops the run: an emulator that waits for something gives up with an EmulatorError."""


@dataclass(frozen=True)
class Made:
    """What an emulator answers: the id that finds it again, and its outputs over and above its inputs."""

    id: str
    outputs: Properties = field(default_factory=dict)


class Emulator(Protocol):
    """Acts for one resource type on this machine. Every call is idempotent: a repeated one finds its earlier work."""

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        """Make it; on EmulatorError nothing of it is left behind."""
        ...

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        """The state as it is now (a dead server shows as a changed property), None where it is gone."""
        ...

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        """Change it in place; returns its outputs over and above its inputs."""
        ...

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        """Remove it with everything it ran and stored; nothing happens where it is gone already."""
        ...


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
