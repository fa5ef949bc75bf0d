"""The configuration of a pack: how strictly each control is enforced, and its options.

{"all": {"strict": true, "allowedRegions": ["eu-west-1"]}, "BKP-001": {"minimumDays": 35}, "ENC-001": "advisory"}

The engine hands it over; `--config` reads the file of `--policy-pack-config` without the engine, with the same meaning.
One file serves several packs: what it says of controls that only other packs hold is checked, and has no effect here.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from policies.control import Control
from policies.documents import first_problem
from policies.options import Options
from policies.registry import Registry
from policies.verdicts import CRITICAL, HIGH

ALL = "all"
EXEMPTIONS = "exemptions"
"""The name under which a pack reports exemptions that have no effect; it has a level, and no options."""


class BadConfiguration(Exception):
    """A configuration names an unknown control or option, or gives one a value that is not allowed."""


class Level(enum.Enum):
    """What a violation does to an update."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    REMEDIATE = "remediate"
    """Fix it where there is a fix, and be mandatory for the rest."""
    DISABLED = "disabled"

    @property
    def blocks(self) -> bool:
        """Tell whether a violation stops the update."""
        return self in (Level.MANDATORY, Level.REMEDIATE)


class PackOptions(Options):
    """What `all` may say besides the options of controls."""

    strict: bool = Field(False, description="Whether what cannot be determined blocks a preview too")
    allow_replacement: bool = Field(False, description="Whether fixes may be applied that could replace the resource")
    exemptions: str = Field("", description="The exemptions file, absolute or relative to the pack's folder")
    baseline: str = Field("", description="The baseline file, absolute or relative to the pack's folder")


@dataclass(frozen=True)
class Configuration:
    """Levels and options, checked."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    options: Mapping[str, Options] = field(default_factory=dict)
    pack: PackOptions = field(default_factory=PackOptions)

    def level(self, control: Control) -> Level:
        """Return how strictly a control is enforced."""
        return self.levels.get(control.id) or default_level(control)


def default_level(control: Control) -> Level:
    """Return the level of a control that no configuration names: critical and high violations block, others warn."""
    return Level.MANDATORY if control.severity in (CRITICAL, HIGH) else Level.ADVISORY


def read_configuration(
    registry: Registry, levels: Mapping[str, Level], properties: Mapping[str, Mapping[str, Any]]
) -> Configuration:
    """Read the configuration that the engine hands over; raises BadConfiguration."""
    names = PackOptions.names()
    given = {name: _restore_whole_numbers(values) for name, values in properties.items() if name != EXEMPTIONS}
    try:
        pack = PackOptions.model_validate({name: v for name, v in given.get(ALL, {}).items() if name in names})
    except ValidationError as error:
        raise BadConfiguration(f"{ALL}: {first_problem(error)}") from None
    shared = {name: value for name, value in given.get(ALL, {}).items() if name not in names}
    return Configuration(levels, read_options(registry, {**given, ALL: shared}), pack)


def read_options(registry: Registry, document: Mapping[str, Mapping[str, Any]]) -> dict[str, Options]:
    """Return the options of each control of the registry, by its id.

    Those under `all` go to every control that knows them. Controls and options that only another pack knows are
    checked all the same. Raises BadConfiguration.
    """
    shared = document.get(ALL, {})
    refuse_unknown_controls(document.keys() - {ALL}, registry)
    unknown = shared.keys() - {name for control in registry.known for name in control.options.names()}
    if unknown:
        raise BadConfiguration(f"{ALL}: {min(unknown)} is no option of any control of any pack")
    read = {control.id: _options_of(control, shared, document.get(control.id, {})) for control in registry.known}
    return {control.id: read[control.id] for control in registry.controls}


def refuse_unknown_controls(names: Iterable[str], registry: Registry) -> None:
    """Raise BadConfiguration for a name that is no control of any pack."""
    unknown = set(names) - registry.known_ids
    if unknown:
        raise BadConfiguration(f"{min(unknown)} is no control of any pack")


def _options_of(control: Control, shared: Mapping[str, Any], own: Mapping[str, Any]) -> Options:
    known = control.options.names()
    given = {name: value for name, value in shared.items() if name in known} | dict(own)
    try:
        return control.options.model_validate(given)
    except ValidationError as error:
        allowed = f"; its options are {', '.join(sorted(known))}" if known else "; it has no options"
        raise BadConfiguration(f"{control.id}: {first_problem(error)}{allowed}") from None


def _restore_whole_numbers(value: Any) -> Any:
    """Return the value with whole floats as integers: the engine hands over all numbers as floats."""
    if isinstance(value, Mapping):
        return {name: _restore_whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_restore_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


LEVEL = "enforcementLevel"


def read_configuration_file(registry: Registry, path: Path) -> Configuration:
    """Read a configuration for the controls of the registry; raises BadConfiguration."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(document, Mapping):
        raise BadConfiguration(f"{path}: must be an object with controls in it")
    try:
        return _read(registry, document)
    except BadConfiguration as fault:
        raise BadConfiguration(f"{path}: {fault}") from None


def _read(registry: Registry, document: Mapping[str, Any]) -> Configuration:
    levels: dict[str, Level] = {}
    properties: dict[str, dict[str, Any]] = {}
    for name, entry in document.items():
        given = {LEVEL: entry} if isinstance(entry, str) else entry
        if not isinstance(given, Mapping):
            raise BadConfiguration(f"{name}: must be a level, or an object with options")
        properties[name] = {option: value for option, value in given.items() if option != LEVEL}
        if LEVEL in given:
            levels[name] = _read_level(name, given[LEVEL])
    common = {control.id: levels[ALL] for control in registry.controls} if ALL in levels else {}
    refuse_unknown_controls(levels.keys() - {ALL, EXEMPTIONS}, registry)
    return read_configuration(registry, common | levels, properties)


def _read_level(name: str, text: Any) -> Level:
    try:
        return Level(text)
    except ValueError:
        allowed = ", ".join(level.value for level in Level)
        raise BadConfiguration(f"{name}: {text!r} is no level; there are {allowed}") from None
