"""What holds for every Kubernetes object, also for custom resources, of which no SDK class tells the schema."""

from __future__ import annotations

from typing import Any

from localcloud.contract import sources
from localcloud.contract.derive import closure

_METADATA = "pulumi_kubernetes.meta.v1._inputs:ObjectMetaArgs"
REPLACE = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""An object is found by these, and the API cannot rename or move one."""


def is_custom(token: str) -> bool:
    """Whether a token names a custom resource: its group has a domain, and the SDK knows nothing of its version."""
    package, api_version, kind = token.split(":", 2)
    group, _, version = api_version.partition("/")
    if package != "kubernetes" or not (kind and version and "." in group):
        return False
    return not any(known.startswith(f"kubernetes:{api_version}:") for known in sources.registered("kubernetes"))


def custom_contract(token: str) -> dict[str, Any]:
    """The contract of a custom resource: its type, the usual metadata, a spec, and whatever else it holds."""
    _, api_version, kind = token.split(":", 2)
    root = {
        "properties": {
            "apiVersion": [["enum", [api_version]], True],
            "kind": [["enum", sorted({kind, kind.removesuffix("Patch")})], True],
            "metadata": [["object", _METADATA], False],
            "spec": [["map", "any"], False],
        },
        "constants": {},
        "open": True,
    }
    outputs = {"apiVersion": "str", "kind": "str", "metadata": "any", "spec": "any", "status": "any"}
    return {"root": token, "shapes": closure(_METADATA) | {token: root}, "outputs": outputs, "secret": [], "path": []}
