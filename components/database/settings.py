"""Settings of a PostgreSQL server, the same for every cloud, and the server parameters that follow for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

APP_ROLE = "ledger"
ADMIN_ROLE = "migrator"
DATABASE = "ledger"

MAJOR_VERSIONS = (17, 18)
"""Versions from 17 on that Amazon RDS, Azure flexible server and Cloud SQL all offer."""

STORAGE_SIZES_GB = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
"""The sizes of Azure's Premium SSD disks; the two other services accept them, too."""


LOG_RETENTION_DAYS = (30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""Periods that CloudWatch Logs accepts, from 30 days on."""

_LONGEST_MS = 2**31 - 1

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


class InvalidSettings(ValueError):
    """A database setting that one of the three services refuses."""


class Tier(StrEnum):
    """Size of a server; each cloud's module maps it to a machine type."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


MOST_CONNECTIONS: Mapping[Tier, int] = {Tier.SMALL: 400, Tier.MEDIUM: 1700, Tier.LARGE: 5000}
"""Most connections for which the smallest of a tier's three servers has memory, by the defaults of Amazon RDS (bytes of
memory / 9531392, at most 5000) and Azure (1718 for 16 GiB); both advise not to exceed them. Multiples of 100."""


class Day(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """1 is Monday, 7 is Sunday."""
        return list(Day).index(self) + 1

    @property
    def next(self) -> Day:
        return list(Day)[self.number % len(Day)]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits that protect a server from its clients."""

    max_connections: int = 400
    max_prepared_transactions: int = 100
    """Most open two-phase commits; 0 forbids them."""
    statement_timeout_ms: int = 30_000
    idle_in_transaction_ms: int = 60_000
    """The server ends a session that stays idle in a transaction for longer."""

    def check(self) -> None:
        """Raise InvalidSettings if one of the three services refuses a limit."""
        _check_between("limits.max_connections", self.max_connections, 25, 5000)
        _check_between("limits.max_prepared_transactions", self.max_prepared_transactions, 0, 5000)
        _check_between("limits.statement_timeout_ms", self.statement_timeout_ms, 1, _LONGEST_MS)
        _check_between("limits.idle_in_transaction_ms", self.idle_in_transaction_ms, 1, _LONGEST_MS)


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """One hour a week in which the cloud may patch and restart."""

    day: Day = Day.SUNDAY
    hour: int = 2
    """0 to 23, UTC."""


@dataclass(frozen=True, kw_only=True)
class PostgresSettings:
    """One PostgreSQL server and its replicas."""

    tier: Tier
    zone_redundant: bool
    """Whether a synchronous standby runs in another zone; needs a tier above small."""
    deletion_protection: bool
    """The cloud itself refuses to delete it."""
    protect: bool
    """Pulumi refuses to delete or replace it."""
    major_version: int = 17
    storage_gb: int = 64
    backup_retention_days: int = 14
    """Range of point-in-time recovery, 7 to 35 days (on small Cloud SQL servers at most 7)."""
    log_retention_days: int = 365
    """Retention of exported logs, where the database component creates their store."""
    replicas: int = 0
    """Read replicas in the same region."""
    limits: Limits = field(default_factory=Limits)
    maintenance: Maintenance = field(default_factory=Maintenance)

    def __post_init__(self) -> None:
        _check_one_of("major_version", self.major_version, MAJOR_VERSIONS)
        _check_one_of("storage_gb", self.storage_gb, STORAGE_SIZES_GB)
        _check_one_of("log_retention_days", self.log_retention_days, LOG_RETENTION_DAYS)
        _check_between("backup_retention_days", self.backup_retention_days, 7, 35)
        _check_between("replicas", self.replicas, 0, 5)
        _check_between("maintenance.hour", self.maintenance.hour, 0, 23)
        self.limits.check()
        most = MOST_CONNECTIONS[self.tier]
        if self.limits.max_connections > most:
            raise InvalidSettings(
                f"limits.max_connections: {self.limits.max_connections} is more than the {most} of tier {self.tier}"
            )
        if self.tier is Tier.SMALL and (self.zone_redundant or self.replicas):
            key = "zone_redundant: True" if self.zone_redundant else f"replicas: {self.replicas}"
            raise InvalidSettings(f"{key} needs tier medium or large; Azure's burstable servers can have neither")


def _check_one_of(key: str, value: int, allowed: tuple[int, ...]) -> None:
    if value not in allowed:
        raise InvalidSettings(f"{key}: {value} is not one of {', '.join(map(str, allowed))}")


def _check_between(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidSettings(f"{key}: {value} is not within {low} to {high}")


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
