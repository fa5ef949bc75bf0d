"""The parameters that a connection to a shard's database is made with."""

from __future__ import annotations

import atexit
import os
import tempfile
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from app.database.login import Login
from app.topology import Shard

APPLICATION = "fortress"
CERTIFICATE_AUTHORITIES = Path("/etc/ssl/databases")
"""Where the image keeps `<home>.pem`, for clouds whose database authorities are not among the system's."""
SYSTEM_AUTHORITIES = "system"
"""libpq's word for the authorities that the system trusts."""


class Role(Enum):
    """Which of a shard's two roles to connect as."""

    APP = "app"
    ADMIN = "admin"


def connection_parameters(shard: Shard, role: Role, login: Login, *, database: str | None = None) -> dict[str, Any]:
    """Return libpq's parameters. `password` may hold a token: pass the result to libpq only.

    libpq takes the rest from its environment: PGPORT, PGSSLCERT, PGSSLKEY, PGSSLROOTCERT.
    """
    parameters: dict[str, Any] = {
        "host": shard.host,
        "dbname": database or shard.database,
        "user": shard.app.user if role is Role.APP else shard.admin.user,
        "sslmode": "verify-full",
        "application_name": APPLICATION,
        "target_session_attrs": "read-write",
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 30,
    }
    optional = {
        "hostaddr": shard.address,
        "port": shard.port,
        "sslrootcert": root_certificates(shard),
        "password": login.password(),
    }
    return parameters | {name: value for name, value in optional.items() if value is not None}


def root_certificates(shard: Shard) -> str | None:
    """Return libpq's `sslrootcert` for a shard; None if PGSSLROOTCERT is set."""
    if os.environ.get("PGSSLROOTCERT"):
        return None
    if shard.authority:
        return _write_certificates(shard.authority)
    shipped = CERTIFICATE_AUTHORITIES / f"{shard.home}.pem"
    return str(shipped) if shipped.is_file() else SYSTEM_AUTHORITIES


@cache
def _write_certificates(certificates: str) -> str:
    """Write certificates to a temporary file and return its path: libpq reads certificates from files only."""
    with tempfile.NamedTemporaryFile("w", prefix="authority-", suffix=".pem", delete=False) as file:
        file.write(certificates)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name
