"""Secrets: in stores of their own, never in plain settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policies import HIGH, MEDIUM, Resource, Verdict, View, applies_to, applies_to_each, passes_if
from policies.clouds.credentials import has_credential, telling
from policies.clouds.pods import containers_of, in_pods
from policies.controls.encryption_at_rest import OWN_KEY, control, has_own_key
from policies.property_checks import ON, Property, check_properties

VAULT_REFERENCE = "@Microsoft.KeyVault("

envelope = control(
    "ENC-011",
    title="Secrets in the Kubernetes control plane are encrypted with a key of one's own",
    severity=HIGH,
    maps={**OWN_KEY, "pci_dss": ["3.5.1", "3.6.1.2"]},
    remedy="Give the cluster a customer-managed key for its secrets.",
)


@envelope
@applies_to("aws:eks/cluster:Cluster", reads=["encryptionConfig.resources", "encryptionConfig.provider.keyArn"])
def eks_encrypts_secrets(cluster: Resource) -> Verdict:
    if "secrets" not in cluster.texts("encryptionConfig.resources"):
        return passes_if(False, "encryptionConfig does not name secrets")
    return has_own_key(cluster, "encryptionConfig.provider.keyArn")


envelope_properties = check_properties(
    envelope,
    Property(
        "azure-native:containerservice:ManagedCluster",
        "securityProfile.azureKeyVaultKms.enabled",
        ON,
        name="azureKeyVaultKms",
    ),
    Property("gcp:container/cluster:Cluster", "databaseEncryption.state", "ENCRYPTED", name="databaseEncryption.state"),
)


plain_secrets = control(
    "ENC-012",
    title="No secret stands in a plain environment variable",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1"],
        "iso27001": ["A.5.17", "A.8.24"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["8.3.2", "8.6.2"],
    },
    remedy="Keep it in a secret store and refer to it from there.",
)


@dataclass(frozen=True)
class Variable:
    """A setting of a program, and where its value stands."""

    name: str
    holder: View
    path: str

    @property
    def is_plain(self) -> bool:
        return not self.holder.is_secret(self.path) and self.holder.exists(self.path)


def _variables(entries: Iterable[View]) -> list[Variable]:
    return [Variable(entry.text("name"), entry, "value") for entry in entries]


def _judge(variables: Iterable[Variable]) -> Verdict:
    """Judge by the name first, then by the form of the value: a URL may hold a password, whatever its name."""
    told: list[Variable] = []
    others: list[Variable] = []
    for variable in variables:
        (told if telling(variable.name) else others).append(variable)
    found = [variable.name for variable in told if variable.is_plain and variable.holder.has(variable.path)]
    if not found:
        found = [other.name for other in others if other.is_plain and has_credential(other.holder.text(other.path))]
    return passes_if(not found, f"in plain: {', '.join(sorted(set(found)))}")


@plain_secrets
@applies_to("aws:lambda/function:Function", reads=["environment.variables"])
def lambda_holds_no_secret(function: Resource) -> Verdict:
    variables = function.object("environment.variables")
    named = View(value={str(index): value for index, (_, value) in enumerate(variables.entries())}, path=variables.path)
    return _judge(Variable(name, named, str(index)) for index, (name, _) in enumerate(variables.entries()))


@plain_secrets
@applies_to("aws:ecs/taskDefinition:TaskDefinition", reads=["containerDefinitions"])
def ecs_holds_no_secret(task: Resource) -> Verdict:
    containers = task.documents("containerDefinitions")
    return _judge(_variables(entry for container in containers for entry in container.objects("environment")))


@plain_secrets
@applies_to(
    "aws:codebuild/project:Project",
    reads=[f"environment.environmentVariables.{name}" for name in ("name", "type", "value")],
)
def codebuild_holds_no_secret(project: Resource) -> Verdict:
    variables = project.objects("environment.environmentVariables")
    return _judge(_variables(variable for variable in variables if variable.text("type", "PLAINTEXT") == "PLAINTEXT"))


@plain_secrets
@applies_to("azure-native:web:WebApp", reads=["siteConfig.appSettings.name", "siteConfig.appSettings.value"])
def web_app_holds_no_secret(app: Resource) -> Verdict:
    settings = app.objects("siteConfig.appSettings")
    return _judge(_variables(setting for setting in settings if not _is_reference(setting)))


def _is_reference(setting: View) -> bool:
    return setting.known("value") and setting.text("value").startswith(VAULT_REFERENCE)


_KINDS = ("template.containers.env", "template.initContainers.env")


@plain_secrets
@applies_to("azure-native:app:ContainerApp", reads=[f"{kind}.{part}" for kind in _KINDS for part in ("name", "value")])
def container_app_holds_no_secret(app: Resource) -> Verdict:
    return _judge(_variables(entry for kind in _KINDS for entry in app.objects(kind)))


_CLOUD_RUN = {
    "gcp:cloudrunv2/service:Service": "template.containers.envs",
    "gcp:cloudrunv2/workerPool:WorkerPool": "template.containers.envs",
    "gcp:cloudrunv2/job:Job": "template.template.containers.envs",
}


@plain_secrets
@applies_to_each({token: [f"{envs}.name", f"{envs}.value"] for token, envs in _CLOUD_RUN.items()})
def cloud_run_holds_no_secret(runner: Resource) -> Verdict:
    return _judge(_variables(runner.objects(_CLOUD_RUN[runner.type])))


@plain_secrets
@in_pods("*.env.name", "*.env.value")
def pods_hold_no_secret(workload: Resource) -> Verdict:
    return _judge(_variables(entry for container in containers_of(workload) for entry in container.objects("env")))


secret_key = control(
    "ENC-015",
    title="Secret stores are encrypted with a key of one's own",
    severity=MEDIUM,
    maps={**OWN_KEY, "iso27001": ["A.5.17", "A.8.24"]},
    remedy="Name a customer-managed key for the secret.",
)


secret_key_properties = check_properties(
    secret_key,
    Property("aws:secretsmanager/secret:Secret", "kmsKeyId", has_own_key),
)


@secret_key
@applies_to(
    "gcp:secretmanager/secret:Secret",
    reads=[
        "replication.auto.customerManagedEncryption.kmsKeyName",
        "replication.userManaged.replicas.customerManagedEncryption.kmsKeyName",
    ],
)
def gcp_secret_has_own_key(secret: Resource) -> Verdict:
    if secret.exists("replication.auto"):
        return passes_if(secret.has("replication.auto.customerManagedEncryption.kmsKeyName"), "there is no key")
    replicas = secret.objects("replication.userManaged.replicas")
    encrypted = [replica.has("customerManagedEncryption.kmsKeyName") for replica in replicas]
    return passes_if(bool(encrypted) and all(encrypted), "a replica has no key")
