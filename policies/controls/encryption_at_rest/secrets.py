"""Secrets: in stores of their own, never in plain settings."""

from __future__ import annotations

from collections.abc import Iterable

from policies import HIGH, MEDIUM, Resource, Verdict, View, applies_to, passes_if
from policies.controls.encryption_at_rest import OWN_KEY, control
from policies.credentials import telling
from policies.pods import containers_of, in_pods

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
    return passes_if(cluster.has("encryptionConfig.provider.keyArn"), "there is no key")


@envelope
@applies_to("azure-native:containerservice:ManagedCluster", reads=["securityProfile.azureKeyVaultKms.enabled"])
def aks_encrypts_secrets(cluster: Resource) -> Verdict:
    return passes_if(cluster.flag("securityProfile.azureKeyVaultKms.enabled"), "azureKeyVaultKms is off")


@envelope
@applies_to("gcp:container/cluster:Cluster", reads=["databaseEncryption.state"])
def gke_encrypts_secrets(cluster: Resource) -> Verdict:
    state = cluster.text("databaseEncryption.state", "not set")
    return passes_if(state == "ENCRYPTED", f"databaseEncryption.state is {state}")


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


def _none_of(names: Iterable[str]) -> Verdict:
    found = sorted(set(names))
    return passes_if(not found, f"in plain: {', '.join(found)}")


def _plain(entries: Iterable[View]) -> list[str]:
    """The names of entries that hold a secret in the clear."""
    suspects = [entry for entry in entries if telling(entry.text("name"))]
    return [entry.text("name") for entry in suspects if not entry.is_secret("value") and entry.has("value")]


@plain_secrets
@applies_to("aws:lambda/function:Function", reads=["environment.variables"])
def lambda_holds_no_secret(function: Resource) -> Verdict:
    variables = function.object("environment.variables")
    names = [name for name, _ in variables.entries() if telling(name)]
    return _none_of(name for name in names if not variables.is_secret(name) and variables.has(name))


@plain_secrets
@applies_to("aws:ecs/taskDefinition:TaskDefinition", reads=["containerDefinitions"])
def ecs_holds_no_secret(task: Resource) -> Verdict:
    containers = task.documents("containerDefinitions")
    return _none_of(name for container in containers for name in _plain(container.objects("environment")))


@plain_secrets
@applies_to(
    "aws:codebuild/project:Project",
    reads=[f"environment.environmentVariables.{name}" for name in ("name", "type", "value")],
)
def codebuild_holds_no_secret(project: Resource) -> Verdict:
    variables = project.objects("environment.environmentVariables")
    return _none_of(_plain(one for one in variables if one.text("type", "PLAINTEXT") == "PLAINTEXT"))


@plain_secrets
@applies_to("azure-native:web:WebApp", reads=["siteConfig.appSettings.name", "siteConfig.appSettings.value"])
def web_app_holds_no_secret(app: Resource) -> Verdict:
    settings = [one for one in app.objects("siteConfig.appSettings") if telling(one.text("name"))]
    hidden = [one for one in settings if not one.is_secret("value")]
    return _none_of(_plain(one for one in hidden if not one.text("value").startswith(VAULT_REFERENCE)))


@plain_secrets
@applies_to("azure-native:app:ContainerApp", reads=["template.containers.env.name", "template.containers.env.value"])
def container_app_holds_no_secret(app: Resource) -> Verdict:
    return _none_of(_plain(app.objects("template.containers.env")))


@plain_secrets
@applies_to("gcp:cloudrunv2/service:Service", reads=["template.containers.envs.name", "template.containers.envs.value"])
def cloud_run_holds_no_secret(service: Resource) -> Verdict:
    return _none_of(_plain(service.objects("template.containers.envs")))


@plain_secrets
@in_pods("*.env.name", "*.env.value")
def pods_hold_no_secret(workload: Resource) -> Verdict:
    return _none_of(name for container in containers_of(workload) for name in _plain(container.objects("env")))


secret_key = control(
    "ENC-015",
    title="Secret stores are encrypted with a key of one's own",
    severity=MEDIUM,
    maps={**OWN_KEY, "iso27001": ["A.5.17", "A.8.24"]},
    remedy="Name a customer-managed key for the secret.",
)


@secret_key
@applies_to("aws:secretsmanager/secret:Secret", reads=["kmsKeyId"])
def aws_secret_has_own_key(secret: Resource) -> Verdict:
    return passes_if(secret.has("kmsKeyId"), "kmsKeyId is not set")


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
