"""All processes that an environment may run fit into each of its database servers, or nothing of it is made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.connection_limits import ServerCapacity, branch_limit, count_connections
from app.settings import ServeSettings
from stacks.connections import ConnectionPlan, count_per_process, plan_connections
from stacks.environment import read_environment
from stacks.invalid_settings import InvalidSettings

CONFIG = Path(__file__).resolve().parents[2] / "stacks" / "config"
COMMITTED = ("local", "preview", "dev", "staging", "production")
RESERVED = 15
"""What Azure keeps of `max_connections` for itself."""


def plan(name: str, **app: Any) -> ConnectionPlan:
    document = yaml.safe_load((CONFIG / f"Pulumi.{name}.yaml").read_text())["config"]
    document["living-fortress:app"] |= app
    if name == "preview":
        name, document["living-fortress:expires"] = "preview-7", "2030-01-01"
    return plan_connections(read_environment(name, document, "settings.yaml"), "settings.yaml")


@given(pool_size=st.integers(1, 50))
def test_the_stacks_count_what_the_app_counts(pool_size: int) -> None:
    assert count_per_process(pool_size) == count_connections(pool_size, home=True)


@pytest.mark.parametrize("name", COMMITTED)
def test_the_app_finds_the_room_that_it_is_told_of(name: str) -> None:
    planned = plan(name)
    settings = ServeSettings(
        cloud="aws",
        oidc_issuer="https://issuer.example",
        oidc_audience="ledger",
        master_key="file:/key",
        processes=planned.processes,
    )
    capacity = ServerCapacity(planned.limits.max_connections - RESERVED, planned.limits.max_prepared_transactions)
    assert branch_limit("aws-0", capacity, settings, home=True) >= 8


@pytest.mark.parametrize(
    ("name", "processes", "connections", "prepared"),
    [("local", 15, 300, 200), ("preview", 6, 200, 100), ("dev", 27, 400, 300), ("production", 90, 1200, 800)],
)
def test_limits_follow_from_replicas_and_clouds(name: str, processes: int, connections: int, prepared: int) -> None:
    planned = plan(name)
    assert planned.processes == processes
    assert planned.limits.max_connections == connections
    assert planned.limits.max_prepared_transactions == prepared


@pytest.mark.parametrize(
    ("name", "app", "line"),
    [
        (
            "dev",
            {"maxReplicas": 6},
            "settings.yaml: living-fortress:app.maxReplicas = 6: 30 processes of 12 connections, and 60 to spare, "
            "need 420 of every database server, but size small takes 400: lower it or app.poolSize (4), "
            "or raise database.size",
        ),
        ("production", {"maxReplicas": 100}, "need 5460 of every database server, but size large takes 5000"),
        ("staging", {"poolSize": 10}, "90 processes of 27 connections"),
    ],
)
def test_more_than_a_server_takes_is_one_line_that_says_what_to_change(
    name: str, app: dict[str, Any], line: str
) -> None:
    with pytest.raises(InvalidSettings, match=re.escape(line)) as refused:
        plan(name, **app)
    assert "\n" not in str(refused.value)


def test_a_smaller_pool_makes_room_for_more_replicas() -> None:
    assert plan("dev", maxReplicas=6, poolSize=3).processes == 30
