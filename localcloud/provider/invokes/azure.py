"""Functions of the Azure provider."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from localcloud.provider.invokes import Arguments, Function
    from localcloud.provider.lifecycle import Lifecycle

NOBODY = str(UUID(int=0))
AUTHORITY = base64.b64encode(b"localcloud").decode()
"""Stands where a cluster's CA certificate would; nothing ever connects with it."""


def client_config(_arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """Who is asking: nobody, in the simulated subscription."""
    return {
        "clientId": NOBODY,
        "objectId": NOBODY,
        "subscriptionId": lifecycle.provider["subscriptionId"],
        "tenantId": lifecycle.provider.get("tenantId") or NOBODY,
    }


def cluster_credentials(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """A kubeconfig of a simulated cluster: its address and an exec plugin, no secret."""
    name = arguments["resourceName"]
    server = f"https://{name}.{lifecycle.simulated.mode.value}.localcloud.invalid"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": AUTHORITY}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "users": [{"name": name, "user": {"exec": _login()}}],
    }
    value = base64.b64encode(json.dumps(kubeconfig).encode()).decode()
    return {"kubeconfigs": [{"name": "clusterUser", "value": value}]}


def _login() -> dict[str, Any]:
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubelogin",
        "args": ["get-token", "--login", "azurecli"],
        "interactiveMode": "Never",
    }


FUNCTIONS: Mapping[str, Function] = {
    "azure-native:authorization:getClientConfig": client_config,
    "azure-native:containerservice:listManagedClusterUserCredentials": cluster_credentials,
}
