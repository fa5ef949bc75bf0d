"""A separate project for a test: the checkout's program with settings files that the test may change."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation as auto

from cli.compliance.gate import CONFIGURATION, PACK
from cli.engine.stack_files import prepare_stack
from localcloud.sandbox import Sandbox
from tools.engine import locate
from tools.engine.simulation import engine_variables

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
POLICIES = {"policy_packs": [str(PACK)], "policy_pack_configs": [str(CONFIGURATION)]}
TODAY = datetime.date(2030, 1, 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden lists, to review their diff")


@dataclass(frozen=True)
class Rehearsed:
    """The rehearsal of an environment, run by the real engine through the Automation API."""

    name: str
    project: Path
    sandbox: Sandbox
    stack: auto.Stack

    def up(self) -> dict[str, int]:
        """Run `pulumi up` with the policies, as `fortress up` does; return the number of resources by operation."""
        return dict(self.stack.up(**POLICIES).summary.resource_changes or {})

    def preview(self) -> dict[str, int]:
        """Run `pulumi preview` with the policies; return the number of resources by operation."""
        summary = self.stack.preview(**POLICIES).change_summary
        return {str(getattr(kind, "value", kind)): count for kind, count in summary.items()}

    def state(self) -> dict[str, Any]:
        """Return the state as `pulumi stack export` prints it."""
        return {"version": 3, "deployment": self.stack.export_stack().deployment}

    def set(self, key: str, value: Any) -> None:
        """Change a setting in the settings file."""
        path = self.project / "stacks" / "config" / f"Pulumi.rehearsal-{self.name}.yaml"
        document = yaml.safe_load(path.read_text())
        target, (*groups, last) = document["config"], key.split(".")
        for group in groups:
            target = target[f"living-fortress:{group}" if target is document["config"] else group]
        target[last if target is not document["config"] else f"living-fortress:{last}"] = value
        path.write_text(yaml.safe_dump(document))

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the state, without the stack itself and the providers."""
        document = json.loads(json.dumps(self.stack.export_stack().deployment))
        return [
            one
            for one in document.get("resources", [])
            if not one["type"].startswith("pulumi:") and not one.get("delete")
        ]

    @property
    def golden_file(self) -> Path:
        """Return the path of this environment's golden list."""
        return GOLDEN / f"{self.name.split('-')[0]}.txt"

    def golden_lines(self) -> list[str]:
        """Return one line per resource: type, name, and properties that need a review when they change."""
        return sorted(
            f"{resource['type']}  {resource['urn'].split('::')[-1]}{_format_properties(resource)}"
            for resource in self.resources()
        )

    def records(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield the emulators' files."""
        for path in sorted((self.sandbox.root / "records").rglob("*.json")):
            yield path, json.loads(path.read_text())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder for the engine: links to the checkout, and its own settings files."""
    folder = tmp_path / "project"
    (folder / "stacks" / "config").mkdir(parents=True)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for path in (ROOT / "stacks").iterdir():
        if path.name not in ("config", "__pycache__"):
            (folder / "stacks" / path.name).symlink_to(path)
    for path in (ROOT / "stacks" / "config").glob("Pulumi.*.yaml"):
        if "rehearsal-" not in path.name and "preview-" not in path.name:
            shutil.copy(path, folder / "stacks" / "config")
    return folder


@pytest.fixture
def rehearsed(request: pytest.FixtureRequest, project: Path, sandbox: Sandbox) -> Rehearsed:
    """The rehearsal of the environment that the test's parameter names, not yet up."""
    name = request.param
    stack_name = f"rehearsal-{name}"
    prepare_stack(project, stack_name, TODAY)
    engine = locate()
    variables = engine_variables(engine, sandbox)
    options = auto.LocalWorkspaceOptions(
        work_dir=str(project),
        pulumi_command=auto.PulumiCommand(root=str(engine.root), skip_version_check=True),
        env_vars={**variables, "PATH": variables["PATH"] or os.defpath},
    )
    stack = auto.create_or_select_stack(stack_name=stack_name, work_dir=str(project), opts=options)
    return Rehearsed(name, project, sandbox, stack)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


KEY_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "aws:rds/instance:Instance": (
        "engineVersion", "instanceClass", "multiAz", "storageEncrypted", "publiclyAccessible", "deletionProtection",
        "backupRetentionPeriod", "iamDatabaseAuthenticationEnabled", "replicateSourceDb",
    ),
    "aws:kms/key:Key": ("enableKeyRotation", "rotationPeriodInDays", "deletionWindowInDays"),
    "aws:s3/bucket:Bucket": ("region", "objectLockEnabled", "forceDestroy"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        "rule.defaultRetention.mode", "rule.defaultRetention.days",
    ),
    "aws:eks/cluster:Cluster": ("version", "vpcConfig.endpointPublicAccess", "enabledClusterLogTypes"),
    "aws:ec2/vpc:Vpc": ("cidrBlock",),
    "aws:ec2/subnet:Subnet": ("cidrBlock", "availabilityZone", "mapPublicIpOnLaunch"),
    "aws:ec2/vpnConnection:VpnConnection": ("type", "staticRoutesOnly"),
    "azure-native:dbforpostgresql:Server": (
        "version", "sku.name", "createMode", "authConfig", "highAvailability", "backup.backupRetentionDays",
        "network.publicNetworkAccess",
    ),
    "azure-native:dbforpostgresql:Configuration": ("configurationName", "value"),
    "azure-native:keyvault:Vault": ("properties.enablePurgeProtection", "properties.softDeleteRetentionInDays"),
    "azure-native:containerservice:ManagedCluster": (
        "kubernetesVersion", "disableLocalAccounts", "apiServerAccessProfile.enablePrivateCluster",
    ),
    "gcp:sql/databaseInstance:DatabaseInstance": (
        "databaseVersion", "settings.tier", "settings.availabilityType", "settings.ipConfiguration.ipv4Enabled",
        "settings.ipConfiguration.sslMode", "settings.deletionProtectionEnabled", "masterInstanceName",
    ),
    "gcp:kms/cryptoKey:CryptoKey": ("rotationPeriod", "destroyScheduledDuration"),
    "gcp:container/cluster:Cluster": ("minMasterVersion", "privateClusterConfig.enablePrivateNodes"),
    "kubernetes:helm.sh/v3:Release": ("chart", "version", "namespace"),
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": ("spec.minReplicas", "spec.maxReplicas"),
    "kubernetes:policy/v1:PodDisruptionBudget": ("spec.minAvailable",),
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": ("spec.hostnames",),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": ("spec.policyTypes",),
}  # fmt: skip


def _format_properties(resource: Mapping[str, Any]) -> str:
    inputs = resource.get("inputs") or {}
    found = {path: _get(inputs, path) for path in KEY_PROPERTIES.get(resource["type"], ())}
    known = {path: value for path, value in found.items() if value is not None}
    protected = {"protect": True} if resource.get("protect") else {}
    return f"  {json.dumps(known | protected, sort_keys=True)}" if known or protected else ""


def _get(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
