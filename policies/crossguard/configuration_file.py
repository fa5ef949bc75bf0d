"""The file that `--policy-pack-config` takes, read without the engine: the same words, the same meaning.

{"all": {"strict": true, "enforcementLevel": "advisory"}, "TLS-004": "remediate", "BKP-001": {"minimumDays": 35}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from policies.control import Control
from policies.crossguard.configuration import Configuration, Level, read_configuration
from policies.crossguard.gate import EXEMPTIONS
from policies.options import ALL, BadConfiguration

LEVEL = "enforcementLevel"


def read_configuration_file(controls: Iterable[Control], path: Path) -> Configuration:
    """A pack's configuration; raises BadConfiguration."""
    controls = tuple(controls)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(document, Mapping):
        raise BadConfiguration(f"{path}: must be an object with controls in it")
    try:
        return _configuration(controls, document)
    except BadConfiguration as fault:
        raise BadConfiguration(f"{path}: {fault}") from None


def _configuration(controls: tuple[Control, ...], document: Mapping[str, Any]) -> Configuration:
    levels: dict[str, Level] = {}
    properties: dict[str, dict[str, Any]] = {}
    for name, said in document.items():
        given = {LEVEL: said} if isinstance(said, str) else said
        if not isinstance(given, Mapping):
            raise BadConfiguration(f"{name}: must be a level, or an object with options")
        properties[name] = {option: value for option, value in given.items() if option != LEVEL}
        if LEVEL in given:
            levels[name] = _level(name, given[LEVEL])
    common = {control.id: levels[ALL] for control in controls} if ALL in levels else {}
    known = {control.id for control in controls}
    strangers = levels.keys() - known - {ALL, EXEMPTIONS}
    if strangers:
        raise BadConfiguration(f"{min(strangers)} is no control of this pack")
    return read_configuration(controls, common | levels, properties, frozenset({EXEMPTIONS}))


def _level(name: str, said: Any) -> Level:
    try:
        return Level(said)
    except ValueError:
        allowed = ", ".join(level.value for level in Level)
        raise BadConfiguration(f"{name}: {said!r} is no level; there are {allowed}") from None
