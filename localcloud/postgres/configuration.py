"""The three configuration files of a PostgreSQL server: settings, who may connect, and who is who."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.postgres.server_registry import ServerRecord

REPLICATOR = "replicator"
IDENT_MAP = "localcloud"
ZONE_FILE = Path("/usr/share/zoneinfo/UTC")

SMALL: Mapping[str, str] = {
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "max_slot_wal_keep_size": "512MB",
    "jit": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
"""What suits a machine that runs all servers at once, where the resource asks for nothing else."""


@dataclass(frozen=True)
class Files:
    """Where a server finds what its configuration names."""

    hba: Path
    ident: Path
    certificate: Path
    key: Path
    authority: Path
    replication_certificate: Path
    replication_key: Path


def postgresql_conf(
    record: ServerRecord, settings: Mapping[str, str], files: Files, primary: ServerRecord | None
) -> str:
    """The settings: ours for a small machine, over them the resource's own, over them what the emulator decides."""
    # Without the system's time zone files GMT is the one zone that PostgreSQL knows.
    zone = {"timezone": "UTC", "log_timezone": "UTC"} if ZONE_FILE.exists() else {}
    decided = {
        "listen_addresses": record.address,
        "port": str(record.port),
        "unix_socket_directories": "",
        "cluster_name": record.key,
        "hba_file": str(files.hba),
        "ident_file": str(files.ident),
        "ssl": "on",
        "ssl_cert_file": str(files.certificate),
        "ssl_key_file": str(files.key),
        "ssl_ca_file": str(files.authority),
        "huge_pages": "off",
        "lc_messages": "C",
    }
    lines = {**SMALL, **zone, **settings, **decided, **_following(record, files, primary)}
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in sorted(lines.items()))


def pg_hba_conf() -> str:
    """TLS with a client certificate is the only way in."""
    return f"""# TYPE   DATABASE     USER  ADDRESS      METHOD
hostssl  all          all   127.0.0.0/8  cert map={IDENT_MAP}
hostssl  replication  all   127.0.0.0/8  cert map={IDENT_MAP}
"""


def pg_ident_conf(record: ServerRecord) -> str:
    """A certificate logs in as the role of its name, and as the cloud identity of that name."""
    lines = [f"{IDENT_MAP}  /^(.*)$  \\1\n"]
    if record.iam_domain:
        lines.append(f"{IDENT_MAP}  /^(.*)$  \\1@{record.iam_domain}\n")
    return "".join(lines)


def replication_conninfo(primary: ServerRecord, files: Files) -> str:
    """How a standby reaches its primary; no secret in it but the name of a file that only its account can read."""
    words = {
        "host": primary.address,
        "port": str(primary.port),
        "user": REPLICATOR,
        "sslmode": "verify-full",
        "sslrootcert": str(files.authority),
        "sslcert": str(files.replication_certificate),
        "sslkey": str(files.replication_key),
    }
    return " ".join(f"{name}={_conninfo_quoted(value)}" for name, value in words.items())


def slot(record: ServerRecord) -> str:
    """The replication slot of a standby on its primary."""
    digest = hashlib.sha256(record.key.encode()).hexdigest()[:8]
    return re.sub("[^a-z0-9_]", "_", f"standby_{record.key[:40].lower()}_{digest}")


def _following(record: ServerRecord, files: Files, primary: ServerRecord | None) -> dict[str, str]:
    if primary is None:
        return {}
    return {
        "primary_conninfo": replication_conninfo(primary, files),
        "primary_slot_name": slot(record),
        "hot_standby": "on",
        "hot_standby_feedback": "on",
        "wal_retrieve_retry_interval": "500ms",  # a primary on this machine is back soon
    }


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _conninfo_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
