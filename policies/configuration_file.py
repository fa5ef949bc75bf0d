"""The file that `--policy-pack-config` takes, read without the engine: the same words, the same meaning.

{"all": {"strict": true, "enforcementLevel": "advisory"}, "TLS-004": "remediate", "BKP-001": {"minimumDays": 35}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policies.configuration import (
    ALL,
    EXEMPTIONS,
    BadConfiguration,
    Configuration,
    Level,
    read_configuration,
    refuse_unknown_controls,
)
from policies.registry import Registry

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
