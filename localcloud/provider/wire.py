"""The engine's value encoding and plain Python, in both directions.

On the wire everything is a protobuf Struct: secrets, outputs, resource references and assets are objects that carry
a signature, unknown values are reserved strings, and every number is a double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from localcloud.contract.type_expr import UNKNOWN, AssetValue, Unknown

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the protocol
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSETS: Mapping[str, Literal["asset", "archive"]] = {
    "c44067f5952c0a294b673a41bacd8c17": "asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "archive",
}
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""One reserved string for each kind of value (bool, number, string, list, asset, archive, object)."""

EXACT_INTEGERS = 2**53
"""Whole numbers beyond this are not exact as doubles, so they stay what they arrived as."""


@dataclass(frozen=True)
class WireAsset(AssetValue):
    """An asset with all the engine sent of it, so that it can be handed back unchanged."""

    fields: Mapping[str, Any] = field(default_factory=dict, compare=False)


def from_struct(struct: Struct) -> dict[str, Any]:
    """Plain Python: UNKNOWN for unknown values, secrets unwrapped, whole numbers as int."""
    return {key: from_value(value) for key, value in struct.fields.items()}


def from_value(value: Value) -> Any:
    """One value of the wire as plain Python."""
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [from_value(item) for item in value.list_value.values]
        case "struct_value":
            return _from_object(value.struct_value)
        case _:
            return None


def to_struct(properties: Mapping[str, Any]) -> Struct:
    """The wire's form of `properties`."""
    return Struct(fields={key: to_value(value) for key, value in properties.items()})


def to_value(value: Any) -> Value:
    """One plain value in the wire's form."""
    match value:
        case None:
            return Value(null_value=0)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case Unknown():
            return Value(string_value=UNKNOWN_TEXT)
        case WireAsset():
            return Value(struct_value=to_struct(value.fields))
        case Mapping():
            return Value(struct_value=to_struct(value))
        case list() | tuple() | set() | frozenset():
            return Value(list_value=ListValue(values=[to_value(item) for item in value]))
    raise TypeError(f"{type(value).__name__} has no form on the wire")


def to_document(value: Any) -> Any:
    """The JSON form of a plain value: assets become the object that stands for them on the wire."""
    match value:
        case WireAsset():
            return dict(value.fields)
        case Mapping():
            return {key: to_document(item) for key, item in value.items()}
        case list() | tuple():
            return [to_document(item) for item in value]
        case _:
            return value


def from_document(document: Any) -> Any:
    """What `to_document` was given."""
    match document:
        case {"4dabf18193072939515e22adb298388d": str(signature)} if signature in ASSETS:
            return _asset(signature, document)
        case dict():
            return {key: from_document(item) for key, item in document.items()}
        case list():
            return [from_document(item) for item in document]
        case _:
            return document


def _from_object(struct: Struct) -> Any:
    fields = struct.fields
    if SIGNATURE not in fields:
        return from_struct(struct)
    signature = fields[SIGNATURE].string_value
    if signature == SECRET:
        return from_value(fields["value"])
    if signature == OUTPUT:
        return from_value(fields["value"]) if "value" in fields else UNKNOWN
    if signature == RESOURCE:
        return from_value(fields["id"] if "id" in fields else fields["urn"])
    plain = from_struct(struct)
    return _asset(signature, plain) if signature in ASSETS else plain


def _asset(signature: str, fields: Mapping[str, Any]) -> WireAsset:
    return WireAsset(kind=ASSETS[signature], hash=str(fields.get("hash", "")), fields=dict(fields))


def _number(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) < EXACT_INTEGERS else number
