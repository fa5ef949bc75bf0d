"""What a PostgreSQL of this platform is asked for, whichever cloud runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

APP_ROLE = "ledger"
ADMIN_ROLE = "migrator"
DATABASE = "ledger"

MAJOR_VERSIONS = (17, 18)
"""What Amazon RDS, Azure flexible server and Cloud SQL all offer, of 17 and newer."""

STORAGE_SIZES_GB = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
"""The sizes of Azure's Premium SSD disks, which the two other services accept as well."""


LOG_RETENTION_DAYS = (30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""Periods that CloudWatch Logs knows, from 30 days on."""

_LONGEST_MS = 2**31 - 1


class InvalidSettings(ValueError):
    """A database setting that one of the three services would refuse."""


class Tier(StrEnum):
    """How large a server is; each cloud's module has the table of its own sizes."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


MOST_CONNECTIONS: Mapping[Tier, int] = {Tier.SMALL: 400, Tier.MEDIUM: 1700, Tier.LARGE: 5000}
"""What the smallest of the three servers of a tier has memory for, by the defaults of Amazon RDS (bytes of memory /
9531392, at most 5000) and Azure (1718 for 16 GiB), which both advise not to exceed. Multiples of 100."""


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
    """What protects a server from its own clients."""

    max_connections: int = 400
    max_prepared_transactions: int = 100
    """Two-phase commits that may be open at once; 0 forbids them."""
    statement_timeout_ms: int = 30_000
    idle_in_transaction_ms: int = 60_000
    """A session that holds a transaction open and does nothing is ended after this."""

    def check(self) -> None:
        """Within what all three services take."""
        _between("limits.max_connections", self.max_connections, 25, 5000)
        _between("limits.max_prepared_transactions", self.max_prepared_transactions, 0, 5000)
        _between("limits.statement_timeout_ms", self.statement_timeout_ms, 1, _LONGEST_MS)
        _between("limits.idle_in_transaction_ms", self.idle_in_transaction_ms, 1, _LONGEST_MS)


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
    """A synchronous standby in another zone; needs a tier above small."""
    deletion_protection: bool
    """The cloud itself refuses to delete it."""
    protect: bool
    """Pulumi refuses to delete or replace it."""
    major_version: int = 17
    storage_gb: int = 64
    backup_retention_days: int = 14
    """How far back a point in time can be restored, 7 to 35 days (on small Cloud SQL servers at most 7)."""
    log_retention_days: int = 365
    """How long exported logs are kept where the database component makes their store."""
    replicas: int = 0
    """Read replicas in the same region."""
    limits: Limits = field(default_factory=Limits)
    maintenance: Maintenance = field(default_factory=Maintenance)

    def __post_init__(self) -> None:
        _one_of("major_version", self.major_version, MAJOR_VERSIONS)
        _one_of("storage_gb", self.storage_gb, STORAGE_SIZES_GB)
        _one_of("log_retention_days", self.log_retention_days, LOG_RETENTION_DAYS)
        _between("backup_retention_days", self.backup_retention_days, 7, 35)
        _between("replicas", self.replicas, 0, 5)
        _between("maintenance.hour", self.maintenance.hour, 0, 23)
        self.limits.check()
        most = MOST_CONNECTIONS[self.tier]
        if self.limits.max_connections > most:
            raise InvalidSettings(
                f"limits.max_connections: {self.limits.max_connections} is more than the {most} of tier {self.tier}"
            )
        if self.tier is Tier.SMALL and (self.zone_redundant or self.replicas):
            key = "zone_redundant: True" if self.zone_redundant else f"replicas: {self.replicas}"
            raise InvalidSettings(f"{key} needs tier medium or large; Azure's burstable servers can have neither")


def _one_of(key: str, value: int, allowed: tuple[int, ...]) -> None:
    if value not in allowed:
        raise InvalidSettings(f"{key}: {value} is not one of {', '.join(map(str, allowed))}")


def _between(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidSettings(f"{key}: {value} is not within {low} to {high}")
