"""The parameter groups of RDS: named sets of parameters, each a JSON file that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.emulator import EmulatorError
from localcloud.postgres import binaries, server_registry
from localcloud.postgres.parameters import is_known
from localcloud.postgres.server_registry import ServerRecord
from localcloud.sandbox import Sandbox

FOLDER = "rds-parameter-groups"
DEFAULT = "default."
KEPT = ("family", "description", "parameters", "tags")


def write(sandbox: Sandbox, name: str, inputs: Mapping[str, Any]) -> None:
    """Make or replace a group; EmulatorError names a parameter that PostgreSQL does not have."""
    known = binaries.find()
    for parameter in inputs.get("parameters", []):
        if not is_known(parameter["name"], known):
            raise EmulatorError(f"parameter group {name}: there is no parameter {parameter['name']!r}")
    sandbox.folder(FOLDER)
    sandbox.write(_file(name), {key: inputs[key] for key in KEPT if key in inputs})


def read(sandbox: Sandbox, name: str) -> dict[str, Any] | None:
    """The group as it is written down now."""
    found: dict[str, Any] | None = sandbox.read(_file(name))
    return found


def parameters(sandbox: Sandbox, name: str | None) -> dict[str, str]:
    """The values that a group sets; none for a default group."""
    if name is None or name.startswith(DEFAULT):
        return {}
    group = read(sandbox, name)
    if group is None:
        raise EmulatorError(f"parameter group {name} does not exist")
    return {parameter["name"]: str(parameter["value"]) for parameter in group.get("parameters", [])}


def users(sandbox: Sandbox, name: str) -> list[ServerRecord]:
    """The instances that take their parameters from it."""
    return [record for record in server_registry.every(sandbox) if record.inputs.get("parameterGroupName") == name]


def remove(sandbox: Sandbox, name: str) -> None:
    (sandbox.root / _file(name)).unlink(missing_ok=True)


def _file(name: str) -> str:
    return f"{FOLDER}/{name}.json"
