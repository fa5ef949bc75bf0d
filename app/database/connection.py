"""What a connection to a shard's database is made with."""

from __future__ import annotations

from enum import Enum
from typing import Any

from app.database.login import Login
from app.database.trust import root_certificates
from app.topology import Shard

APPLICATION = "fortress"


class Role(Enum):
    """As whom to connect."""

    APP = "app"
    ADMIN = "admin"


def connection_parameters(shard: Shard, role: Role, login: Login, *, database: str | None = None) -> dict[str, Any]:
    """libpq's parameters; the password among them is a token, and only ever handed to libpq.

    What is left out here libpq takes from the environment: PGPORT, PGSSLCERT, PGSSLKEY, PGSSLROOTCERT.
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
