"""The same server parameters in the names, units and spelling of each cloud. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.database.settings import PostgresSettings, Tier

AUDITED = "ddl,role"
"""What pgaudit records besides connections: changes of schema and of rights."""

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


def list_rds_parameters(settings: PostgresSettings) -> list[RdsParameter]:
    """Return members of a DB parameter group; switches are `1`, times are milliseconds."""
    values = {
        **_build_common(settings, on="1"),
        "rds.force_ssl": "1",
        "rds.logical_replication": "1",
        "shared_preload_libraries": "pg_stat_statements,pgaudit",
        "ssl_min_protocol_version": "TLSv1.2",
    }
    return [
        RdsParameter(name=name, value=value, apply_method="pending-reboot" if name in _STATIC_ON_RDS else "immediate")
        for name, value in sorted(values.items())
    ]


def list_azure_parameters(settings: PostgresSettings) -> dict[str, str]:
    """Return configurations of a flexible server; switches are `on`, one of them `ON`."""
    values = {
        **_build_common(settings, on="on"),
        "azure.extensions": "pgaudit,pg_stat_statements",
        "connection_throttle.enable": "on",
        "require_secure_transport": "ON",
        "shared_preload_libraries": "pg_stat_statements,pgaudit",
        "ssl_min_protocol_version": "TLSv1.2",
        "wal_level": "logical",
    }
    if settings.tier is not Tier.SMALL:
        # Query store does not fit burstable servers: it would use up their CPU credits.
        values |= {"pg_qs.query_capture_mode": "top", "pgms_wait_sampling.query_capture_mode": "all"}
    return dict(sorted(values.items()))


def list_cloud_sql_flags(settings: PostgresSettings) -> dict[str, str]:
    """Return database flags; TLS is not a flag but part of the instance's IP configuration."""
    values = {
        **_build_common(settings, on="on"),
        "cloudsql.enable_pgaudit": "on",
        "cloudsql.iam_authentication": "on",
        "cloudsql.logical_decoding": "on",
    }
    return dict(sorted(values.items()))


def _build_common(settings: PostgresSettings, *, on: str) -> dict[str, str]:
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
