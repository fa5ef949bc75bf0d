"""Pod specifications of the app: pure functions from settings to Kubernetes manifests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from components.app_deployment.settings import PORT, AppDeploymentArgs
from components.identity.workloads import LEDGER, MIGRATOR, TOKEN_FOLDER, Workload, WorkloadLogins

Manifest = dict[str, Any]

USER = 10001
"""The numeric user of the image: `runAsNonRoot` cannot check a name."""
DIRECTORY_CONFIG_MAP = "ledger-directory"
DIRECTORY_FOLDER = "/etc/fortress"
ISSUER_FOLDER = "/etc/fortress-issuer"
GCP_FOLDER = "/etc/fortress-gcp"
KEY_FOLDER = "/etc/fortress-key"
KEY_FILE = "master-key.json"
CANARY_FOLDER = "/etc/fortress-canary"
CANARY_FILE = "key.json"
CANARY_SECRET = "ledger-canary-key"  # noqa: S105 (a name)
GCP_FILE = "credentials.json"
SECRETS = "ledger-secrets"
TOKEN_LIFETIME_SECONDS = 3600
DRAIN_SECONDS = 10
"""Delay between leaving the endpoints and SIGTERM, so no proxy sends requests to a closing pod."""
GRACE_SECONDS = 45

POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,  # projected tokens are readable for this group
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}


def selector(workload: Workload) -> dict[str, str]:
    """Return the labels that select the pods of a workload. Add none: a Deployment's selector cannot change."""
    return {"app.kubernetes.io/name": workload, "app.kubernetes.io/part-of": "living-fortress"}


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def build_server_pod(args: AppDeploymentArgs) -> Manifest:
    """Return the spec of the pod that serves the API."""
    container = _build_container(args, LEDGER, ["fortress", "serve"], _build_serve_environment(args)) | {
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": _build_probe("/healthz", period=1, failures=60),
        "livenessProbe": _build_probe("/healthz", period=10, failures=3),
        "readinessProbe": _build_probe("/readyz", period=5, failures=2),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
    }
    return _build_pod(args, LEDGER, container) | {
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "topologySpreadConstraints": [
            _build_spread("topology.kubernetes.io/zone", "DoNotSchedule"),
            _build_spread("kubernetes.io/hostname", "ScheduleAnyway"),
        ],
    }


def build_migration_pod(args: AppDeploymentArgs) -> Manifest:
    """Return the spec of the pod that migrates the home's shards to the image's schema."""
    command = ["fortress", "migrate", "up", "--home", args.cloud]
    return _build_pod(args, MIGRATOR, _build_container(args, MIGRATOR, command, _build_environment(args))) | {
        "restartPolicy": "Never"
    }


def _build_pod(args: AppDeploymentArgs, workload: Workload, container: Manifest) -> Manifest:
    return {
        "serviceAccountName": workload,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [volume for volume, _ in _list_mounts(args, workload)],
    }


