"""Settings of an app deployment, and the combinations it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.common import Cloud
from components.identity.workloads import NAMESPACE, WORKLOADS, Workload, WorkloadLogins

PORT = 8440
"""The one port of the app: API, health and metrics."""
DATABASE_PORT = 5432

_BY_DIGEST = re.compile(r"^[^@\s]+@sha256:[0-9a-f]{64}$")


class InvalidDeployment(ValueError):
    """An app deployment that could not run, or could not run safely."""


@dataclass(frozen=True, kw_only=True)
class Oidc:
    """The issuer of bearer tokens that the app accepts."""

    issuer: str
    audience: str
    jwks_config_map: str | None = None
    """A ConfigMap in the app's namespace that holds the issuer's `jwks.json`; absent: the app asks the issuer."""


@dataclass(frozen=True, kw_only=True)
class PersonalData:
    """Where subject keys are wrapped and erasures are logged."""

    master_key: pulumi.Input[str] | None = None
    """In the app's notation, such as `aws-kms:<arn>`; absent if `key_secret` is given."""
    key_secret: str | None = None
    """A Secret in the app's namespace that holds a master key as `master-key.json`; only for the local environment."""
    erasure_log: pulumi.Input[str] = "databases"
    """In the app's notation, such as `aws-s3:<region>/<bucket>/<prefix>`."""

    def __post_init__(self) -> None:
        if (self.master_key is None) == (self.key_secret is None):
            raise InvalidDeployment("personal_data: needs master_key or key_secret, and not both")


SURGE_PERCENT = 25
"""Extra pods that a release may start before it stops as many old ones, in percent; Kubernetes rounds up."""


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """The number of pods that serve, and that must stay up while nodes are drained."""

    minimum: int = 3
    maximum: int = 20
    min_available: int = 2
    cpu_target_percent: int = 70
    """Average use of the requested CPU that the autoscaler aims for."""

    @property
    def most(self) -> int:
        """Return the most pods at once, including the starting and the finishing ones of a release."""
        return self.maximum + 2 * -(-self.maximum * SURGE_PERCENT // 100)

    def __post_init__(self) -> None:
        if not 0 <= self.min_available < self.minimum <= self.maximum:
            raise InvalidDeployment(
                "replicas: must hold 0 <= min_available < minimum <= maximum,"
                f" got {self.min_available}, {self.minimum}, {self.maximum}"
            )
        if not 1 <= self.cpu_target_percent <= 100:
            raise InvalidDeployment(f"replicas: cpu_target_percent {self.cpu_target_percent} is not within 1 to 100")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Requests and limits of one pod."""

    cpu: str = "500m"
    """The request; a pod may use idle CPU beyond it."""
    memory: str = "256Mi"
    """The request and the limit: memory cannot be taken back from a pod without killing it."""


@dataclass(frozen=True, kw_only=True)
class SecretReference:
    """A secret of the cloud's secret manager that the app gets as an environment variable."""

    variable: str
    remote_key: str
    """Its name in the secret manager."""
    property: str | None = None
    """A field of the secret, if it is a JSON object."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How requests reach the app."""

    hostnames: Sequence[str]
    gateway_class: str = "envoy"
    gateway_namespace: str = "envoy-gateway-system"
    """Where the gateway's proxies run; only they may connect to the app."""
    cluster_issuer: str = "acme"
    """The cert-manager ClusterIssuer that signs the certificate."""
    paths: Sequence[str] = ("/accounts", "/transfers", "/docs", "/openapi.json", "/healthz", "/readyz")
    """Path prefixes that the gateway serves; /metrics is not among them."""

    def __post_init__(self) -> None:
        if not self.hostnames:
            raise InvalidDeployment("entry: hostnames is empty, so nobody could reach the app")


@dataclass(frozen=True, kw_only=True)
class AppDeploymentArgs:
    """The app on one cluster."""

    cloud: Cloud
    """The cloud the cluster runs in, and the home whose shards its Job migrates."""
    environment: str
    image: str
    """By digest, `registry/name@sha256:…`, because a tag can move."""
    directory: pulumi.Input[str]
    """The shard directory, as JSON text."""
    database_cidrs: Sequence[pulumi.Input[str]]
    """Networks of the database servers of all clouds; the app may use their port nowhere else."""
    oidc: Oidc
    personal_data: PersonalData
    entry: Entry
    logins: Mapping[Workload, WorkloadLogins]
    """How the pods of `ledger` and `migrator` log in to each cloud."""
    labels: Mapping[str, str]
    """Owner, environment, cost centre and so on, for every object."""
    replicas: Replicas = field(default_factory=Replicas)
    pool_size: int = 4
    """Connections to each shard that a process uses for one purpose."""
    processes: int | None = None
    """Most processes in all clusters together, which share a server's connections; None: those of this cluster."""
    resources: Resources = field(default_factory=Resources)
    secrets: Sequence[SecretReference] = ()
    canary_secret: str | None = None
    """Name of a secret in the secret manager: the key of decoys that `fortress decoy key` writes. If set, the app
    checks every request for canary tokens."""
    secret_store: str = "cloud-secrets"  # noqa: S105 (a name)
    """The ClusterSecretStore of External Secrets that resolves the references."""
    viewer_groups: Sequence[str] = ("living-fortress-viewers",)
    """Groups that may read pods, logs and events of the namespace, and change nothing."""
    dns_cidrs: Sequence[str] = ()
    """Where pods reach DNS besides the pods of kube-dns: EKS Auto Mode answers on the node."""
    namespace: str = NAMESPACE
    log_level: str = "info"

    def __post_init__(self) -> None:
        if not _BY_DIGEST.match(self.image):
            raise InvalidDeployment(
                f"image: {self.image!r} names no digest; expected registry/name@sha256:<64 hex digits>"
            )
        missing = [workload for workload in WORKLOADS if workload not in self.logins]
        if missing:
            raise InvalidDeployment(f"logins: none for {', '.join(missing)}")
        variables = [secret.variable for secret in self.secrets]
        if len(set(variables)) < len(variables):
            raise InvalidDeployment("secrets: two references name the same environment variable")
