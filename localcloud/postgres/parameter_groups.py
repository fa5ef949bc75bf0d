"""The parameter groups of RDS: named sets of parameters, each a JSON file that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.body import BodyError
from localcloud.home import Home
from localcloud.postgres import binaries, records
from localcloud.postgres.parameters import is_known
from localcloud.postgres.records import Record

FOLDER = "rds-parameter-groups"
DEFAULT = "default."
KEPT = ("family", "description", "parameters", "tags")


def write(home: Home, name: str, inputs: Mapping[str, Any]) -> None:
    """Make or replace a group; BodyError names a parameter that PostgreSQL does not have."""
    known = binaries.find()
    for parameter in inputs.get("parameters", []):
        if not is_known(parameter["name"], known):
            raise BodyError(f"parameter group {name}: there is no parameter {parameter['name']!r}")
    home.folder(FOLDER)
    home.write(_file(name), {key: inputs[key] for key in KEPT if key in inputs})


def read(home: Home, name: str) -> dict[str, Any] | None:
    """The group as it is written down now."""
    found: dict[str, Any] | None = home.read(_file(name))
    return found


def parameters(home: Home, name: str | None) -> dict[str, str]:
    """The values that a group sets; none for a default group."""
    if name is None or name.startswith(DEFAULT):
        return {}
    group = read(home, name)
    if group is None:
        raise BodyError(f"parameter group {name} does not exist")
    return {parameter["name"]: str(parameter["value"]) for parameter in group.get("parameters", [])}


def users(home: Home, name: str) -> list[Record]:
    """The instances that take their parameters from it."""
    return [record for record in records.every(home) if record.inputs.get("parameterGroupName") == name]


def remove(home: Home, name: str) -> None:
    (home.root / _file(name)).unlink(missing_ok=True)


def _file(name: str) -> str:
    return f"{FOLDER}/{name}.json"