def _build_container(
    args: AppDeploymentArgs, workload: Workload, command: list[str], environment: Sequence[Manifest]
) -> Manifest:
    return {
        "name": workload,
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "command": command[:1],
        "args": command[1:],
        "env": [*environment, *build_login_environment(args.logins[workload])],
        "volumeMounts": [mount for _, mount in _list_mounts(args, workload)],
        "resources": {
            "requests": {"cpu": args.resources.cpu, "memory": args.resources.memory},
            "limits": {"memory": args.resources.memory},
        },
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _build_environment(args: AppDeploymentArgs) -> list[Manifest]:
    personal, in_file = args.personal_data, args.personal_data.key_secret is not None
    return [
        _make_variable("FORTRESS_ENVIRONMENT", args.environment),
        _make_variable("FORTRESS_CLOUD", args.cloud),
        _make_variable("FORTRESS_DIRECTORY", f"{DIRECTORY_FOLDER}/directory.json"),
        _make_variable("FORTRESS_LOG_LEVEL", args.log_level),
        _make_variable("FORTRESS_MASTER_KEY", f"file:{KEY_FOLDER}/{KEY_FILE}" if in_file else personal.master_key),
        _make_variable("FORTRESS_ERASURE_LOG", personal.erasure_log),
    ]


def _build_serve_environment(args: AppDeploymentArgs) -> list[Manifest]:
    keys = f"file://{ISSUER_FOLDER}/jwks.json" if args.oidc.jwks_config_map else ""
    return [
        *_build_environment(args),
        {"name": "FORTRESS_HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        _make_variable("FORTRESS_PORT", str(PORT)),
        _make_variable("FORTRESS_POOL_SIZE", str(args.pool_size)),
        _make_variable("FORTRESS_PROCESSES", str(args.processes or args.replicas.most)),
        _make_variable("FORTRESS_OIDC_ISSUER", args.oidc.issuer),
        _make_variable("FORTRESS_OIDC_AUDIENCE", args.oidc.audience),
        _make_variable("FORTRESS_OIDC_JWKS_URI", keys),
        *([_make_variable("FORTRESS_CANARY_KEY", f"{CANARY_FOLDER}/{CANARY_FILE}")] if args.canary_secret else []),
        *[
            {"name": secret.variable, "valueFrom": {"secretKeyRef": {"name": SECRETS, "key": secret.variable}}}
            for secret in args.secrets
        ],
    ]


def build_login_environment(logins: WorkloadLogins) -> list[Manifest]:
    """Return the variables in which each cloud's SDK finds the pod's token and the identity to assume."""
    environment: list[Manifest] = []
    if logins.aws:
        environment += [
            _make_variable("AWS_ROLE_ARN", logins.aws.role_arn),
            _make_variable("AWS_WEB_IDENTITY_TOKEN_FILE", f"{TOKEN_FOLDER}/aws/token"),
        ]
    if logins.azure:
        environment += [
            _make_variable("AZURE_CLIENT_ID", logins.azure.client_id),
            _make_variable("AZURE_TENANT_ID", logins.azure.tenant_id),
            _make_variable("AZURE_FEDERATED_TOKEN_FILE", f"{TOKEN_FOLDER}/azure/token"),
        ]
    if logins.gcp and logins.gcp.credential_configuration is not None:
        environment.append(_make_variable("GOOGLE_APPLICATION_CREDENTIALS", f"{GCP_FOLDER}/{GCP_FILE}"))
    return environment


def name_gcp_config_map(workload: Workload) -> str:
    """Return the name of the ConfigMap with the workload's `external_account` file."""
    return f"{workload}-gcp-login"


def _list_mounts(args: AppDeploymentArgs, workload: Workload) -> list[tuple[Manifest, Manifest]]:
    """Return pairs of volume and mount."""
    logins = args.logins[workload]
    mounted: list[tuple[Manifest, Manifest]] = [
        (
            {"name": "directory", "configMap": {"name": DIRECTORY_CONFIG_MAP}},
            {"name": "directory", "mountPath": DIRECTORY_FOLDER, "readOnly": True},
        ),
        ({"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}}, {"name": "scratch", "mountPath": "/tmp"}),  # noqa: S108
    ]
    tokens = _list_token_sources(logins)
    if tokens:
        mounted.append(
            (
                {"name": "tokens", "projected": {"defaultMode": 0o440, "sources": tokens}},
                {"name": "tokens", "mountPath": TOKEN_FOLDER, "readOnly": True},
            )
        )
    if logins.gcp and logins.gcp.credential_configuration is not None:
        mounted.append(
            (
                {"name": "gcp-login", "configMap": {"name": name_gcp_config_map(workload)}},
                {"name": "gcp-login", "mountPath": GCP_FOLDER, "readOnly": True},
            )
        )
    if args.personal_data.key_secret is not None:
        mounted.append(
            (
                {"name": "key", "secret": {"secretName": args.personal_data.key_secret, "defaultMode": 0o400}},
                {"name": "key", "mountPath": KEY_FOLDER, "readOnly": True},
            )
        )
    if workload == LEDGER and args.canary_secret:
        mounted.append(
            (
                {"name": "canary-key", "secret": {"secretName": CANARY_SECRET, "defaultMode": 0o440}},
                {"name": "canary-key", "mountPath": CANARY_FOLDER, "readOnly": True},
            )
        )
    if workload == LEDGER and args.oidc.jwks_config_map:
        mounted.append(
            (
                {"name": "issuer", "configMap": {"name": args.oidc.jwks_config_map}},
                {"name": "issuer", "mountPath": ISSUER_FOLDER, "readOnly": True},
            )
        )
    return mounted


def _list_token_sources(logins: WorkloadLogins) -> list[Manifest]:
    audiences = {
        "aws": logins.aws and logins.aws.audience,
        "azure": logins.azure and logins.azure.audience,
        "gcp": logins.gcp and logins.gcp.audience,
    }
    return [
        {
            "serviceAccountToken": {
                "audience": audience,
                "expirationSeconds": TOKEN_LIFETIME_SECONDS,
                "path": f"{cloud}/token",
            }
        }
        for cloud, audience in audiences.items()
        if audience is not None
    ]


def _make_variable(name: str, value: Any) -> Manifest:
    return {"name": name, "value": value}


def _build_probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _build_spread(topology: str, otherwise: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": otherwise,
        "labelSelector": {"matchLabels": selector(LEDGER)},
        "matchLabelKeys": ["pod-template-hash"],  # an old revision's pods must not push the new ones into one zone
        "nodeTaintsPolicy": "Honor",  # a zone whose nodes are down does not count
    }
