"""What may stand at one place of a resource's inputs or outputs, and the values that plain Python has no word for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

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

    item: TypeExpr


@dataclass(frozen=True)
class MapOf:
    """A map with free keys and like values."""

    value: TypeExpr


@dataclass(frozen=True)
class Object:
    """An object whose properties the shape of this name tells."""

    shape: str


@dataclass(frozen=True)
class Either:
    """Any one of several terms."""

    members: tuple[TypeExpr, ...]


TypeExpr: TypeAlias = Scalar | Anything | JsonText | Quantity | File | Enum | ListOf | MapOf | Object | Either


@dataclass(frozen=True)
class Property:
    """One property of an object."""

    expr: TypeExpr
    required: bool = False


@dataclass(frozen=True)
class Shape:
    """The properties of an object under their wire names, and those of them that have one constant value."""

    properties: Mapping[str, Property]
    constants: Mapping[str, str | int | float | bool]
    open: bool = False
    """Whether other properties than these may be there, with any value."""


class Unknown:
    """A value that exists only after the resource it comes from; there is one instance, UNKNOWN."""

    _only: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "<unknown>"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self

    def __copy__(self) -> Unknown:
        return self

    def __reduce__(self) -> tuple[type[Unknown], tuple[()]]:
        return (Unknown, ())


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class AssetValue:
    """A file or an archive that the engine passes by reference."""

    kind: Literal["asset", "archive"]
    hash: str = ""
    """The engine's hash of its content, so that a changed file is a changed value."""
