"""Typed options of controls: which regions are allowed, how many days are enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from policies.control import Control

ALL = "all"


class BadConfiguration(Exception):
    """A policy pack's configuration names what is not there, or gives it a value that is not allowed."""


class Options(BaseModel):
    """The base of every control's options; written in camelCase in the configuration, each with a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)

    @classmethod
    def names(cls) -> frozenset[str]:
        """The options as the configuration writes them."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def schema_properties(cls) -> dict[str, dict[str, Any]]:
        """JSON schema of each option, for the engine to check and to show."""
        properties: dict[str, dict[str, Any]] = cls.model_json_schema(by_alias=True).get("properties", {})
        return {name: {k: v for k, v in schema.items() if k != "title"} for name, schema in properties.items()}


def read_options(
    controls: Iterable[Control], document: Mapping[str, Mapping[str, Any]], reserved: frozenset[str] = frozenset()
) -> dict[str, Options]:
    """Each control's options, by its id; those under `all` go to every control that knows them.

    `reserved` are names under `all` that mean the pack and no control. Raises BadConfiguration.
    """
    by_id = {control.id: control for control in controls}
    shared = {name: value for name, value in document.get(ALL, {}).items() if name not in reserved}
    strangers = document.keys() - by_id.keys() - {ALL}
    if strangers:
        raise BadConfiguration(f"{min(strangers)} is no control of this pack")
    homeless = shared.keys() - {name for control in by_id.values() for name in control.options.names()}
    if homeless:
        raise BadConfiguration(f"all: {min(homeless)} is no option of any control of this pack")
    return {id_: _options(control, shared, document.get(id_, {})) for id_, control in by_id.items()}


def _options(control: Control, shared: Mapping[str, Any], own: Mapping[str, Any]) -> Options:
    known = control.options.names()
    given = {name: value for name, value in shared.items() if name in known} | dict(own)
    try:
        return control.options.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        allowed = f"; its options are {', '.join(sorted(known))}" if known else "; it has no options"
        raise BadConfiguration(f"{control.id}: {where}: {problem['msg']}{allowed}") from None
