"""A kubeconfig without a secret: a client program fetches a short-lived token on use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

CERTIFICATE = "certificate-authority-data"


def make_kubeconfig(
    name: str, server: str, authority: str, command: str, arguments: Sequence[str] = (), *, cluster_info: bool = False
) -> str:
    """Return a kubeconfig as JSON (also valid YAML). `authority` is the API server's CA certificate in base64."""
    login: dict[str, Any] = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command,
        "args": list(arguments),
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": cluster_info,
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": {"server": _to_url(server), CERTIFICATE: authority}}],
            "users": [{"name": name, "user": {"exec": login}}],
        }
    )


def _to_url(server: str) -> str:
    return server if server.startswith("https://") else f"https://{server}"
