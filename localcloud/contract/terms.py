"""What may stand at one place of a resource's inputs or outputs: type terms, and how a cache file spells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ScalarName: TypeAlias = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True)
class Scalar:
    """One text, whole number, number or truth value."""

    name: ScalarName


@dataclass(frozen=True)
class Anything:
    """Any document: the SDK does not say more."""


@dataclass(frozen=True)
class JsonText:
    """JSON text that a program may also give as a document."""


@dataclass(frozen=True)
class Quantity:
    """A Kubernetes quantity: text such as `500m`, or a number."""


@dataclass(frozen=True)
class File:
    """An asset or an archive."""


@dataclass(frozen=True)
class Enum:
    """One of a closed set of values."""

    values: tuple[str | int | float | bool, ...]


@dataclass(frozen=True)
class ListOf:
    """A list of like items."""

    item: Term


@dataclass(frozen=True)
class MapOf:
    """A map with free keys and like values."""

    value: Term


@dataclass(frozen=True)
class Object:
    """An object whose properties the shape of this name tells."""

    shape: str


@dataclass(frozen=True)
class Either:
    """Any one of several terms."""

    members: tuple[Term, ...]


Term: TypeAlias = Scalar | Anything | JsonText | Quantity | File | Enum | ListOf | MapOf | Object | Either
Encoded: TypeAlias = Any
"""A term as JSON: a word, or a list that begins with one."""

_WORDS: Mapping[str, Term] = {
    "str": Scalar("str"),
    "int": Scalar("int"),
    "float": Scalar("float"),
    "bool": Scalar("bool"),
    "any": Anything(),
    "json": JsonText(),
    "quantity": Quantity(),
    "file": File(),
}


@dataclass(frozen=True)
class Property:
    """One property of an object."""

    term: Term
    required: bool = False


@dataclass(frozen=True)
class Shape:
    """The properties of an object under their wire names, and those of them that have one constant value."""

    properties: Mapping[str, Property]
    constants: Mapping[str, str | int | float | bool]
    open: bool = False
    """Whether other properties than these may be there, with any value."""


def decode(encoded: Encoded) -> Term:
    """The term that `encoded` spells."""
    if isinstance(encoded, str):
        return _WORDS[encoded]
    kind, argument = encoded
    match kind:
        case "list":
            return ListOf(decode(argument))
        case "map":
            return MapOf(decode(argument))
        case "object":
            return Object(argument)
        case "enum":
            return Enum(tuple(argument))
        case _:
            return Either(tuple(decode(member) for member in argument))


def decode_shape(encoded: Encoded) -> Shape:
    """The shape that `encoded` spells: `{"properties": {name: [term, required]}, "constants": {name: value}}`."""
    properties = {name: Property(decode(term), required) for name, (term, required) in encoded["properties"].items()}
    return Shape(properties, encoded["constants"], encoded.get("open", False))
