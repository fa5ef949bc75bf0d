"""Settings of a server: what one cloud would refuse is refused for all, in one line, before anything is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.database.aws import format_backup_window, format_maintenance_window
from components.database.settings import (
    Day,
    InvalidSettings,
    Limits,
    Maintenance,
    PostgresSettings,
    Tier,
    list_azure_parameters,
    list_cloud_sql_flags,
    list_rds_parameters,
)


def settings(**changes: Any) -> PostgresSettings:
    usual: dict[str, Any] = {
        "tier": Tier.MEDIUM,
        "zone_redundant": True,
        "deletion_protection": True,
        "protect": True,
    }
    return PostgresSettings(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"major_version": 16}, "major_version: 16 is not one of 17, 18"),
        ({"storage_gb": 100}, "storage_gb: 100 is not one of 32, 64"),
        ({"backup_retention_days": 6}, "backup_retention_days: 6 is not within 7 to 35"),
        ({"backup_retention_days": 36}, "backup_retention_days: 36 is not within 7 to 35"),
        ({"replicas": 6}, "replicas: 6 is not within 0 to 5"),
        ({"maintenance": Maintenance(hour=24)}, "maintenance.hour: 24 is not within 0 to 23"),
        ({"limits": Limits(max_connections=24)}, "limits.max_connections: 24 is not within 25 to 5000"),
        ({"limits": Limits(max_connections=1800)}, "limits.max_connections: 1800 is more than the 1700 of tier medium"),
        ({"limits": Limits(max_prepared_transactions=-1)}, "limits.max_prepared_transactions: -1 is not within"),
        ({"limits": Limits(statement_timeout_ms=-1)}, "limits.statement_timeout_ms: -1 is not within"),
        ({"limits": Limits(idle_in_transaction_ms=0)}, "limits.idle_in_transaction_ms: 0 is not within"),
        ({"tier": Tier.SMALL}, "zone_redundant: True needs tier medium or large"),
        ({"tier": Tier.SMALL, "zone_redundant": False, "replicas": 1}, "replicas: 1 needs tier medium or large"),
        ({"log_retention_days": 100}, "log_retention_days: 100 is not one of"),
    ],
)
def test_what_a_cloud_would_refuse_is_refused_first(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        settings(**changes)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


LIMITS = Limits(
    max_connections=321, max_prepared_transactions=21, statement_timeout_ms=4321, idle_in_transaction_ms=54321
)
SAID = {
    "max_connections": "321",
    "max_prepared_transactions": "21",
    "statement_timeout": "4321",
    "idle_in_transaction_session_timeout": "54321",
}


def rds(of: PostgresSettings) -> dict[str, str]:
    return {parameter.name: parameter.value for parameter in list_rds_parameters(of)}


@pytest.mark.parametrize("parameters", [rds, list_azure_parameters, list_cloud_sql_flags])
def test_every_cloud_gets_the_limits_in_its_own_words(parameters: Any) -> None:
    values = parameters(settings(limits=LIMITS))
    assert {name: values[name] for name in SAID} == SAID


@pytest.mark.parametrize(
    ("parameters", "name", "value"),
    [
        (rds, "rds.force_ssl", "1"),
        (rds, "rds.logical_replication", "1"),
        (rds, "track_commit_timestamp", "1"),
        (rds, "ssl_min_protocol_version", "TLSv1.2"),
        (rds, "shared_preload_libraries", "pg_stat_statements,pgaudit"),
        (rds, "pgaudit.log", "ddl,role"),
        (rds, "log_connections", "1"),
        (list_azure_parameters, "require_secure_transport", "ON"),
        (list_azure_parameters, "wal_level", "logical"),
        (list_azure_parameters, "track_commit_timestamp", "on"),
        (list_azure_parameters, "ssl_min_protocol_version", "TLSv1.2"),
        (list_azure_parameters, "shared_preload_libraries", "pg_stat_statements,pgaudit"),
        (list_azure_parameters, "pgaudit.log", "ddl,role"),
        (list_azure_parameters, "log_connections", "on"),
        (list_cloud_sql_flags, "cloudsql.iam_authentication", "on"),
        (list_cloud_sql_flags, "cloudsql.logical_decoding", "on"),
        (list_cloud_sql_flags, "cloudsql.enable_pgaudit", "on"),
        (list_cloud_sql_flags, "track_commit_timestamp", "on"),
        (list_cloud_sql_flags, "pgaudit.log", "ddl,role"),
        (list_cloud_sql_flags, "log_connections", "on"),
    ],
)
def test_the_parameters_that_the_platform_rests_on(parameters: Any, name: str, value: str) -> None:
    assert parameters(settings())[name] == value


def test_parameters_that_need_a_restart_wait_for_one() -> None:
    methods = {parameter.name: parameter.apply_method for parameter in list_rds_parameters(settings())}
    assert methods["max_connections"] == "pending-reboot"
    assert methods["rds.logical_replication"] == "pending-reboot"
    assert methods["statement_timeout"] == "immediate"


def test_a_burstable_server_has_no_query_store() -> None:
    small = settings(tier=Tier.SMALL, zone_redundant=False)
    assert "pg_qs.query_capture_mode" not in list_azure_parameters(small)
    assert list_azure_parameters(settings())["pg_qs.query_capture_mode"] == "top"


@pytest.mark.parametrize(
    ("day", "hour", "window"),
    [
        (Day.SUNDAY, 2, "sun:02:00-sun:03:00"),
        (Day.SUNDAY, 23, "sun:23:00-mon:00:00"),
        (Day.WEDNESDAY, 0, "wed:00:00-wed:01:00"),
    ],
)
def test_maintenance_is_an_hour_as_rds_writes_it(day: Day, hour: int, window: str) -> None:
    assert format_maintenance_window(Maintenance(day=day, hour=hour)) == window


@pytest.mark.parametrize("hour", range(24))
def test_backups_end_before_maintenance_begins(hour: int) -> None:
    begin, end = format_backup_window(Maintenance(hour=hour)).split("-")
    assert end == f"{(hour - 1) % 24:02}:00"
    assert begin == f"{(hour - 2) % 24:02}:00"


def test_a_day_has_the_number_that_each_cloud_counts_from() -> None:
    assert (Day.MONDAY.number, Day.SUNDAY.number) == (1, 7)
    assert Day.SUNDAY.next is Day.MONDAY


def test_settings_can_be_varied() -> None:
    assert replace(settings(), replicas=2).replicas == 2
