"""What may stand at one place of a resource's inputs or outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
