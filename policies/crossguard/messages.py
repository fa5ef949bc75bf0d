"""The engine's messages to and from plain Python."""

from __future__ import annotations

from typing import Any

from google.protobuf import struct_pb2

from policies.resource import Resource, normalize_type
from policies.view import View


def plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return a message's properties, marks for secrets and unknown values left in."""
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def struct(properties: Any) -> struct_pb2.Struct:
    """Properties as a message."""
    message = struct_pb2.Struct()
    message.update(properties)
    return message


def resource(request: Any, *, inputs: dict[str, Any] | None = None, outputs: dict[str, Any] | None = None) -> Resource:
    """Return the resource of an AnalyzeRequest or AnalyzerResource, whose properties the caller has already read."""
    provider = plain(request.provider.properties) if request.HasField("provider") else {}
    dependencies = getattr(request, "propertyDependencies", {})
    return Resource(
        value=inputs if inputs is not None else outputs,
        outputs=View(value=outputs or {}, path="outputs"),
        urn=request.urn,
        type=normalize_type(request.type),
        provider=View(value=provider, path="provider"),
        provider_urn=request.provider.urn,
        parent=request.options.parent or getattr(request, "parent", ""),
        protect=request.options.protect,
        ignore_changes=tuple(request.options.ignoreChanges),
        notes=tuple(request.options.additionalSecretOutputs),
        dependencies=tuple(getattr(request, "dependencies", ())),
        property_dependencies={name: tuple(value.urns) for name, value in dependencies.items()},
    )
