"""Which certificate authorities a shard's server must show a certificate of."""

from __future__ import annotations

import atexit
import os
import tempfile
from functools import cache
from pathlib import Path

from app.topology import Shard

AUTHORITIES = Path("/etc/ssl/databases")
"""Where the image keeps `<home>.pem` for clouds whose database authorities are not among the system's."""
SYSTEM = "system"
"""libpq's word for the authorities that the system trusts."""


def root_certificates(shard: Shard) -> str | None:
    """What to hand to libpq as `sslrootcert`; None where the environment already says it."""
    if os.environ.get("PGSSLROOTCERT"):
        return None
    if shard.authority:
        return _as_file(shard.authority)
    shipped = AUTHORITIES / f"{shard.home}.pem"
    return str(shipped) if shipped.is_file() else SYSTEM


@cache
def _as_file(certificates: str) -> str:
    """libpq takes certificates from files only."""
    with tempfile.NamedTemporaryFile("w", prefix="authority-", suffix=".pem", delete=False) as file:
        file.write(certificates)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name
