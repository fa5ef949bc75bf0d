"""What holds for every Kubernetes object, also for custom resources, of which no SDK class tells the schema."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.contract import sources
from localcloud.contract.terms import Anything, Enum, MapOf, Object, Property, Scalar, Shape, Term

REPLACE = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""An object is found by these, and the API cannot rename or move one."""

CUSTOM_OUTPUTS: Mapping[str, Term] = {
    "apiVersion": Scalar("str"),
    "kind": Scalar("str"),
    "metadata": Anything(),
    "spec": Anything(),
    "status": Anything(),
}


def is_custom(token: str) -> bool:
    """Whether a token names a custom resource: its group has a domain, and the SDK knows nothing of its version."""
    package, api_version, kind = token.split(":", 2)
    group, _, version = api_version.partition("/")
    if package != "kubernetes" or not (kind and version and "." in group):
        return False
    return not any(known.startswith(f"kubernetes:{api_version}:") for known in sources.registered("kubernetes"))


def custom_root(token: str) -> Shape:
    """The inputs of a custom resource: its type, the usual metadata, a spec, and whatever else it holds."""
    _, api_version, kind = token.split(":", 2)
    return Shape(
        {
            "apiVersion": Property(Enum((api_version,)), required=True),
            "kind": Property(Enum(tuple(sorted({kind, kind.removesuffix("Patch")}))), required=True),
            "metadata": Property(Object("pulumi_kubernetes.meta.v1._inputs:ObjectMetaArgs")),
            "spec": Property(MapOf(Anything())),
        },
        constants={},
        open=True,
    )
