"""Parameters of a cloud's database: their meaning for PostgreSQL on a small machine, and the groups of RDS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.emulator import EmulatorError
from localcloud.postgres import binaries, server_registry
from localcloud.postgres.binaries import Binaries
from localcloud.postgres.server_registry import ServerRecord
from localcloud.sandbox import Sandbox

RESTART = "postmaster"

TRANSLATED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    # Amazon RDS User Guide, "Performing logical replication for Amazon RDS for PostgreSQL"
    "rds.logical_replication": ("wal_level", {"1": "logical"}),
    # Cloud SQL, "Set up logical replication and decoding"
    "cloudsql.logical_decoding": ("wal_level", {"on": "logical"}),
}
"""Parameters of a service that stand for one of PostgreSQL's own, with the values that do."""

SERVICE_PREFIXES = (
    "rds.",
    "azure.",
    "azure_storage.",
    "cloudsql.",
    "connection_throttle.",
    "index_tuning.",
    "intelligent_tuning.",
    "logfiles.",
    "metrics.",
    "pg_qs.",
    "pgbouncer.",
    "pgms_wait_sampling.",
)
SERVICE_PARAMETERS = frozenset({"intelligent_tuning", "require_secure_transport"})
"""Parameters that tell a service, not PostgreSQL, what to do. What they ask for in the way of TLS holds always here."""

EMULATED = frozenset(
    {
        "archive_command",
        "archive_library",
        "archive_mode",
        "cluster_name",
        "config_file",
        "data_directory",
        "dynamic_shared_memory_type",
        "event_source",
        "external_pid_file",
        "hba_file",
        "huge_pages",
        "ident_file",
        "listen_addresses",
        "log_destination",
        "log_directory",
        "log_filename",
        "logging_collector",
        "port",
        "primary_conninfo",
        "primary_slot_name",
        "restore_command",
        "shared_memory_type",
        "ssl",
        "ssl_ca_file",
        "ssl_cert_file",
        "ssl_key_file",
        "unix_socket_directories",
    }
)
"""What the service decides, there and here."""

BLOCK = 8192
CAPS: Mapping[str, int] = {"shared_buffers": 32 * 1024 * 1024 // BLOCK}
"""The most, in the parameter's own unit, that a machine which runs all servers at once can give."""

LIBRARY_LISTS = ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries")
FORMULA = re.compile(r"\{|GREATEST|LEAST|SUM")
SIZE = re.compile(r"\s*(\d+)\s*(kB|MB|GB)?\s*")
SIZE_UNITS = {"kB": 1024, "MB": 1024**2, "GB": 1024**3}


@dataclass(frozen=True)
class Translation:
    """Settings for postgresql.conf, and a line for the log on each parameter that is not among them."""

    settings: Mapping[str, str]
    left_out: tuple[str, ...]


def translate(parameters: Mapping[str, str], binaries: Binaries) -> Translation:
    """The settings that these parameters ask for."""
    settings: dict[str, str] = {}
    left_out: list[str] = []
    for name, value in sorted(parameters.items()):
        setting, reason = _translated(name, value, binaries)
        if setting is not None:
            settings.update([setting])
        if reason:
            left_out.append(f"{name} = {value!r}: {reason}")
    return Translation(settings, tuple(left_out))


def is_known(name: str, binaries: Binaries) -> bool:
    """Whether a service would take a parameter of this name: its own, an extension's, or PostgreSQL's."""
    return "." in name or name in SERVICE_PARAMETERS or name in binaries.settings


def is_static(name: str, binaries: Binaries) -> bool:
    """Whether a change of this parameter takes effect with a restart only."""
    own = TRANSLATED.get(name, (name, {}))[0]
    return own in binaries.settings and binaries.settings[own].context == RESTART


def _translated(name: str, value: str, binaries: Binaries) -> tuple[tuple[str, str] | None, str]:
    """The setting for one parameter (None: there is none), and what to log of it (empty: nothing)."""
    if name in TRANSLATED:
        own, values = TRANSLATED[name]
        return ((own, values[value.lower()]), "") if value.lower() in values else (None, "")
    if name in SERVICE_PARAMETERS or name.startswith(SERVICE_PREFIXES):
        return None, "tells the cloud's service, not PostgreSQL"
    if name in EMULATED:
        return None, "is decided by the service"
    if FORMULA.search(value):
        return None, "is a formula over the size of a cloud's machine"
    if name in LIBRARY_LISTS:
        return _libraries(name, value, binaries.libraries)
    if name in CAPS:
        return _capped(name, value)
    return (name, value), ""


def _libraries(name: str, value: str, folder: Path) -> tuple[tuple[str, str] | None, str]:
    wanted = [library.strip() for library in value.split(",") if library.strip()]
    there = [library for library in wanted if (folder / f"{library}.so").exists()]
    missing = ", ".join(library for library in wanted if library not in there)
    return (name, ",".join(there)), f"without {missing}, not part of this PostgreSQL" if missing else ""


def _capped(name: str, value: str) -> tuple[tuple[str, str] | None, str]:
    found = SIZE.fullmatch(value)
    if found is None:
        return (name, value), ""  # PostgreSQL will say what is wrong with it
    blocks = int(found[1]) * SIZE_UNITS[found[2]] // BLOCK if found[2] else int(found[1])
    if blocks <= CAPS[name]:
        return (name, value), ""
    return (name, str(CAPS[name])), f"lowered to {CAPS[name]} for this machine"


FOLDER = "rds-parameter-groups"
DEFAULT = "default."
KEPT = ("family", "description", "parameters", "tags")


def write_group(sandbox: Sandbox, name: str, inputs: Mapping[str, Any]) -> None:
    """Make or replace a group; EmulatorError names a parameter that PostgreSQL does not have."""
    known = binaries.find()
    for parameter in inputs.get("parameters", []):
        if not is_known(parameter["name"], known):
            raise EmulatorError(f"parameter group {name}: there is no parameter {parameter['name']!r}")
    sandbox.folder(FOLDER)
    sandbox.write(_file(name), {key: inputs[key] for key in KEPT if key in inputs})


def read_group(sandbox: Sandbox, name: str) -> dict[str, Any] | None:
    """The group as it is written down now."""
    found: dict[str, Any] | None = sandbox.read(_file(name))
    return found


def of_group(sandbox: Sandbox, name: str | None) -> dict[str, str]:
    """The values that a group sets; none for a default group."""
    if name is None or name.startswith(DEFAULT):
        return {}
    group = read_group(sandbox, name)
    if group is None:
        raise EmulatorError(f"parameter group {name} does not exist")
    return {parameter["name"]: str(parameter["value"]) for parameter in group.get("parameters", [])}


def users_of_group(sandbox: Sandbox, name: str) -> list[ServerRecord]:
    """The instances that take their parameters from it."""
    return [record for record in server_registry.every(sandbox) if record.inputs.get("parameterGroupName") == name]


def remove_group(sandbox: Sandbox, name: str) -> None:
    (sandbox.root / _file(name)).unlink(missing_ok=True)


def _file(name: str) -> str:
    return f"{FOLDER}/{name}.json"
