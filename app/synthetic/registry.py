"""Build columns from schema files: look a kind up by its name and let pydantic check its parameters.

Each module in `MODULES` offers its kinds as `KINDS`, from name to class. They are imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from app.synthetic.columns import Column
from app.synthetic.errors import ImpossibleParameters, InvalidSchema, SyntheticError, UnknownKind, UnknownParameter

_TYPES = frozenset({"bool", "int", "float", "str", "date", "datetime"})
MODULES = (
    "app.synthetic.kinds.values",
    "app.synthetic.kinds.times",
    "app.synthetic.kinds.template",
    "app.synthetic.numbers.distributions",
    "app.synthetic.numbers.mixture",
    "app.synthetic.text.kinds",
    "app.synthetic.places.kinds",
    "app.synthetic.people.kinds",
    "app.synthetic.identifiers.kinds",
    "app.synthetic.behaviour.statement",
    "app.synthetic.behaviour.series",
)


@cache
def kinds() -> Mapping[str, type[Column]]:
    """Return all kinds by name."""
    found: dict[str, type[Column]] = {}
    for module in MODULES:
        found |= import_module(module).KINDS
    return found


def kind(name: str) -> type[Column]:
    """Return the kind of that name; raise UnknownKind."""
    try:
        return kinds()[name]
    except KeyError:
        raise UnknownKind("kind", name, kinds()) from None


def column_of(given: Any) -> Column:
    """Build a column from a kind's name, or from a mapping with `kind` and its parameters.

    Raises InvalidSchema, UnknownKind, UnknownParameter and ImpossibleParameters.
    """
    parameters = {"kind": given} if isinstance(given, str) else given
    if not isinstance(parameters, Mapping) or not isinstance(parameters.get("kind"), str):
        raise InvalidSchema("is no column: write the name of a kind, or a mapping with `kind` and its parameters")
    name = parameters["kind"]
    chosen = kind(name)
    try:
        return _adapter(chosen).validate_python({key: value for key, value in parameters.items() if key != "kind"})
    except ValidationError as error:
        raise _refusal(name, chosen, error) from None


@cache
def _adapter(chosen: type[Column]) -> TypeAdapter[Column]:
    return TypeAdapter(with_config(ConfigDict(extra="forbid", arbitrary_types_allowed=True))(chosen))


def _refusal(name: str, chosen: type[Column], error: ValidationError) -> SyntheticError:
    found = error.errors()
    # A misspelt name explains a missing one, not the other way round.
    first = next((problem for problem in found if problem["type"] == "unexpected_keyword_argument"), found[0])
    where = ".".join(str(part) for part in first["loc"] if not _is_a_way_to_read(part))
    if first["type"] == "unexpected_keyword_argument":
        return UnknownParameter(f"parameter of {name}", where, parameters_of(chosen))
    if first["type"] == "missing":
        return ImpossibleParameters(f"{name} needs the parameter {where}")
    return ImpossibleParameters(f"{where} is {first['input']!r:.100}: {first['msg'][0].lower()}{first['msg'][1:]}")


def _is_a_way_to_read(part: int | str) -> bool:
    """Return whether this part of pydantic's location is a type, such as `dict[str,float]`."""
    return isinstance(part, str) and (part in _TYPES or "[" in part)


def parameters_of(chosen: type[Column]) -> list[str]:
    """Return the names of a kind's parameters."""
    return [field.name for field in fields(chosen)] if is_dataclass(chosen) else []
