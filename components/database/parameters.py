"""The same server parameters under the names, units and spellings of each cloud. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.database.settings import PostgresSettings, Tier

AUDITED = "ddl,role"
"""What pgaudit records beside connections: changes of structure and of rights."""

# Parameters that RDS applies at the next restart only (Amazon RDS User Guide, parameters of RDS for PostgreSQL)
_STATIC_ON_RDS = frozenset(
    {
        "max_connections",
        "max_prepared_transactions",
        "rds.logical_replication",
        "shared_preload_libraries",
        "track_commit_timestamp",
    }
)


@dataclass(frozen=True, kw_only=True)
class RdsParameter:
    name: str
    value: str
    apply_method: str


def rds_parameters(settings: PostgresSettings) -> list[RdsParameter]:
    """Members of a DB parameter group; switches are `1`, times are milliseconds."""
    values = {
        **_common(settings, on="1"),
        "rds.force_ssl": "1",
        "rds.logical_replication": "1",
        "shared_preload_libraries": "pg_stat_statements,pgaudit",
        "ssl_min_protocol_version": "TLSv1.2",
    }
    return [
        RdsParameter(name=name, value=value, apply_method="pending-reboot" if name in _STATIC_ON_RDS else "immediate")
        for name, value in sorted(values.items())
    ]


def azure_parameters(settings: PostgresSettings) -> dict[str, str]:
    """Configurations of a flexible server; switches are `on`, and one of them is spelt `ON`."""
    values = {
        **_common(settings, on="on"),
        "azure.extensions": "pgaudit,pg_stat_statements",
        "connection_throttle.enable": "on",
        "require_secure_transport": "ON",
        "shared_preload_libraries": "pg_stat_statements,pgaudit",
        "ssl_min_protocol_version": "TLSv1.2",
        "wal_level": "logical",
    }
    if settings.tier is not Tier.SMALL:
        # Query store is not meant for burstable servers: it would eat the credits they run on.
        values |= {"pg_qs.query_capture_mode": "top", "pgms_wait_sampling.query_capture_mode": "all"}
    return dict(sorted(values.items()))


def cloud_sql_flags(settings: PostgresSettings) -> dict[str, str]:
    """Database flags; TLS is no flag here but part of the instance's address settings."""
    values = {
        **_common(settings, on="on"),
        "cloudsql.enable_pgaudit": "on",
        "cloudsql.iam_authentication": "on",
        "cloudsql.logical_decoding": "on",
    }
    return dict(sorted(values.items()))


def _common(settings: PostgresSettings, *, on: str) -> dict[str, str]:
    limits = settings.limits
    return {
        "idle_in_transaction_session_timeout": str(limits.idle_in_transaction_ms),
        "log_checkpoints": on,
        "log_connections": on,
        "log_disconnections": on,
        "log_lock_waits": on,
        "max_connections": str(limits.max_connections),
        "max_prepared_transactions": str(limits.max_prepared_transactions),
        "pgaudit.log": AUDITED,
        "statement_timeout": str(limits.statement_timeout_ms),
        "track_commit_timestamp": on,
    }
