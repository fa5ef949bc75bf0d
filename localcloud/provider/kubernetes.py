"""What Kubernetes resources have beyond a contract: names and namespaces in their metadata, and what a server adds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from localcloud.contract.contracts import UnknownType, contract_of
from localcloud.contract.type_expr import Object

AUTONAMED = "pulumi.com/autonamed"
HELM_RELEASE = "kubernetes:helm.sh/v3:Release"
DEFAULT_NAMESPACE = "default"
HEX_DIGITS = 8
LONGEST_NAME = 63
CREATED = "2000-01-01T00:00:00Z"
"""Every simulated object carries this creation time, so that equal programs leave equal states."""

CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "CustomResourceDefinition",
        "FlowSchema",
        "GatewayClass",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)
"""Kinds that belong to no namespace, over and above those whose name begins with Cluster."""

Inputs = dict[str, Any]


def is_namespaced(kind: str) -> bool:
    """Whether objects of a kind lie in a namespace."""
    return kind not in CLUSTER_SCOPED and not kind.startswith("Cluster")


def placed(token: str, logical: str, inputs: Inputs, old: Inputs, seed: bytes, namespace: str | None) -> Inputs:
    """`inputs` with a name and, where the kind has one, a namespace; a generated name is kept from `old`."""
    if token == HELM_RELEASE:
        return _placed_release(logical, inputs, old, seed, namespace)
    given = inputs.get("metadata")
    if not isinstance(given, Mapping | None) or not _has_names(token):
        return inputs
    metadata = dict(given or {})
    prefix = metadata.get("generateName")
    if metadata.get("name") is None and isinstance(prefix, str | None):
        metadata.pop("generateName", None)
        metadata["name"] = _generated_before(old) or generated(f"{prefix or logical}".rstrip("-"), seed)
        metadata["annotations"] = _marked(metadata.get("annotations"))
    if is_namespaced(_kind(token)) and metadata.get("namespace") is None:
        metadata["namespace"] = namespace or DEFAULT_NAMESPACE
    return {**inputs, "metadata": metadata}


def _has_names(token: str) -> bool:
    """Whether objects of a type carry a name: lists, a status and what the SDK expands into objects do not."""
    try:
        contract = contract_of(token)
    except UnknownType:
        return False
    metadata = contract.root.properties.get("metadata")
    expr = metadata.expr if metadata else None
    return isinstance(expr, Object) and "name" in contract.shape(expr.shape).properties


def _marked(annotations: Any) -> Any:
    """Annotations that tell a generated name; what is no map yet is left to the contract."""
    return {**(annotations or {}), AUTONAMED: "true"} if isinstance(annotations, Mapping | None) else annotations


def _placed_release(logical: str, inputs: Inputs, old: Inputs, seed: bytes, namespace: str | None) -> Inputs:
    generated_before = old.get("name") if "name" in old.get("__defaults", ()) else None
    placed_inputs = {"namespace": namespace or DEFAULT_NAMESPACE, **inputs}
    if "name" in inputs:
        return placed_inputs
    return {**placed_inputs, "name": generated_before or generated(logical, seed), "__defaults": ["name"]}


def generated(logical: str, seed: bytes) -> str:
    """A name that no other object has."""
    digits = hashlib.sha256(seed + logical.encode()).hexdigest()[:HEX_DIGITS]
    stem = "".join(letter if letter.isalnum() else "-" for letter in logical.lower())
    return f"{stem[: LONGEST_NAME - HEX_DIGITS - 1]}-{digits}"


def _generated_before(old: Inputs) -> Any:
    return _metadata(old).get("name") if _is_marked(old) else None


def _is_marked(inputs: Mapping[str, Any]) -> bool:
    annotations = _metadata(inputs).get("annotations")
    return isinstance(annotations, Mapping) and AUTONAMED in annotations


def _metadata(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    found = inputs.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _kind(token: str) -> str:
    return token.rpartition(":")[2]


def identity(token: str, inputs: Mapping[str, Any]) -> str:
    """`<namespace>/<name>`, or the name alone where the kind has no namespace."""
    place = inputs if token == HELM_RELEASE else _metadata(inputs)
    namespace, name = place.get("namespace"), place.get("name")
    return f"{namespace}/{name}" if namespace else str(name)


def server_side(token: str, seed: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a cluster adds to an object when it stores it; `seed` makes its uid one of its own."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    if token == HELM_RELEASE:
        return {"status": _release_status(inputs), "resourceNames": {}}
    return {"metadata": {"uid": str(UUID(digest[:32])), "creationTimestamp": CREATED, "generation": 1}}


def _release_status(inputs: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: inputs[key] for key in ("chart", "name", "namespace", "version") if key in inputs}
    return {**known, "appVersion": inputs.get("version", ""), "revision": 1, "status": "deployed"}


def is_fixed(token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether old and new are one object to the cluster under a name that the program chose."""
    is_generated = "name" in new.get("__defaults", ()) if token == HELM_RELEASE else _is_marked(new)
    return not is_generated and identity(token, old) == identity(token, new)
